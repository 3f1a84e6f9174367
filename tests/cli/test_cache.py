"""`dfc cache export` and `import`, and the flags of builds that do the same; no step needs a container."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from dockerfile_frontend.cli import app
from dockerfile_frontend.cli.cache_places import spec_text
from tests.running import as_user, dfc

DOCKERFILE = """\
FROM scratch AS a
COPY hello.txt /in/
FROM scratch
COPY --from=a /in /out
COPY hello.txt /again
"""


@pytest.fixture
def context(tmp_path: Path) -> Path:
    folder = tmp_path / "context"
    folder.mkdir()
    (folder / "Dockerfile").write_text(DOCKERFILE)
    (folder / "hello.txt").write_text("hello\n")
    return folder


def run(folder: Path, store: str, *arguments: str | Path, code: int = 0) -> str:
    """What was said, by a call that must end like that."""
    done = dfc(*arguments, cwd=folder, env={"DFC_ROOT": str(folder / store)})
    said = done.stderr.decode()
    assert done.returncode == code, said
    assert "Traceback" not in said
    return said


def build(folder: Path, store: str, *more: str) -> str:
    return run(folder, store, "build", "context", "--progress=plain", *more)


def digest(folder: Path, archive: str) -> str:
    tar = subprocess.run(["tar", "-xOf", archive, "index.json"], cwd=folder, capture_output=True, check=True)
    return str(json.loads(tar.stdout)["manifests"][0]["digest"])


def test_a_store_is_written_and_taken_in(context: Path) -> None:
    here = context.parent
    build(here, "one", "-o", "type=oci,dest=one.tar")
    assert run(here, "one", "cache", "export", "kept").endswith("kept: 3 results\n")
    assert "kept: 3 results, 3 layers" in run(here, "two", "cache", "import", "kept")
    (here / "kept").rename(here / "gone")
    said = build(here, "two", "-o", "type=oci,dest=two.tar")
    assert said.count("CACHED") == 4
    assert digest(here, "one.tar") == digest(here, "two.tar")


def test_taken_in_lazily_layers_stay_where_they_are(context: Path) -> None:
    here = context.parent
    build(here, "one")
    run(here, "one", "cache", "export", "./kept", "--tag", "t")
    run(here, "two", "cache", "import", "kept", "--tag", "t", "--lazy")
    assert list((here / "two/blobs/sha256").iterdir()) == []
    build(here, "two", "-o", "out")
    assert (here / "out/again").read_text() == "hello\n"


def test_a_damaged_cache_is_not_taken_in(context: Path) -> None:
    here = context.parent
    build(here, "one")
    run(here, "one", "cache", "export", "kept")
    largest = max((here / "kept/blobs/sha256").iterdir(), key=lambda path: path.read_bytes()[:2] == b"\x1f\x8b")
    largest.chmod(0o600)
    largest.write_bytes(b"damaged")
    assert "dfc: error: cache kept is not used: " in run(here, "two", "cache", "import", "kept", code=1)
    assert "DONE" in build(here, "two")


def test_a_build_takes_from_one_cache_and_writes_another(context: Path) -> None:
    here = context.parent
    build(here, "one", "--cache-to", "type=local,dest=first,mode=max")
    said = build(here, "two", "--cache-from", "type=local,src=first", "--cache-to", "type=local,dest=second,mode=max")
    assert "importing cache manifest from first" in said
    assert "exporting cache to client directory second" in said
    assert said.count("CACHED") == 4
    assert json.loads((here / "first/index.json").read_text()) == json.loads((here / "second/index.json").read_text())


def test_a_base_image_under_another_name_is_the_same(context: Path) -> None:
    here = context.parent
    build(here, "base", "-o", 'type=oci,dest=base-image,tar=false,"name=app:1,app:2"')
    (context / "Dockerfile").write_text("FROM base\nCOPY hello.txt /x\n")
    for tag in ("1", "2"):
        said = build(here, "one", "--build-context", f"base=oci-layout://base-image:{tag}")
    assert said.partition("COPY hello.txt /x")[2].splitlines()[1].endswith("CACHED")


@pytest.mark.skipif(
    os.geteuid() != 0, reason="only root can be another user; everything else here runs as whoever runs it"
)
def test_without_root(context: Path) -> None:
    """Layers and cache of a user, who has one id inside."""
    here = Path(tempfile.mkdtemp(prefix="dfc-user-"))
    try:
        shutil.copytree(context, here / "context")
        for path in (here, *here.rglob("*")):
            os.chown(path, 4321, 4321)
        user = as_user(4321, here / "code")
        for store in ("one", "two"):
            caches = (f"type=local,src={here}/cache", f"type=local,dest={here}/cache,mode=max")
            flags = ("-o", f"type=oci,dest={here}/{store}.tar", "--cache-from", caches[0], "--cache-to", caches[1])
            done = subprocess.run(
                [*user, "build", here / "context", "--progress=plain", "--root", here / store, *flags],
                capture_output=True,
                check=False,
                env={**os.environ, "HOME": str(here)},
            )
            assert done.returncode == 0, done.stderr.decode()
        assert done.stderr.count(b"CACHED") == 4
        assert digest(here, "one.tar") == digest(here, "two.tar")
    finally:
        shutil.rmtree(here)


def test_a_cache_that_is_missing_costs_nothing_but_a_line(context: Path) -> None:
    said = build(context.parent, "one", "--cache-from", "type=local,src=nowhere")
    assert "nowhere: No such file or directory" in said


def test_the_build_arg_that_docker_knows_makes_an_inline_cache(context: Path) -> None:
    here = context.parent
    build(here, "one", "--build-arg", "BUILDKIT_INLINE_CACHE=1", "-o", "type=oci,dest=out,tar=false")
    configs = [path.read_bytes() for path in (here / "out/blobs/sha256").iterdir()]
    assert any(b'"moby.buildkit.cache.v0":"' in config for config in configs)
    found = run(here, "two", "cache", "import", "out")
    assert "out: 2 results, 2 layers" in found


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("build", "context", "--cache-from", "type=gha"), "not supported"),
        (("build", "context", "--cache-to", "type=local"), "requires dest"),
        (("cache", "export", "kept", "--tag", "../x"), "invalid tag"),
        (("cache", "export", "type=inline"), "inline"),
        (("cache", "import", "kept", "--mounts-newer"), "says nothing without mounts"),
        (("cache", "exprot"), "did you mean export?"),
    ],
)
def test_wrong_use(
    context: Path,
    arguments: tuple[str, ...],
    message: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(context.parent)
    monkeypatch.setenv("DFC_ROOT", str(context.parent / "one"))
    assert app.run(arguments) == 2
    assert message in capsys.readouterr().err


def test_what_is_not_there_is_a_fault(context: Path) -> None:
    assert "nowhere: No such file" in run(context.parent, "one", "cache", "import", "nowhere", code=1)


@pytest.mark.parametrize(
    ("place", "text"),
    [
        ("cache", "type=local,dest=cache,mode=max"),
        ("./a/b", "type=local,dest=./a/b,mode=max"),
        ("/srv/x.y/z", "type=local,dest=/srv/x.y/z,mode=max"),
        ("user/app", "type=local,dest=user/app,mode=max"),
        ("a,b", 'type=local,"dest=a,b",mode=max'),
        ("docker.io/user/app", "type=registry,ref=docker.io/user/app,mode=max"),
        ("localhost:5000/app:1", "type=registry,ref=localhost:5000/app:1,mode=max"),
        ("type=local,dest=x", "type=local,dest=x,mode=max"),
    ],
)
def test_places(place: str, text: str) -> None:
    assert spec_text(place, "dest", {"tag": None, "mode": "max"}) == text
