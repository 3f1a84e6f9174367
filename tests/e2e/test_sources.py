"""Sources as a real BuildKit brings them: git repositories, files of web servers, images; the same graph here gives the same tree."""

from __future__ import annotations

import gzip
import re
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from dockerfile_frontend.executor.machine import Machine
from dockerfile_frontend.executor.session import Session
from dockerfile_frontend.executor.solver.model import ExecutorError
from dockerfile_frontend.executor.store import Store
from ir_schema import encode_llb
from tests.e2e.conftest import BuildKit
from tests.executor.sources.images import Image, bring, source
from tests.executor.sources.repositories import GitServer, Repository, served
from tests.executor.trees import list_tree
from tests.registry.servers import OPEN, Say, Scripted, client

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.xdist_group("buildkit")]

Compare = Callable[..., tuple[str, str]]
IN_GIT = re.compile(r"(?m)^(\S*/)?\.git(/.*| .*)\n")
"""Repositories in the tree: packed otherwise, and a submodule's says where BuildKit keeps it."""


@pytest.fixture
def compare(buildkit: BuildKit, tmp_path: Path) -> Iterator[Compare]:
    """What BuildKit makes of a source, and what we make."""

    def run(identifier: str, attrs: Mapping[str, str] | None = None) -> tuple[str, str]:
        return theirs(buildkit, tmp_path, identifier, attrs), ours(tmp_path, identifier, attrs)

    yield run
    while OPEN:
        OPEN.pop().close()


def theirs(buildkit: BuildKit, tmp_path: Path, identifier: str, attrs: Mapping[str, str] | None) -> str:
    graph = encode_llb(source(identifier, attrs))
    done = buildkit.build("--no-cache", "--output", "type=tar,dest=out.tar", definition=graph, cwd=tmp_path)
    if done.returncode:
        return f"error: {done.stderr.decode().strip().splitlines()[-1]}"
    (tmp_path / "out").mkdir()
    unpack = ("tar", "-xpf", "out.tar", "-C", "out", "--same-owner", "--xattrs", "--xattrs-include=*")
    subprocess.run(unpack, check=True, cwd=tmp_path)
    return list_tree(tmp_path / "out")


def ours(tmp_path: Path, identifier: str, attrs: Mapping[str, str] | None) -> str:
    with Store.open(tmp_path / "store") as store, Machine(store, Session(connect=client)) as machine:
        try:
            tree = bring(machine, identifier, attrs)
        except ExecutorError as error:
            return f"error: {error}"
        with store.view(tree.layers) as view:
            return list_tree(view.fd)


@pytest.fixture(scope="module")
def git(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GitServer]:
    root = tmp_path_factory.mktemp("git")
    inner = Repository(root / "inner.git")
    inner.commit({"inner.txt": b"inner"})
    repo = Repository(root / "app.git")
    repo.commit({"a.txt": b"one", "docs/b.txt": b"doc", "run.sh": b"#!/bin/sh\n", "link": "docs/b.txt", "docs/.git2": b"x"})
    repo.git("tag", "v1")
    repo.git("tag", "--annotate", "--message", "second", "v2")
    repo.git("checkout", "--quiet", "-b", "topic/x")
    repo.add_submodule(str(inner.path), "sub/inner")
    (repo.path / ".gitmodules").write_text('[submodule "sub/inner"]\n\tpath = sub/inner\n\turl = ../inner.git\n')
    repo.commit({"a.txt": b"three"})
    repo.git("checkout", "--quiet", "--force", "main")
    repo.git("clean", "-ffdxq")
    repo.commit({"a.txt": b"two", "out": "/etc"})
    repo.git("checkout", "--quiet", "-b", "linked")
    repo.git("update-index", "--add", "--cacheinfo", f"160000,{repo.git('rev-parse', 'HEAD')},nowhere")
    repo.git("commit", "--quiet", "--message", "a submodule that .gitmodules does not know")
    repo.git("checkout", "--quiet", "--force", "main")
    with served(root) as server:
        yield server


@pytest.mark.parametrize(
    ("fragment", "attrs"),
    [
        ("", {}),
        ("#v1", {"git.mtime": "commit"}),
        ("#v2", {"git.keepgitdir": "true"}),
        ("#refs/tags/v2", {}),
        ("#topic/x", {"git.mtime": "commit"}),
        ("#topic/x", {"git.skipsubmodules": "true"}),
        ("#topic/x:sub", {}),
        ("#v1:docs", {"git.mtime": "commit"}),
        ("#v1:docs/../docs//", {"git.keepgitdir": "true"}),
    ],
)
def test_repositories(compare: Compare, git: GitServer, fragment: str, attrs: dict[str, str]) -> None:
    name = f"{git.host}/app.git"
    want, got = compare(f"git://{name}{fragment}", {"git.fullurl": f"http://{name}", **attrs})
    assert IN_GIT.sub("", got) == IN_GIT.sub("", want)
    assert (".git/HEAD" in got) == (".git/HEAD" in want)


@pytest.mark.parametrize(
    ("fragment", "attrs"),
    [
        ("#none", {}),
        ("#linked", {}),
        ("#main:out", {}),
        ("#main:a.txt", {}),
        ("#main:none", {}),
        ("#-x", {}),
        ("#main", {"git.checksum": "xyz"}),
        ("#main", {"git.fetchbycommit": "true"}),
    ],
)
def test_refusals_of_repositories(compare: Compare, git: GitServer, fragment: str, attrs: dict[str, str]) -> None:
    """In the reference's words, at their end where it says more than once where it was."""
    name = f"{git.host}/app.git"
    want, got = compare(f"git://{name}{fragment}", {"git.fullurl": f"http://{name}", **attrs})
    assert got.startswith("error: ")
    assert words(want) == ": exit status 128" or words(got) == words(want)  # the end of what git said


def words(text: str) -> str:
    return re.sub(r"^(error: |failed to solve: |failed to load cache key: )*", "", text)


@pytest.fixture
def server() -> Iterator[Scripted]:
    with Scripted() as server:
        yield server


MODIFIED = {"Last-Modified": "Wed, 21 Oct 2015 07:28:00 GMT"}


@pytest.mark.parametrize(
    ("path", "attrs", "headers"),
    [
        ("/a/b.txt?x=1", {}, MODIFIED),
        ("/", {"http.perm": "0644", "http.uid": "7", "http.gid": "8"}, {}),
        ("/x", {"http.filename": "a/../../evil", "http.perm": "0755"}, MODIFIED),
        ("/x", {}, {"Content-Disposition": 'attachment; filename="../na me.txt"'}),
        ("/x", {}, {"Content-Disposition": "attachment; filename*=UTF-8''na%C3%AFve.txt"}),
        ("/x", {}, {"Content-Disposition": 'attachment; filename="dir/"'}),
        ("/x", {}, {"Last-Modified": "yesterday"}),
        ("/%2e%2e", {}, {}),
        ("/x", {"http.perm": "420"}, {}),
    ],
)
def test_files(compare: Compare, server: Scripted, path: str, attrs: dict[str, str], headers: dict[str, str]) -> None:
    server.says(path, Say(body=b"hello", headers=headers))
    want, got = compare(f"http://{server.host}{path}", attrs)
    assert got == want


def test_a_compressed_body(compare: Compare, server: Scripted) -> None:
    server.says("/x", Say(body=gzip.compress(b"hello"), headers={"Content-Encoding": "gzip"}))
    want, got = compare(f"http://{server.host}/x", {})
    assert got == want


def test_images(compare: Compare, server: Scripted) -> None:
    image = Image.of({"etc/motd": b"hi", "bin/x": b"x"}, {"etc/.wh.motd": b"", "bin/y": b"y"}, {"etc/new": b"new"})
    image.serve(server, "base", "1")
    name = f"docker-image://{server.host}/base:1"
    want, got = compare(name)
    assert got == want
