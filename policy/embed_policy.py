#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Checks the policy files and writes them as one C file of tables (src/shared/sandbox_policy.h).

README.md beside this file has the grammar. Every fault is reported with its file and line; one is enough for the
build to fail.
"""
import argparse
import ctypes
import difflib
import errno
import pathlib
import re
import sys

# AUDIT_ARCH_* of linux/audit.h. The first two are checked in every build.
ARCHITECTURES = {
    "x86_64": 0xC000003E,
    "aarch64": 0xC00000B7,
    "riscv64": 0xC00000F3,
    "loongarch64": 0xC0000102,
    "ppc64": 0xC0000015,
    "s390x": 0x80000016,
}
ALWAYS_CHECKED = ("x86_64", "aarch64")
UNKNOWN_CALL = -1  # __NR_SCMP_ERROR; other negative numbers are calls that this architecture lacks

VALUE = r"(?:\w+(?:\|\w+)*)"
CONDITION = re.compile(rf"arg([0-5]) (?:& ({VALUE}) )?== ({VALUE})$|arg([0-5]) in ({VALUE}(?: {VALUE})*)$")


class Fault(Exception):
    pass


class Calls:
    """The system calls that libseccomp knows."""

    def __init__(self):
        library = ctypes.CDLL("libseccomp.so.2")
        self.resolve = library.seccomp_syscall_resolve_name_arch
        self.resolve.argtypes = [ctypes.c_uint32, ctypes.c_char_p]
        self.name_of = library.seccomp_syscall_resolve_num_arch
        self.name_of.argtypes = [ctypes.c_uint32, ctypes.c_int]
        self.name_of.restype = ctypes.c_char_p

    def number(self, name, architecture):
        """The call's number; None where the architecture lacks it."""
        number = self.resolve(ARCHITECTURES[architecture], name.encode())
        if number == UNKNOWN_CALL:
            raise Fault(f"libseccomp knows no system call '{name}'{self.nearest(name)}")
        return number if number >= 0 else None

    def nearest(self, name):
        known = [self.name_of(ARCHITECTURES["x86_64"], number) for number in range(600)]
        close = difflib.get_close_matches(name, [call.decode() for call in known if call], 1)
        return f" (nearest: {close[0]})" if close else ""


def logical_lines(path):
    """Yields (line number, text, comment above) with comments cut off and continuations joined."""
    pending, comment = None, False
    for number, raw in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        text = raw.split("#", 1)[0].rstrip()
        if pending and text and raw[0].isspace():
            pending = (pending[0], f"{pending[1]} {text.strip()}", pending[2])
            continue
        if pending:
            yield pending
            pending = None
        if text:
            pending = (number, " ".join(text.split()), comment)
            comment = False
        else:
            comment = raw.startswith("#") or (comment and raw.strip() != "")
    if pending:
        yield pending


def parse_condition(text):
    """Returns the alternatives of one condition as lists of (argument, mask, value)."""
    match = CONDITION.match(text)
    if not match:
        raise Fault(f"'{text}' is no condition: expected argN == VALUE, argN & MASK == VALUE or argN in VALUE…")
    if match[4] is not None:
        return [(match[4], None, value) for value in match[5].split()]
    return [(match[1], match[2], match[3])]


def parse_conditions(text):
    """Every combination of the conditions' alternatives: each becomes a rule of its own."""
    combinations = [[]]
    for condition in text.split(" and "):
        alternatives = parse_condition(condition.strip())
        combinations = [known + [other] for known in combinations for other in alternatives]
    for combination in combinations:
        if len({argument for argument, _, _ in combination}) != len(combination):
            raise Fault("one argument stands in two conditions")
        if len(combination) > 2:
            raise Fault("more than two conditions")
    return combinations


class SeccompPolicy:
    """The rules of one daemon: call -> list of (action, error, conditions)."""

    def __init__(self, calls, architecture):
        self.calls, self.architecture = calls, architecture
        self.default, self.rules, self.numbers = None, {}, {}

    def read(self, path):
        group, seen = None, set()
        for number, line, commented in logical_lines(path):
            try:
                if line.startswith("["):
                    group = line
                    if not commented:
                        raise Fault(f"{line} has no comment that names the feature which needs it")
                elif line.startswith("default "):
                    self.default = self.parse_action(line.split()[1:])[0]
                elif group is None:
                    raise Fault("a rule in front of the first group")
                else:
                    self.add(line, seen)
            except Fault as fault:
                raise Fault(f"{path}:{number}: {fault}") from None

    @staticmethod
    def parse_action(words):
        if words[0] == "refuse":
            if len(words) < 2 or words[1] not in errno.errorcode.values():
                raise Fault("refuse needs the name of an error")
            return ("REFUSE", words[1]), words[2:]
        if words[0] in ("allow", "kill"):
            return (words[0].upper(), "0"), words[1:]
        raise Fault(f"unknown action '{words[0]}': expected allow, refuse or kill")

    def add(self, line, seen):
        head, _, conditions = line.partition(" when ")
        action, names = self.parse_action(head.split())
        only = names.pop(0)[1:] if names and names[0].startswith("@") else None
        if only is not None and only not in ARCHITECTURES:
            raise Fault(f"unknown architecture '@{only}'")
        if not names:
            raise Fault("no system call is named")
        combinations = parse_conditions(conditions) if conditions else [[]]
        for name in names:
            self.check_name(name, only)
            if name in seen:
                raise Fault(f"'{name}' stands here twice")
            seen.add(name)
            self.rules[name] = [(*action, combination) for combination in combinations]

    def check_name(self, name, only):
        self.numbers[name] = self.calls.number(name, self.architecture)
        for architecture in ALWAYS_CHECKED:
            exists = self.calls.number(name, architecture) is not None
            if only is None and not exists:
                raise Fault(f"{architecture} has no system call '{name}': it belongs on a line with '@'")
            if only is not None and exists != (architecture == only):
                raise Fault(f"'{name}' is not a call of {only} alone")

    def write(self, name, out):
        out.append(f"static const struct sandbox_rule {name}_rules[] = {{")
        for call in sorted(self.rules):
            if self.numbers[call] is None:
                continue
            for action, error, conditions in self.rules[call]:
                fields = [f'.call = "{call}"', f".number = {self.numbers[call]}", f".action = SANDBOX_{action}"]
                if error != "0":
                    fields.append(f".error = {error}")
                if conditions:
                    fields.append(f".condition_count = {len(conditions)}")
                    fields.append(".conditions = { " + ", ".join(map(self.condition, conditions)) + " }")
                out.append("        { " + ", ".join(fields) + " },")
        out.append("};")

    @staticmethod
    def condition(condition):
        argument, mask, value = condition
        return f"{{ .argument = {argument}, .mask = {mask or 'UINT64_MAX'}, .value = {value} }}"


class LandlockPolicy:
    """The places of one daemon: (access, optional, path)."""

    def __init__(self):
        self.places = []

    def read(self, path):
        for number, line, commented in logical_lines(path):
            try:
                if line.startswith("["):
                    if not commented:
                        raise Fault(f"{line} has no comment that names the feature which needs it")
                else:
                    self.add(line.split())
            except Fault as fault:
                raise Fault(f"{path}:{number}: {fault}") from None

    def add(self, words):
        access, paths = words[0].rstrip("?"), words[1:]
        if access not in ("read", "write") or len(words[0]) > len(access) + 1:
            raise Fault(f"unknown access '{words[0]}': expected read or write, with '?' where the place may be absent")
        if not paths:
            raise Fault("no place is named")
        for path in paths:
            if not re.fullmatch(r"/[\w./+-]*|\$[A-Z_]+", path):
                raise Fault(f"'{path}' is neither an absolute path nor a variable")
            if path.startswith("$") and not words[0].endswith("?"):
                raise Fault(f"'{path}' is absent in the foreground: it needs '{access}?'")
            if any(path == known for _, _, known in self.places):
                raise Fault(f"'{path}' stands here twice")
            self.places.append((access, words[0].endswith("?"), path))

    def write(self, name, out):
        access_names = {"read": "SANDBOX_READ", "write": "SANDBOX_READ | SANDBOX_WRITE"}
        out.append(f"static const struct sandbox_place {name}_places[] = {{")
        for access, optional, path in self.places:
            optional_text = ", .optional = true" if optional else ""
            out.append(f'        {{ .path = "{path}", .access = {access_names[access]}{optional_text} }},')
        out.append("};")


HEAD = """/* SPDX-License-Identifier: Apache-2.0 */
/* Made by policy/embed_policy.py from the files in policy/. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include <linux/sockios.h>

#include "shared/sandbox_policy.h"
"""


def embed(folder, names, architecture, extra):
    calls, out, table = Calls(), [HEAD], []
    for name in names:
        seccomp, landlock = SeccompPolicy(calls, architecture), LandlockPolicy()
        for part in [name] + extra:
            seccomp.read(folder / "seccomp" / f"{part}.policy")
            landlock.read(folder / "landlock" / f"{part}.policy")
        if seccomp.default is None:
            raise Fault(f"{folder}/seccomp/{name}.policy: no default")
        seccomp.write(name, out)
        landlock.write(name, out)
        action, error = seccomp.default
        table.append(
            f'        {{ .name = "{name}",\n'
            f"          .default_action = SANDBOX_{action}, .default_error = {error},\n"
            f"          .rules = {name}_rules, .rule_count = sizeof({name}_rules) / sizeof({name}_rules[0]),\n"
            f"          .places = {name}_places, .place_count = sizeof({name}_places) / sizeof({name}_places[0]) }},")
    out.append("const struct sandbox_policy sandbox_policies[] = {")
    out.extend(table)
    out.append("};")
    out.append("const size_t sandbox_policy_count = sizeof(sandbox_policies) / sizeof(sandbox_policies[0]);")
    return "\n".join(out) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--architecture", required=True)
    parser.add_argument("--extra", action="append", default=[], help="policy that is added to each")
    parser.add_argument("--output", type=pathlib.Path, required=True)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("name", nargs="+")
    options = parser.parse_args()
    if options.architecture not in ARCHITECTURES:
        sys.exit(f"embed_policy.py: no seccomp policy can be made for {options.architecture}")
    try:
        options.output.write_text(embed(options.folder, options.name, options.architecture, options.extra),
                                  encoding="utf-8")
    except Fault as fault:
        sys.exit(str(fault))


if __name__ == "__main__":
    main()
