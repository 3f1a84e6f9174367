"""Go's filepath.Match: the table of its documentation and tests, by rule."""

from __future__ import annotations

import pytest

from dockerfile_frontend.executor.db import StoreError
from dockerfile_frontend.executor.files.wildcards import check_pattern, compile_match, has_wildcards, split_wildcards

TABLE = """\
abc     abc      yes
*       abc      yes
*c      abc      yes
a*      ab/c     no
a*/b    abc/b    yes
a*/b    a/c/b    no
a*b*c*d*e*/f  axbxcxdxe/f    yes
a*b*c*d*e*/f  axbxcxdxe/xxx/f no
a*b?c*x abxbbxdbxebxczzx yes
ab[c]   abc      yes
ab[b-d] abc      yes
ab[e-g] abc      no
ab[^c]  abc      no
ab[^e-g] abc     yes
a\\*b   a*b      yes
a\\*b   ab       no
a?b     a☺b      yes
a[^a]b  a☺b      yes
a???b   a☺b      no
[a-ζ]*  α        yes
*[a-ζ]  A        no
a?b     a/b      no
a*b     a/b      no
[\\]a]  ]        yes
[\\-x]  -        yes
[x\\-]  z        no
a[      a        no
a[]     a]       no
[-]     -        no
[a      a        no
"""


@pytest.mark.parametrize("row", TABLE.splitlines())
def test_match(row: str) -> None:
    pattern, name, matches = row.split()
    assert compile_match(pattern.replace("\\\\", "\\"))(name) == (matches == "yes")


@pytest.mark.parametrize("pattern", ["/[", "/[]", "/[-]", "/a[b-", "/x*/a\\"])
def test_malformed(pattern: str) -> None:
    with pytest.raises(StoreError, match="syntax error in pattern"):
        check_pattern(pattern)


def test_an_escaped_star_is_a_star() -> None:
    assert not has_wildcards(r"a\*b")
    assert has_wildcards(r"a\\*b")
    assert split_wildcards("/src/a*/x") == ("/src", "a*/x")
    assert split_wildcards("/src/plain") == ("/src/plain", "")


def test_a_pattern_costs_no_more_than_its_length() -> None:
    """Stars beside each other are one star; no name makes the match explode."""
    assert not compile_match("a*" * 30 + "b")("a" * 200)
