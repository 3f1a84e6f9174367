"""Symbolic modes as chmod(1) reads them."""

from __future__ import annotations

import pytest

from dockerfile_frontend.executor.files.modes import ModeError, parse_mode

TABLE = """\
0644  u+x         0744
0644  +x          0755
0644  a+X         0644
0744  a+X         0755
0777  go-w        0755
0644  u=rwx,go=rx 0755
0600  go=u        0666
0640  o=g         0644
0755  u-x,g-x,o-x 0644
0644  u+s         4644
0644  g+s         2644
0644  +t          1644
4755  u-s         0755
7777  =           1000
6777  o=          6770
0644  755         0755
0644  0           0000
0644  04755       4755
0644  u+rwx-w     0544
0764  g-u         0704
0644  o+t         0644
0755  u=,g=,o=r   0004
"""


@pytest.mark.parametrize("row", TABLE.splitlines())
def test_files(row: str) -> None:
    before, text, after = row.split()
    assert f"{parse_mode(text)(int(before, 8), is_directory=False):04o}" == after


def test_directories_can_always_be_entered_with_a_capital_x() -> None:
    assert parse_mode("a+X")(0o644, is_directory=True) == 0o755


@pytest.mark.parametrize(
    "text", ["", "u", "u+q", "+-x,", "x", "u+x,", ",u+x", "9", "888", "77777", "u x", "0x1ff", "1" * 40]
)
def test_what_is_no_mode(text: str) -> None:
    with pytest.raises(ModeError, match="invalid syntax"):
        parse_mode(text)
