"""Fixes: what they change and what they leave, that they are proven, and how files are written."""

from __future__ import annotations

import base64
import gzip
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from dockerfile_frontend.compiler.options import CompileOptions
from dockerfile_frontend.lint import fix as fix_module
from dockerfile_frontend.lint.edits import Lines, Taken, edit_bytes, patches_of
from dockerfile_frontend.lint.fix import Fixed, fix_data
from dockerfile_frontend.lint.images import Images
from dockerfile_frontend.lint.model import Edit, Fix
from dockerfile_frontend.lint.proof import Proof
from dockerfile_frontend.lint.rewrite import rewrite
from dockerfile_frontend.lint.run import Unreadable, Wishes
from dockerfile_frontend.lint.table import Selection
from dockerfile_frontend.source import Span
from tests.lint.linting import KNOWN, lint_text
from tests.running import ROOT, dfc

WILD = ROOT.parent / "shared" / "conformance" / "cases-wild.jsonl.gz"


def fixed(text: str | bytes, kind: str = "safe", *select: str, images: Images | None = None) -> Fixed:
    data = text.encode() if isinstance(text, str) else text
    return fix_data("Dockerfile", data, Wishes(Selection(select), fixes=kind, images=images))


SAFE = [
    ("from a\nRUN x\nRUN y\nCMD []\n", "FROM a\nRUN x\nRUN y\nCMD []\n"),
    ("from a\nrun x\nCMD []\n", "from a\nrun x\ncmd []\n"),
    ("FROM a as b\n", "FROM a AS b\n"),
    ("FROM a AS Big\nFROM b\nCOPY --from=Big a b\n", "FROM a AS big\nFROM b\nCOPY --from=big a b\n"),
    ("FROM a\nEXPOSE 80/TCP 81/Udp\n", "FROM a\nEXPOSE 80/tcp 81/udp\n"),
    ("FROM a\nEXPOSE 127.0.0.1:80:82\n", "FROM a\nEXPOSE 82\n"),
    ("FROM a\nENV A b\nLABEL  c \t d e\n", 'FROM a\nENV A=b\nLABEL  c="d e"\n'),
    ("FROM a\nENV A $B c\n", 'FROM a\nENV A="$B c"\n'),
    ('FROM a\nENV A "b  c"\n', 'FROM a\nENV A="b  c"\n'),
    ("FROM a\nENV A b \\\n# why\n   c\n", 'FROM a\nENV A="b \\\n# why\n   c"\n'),
    ("FROM a\nRUN a \\\n\n  b \\\n \t\n\n  c\nRUN d\n", "FROM a\nRUN a \\\n  b \\\n  c\nRUN d\n"),
    ("FROM --platform=$TARGETPLATFORM a\n", "FROM a\n"),
    ("FROM scratch\nWORKDIR a\n", "FROM scratch\nWORKDIR /a\n"),
    ("FROM a\nWORKDIR /b\nWORKDIR c/../d\n", "FROM a\nWORKDIR /b\nWORKDIR /b/d\n"),
    ("ARG V\nFROM a:$V as b\n", "ARG V\nFROM a:$V AS b\n"),
    ("FROM a\nRUN <<E\nx \\\n\nE\nENV A b", "FROM a\nRUN <<E\nx \\\n\nE\nENV A=b"),
    ("# escape=`\nFROM a\nENV A b `\n  c\\d\n", '# escape=`\nFROM a\nENV A="b `\n  c\\d"\n'),
    ("ARG A=1\nARG B\nFROM x:$B\n", "ARG B\nFROM x:$B\n"),
    ("FROM a\n# dfc: ignore=DL3007 as ever\nRUN x\n", "FROM a\nRUN x\n"),
    ("FROM a\nRUN x \\\n  # dfc: ignore=DL3007\n  y\n", "FROM a\nRUN x \\\n  y\n"),
]


@pytest.mark.parametrize(("before", "after"), SAFE)
def test_a_safe_fix_mends_and_keeps_what_is_built(before: str, after: str) -> None:
    found = fixed(before)
    assert found.data.decode() == after
    assert sum(found.counts.values()) >= 1
    assert Proof(before.encode(), CompileOptions(), Images()).holds_for(found.data, history=True)
    assert fixed(after).data == found.data


@pytest.mark.parametrize(("before", "after"), SAFE)
def test_line_ends_and_marks_stay_as_they_are(before: str, after: str) -> None:
    mark = b"\xef\xbb\xbf"
    assert fixed(mark + before.replace("\n", "\r\n").encode()).data == mark + after.replace("\n", "\r\n").encode()


CHOSEN = [
    ("DFC003", "FROM a \nRUN x \\  \n  y\n# z\t\n", "FROM a\nRUN x \\\n  y\n# z\n"),
    ("DFC003", 'FROM a\nENV A="x  \\\n  y" \n', 'FROM a\nENV A="x  \\\n  y"\n'),
    ("DFC004", "FROM a\nRUN x", "FROM a\nRUN x\n"),
    ("DFC004", "FROM a\r\nRUN x", "FROM a\r\nRUN x\r\n"),
]


@pytest.mark.parametrize(("rule", "before", "after"), CHOSEN)
def test_rules_that_are_off_mend_safely_when_chosen(rule: str, before: str, after: str) -> None:
    assert fixed(before, "safe", rule).data.decode() == after
    assert fixed(after, "safe", rule).data.decode() == after


UNSAFE = [
    (
        "FROM a:latest\n# hadolint ignore=DL3002 , DL3045\nUSER root\n",
        "FROM a:latest\n# hadolint ignore=DL3002\nUSER 0\n",
    ),
    ("FROM a\nRUN sudo make\nUSER me\nRUN sudo make\n", "FROM a\nRUN make\nUSER me\nRUN sudo make\n"),
    ("FROM a\nRUN curl -fkL x && wget -q --no-check-certificate y\n", "FROM a\nRUN curl -fL x && wget -q y\n"),
    ("FROM a\nRUN yum install -y --nogpgcheck x-1\n", "FROM a\nRUN yum install -y x-1 && yum clean all\n"),
    ("ARG V=1\nFROM a\nRUN x $V\n", "ARG V=1\nFROM a\nARG V\nRUN x $V\n"),
    ("# syntx=docker/dockerfile:1\nFROM a\n", "# syntax=docker/dockerfile:1\nFROM a\n"),
    ("FROM a\nSTOPSIGNAL 9\n", "FROM a\nSTOPSIGNAL SIGTERM\n"),
    ("FROM a\nMAINTAINER 'Q \"x\" $Y'\n", 'FROM a\nLABEL org.opencontainers.image.authors="Q \\"x\\" \\$Y"\n'),
    ("FROM a\nWORKDIR b\n", "FROM a\nWORKDIR /b\n"),
    ("FROM a\nCMD x y\n", 'FROM a\nCMD ["x", "y"]\n'),
    ('FROM a\nCMD x\n\nCMD ["y"]\n', 'FROM a\n\nCMD ["y"]\n'),
    ("FROM a\nADD b /c\n", "FROM a\nCOPY b /c\n"),
    ("FROM a\nCOPY b c/\n", "FROM a\nCOPY b /c/\n"),
    (
        "FROM a\nRUN apt-get update && \\\n    apt-get install x=1\n",
        """FROM a\nRUN apt-get update && \\\n    apt-get install --no-install-recommends -y x=1 \\
    && rm -rf /var/lib/apt/lists/*\n""",
    ),
    ("FROM a\nRUN yum install x-1\n", "FROM a\nRUN yum install -y x-1 && yum clean all\n"),
    ("FROM a\nRUN zypper in x=1\n", "FROM a\nRUN zypper -n in x=1 && zypper clean\n"),
    ("FROM a\nRUN apk add x=1\n", "FROM a\nRUN apk add --no-cache x=1\n"),
    ("FROM a\nRUN pip install x==1\n", "FROM a\nRUN pip install --no-cache-dir x==1\n"),
    (
        "FROM a\nRUN apt install -y x=1\n",
        "FROM a\nRUN apt-get install --no-install-recommends -y x=1\n",
    ),
    ("FROM a\nRUN apt update\n", "FROM a\nRUN apt-get update && rm -rf /var/lib/apt/lists/*\n"),
    ("FROM a\nARG FOOBAR=1\nENV A=$FOOBAZ\n", "FROM a\nARG FOOBAR=1\nENV A=$FOOBAR\n"),
]


@pytest.mark.parametrize(("before", "after"), UNSAFE)
def test_an_unsafe_fix_is_made_only_when_it_is_wanted(before: str, after: str) -> None:
    assert fixed(before).data.decode() == before
    assert fixed(before, "unsafe").data.decode() == after
    assert fixed(after, "unsafe").data.decode() == after


LEFT = [
    b"ARG A=1\n# syntax=docker/dockerfile:1\nFROM a\n",
    b"# dfc: ignore=FromAsCasing\n# syntax=docker/dockerfile:1\nFROM a\n",
    b"FROM a as b\nCOPPY x y\n",
    b"FROM a as b\nFROM b-\n",
    b'FROM a\nENV A b "c\n',
    b"FROM a\n# dfc: ignore=LegacyKeyValueFormat\nENV A b\n",
    b"FROM a\nRUN apt-get update | tee log\n",
    b"",
    b"\xff\xfe\x00",
]


@pytest.mark.parametrize("data", LEFT)
def test_a_file_that_is_broken_or_not_simple_is_left_alone(data: bytes) -> None:
    select = ("FromAsCasing", "LegacyKeyValueFormat", "DL3009", "DL3027", "DFC001", "DFC106")
    assert fixed(data, "unsafe", *select).data == data


def test_what_a_base_image_says_decides_whether_a_fix_is_safe() -> None:
    text = "FROM a\nWORKDIR b\n"
    assert fixed(text).data.decode() == text
    assert fixed(text, images=Images(KNOWN)).data.decode() == "FROM a\nWORKDIR /b\n"


def test_a_rule_that_claims_too_much_is_not_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "FROM a\nCMD x y\n"
    honest = fix_module.kind_of
    monkeypatch.setattr(fix_module, "kind_of", lambda fix: "history" if "JSON" in fix.description else honest(fix))
    assert fixed(text).data.decode() == text
    assert fixed(text, "unsafe").data.decode() == 'FROM a\nCMD ["x", "y"]\n'


def test_one_fix_that_does_not_hold_stops_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = Proof.holds_for
    monkeypatch.setattr(
        Proof, "holds_for", lambda self, data, *, history: b"B=2" not in data and honest(self, data, history=history)
    )
    text = "FROM a\n" + "".join(f"ENV {name} {number}\n" for number, name in enumerate("ABCDE", 1))
    assert fixed(text).data.decode() == text.replace(" ", "=").replace("FROM=a", "FROM a").replace(
        "ENV=", "ENV "
    ).replace("B=2", "B 2")


PROVEN = [
    ("FROM a AS b\nRUN x\nFROM b\nRUN z\n", "FROM a AS b\nRUN y\nFROM b\nRUN z\n", False),
    ("FROM a AS b\nUSER x\nFROM c\nCOPY --from=b d d\n", "FROM a AS b\nUSER y\nFROM c\nCOPY --from=b d d\n", False),
    (
        "FROM a AS b\nFROM a AS c\nFROM d\nCOPY --from=b e e\n",
        "FROM a AS b\nFROM a AS c\nFROM d\nCOPY --from=c e e\n",
        False,
    ),
    ("FROM a AS B\n", "FROM a AS b\n", True),
    ("FROM a\nRUN x\n", "FROM a\nRUN  y\n", False),
    ("FROM a\nUSER x\nFROM b\n", "FROM a\nUSER y\nFROM b\n", False),
    ("FROM a\nRUN x\nFROM b\n", "FROM a\nRUN y\nFROM b\n", False),
    ("ARG V=1\nFROM a:$V\n", "ARG V=1\nFROM a:1\n", False),
    ("FROM a\nARG V=1\nRUN x\n", "FROM a\nARG V=2\nRUN x\n", False),
    ("FROM a\nENV X=$HOME\n", "FROM a\nENV X=\n", False),
    ("FROM --platform=$TARGETPLATFORM a\n", "FROM --platform=linux/amd64 a\n", False),
    ('FROM a\nSHELL ["/bin/sh", "-c"]\nRUN x\n', "FROM a\nRUN x\n", False),
    ("FROM a\nCOPY a b\n", "FROM a\nADD a b\n", False),
    ("FROM a\nSTOPPSIGNAL 9\n", "FROM a\nSTOPPSIGNAL 9\n", False),
]


@pytest.mark.parametrize(("before", "after", "same"), PROVEN)
def test_the_proof_looks_at_all_that_counts(before: str, after: str, same: bool) -> None:  # noqa: FBT001  a column
    proof = Proof(before.encode(), CompileOptions(), Images())
    assert proof.holds_for(after.encode(), history=False) is same
    assert proof.holds_for(before.encode(), history=False) is proof.can_tell()


def test_edits_have_a_place_in_bytes_that_are_no_text() -> None:
    data = b"\xef\xbb\xbf\xffA\xe2\x82 b\r\nlast"
    lines = Lines(data)
    for span, text, wanted in (
        (Span(1, 2, 1, 3), "x", b"\xef\xbb\xbf\xffx\xe2\x82 b\r\nlast"),
        (Span(1, 6, 1, 7), "c", b"\xef\xbb\xbf\xffA\xe2\x82 c\r\nlast"),
        (Span(1, 1, 2, 1), "", b"\xef\xbb\xbflast"),
        (Span(2, 1, 3, 1), "", b"\xef\xbb\xbf\xffA\xe2\x82 b\r\n"),
        (Span(1, 1, 1, 1), "n\n", b"\xef\xbb\xbfn\r\n\xffA\xe2\x82 b\r\nlast"),
    ):
        assert edit_bytes(data, patches_of(Fix("", (Edit(span, text),)), lines)) == wanted
    for span in (Span(1, 9, 1, 10), Span(4, 1, 4, 1), Span(1, 2, 2, 1), Span(2, 3, 2, 2), Span(0, 1, 0, 1)):
        assert patches_of(Fix("", (Edit(span, "x"),)), lines) == ()


def test_fixes_that_touch_each_other_wait_for_the_next_round() -> None:
    lines, taken = Lines(b"abcdef\n"), Taken()
    first, twice, near, apart = (
        patches_of(Fix("", (Edit(Span(1, a, 1, b), "x"),)), lines) for a, b in ((2, 3), (2, 3), (3, 4), (5, 6))
    )
    assert [taken.take(patches) for patches in (first, twice, near, apart)] == [True, True, False, True]


def test_files_are_mended_and_what_remains_is_told(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM a:1 as b\nWORKDIR c\n")
    shown = dfc("lint", "--diff", "--select", "reference", cwd=tmp_path)
    assert shown.returncode == 1
    assert shown.stdout.decode().splitlines()[2:] == [
        "@@ -1,2 +1,2 @@",
        "-FROM a:1 as b",
        "+FROM a:1 AS b",
        " WORKDIR c",
    ]
    assert (tmp_path / "Dockerfile").read_text() == "FROM a:1 as b\nWORKDIR c\n"
    done = dfc("lint", "--fix", "--select", "reference", "--format", "gnu", cwd=tmp_path)
    assert (done.returncode, done.stdout.count(b"\n")) == (1, 1)
    assert done.stderr.decode() == "1 file: 1 warning, 1 fixed (--fix-unsafe mends 1)\n"
    assert (tmp_path / "Dockerfile").read_text() == "FROM a:1 AS b\nWORKDIR c\n"
    again = dfc("lint", "--fix-unsafe", "--select", "reference", cwd=tmp_path)
    assert (again.returncode, again.stdout) == (0, b"")
    nothing = dfc("lint", "--diff", "--select", "reference", cwd=tmp_path)
    assert (nothing.returncode, nothing.stdout) == (0, b"")


def test_a_diff_is_for_patch_or_in_colours(tmp_path: Path) -> None:
    text = b"FROM a:1 as b\n# \x1b[2J\t\xff"
    plain = dfc("lint", "--diff", "--select", "FromAsCasing", "-", cwd=tmp_path, stdin=text)
    assert plain.stdout.splitlines()[3:] == [
        b"-FROM a:1 as b",
        b"+FROM a:1 AS b",
        b" # \x1b[2J\t\xff",
        b"\\ No newline at end of file",
    ]
    colored = dfc("lint", "--diff", "--color", "always", "--select", "FromAsCasing", "-", cwd=tmp_path, stdin=text)
    assert colored.stdout.splitlines()[2:6] == [
        b"\x1b[36m@@ -1,2 +1,2 @@\x1b[0m",
        b"\x1b[31m-FROM a:1 as b\x1b[0m",
        b"\x1b[32m+FROM a:1 AS b\x1b[0m",
        b" # \\x1b[2J\t\\xff",
    ]


def test_standard_input_goes_to_standard_output(tmp_path: Path) -> None:
    for text, wanted in (
        (b"FROM a:1 as b\n# \xff", b"FROM a:1 AS b\n# \xff"),
        (b"FROM a:1\n", b"FROM a:1\n"),
        (b"FRM\n", b"FRM\n"),
    ):
        done = dfc("lint", "--fix", "--select", "FromAsCasing", "-", cwd=tmp_path, stdin=text)
        assert done.stdout == wanted


def test_a_file_keeps_its_mode_and_its_links(tmp_path: Path) -> None:
    file, link = tmp_path / "real", tmp_path / "Dockerfile"
    file.write_bytes(b"old")
    file.chmod(0o640)
    link.symlink_to("real")
    rewrite(str(link), b"old", b"new")
    assert link.is_symlink()
    assert file.read_bytes() == b"new"
    assert file.stat().st_mode & 0o7777 == 0o640
    assert sorted(path.name for path in tmp_path.iterdir()) == ["Dockerfile", "real"]


def test_a_file_that_was_changed_meanwhile_is_not_written_over(tmp_path: Path) -> None:
    file = tmp_path / "Dockerfile"
    for text in (b"newer", b"old and more", b""):
        file.write_bytes(text)
        with pytest.raises(Unreadable, match="was changed while it was linted"):
            rewrite(str(file), b"old", b"new")
        assert file.read_bytes() == text
    file.unlink()
    with pytest.raises(Unreadable, match="cannot be mended: No such file"):
        rewrite(str(file), b"old", b"new")
    assert list(tmp_path.iterdir()) == []


def test_reports_carry_the_fixes(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM a:1 as b\nRUN x\n")
    (row,) = json.loads(dfc("lint", "--select", "FromAsCasing", "--format", "json", cwd=tmp_path).stdout)
    edit = {"line": 1, "column": 10, "endLine": 1, "endColumn": 12, "text": "AS"}
    assert row["fix"] == {"description": "write AS", "safe": True, "edits": [edit]}
    (run,) = json.loads(dfc("lint", "--select", "FromAsCasing", "--format", "sarif", cwd=tmp_path).stdout)["runs"]
    (change,) = run["results"][0]["fixes"][0]["artifactChanges"]
    assert change["replacements"] == [
        {
            "deletedRegion": {"startLine": 1, "startColumn": 10, "endLine": 1, "endColumn": 12},
            "insertedContent": {"text": "AS"},
        }
    ]


def wild(first: int, every: int) -> Iterator[bytes]:
    with gzip.open(WILD, "rt") as lines:
        texts = dict.fromkeys(
            json.loads(line)["dockerfile"] for line in lines if '"kind":"lint"' in line.replace(" ", "")
        )
    for text in list(texts)[first::every]:
        yield base64.b64decode(text)


@pytest.mark.wild
@pytest.mark.skipif(not WILD.exists(), reason="needs the conformance cases")
@pytest.mark.parametrize("part", range(6))
def test_all_wild_files_are_mended_once_and_build_the_same(part: int) -> None:
    mended = 0
    for data in wild(part, 6):
        found = fixed(data)
        if found.data == data:
            continue
        mended += 1
        assert Proof(data, CompileOptions(), Images()).holds_for(found.data, history=True)
        assert not [left.rule for left in found.report.findings if left.fix is not None and left.fix.safe]
        assert fixed(found.data).data == found.data
        assert comments_of(data) == comments_of(found.data)
        if found.counts.keys() <= LEAVE_WORDS:
            assert words_of(data) == words_of(found.data)
    assert mended >= 40


@pytest.mark.wild
@pytest.mark.skipif(not WILD.exists(), reason="needs the conformance cases")
@pytest.mark.parametrize("part", range(2))
def test_wild_files_with_all_fixes_still_compile_and_settle(part: int) -> None:
    mended = 0
    for data in wild(part * 5, 10):
        found = fixed(data, "unsafe")
        if found.data == data:
            continue
        mended += 1
        refused = [left.message for left in found.report.findings if left.rule == "DFC000"]
        assert refused == [one.message for one in lint_text(data).findings if one.rule == "DFC000"]
        assert fixed(found.data, "unsafe").data == found.data
    assert mended >= 50


LEAVE_WORDS = {
    "ConsistentInstructionCasing", "FromAsCasing", "LegacyKeyValueFormat", "NoEmptyContinuation", "StageNameCasing",
}  # fmt: skip
"""Rules whose fixes take no word away."""


def comments_of(data: bytes) -> list[bytes]:
    return [line for line in data.split(b"\n") if line.lstrip().startswith(b"#")]


def words_of(data: bytes) -> list[bytes]:
    """The words of a file: what safe fixes change lies between them, or in their case."""
    return re.findall(rb"[^\s='\"]+", data.lower())
