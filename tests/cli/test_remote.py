"""`dfc build` of contexts that are no folders: git repositories, files of web servers, tars on standard input."""

from __future__ import annotations

import gzip
import io
import subprocess
import tarfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from tests.executor.sources.repositories import GitServer, Repository, served
from tests.registry.servers import Say, Scripted
from tests.running import dfc

Build = Callable[..., subprocess.CompletedProcess[bytes]]

DOCKERFILE = b"FROM scratch\nCOPY . /all/\nCOPY a.txt /b.txt\n"
FILES = {
    "Dockerfile": DOCKERFILE, "a.txt": b"hello", ".dockerignore": b"a.txt\n",
    "sub/Dockerfile": b"FROM scratch\nCOPY x /x\n", "sub/x": b"x",
}  # fmt: skip


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


@pytest.fixture
def build(tmp_path: Path, out: Path) -> Build:
    def run(*arguments: str, **more: object) -> subprocess.CompletedProcess[bytes]:
        return dfc("build", "-o", out, *arguments, env={"DFC_ROOT": str(tmp_path / "store")}, **more)  # type: ignore[arg-type]

    return run


def tar_of(files: Mapping[str, bytes | str], *, uid: int = 0) -> bytes:
    """A text is a link's target."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as tar:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.mode, entry.mtime, entry.uid = 0o644, 1_000_000_000, uid
            if isinstance(data, str):
                entry.type, entry.linkname = tarfile.SYMTYPE, data
            else:
                entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data) if isinstance(data, bytes) else None)
    return made.getvalue()


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


ALL = {"b.txt": b"hello", **{f"all/{name}": data for name, data in FILES.items()}}
"""The ignore file of a remote context does not count."""


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_a_tar_on_standard_input(build: Build, out: Path, pack: Callable[[bytes], bytes]) -> None:
    done = build("-", stdin=pack(tar_of(FILES)))
    assert done.returncode == 0, done.stderr.decode()
    assert content(out) == ALL


def test_a_dockerfile_inside_is_named(build: Build, out: Path) -> None:
    done = build("-f", "sub/Dockerfile", "-", stdin=tar_of({**FILES, "x": b"top"}))
    assert done.returncode == 0, done.stderr.decode()
    assert content(out) == {"x": b"top"}


def test_the_second_build_of_a_tar_is_cached(build: Build) -> None:
    assert build("-", stdin=tar_of(FILES)).returncode == 0
    again = build("--progress=plain", "-", stdin=tar_of(FILES))
    assert again.stderr.count(b"CACHED") >= 3


def test_a_dockerfile_on_standard_input_is_still_one(build: Build, out: Path) -> None:
    long = b"# " + b"x" * 3000 + b"\nFROM scratch\nCOPY <<E /f\nhi\nE\n"
    assert build("-", stdin=long).returncode == 0
    assert content(out) == {"f": b"hi\n"}


@pytest.fixture
def server() -> Iterator[Scripted]:
    with Scripted() as server:
        yield server


def test_a_tar_of_a_web_server(build: Build, out: Path, server: Scripted) -> None:
    server.says("/app.tgz", Say(body=gzip.compress(tar_of(FILES)), headers={"ETag": '"1"'}))
    done = build(f"http://{server.host}/app.tgz")
    assert done.returncode == 0, done.stderr.decode()
    assert content(out) == ALL
    assert len(server.seen) == 1


def test_a_dockerfile_of_a_web_server(build: Build, out: Path, server: Scripted) -> None:
    """The file is the whole context, and is called context."""
    dockerfile = b"FROM scratch\nCOPY context /me\n"
    server.says("/d", Say(body=dockerfile))
    done = build(f"http://{server.host}/d")
    assert done.returncode == 0, done.stderr.decode()
    assert content(out) == {"me": dockerfile}


@pytest.fixture
def git(tmp_path: Path) -> Iterator[GitServer]:
    repo = Repository(tmp_path / "repositories" / "app.git")
    repo.commit(FILES)
    repo.git("checkout", "--quiet", "-b", "other")
    repo.commit({"a.txt": b"other", "link": "/etc", "evil": "/etc/passwd"})
    repo.git("checkout", "--quiet", "main")
    with served(tmp_path / "repositories") as server:
        yield server


@pytest.mark.parametrize(("fragment", "text"), [("", b"hello"), ("#main", b"hello"), ("#other", b"other")])
def test_a_repository(build: Build, out: Path, git: GitServer, fragment: str, text: bytes) -> None:
    done = build(f"http://{git.host}/app.git{fragment}")
    assert done.returncode == 0, done.stderr.decode()
    assert content(out)["b.txt"] == text


def test_a_folder_of_a_repository(build: Build, out: Path, git: GitServer) -> None:
    done = build(f"http://{git.host}/app.git#:sub")
    assert done.returncode == 0, done.stderr.decode()
    assert content(out) == {"x": b"x"}


def test_a_dockerfile_beside_a_repository(build: Build, out: Path, git: GitServer) -> None:
    done = build("-f", "-", f"http://{git.host}/app.git", stdin=b"FROM scratch\nCOPY a.txt /\n")
    assert done.returncode == 0, done.stderr.decode()
    assert content(out) == {"a.txt": b"hello"}


def test_what_was_read_is_what_is_built(build: Build, out: Path, tmp_path: Path) -> None:
    """The branch moves with every question: Dockerfile and files are of one commit."""
    repo = Repository(tmp_path / "repositories" / "app.git")

    def move(number: int) -> None:
        repo.commit({"Dockerfile": f"FROM scratch\nCOPY a.txt /{number}\n".encode(), "a.txt": str(number).encode()})

    move(0)
    with served(tmp_path / "repositories") as server:
        server.after = lambda _path: move(len(server.asked))
        done = build(f"http://{server.host}/app.git")
        assert done.returncode == 0, done.stderr.decode()
        ((name, text),) = content(out).items()
        assert (name.encode(), int(name) < len(server.asked)) == (text, True)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"../x": b"x", **FILES}, b"../x"),
        ({"a/../../x": b"x", **FILES}, b"x"),
        ({"d": "{outside}", "d/evil": b"x", **FILES}, b"d"),
        ({"Dockerfile": "/etc/passwd"}, b"no such file"),
        ({"Dockerfile": "../../../../etc/passwd"}, b"no such file"),
        ({"other": b"x"}, b"failed to read dockerfile: open Dockerfile: no such file or directory"),
        ({"Dockerfile/x": b"x"}, b"not a regular file"),
    ],
)
def test_cve_2026_28406_hostile_tars(build: Build, out: Path, tmp_path: Path, files: Mapping[str, bytes | str], message: bytes) -> None:
    """Names that climb, links that lead out, a Dockerfile that is a link to a file of this machine: nothing of ours shows."""
    outside = tmp_path / "outside"
    outside.mkdir()
    named = {name: data.format(outside=outside) if isinstance(data, str) else data for name, data in files.items()}
    done = build("-", stdin=tar_of(named))
    assert b"root:" not in done.stderr
    if done.returncode:
        assert message in done.stderr, done.stderr.decode()
        assert b"Traceback" not in done.stderr
    else:
        assert content(out)["b.txt"] == b"hello"
    assert not any(outside.iterdir())


def test_cve_2026_33748_a_repositorys_folder_that_is_a_link(build: Build, git: GitServer) -> None:
    done = build(f"http://{git.host}/app.git#other:link")
    assert done.returncode == 1
    assert b'git subpath "link" contains non-directory "link"' in done.stderr
    done = build("-f", "evil", f"http://{git.host}/app.git#other")
    assert done.returncode == 1
    assert b"root:" not in done.stderr


@pytest.mark.parametrize(
    ("context", "message"),
    [
        ("https://127.0.0.1:1/x.git", b"failed to load the build context: failed to fetch remote https://127.0.0.1:1/x.git"),
        ("http://127.0.0.1:1/x", b"failed to load the build context: failed to do request"),
        ("git@-oProxyCommand=x:y", b"error"),
        ("ssh://host/x.git", b"no SSH key 'default' forwarded from the client"),
        ("http://joe:s3cret-word@127.0.0.1:1/x", b"failed to load the build context"),
    ],
)
def test_contexts_that_cannot_be_had(build: Build, context: str, message: bytes) -> None:
    done = build(context)
    assert done.returncode == 1
    assert message in done.stderr, done.stderr.decode()
    assert b"s3cret-word" not in done.stderr
    assert b"Traceback" not in done.stderr


def test_standard_input_is_one_thing(build: Build) -> None:
    done = build("-f", "-", "-", stdin=tar_of(FILES))
    assert done.returncode == 2
    assert b"standard input is the build context here" in done.stderr


def test_a_tar_that_is_cut(build: Build) -> None:
    done = build("-", stdin=tar_of(FILES)[:1500])
    assert done.returncode == 1
    assert b"Traceback" not in done.stderr
