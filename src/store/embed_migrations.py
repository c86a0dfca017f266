# SPDX-License-Identifier: Apache-2.0
"""Writes numbered SQL files as a C table: embed_migrations.py NAME OUTPUT FILE…"""

import re
import sys
from pathlib import Path


def quoted(line):
    return '"' + line.replace("\\", "\\\\").replace('"', '\\"') + '\\n"'


def main(name, output, *paths):
    files = sorted(map(Path, paths), key=lambda path: path.name)
    for number, path in enumerate(files, 1):
        match = re.fullmatch(r"(\d{4})-[a-z0-9-]+\.sql", path.name)
        if not match or int(match[1]) != number:
            sys.exit(f"{path}: the name must be {number:04}-WORDS.sql")
    rows = [f'        {{\n                "{path.name}",\n'
            + "".join(f"                {quoted(line)}\n" for line in path.read_text().splitlines())
            + "        },\n" for path in files]
    Path(output).write_text(f"/* Made by embed_migrations.py. */\n#include \"store/migration.h\"\n\n"
                            f"extern const struct store_migrations {name};\n\n"
                            f"static const struct store_migration items[] = {{\n{''.join(rows)}}};\n\n"
                            f"const struct store_migrations {name} = {{ items, {len(files)} }};\n")


main(*sys.argv[1:])
