from __future__ import annotations

from pathlib import Path

import pytest

from dockerfile_frontend.cli.contexts import FolderReader, parse_contexts
from dockerfile_frontend.cli.errors import Fault
from dockerfile_frontend.cli.inputs import Inputs

DIGEST = "sha256:" + "0" * 64


def test_a_folder_is_local_and_keeps_its_ignore_file(tmp_path: Path) -> None:
    (tmp_path / ".dockerignore").write_bytes(b"*.log\n")
    contexts = parse_contexts([f"docs={tmp_path}"])
    assert contexts.options == {"context:docs": "local:docs"}
    reader = FolderReader(Inputs(b"", "Dockerfile", "Dockerfile", ".", b"main\n", "./.dockerignore"), contexts.folders)
    assert reader.ignore_file("docs") == (".dockerignore", b"*.log\n")
    assert reader.ignore_file("context") == ("./.dockerignore", b"main\n")
    assert reader.ignore_file("other") == (".dockerignore", b"")


@pytest.mark.parametrize(
    ("pair", "option", "value"),
    [
        ("alpine=docker-image://debian", "context:alpine", "docker-image://debian"),
        ("docker.io/library/alpine:latest=docker-image://debian", "context:alpine", "docker-image://debian"),
        ("busybox:1.37=docker-image://b", "context:busybox:1.37", "docker-image://b"),
        ("src=https://example.com/a.git#main", "context:src", "https://example.com/a.git#main"),
        ("src=git@example.com:a.git", "context:src", "git@example.com:a.git"),
        (f"base=oci-layout://x@{DIGEST}", "context:base", f"oci-layout://base:latest@{DIGEST}"),
        (f"busybox:1.37=oci-layout://x:t@{DIGEST}", "context:busybox:1.37", f"oci-layout://busybox-1-37:t@{DIGEST}"),
    ],
)
def test_other_sources_are_named_to_the_frontend(pair: str, option: str, value: str) -> None:
    assert parse_contexts([pair]).options == {option: value}


def test_a_layout_is_a_store_by_name() -> None:
    assert parse_contexts([f"base=oci-layout://some/layout@{DIGEST}"]).stores == {"base": "some/layout"}


@pytest.mark.parametrize(
    ("pair", "complaint"),
    [
        ("docs", "takes NAME=VALUE"),
        ("=x", "takes NAME=VALUE"),
        ("docs=", "takes NAME=VALUE"),
        ("docs=./no-such-folder", "there is no folder ./no-such-folder"),
        ("base=oci-layout://no-such-folder", "build context base: "),
    ],
)
def test_what_is_no_context_is_refused(pair: str, complaint: str) -> None:
    with pytest.raises(Fault, match=complaint):
        parse_contexts([pair])
