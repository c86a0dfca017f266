# SPDX-License-Identifier: Apache-2.0
"""An honest open-loop client: asks for a file at a fixed rate, each time on a connection of its own, whether or not the earlier
answers have come. Ends when its standard input does, and prints what became of its requests.

Usage: honest.py PORT PATH RATE
"""

import asyncio
import json
import sys

PATIENCE = 10  # seconds that a request may take, the connection included


async def ask(port, path):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        answer = await reader.read(-1)
    finally:
        writer.close()
    head, _, body = answer.partition(b"\r\n\r\n")
    length = next(int(line.split()[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:"))
    return head.startswith(b"HTTP/1.1 200 ") and len(body) == length


async def main(port, path, rate):
    loop = asyncio.get_running_loop()
    outcomes, latencies, asked = {"answered": 0}, [], []

    async def request(due):
        try:
            outcome = "answered" if await asyncio.wait_for(ask(port, path), PATIENCE) else "wrong"
        except (OSError, asyncio.TimeoutError, StopIteration) as error:
            outcome = type(error).__name__
        outcomes[outcome] = outcomes.get(outcome, 0) + 1
        latencies.append(loop.time() - due)

    ended = asyncio.create_task(asyncio.to_thread(sys.stdin.read))
    due = loop.time()
    while not ended.done():
        asked.append(asyncio.create_task(request(due)))
        due += 1 / rate
        await asyncio.sleep(max(0, due - loop.time()))
    await asyncio.gather(*asked)
    latencies.sort()
    print(json.dumps({"asked": len(asked), **outcomes, "worst_ms": round(1000 * latencies[-1]),
                      "median_ms": round(1000 * latencies[len(latencies) // 2])}))


asyncio.run(main(int(sys.argv[1]), sys.argv[2], float(sys.argv[3])))
