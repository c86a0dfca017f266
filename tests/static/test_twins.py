# SPDX-License-Identifier: Apache-2.0
"""The same code does not stand in two places of src/: neither to the letter nor, within functions, with other names.

Only lines that say something count: no comments, includes and lone braces; with other names no labels of a switch
either, since a longer list of cases is no logic. Tables, which are alike on purpose, are outside of functions.
"""

import re
from collections import defaultdict
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
SAME_LINES = 8     # to the letter
SAME_SHAPE = 12  # with other names, strings and numbers

COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)
TOKEN = re.compile(r'(?P<string>"(?:[^"\\]|\\.)*")|(?P<number>\b\d\w*)|(?P<word>[A-Za-z_]\w*)')
KEPT_WORDS = set("""bool break case char const continue default do double else enum false float for goto if int int64_t
    long NULL return short size_t sizeof static struct switch true uint16_t uint32_t uint64_t uint8_t union unsigned
    void while""".split())


def without_comments(text):
    return COMMENT.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), text)


def lines_of(text):
    """Pairs of a line's number and its words."""
    for number, line in enumerate(without_comments(text).splitlines(), 1):
        line = " ".join(line.split())
        if re.search(r"\w", line) and not line.startswith("#include"):
            yield number, line


def shape_of(line):
    def replace(match):
        kind = match.lastgroup
        return match.group() if kind == "word" and match.group() in KEPT_WORDS else kind
    return TOKEN.sub(replace, line)


def shapes_of(text):
    """As lines_of, within functions: the tree's format has their braces, and no other line, at the margin."""
    lines, is_inside = text.splitlines(), False
    inside = set()
    for number, line in enumerate(lines, 1):
        if line[:1].strip():
            is_inside = line.endswith(") {")
        elif is_inside:
            inside.add(number)
    for number, line in lines_of(text):
        if number in inside and not line.startswith(("case ", "default:")):
            yield number, shape_of(line)


def twins(files, reader, size):
    """Pairs of places ((file, first line), (file, first line)) that share a run of `size` lines."""
    places = defaultdict(list)
    for name, text in files.items():
        lines = list(reader(text))
        for at in range(len(lines) - size + 1):
            run = tuple(line for _, line in lines[at:at + size])
            earlier = places[run]
            if not earlier or earlier[-1][0] != name or at - earlier[-1][2] >= size:  # else it overlaps itself
                earlier.append((name, lines[at][0], at))
    found = {}
    for run in places.values():
        for (one, one_line, one_at), (other, other_line, other_at) in zip(run, run[1:]):
            found.setdefault((one, other, other_at - one_at), f"{one}:{one_line} and {other}:{other_line}")
    return sorted(found.values())


def sources():
    paths = [path for path in (TOP / "src").rglob("*") if path.suffix in (".c", ".cc", ".h")]
    return {str(path.relative_to(TOP)): path.read_text() for path in sorted(paths)}


def test_no_lines_stand_twice():
    assert twins(sources(), lines_of, SAME_LINES) == []


def test_no_logic_stands_twice_with_other_names():
    assert twins(sources(), shapes_of, SAME_SHAPE) == []


ONE = """
static int make_box(struct box **ret_box) {
        struct box *box = calloc(1, sizeof(*box));
        if (!box)
                return -ENOMEM;
        box->width = 12; /* cm */
        box->name = "box";
        int r = box_paint(box);
        if (r >= 0)
                r = box_close(box);
        if (r < 0)
                box_free(box);
        else
                *ret_box = box;
        return r;
}
"""


def test_twins_are_found():
    copied = {"one.c": ONE, "two.c": ONE.replace("make_box", "make_other").replace("/* cm */", "")}
    assert twins(copied, lines_of, SAME_LINES) == ["one.c:3 and two.c:3"]
    renamed = {"one.c": ONE, "two.c": ONE.replace("box", "crate").replace("12", "13")}
    assert twins(renamed, lines_of, SAME_LINES) == []
    assert twins(renamed, shapes_of, SAME_SHAPE) == ["one.c:3 and two.c:3"]
    assert twins({"one.c": ONE + ONE}, lines_of, SAME_LINES) == ["one.c:2 and one.c:18"]


def test_what_only_looks_alike_is_not_found():
    other = ONE.replace("if (r >= 0)\n                r = box_close(box);", "box_open(box);\n        box_show(box);")
    assert twins({"one.c": ONE, "two.c": other}, shapes_of, SAME_SHAPE) == []
    table = "static const struct row rows[] = {\n" + '        { "a", 1 },\n' * 30 + "};\n"
    assert twins({"one.c": table, "two.c": table}, shapes_of, SAME_SHAPE) == []
