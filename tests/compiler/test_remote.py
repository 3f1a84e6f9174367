"""Build contexts that are graphs: what they say, and that a Dockerfile reads of them instead of a folder."""

from __future__ import annotations

import pytest

from dockerfile_frontend.compiler.driver import compile_dockerfile
from dockerfile_frontend.compiler.options import CompileOptions
from dockerfile_frontend.compiler.remote import http_context, remote_context, unpacked
from dockerfile_frontend.diagnostics import DockerfileError
from ir_schema.definition import Definition
from ir_schema.legality import check_legality
from ir_schema.ops import Copy, FileOp, SourceOp
from tests.compiler.compiling import IgnoreFiles, Images


def source_in(definition: Definition | None) -> SourceOp:
    assert definition is not None
    assert check_legality(definition) == ()
    (found,) = [v.op.body for v in definition.vertices.values() if isinstance(v.op.body, SourceOp)]
    return found


@pytest.mark.parametrize(
    ("text", "options", "identifier", "attrs"),
    [
        ("https://h/a.git", {}, "git://h/a.git", {"git.fullurl": "https://h/a.git"}),
        ("https://h/a.git#v1:d", {}, "git://h/a.git#v1:d", {}),
        ("git@h:a.git", {}, "git://h/a.git", {"git.fullurl": "git@h:a.git", "git.mountsshsock": "default"}),
        ("github.com/o/r", {}, "git://github.com/o/r", {}),
        ("https://h/a.git", {"build-arg:SOURCE_DATE_EPOCH": "context"}, "git://h/a.git", {"git.mtime": "commit"}),
        ("https://h/a.git", {"build-arg:BUILDKIT_CONTEXT_KEEP_GIT_DIR": "1"}, "git://h/a.git", {"git.keepgitdir": "true"}),
        ("https://h/a.git?submodules=false", {}, "git://h/a.git", {"git.skipsubmodules": "true"}),
        ("https://h/a.tgz", {}, "https://h/a.tgz", {"http.filename": "context"}),
    ],
)
def test_what_a_context_is(text: str, options: dict[str, str], identifier: str, attrs: dict[str, str]) -> None:
    source = source_in(remote_context(text, options))
    assert source.identifier == identifier
    assert attrs.items() <= source.attrs.items()


def test_what_is_no_remote_context() -> None:
    assert remote_context("./folder", {}) is None
    with pytest.raises(DockerfileError):
        remote_context("https://h/a.git?unknown=1", {})


def test_an_archive_is_unpacked() -> None:
    definition = unpacked(http_context("https://h/a.tgz"))
    source_in(definition)
    (op,) = [v.op for v in definition.vertices.values() if isinstance(v.op.body, FileOp)]
    assert isinstance(op.body, FileOp)
    copy = op.body.actions[0].action
    assert isinstance(copy, Copy)
    assert (copy.src, copy.dest, copy.attempt_unpack, copy.mode, copy.timestamp) == ("/context", "/", True, -1, -1)


def test_a_given_context_is_read_and_its_ignore_file_is_not() -> None:
    given = unpacked(http_context("https://h/a.tgz"))
    options = CompileOptions(inputs={"context": given})
    made = compile_dockerfile(b"FROM scratch\nCOPY a /b\n", options, Images(), IgnoreFiles({"context": "a\n"})).target.definition
    assert source_in(made).identifier == "https://h/a.tgz"
    assert given.vertices.items() <= made.vertices.items()
    assert check_legality(made) == ()


def test_the_time_of_a_given_context() -> None:
    given = unpacked(http_context("https://h/a.tgz"))
    options = CompileOptions(inputs={"context": given}, build_args={"SOURCE_DATE_EPOCH": "context"})
    made = compile_dockerfile(b"FROM scratch\nCOPY a /b\n", options, Images(times={"https://h/a.tgz": 77}))
    assert made.target.epoch == 77
