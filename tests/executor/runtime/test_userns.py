"""User namespaces with one id and with many."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from dockerfile_frontend.executor.runtime.container import SecretFile
from dockerfile_frontend.executor.userns import id_rows, sub_ids
from tests.components import give_up
from tests.executor.runtime.box import Box
from tests.executor.runtime.driver import Job, Outcome


def test_rows_of_a_map() -> None:
    assert id_rows(1000, [(100000, 65536), (300000, 10)]) == [(0, 1000, 1), (1, 100000, 65536), (65537, 300000, 10)]


def test_sub_ids_by_name_and_by_number(tmp_path: Path) -> None:
    import pwd

    uid = os.geteuid()
    name = pwd.getpwuid(uid).pw_name
    (tmp_path / "subuid").write_text(
        f"{name}:100000:65536\nother:1:2\n{uid}:300000:10\nbroken\n{name}:x:1\n{name}:5:0\n"
    )
    assert sub_ids(str(tmp_path / "subuid")) == [(100000, 65536), (300000, 10)]
    assert sub_ids(str(tmp_path / "none")) == []


def run_with_sub_ids(box: Box, job: Job, ranges: str = "100000:65536") -> Outcome:
    """Run where /etc/subuid and /etc/subgid give the user a range; the machine's own files stay as they are."""
    if os.geteuid() != 0 or shutil.which("newuidmap") is None:
        give_up("needs root to set up, and newuidmap (package uidmap)")
    file = box.place(box.home / "subids", f"{box.uid}:{ranges}\n")
    return box.send(job, f"mount --bind {file} /etc/subuid && mount --bind {file} /etc/subgid")


def test_subordinate_ids_are_used(user_box: Box) -> None:
    job = user_box.job("cat /proc/self/uid_map; chown 1000:29 /tmp; stat -c %u:%g /tmp; id -u")
    outcome = run_with_sub_ids(user_box, job)
    assert [line.split() for line in outcome.lines[:2]] == [["0", str(user_box.uid), "1"], ["1", "100000", "65536"]]
    assert outcome.lines[2:] == ["1000:29", "0"]
    assert (user_box.root / "tmp").stat().st_uid == 100999


def test_another_user_and_its_groups(user_box: Box) -> None:
    user_box.write("etc/passwd", "app:x:1000:100::/home/app:/bin/sh\n")
    user_box.write("etc/group", "audio:x:29:app\n")
    mounts = (SecretFile("/s", b"value-of-it", mode=0o400, uid=1000),)
    job = user_box.job(
        "grep Groups /proc/self/status; id -u; stat -c %u /s; wc -c </s; pwd; stat -c %u .",
        user="app",
        mounts=mounts,
        cwd="/srv/x",
    )
    outcome = run_with_sub_ids(user_box, job)
    assert sorted(outcome.lines[0].split()[1:], key=int) == ["29", "100"]
    assert outcome.lines[1:] == ["1000", "1000", "11", "/srv/x", "1000"]


def test_an_id_beyond_the_range(user_box: Box) -> None:
    outcome = run_with_sub_ids(user_box, user_box.job("true", user="70000"))
    assert outcome.error == "user 70000: user 70000 does not exist in this rootless build"


def test_one_id_cannot_give_files_away(user_box: Box) -> None:
    outcome = user_box.run("chown 1000 /tmp; echo $?; grep Groups /proc/self/status; cat /proc/self/setgroups")
    assert outcome.lines[0] == "1"
    assert outcome.lines[-1] == "deny"


def test_the_hosts_root_is_mapped_away(user_box: Box, tmp_path: Path) -> None:
    """CVE-2019-5736 and its like: root inside is nobody special outside."""
    outcome = user_box.run("id -u; touch /sys/kernel/x /proc/sys/kernel/hostname 2>/dev/null; echo $?; touch /tmp/mine")
    assert outcome.lines[:2] == ["0", "1"]
    assert (user_box.root / "tmp/mine").stat().st_uid == user_box.uid


def test_where_new_proc_is_refused(user_box: Box) -> None:
    """In a container with a masked /proc the kernel refuses a pid namespace with /proc of its own, and so containers.

    What is asked here is that it is told, and that nothing is left.
    """
    if os.geteuid() != 0:
        pytest.skip("needs root to mask /proc")
    # Another mount of proc anywhere would be enough for the kernel.
    others = """awk '/ - proc / && $5 != "/proc" {print $5}' /proc/self/mountinfo | xargs -r umount -l"""
    outcome = user_box.send(user_box.job("true"), f"{others}; mount --bind /dev/null /proc/keys")
    assert outcome.error.startswith("no container runtime works here:\n")
    assert "unmasked /proc" in outcome.hint


REFUSED = """
import sys
sys.path.insert(0, {root!r})
from dockerfile_frontend.executor import userns
from dockerfile_frontend.executor.solver.model import ExecutorError
try:
    userns.enter(rootless=True)
except ExecutorError as error:
    print(error, error.hint, sep="|")
"""


def test_user_namespaces_that_are_forbidden(root_box: Box) -> None:
    """The limit is of a user namespace, so one is made to set it in."""
    script = root_box.home / "script.py"
    script.write_text(REFUSED.format(root=str(Path(__file__).parents[3])))
    inner = f"echo 0 >/proc/sys/user/max_user_namespaces && exec {sys.executable} {script}"
    command = ["unshare", "-Ur", "--mount-proc", "-pf", "sh", "-c", inner]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == (
        "cannot make a user namespace: No space left on device|sysctl user.max_user_namespaces=10000 allows them"
    ), done.stderr
