#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes docs/sample-site/chimes.wav: eight seconds of chimes, 8 bits, one channel, 8 kHz."""

import math
import pathlib
import wave

RATE = 8000
SECONDS = 8
# A pentatonic scale up and down: any part of it sounds like the rest, wherever one starts to listen.
TONES = [392.0, 440.0, 523.25, 587.33, 659.25, 784.0, 659.25, 587.33, 523.25, 440.0]


def main():
    samples = [0.0] * (RATE * SECONDS)
    for number in range(SECONDS * 2 - 2):
        start = number * RATE // 2
        tone = TONES[number % len(TONES)]
        for i in range(start, min(start + 2 * RATE, len(samples))):
            seconds = (i - start) / RATE
            sound = math.sin(2 * math.pi * tone * seconds) + 0.35 * math.sin(2 * math.pi * 2.76 * tone * seconds)
            samples[i] += sound * math.exp(-3 * seconds) * min(1, seconds * 200)
    loudest = max(abs(sample) for sample in samples)
    path = pathlib.Path(__file__).parent / "sample-site" / "chimes.wav"
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 1, RATE, 0, "NONE", None))
        file.writeframes(bytes(round(128 + 110 * sample / loudest) for sample in samples))


if __name__ == "__main__":
    main()
