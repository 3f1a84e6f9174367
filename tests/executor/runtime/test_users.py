"""Names and numbers of users, as the reference reads them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from dockerfile_frontend.executor.rooted import open_root
from dockerfile_frontend.executor.runtime.users import Account, look_up
from dockerfile_frontend.executor.solver.model import ExecutorError

PASSWD = """\
root:x:0:0:root:/root:/bin/sh
# comment
broken line
huge:x:99999999999999999999999999:0::/:/bin/sh
app:x:1000:100::/home/app:/bin/sh
app:x:1001:101::/home/second:/bin/sh
1000x:x:7:7::/:/bin/sh
123:x:55:55::/odd:/bin/sh
bare:x:8:8
"""
GROUP = """\
root:x:0:
wheel:x:10:root,app
audio:x:29:app
short:x:30
"""
Find = Callable[[str], Account]


@pytest.fixture
def find(tmp_path: Path) -> Find:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/passwd").write_text(PASSWD)
    (tmp_path / "etc/group").write_text(GROUP)
    return lambda user: look_up(open_root(str(tmp_path)), user)


@pytest.mark.parametrize(
    ("user", "account"),
    [
        ("", Account(0, 0, (0, 10), "/root")),
        ("root", Account(0, 0, (0, 10), "/root")),
        ("0", Account(0, 0, (0, 10), "/root")),
        ("app", Account(1000, 100, (100, 10, 29), "/home/app")),
        ("1000", Account(1000, 100, (100, 10, 29), "/home/app")),
        ("app:audio", Account(1000, 29, (29,), "/home/app")),
        ("app:77", Account(1000, 77, (77,), "/home/app")),
        ("1000:77", Account(1000, 77, (77,), "/home/app")),
        ("root:root", Account(0, 0, (0,), "/root")),
        ("4000", Account(4000, 0, (0,), "/")),
        ("4000:10", Account(4000, 10, (10,), "/")),
        ("123", Account(123, 0, (0,), "/")),
        (":audio", Account(0, 29, (29,), "/root")),
        ("bare", Account(8, 8, (8,), "/")),
        ("app:short", Account(1000, 30, (30,), "/home/app")),
    ],
)
def test_look_up(find: Find, user: str, account: Account) -> None:
    assert find(user) == account


@pytest.mark.parametrize(
    ("user", "message"),
    [
        ("ghost", "unable to find user ghost: no matching entries in passwd file"),
        ("huge", "unable to find user huge: no matching entries in passwd file"),
        ("app:ghosts", "unable to find group ghosts: no matching entries in group file"),
        ("-1", "user -1: uids and gids must be in range 0-2147483647"),
        ("2147483648", "user 2147483648: uids and gids must be in range 0-2147483647"),
        ("9" * 5000, f"user {'9' * 5000}: uids and gids must be in range 0-2147483647"),
    ],
)
def test_refusals(find: Find, user: str, message: str) -> None:
    with pytest.raises(ExecutorError) as caught:
        find(user)
    assert str(caught.value) == message


def test_without_files_root_exists_and_nobody_else(tmp_path: Path) -> None:
    root = open_root(str(tmp_path))
    assert look_up(root, "") == Account(0, 0, (0,), "/")
    assert look_up(root, "7") == Account(7, 0, (0,), "/")
    with pytest.raises(ExecutorError, match="unable to find user app"):
        look_up(root, "app")


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/passwd").write_bytes(b"\xff\xfe:x:1:1::/\n\0\0\0\napp:x:5:5::/h\xff:/bin/sh\n")
    assert look_up(open_root(str(tmp_path)), "app").uid == 5
