# SPDX-License-Identifier: Apache-2.0
"""policy/embed_policy.py: what it makes of a policy, and that each mistake is named with its line."""
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[2]
SCRIPT = ROOT / "policy/embed_policy.py"
SECCOMP = "default refuse ENOSYS\n# Feature\n[group]\n"
LANDLOCK = "# Feature\n[group]\nread /etc\n"


def embed(folder, seccomp, landlock=LANDLOCK, architecture="x86_64"):
    for kind, text in (("seccomp", seccomp), ("landlock", landlock)):
        (folder / kind).mkdir(exist_ok=True)
        (folder / kind / "test.policy").write_text(text)
    output = folder / "out.c"
    result = subprocess.run(
        [sys.executable, SCRIPT, "--architecture", architecture, "--output", output, folder, "test"],
        capture_output=True, text=True, check=False)
    return result, output.read_text() if output.exists() else None


def made(folder, *arguments, **options):
    result, text = embed(folder, *arguments, **options)
    assert result.returncode == 0, result.stderr
    return text


@pytest.mark.parametrize("line, complaint", [
    ("allow reed", "test.policy:4: libseccomp knows no system call 'reed' (nearest: read"),
    ("allow poll", "aarch64 has no system call 'poll': it belongs on a line with '@'"),
    ("allow @x86_64 read", "'read' is not a call of x86_64 alone"),
    ("allow @vax read", "unknown architecture '@vax'"),
    ("allow @aarch64 poll", "'poll' is not a call of aarch64 alone"),
    ("allow read read", "'read' stands here twice"),
    ("allow", "no system call is named"),
    ("permit read", "unknown action 'permit'"),
    ("refuse EWHAT read", "refuse needs the name of an error"),
    ("allow read when arg0 != 1", "'arg0 != 1' is no condition"),
    ("allow read when arg6 == 1", "'arg6 == 1' is no condition"),
    ("allow read when arg0 == f(x)", "is no condition"),
    ("allow read when arg0 == 1 and arg0 == 2", "one argument stands in two conditions"),
    ("allow read when arg0 == 1 and arg1 == 1 and arg2 == 1", "more than two conditions"),
    ("\n[other]\nallow read", "test.policy:5: [other] has no comment"),
    ("# cut off\n\n[other]\nallow read", "[other] has no comment"),
])
def test_mistakes_in_a_seccomp_policy(tmp_path, line, complaint):
    result, text = embed(tmp_path, SECCOMP + line + "\n")
    assert result.returncode != 0 and text is None
    assert complaint in result.stderr


def test_a_seccomp_policy_needs_a_default(tmp_path):
    assert "no default" in embed(tmp_path, "# Feature\n[group]\nallow read\n")[0].stderr
    assert "in front of the first group" in embed(tmp_path, "default kill\nallow read\n")[0].stderr


@pytest.mark.parametrize("line, complaint", [
    ("execute /bin", "test.policy:4: unknown access 'execute'"),
    ("read?? /bin", "unknown access 'read??'"),
    ("write", "no place is named"),
    ("read bin", "'bin' is neither an absolute path nor a variable"),
    ('read /a"b', "is neither an absolute path nor a variable"),
    ("write $STATE_DIRECTORY", "it needs 'write?'"),
    ("read /etc", "'/etc' stands here twice"),
    ("[other]\nread /usr", "[other] has no comment"),
])
def test_mistakes_in_a_landlock_policy(tmp_path, line, complaint):
    result, text = embed(tmp_path, SECCOMP + "allow read\n", LANDLOCK + line + "\n")
    assert result.returncode != 0 and text is None
    assert complaint in result.stderr


def test_numbers_are_those_of_the_architecture(tmp_path):
    policy = SECCOMP + "allow read  # comment\nallow @x86_64 poll\nkill\n      ptrace\n"
    text = made(tmp_path, policy)
    assert '.call = "read", .number = 0, .action = SANDBOX_ALLOW' in text
    assert '.call = "poll", .number = 7, .action = SANDBOX_ALLOW' in text
    assert '.call = "ptrace", .number = 101, .action = SANDBOX_KILL' in text
    text = made(tmp_path, policy, architecture="aarch64")
    assert '.call = "read", .number = 63, .action = SANDBOX_ALLOW' in text
    assert '"poll"' not in text


def test_conditions_become_rules(tmp_path):
    text = made(tmp_path, SECCOMP + "allow fcntl when arg1 in F_GETFD F_SETFD and arg2 & 3|4 == 1\n")
    assert text.count('.call = "fcntl"') == 2
    assert "{ .argument = 1, .mask = UINT64_MAX, .value = F_SETFD }, { .argument = 2, .mask = 3|4, .value = 1 }" in text


def test_the_projects_policies_hold_on_both_architectures(tmp_path):
    for architecture in ("x86_64", "aarch64"):
        subprocess.run([sys.executable, SCRIPT, "--architecture", architecture, "--output", tmp_path / "out.c",
                        ROOT / "policy", "server"], check=True)
