# SPDX-License-Identifier: Apache-2.0
"""The format of sealed files from docs/sealed-format.md alone, without a line of the product's: what both agree on is the
format. `sealed.py vectors` writes the test vectors, `sealed.py open KEYS FILE` the content of a file."""

import hashlib
import json
import math
import sys

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

MAGIC = bytes.fromhex("894343534541 4c0a")
BLOCK, CHUNK, NONCE, TAG = 4096, 65536, 12, 16
RECORD = NONCE + CHUNK + TAG
MORE, LAST, TAIL = 0, 1, 2


def associated(file_id, index, kind):
    return file_id + index.to_bytes(8, "big") + bytes([kind])


def header(master, key_id, file_id, key, nonce):
    start = MAGIC + (1).to_bytes(4, "big") + CHUNK.to_bytes(4, "big") + file_id + key_id.encode().ljust(16, b"\0")
    return start + nonce + AESGCM(master).encrypt(nonce, key, start)


def record(key, file_id, index, kind, nonce, chunk):
    return nonce + AESGCM(key).encrypt(nonce, chunk, associated(file_id, index, kind))


def seal(vector, content):
    master, file_id, key, nonce = (bytes.fromhex(vector[name])
                                   for name in ("master_key", "file_id", "file_key", "header_nonce"))
    chunks = [content[at:at + CHUNK] for at in range(0, len(content), CHUNK)] or [b""]
    head = header(master, vector["key_id"], file_id, key, nonce)
    data = head.ljust(2 * BLOCK, b"\0")
    for index, chunk in enumerate(chunks):
        kind = LAST if index == len(chunks) - 1 else MORE
        data += record(key, file_id, index, kind, record_nonce(index), chunk)
    return head, data


def read_keys(text):
    return {line.split()[0]: bytes.fromhex(line.split()[1]) for line in text.splitlines()[1:] if line.strip()}


def open_header(block, keys):
    if block[:8] != MAGIC or block[8:16] != (1).to_bytes(4, "big") + CHUNK.to_bytes(4, "big") or any(block[108:]):
        return None
    master = keys.get(block[32:48].rstrip(b"\0").decode())
    return master and (block[16:32], AESGCM(master).decrypt(block[48:60], block[60:108], block[:48]))


def unseal(data, keys):
    file_id, key = open_header(data[:BLOCK], keys) or open_header(data[BLOCK:2 * BLOCK], keys)
    records = data[2 * BLOCK:]
    count = math.ceil(len(records) / RECORD)
    content = b""
    for index in range(count):
        one = records[index * RECORD:(index + 1) * RECORD]
        kind = LAST if index == count - 1 else MORE
        content += AESGCM(key).decrypt(one[:NONCE], one[NONCE:], associated(file_id, index, kind))
    return content


def record_nonce(index):
    """Of the vectors alone: a real one is random."""
    return bytes([0xA0]) * 4 + index.to_bytes(8, "big")


def content_of(length):
    return bytes(i * 7 % 251 for i in range(length))


def make_vectors():
    vectors = []
    for number, length in enumerate((0, 1, 100, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 200000)):
        vector = {
            "length": length,
            "master_key": bytes(range(number, number + 32)).hex(),
            "key_id": f"20260101-{number:04x}",
            "file_id": bytes(0x40 + number + i for i in range(16)).hex(),
            "file_key": bytes(255 - number - i for i in range(32)).hex(),
            "header_nonce": bytes(0x80 + number + i for i in range(12)).hex(),
        }
        head, data = seal(vector, content_of(length))
        vector["header"] = head.hex()
        if length <= 100:
            vector["records"] = data[2 * BLOCK:].hex()
        vector["size"] = len(data)
        vector["sha256"] = hashlib.sha256(data).hexdigest()
        vectors.append(vector)
    return {
        "about": "Sealed files of docs/sealed-format.md. Byte i of the content is i * 7 mod 251; the nonce of record i is "
                 "a0a0a0a0 and i as eight bytes; block 0 has the header and block 1 is zero.",
        "vectors": vectors,
    }


if __name__ == "__main__":
    if sys.argv[1] == "vectors":
        print(json.dumps(make_vectors(), indent=2))
    else:
        with open(sys.argv[2]) as keys_file, open(sys.argv[3], "rb") as sealed_file:
            sys.stdout.buffer.write(unseal(sealed_file.read(), read_keys(keys_file.read())))
