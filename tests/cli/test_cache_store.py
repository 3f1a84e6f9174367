"""`dfc cache du` and `dfc cache prune` on a store that builds have filled."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.running import dfc

KIB = 1024


@pytest.fixture
def built(tmp_path: Path) -> Path:
    """A store with two builds in it."""
    for name, size in (("old", 300), ("new", 700)):
        context = tmp_path / name
        context.mkdir()
        (context / "Dockerfile").write_text(f"FROM scratch\nCOPY {name} /\n")
        (context / name).write_bytes(bytes(range(256)) * 4 * size)
        build(tmp_path, name)
    return tmp_path


def build(home: Path, name: str) -> None:
    done = dfc("build", "--root", home / "store", "-o", f"type=oci,dest={home / name}.tar", home / name)
    assert done.returncode == 0, done.stderr.decode()


def cache(home: Path, *arguments: str) -> str:
    done = dfc("cache", arguments[0], "--root", home / "store", *arguments[1:])
    assert done.returncode == 0, done.stderr.decode()
    assert done.stderr == b""
    return done.stdout.decode()


def usage(home: Path, *arguments: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(cache(home, "du", "--json", *arguments))
    return found


def test_du_lists_what_there_is_and_adds_up(built: Path) -> None:
    lines = cache(built, "du").splitlines()
    assert lines[0].split() == ["KIND", "ID", "SIZE", "LAST", "USED", "WHAT"]
    assert any(line.startswith("step ") and line.endswith("COPY new /") for line in lines)
    assert lines[-1].startswith("Total: ")
    found = usage(built)
    assert found["total"] == sum(item["size"] for item in found["usage"])
    assert [item["description"] for item in found["usage"] if item["kind"] == "step"] == [
        "[1/1] COPY new /",
        "[1/1] COPY old /",
    ]
    counted = subprocess.run(["du", "-s", "--block-size=1", built / "store"], capture_output=True, check=True).stdout
    assert found["total"] == pytest.approx(int(counted.split()[0]), rel=0.05)  # du itself opens the database's log anew


def test_filters(built: Path) -> None:
    assert [
        item["kind"] for item in usage(built, "--filter", "kind=step", "--filter", "description~=old")["usage"]
    ] == ["step"]
    assert {item["kind"] for item in usage(built, "--filter", "type=regular")["usage"]} == {"step", "blob"}
    assert {item["kind"] for item in usage(built, "--filter", "kind!=step", "--filter", "kind!=blob")["usage"]} == {
        "store"
    }
    assert [item["kind"] for item in usage(built, "--filter", "until=1h")["usage"]] == ["store"]
    assert usage(built, "--filter", "inuse")["usage"] == []


def test_prune_removes_the_oldest_until_there_is_room(built: Path) -> None:
    total = usage(built)["total"]
    gone = json.loads(cache(built, "prune", "-f", "--json", "--keep-storage", str(total - 200 * KIB)))
    assert (
        any(item["description"] == "[1/1] COPY old /" for item in gone["removed"])
        or gone["removed"][0]["kind"] == "blob"
    )
    assert usage(built)["total"] <= total - 200 * KIB
    build(built, "old")


def test_prune_removes_all(built: Path) -> None:
    out = cache(built, "prune", "-f", "--all")
    assert out.splitlines()[-1].startswith("Freed: ")
    assert {item["kind"] for item in usage(built)["usage"]} == {"store"}
    assert cache(built, "prune", "-f") == "nothing to remove\n"
    build(built, "new")


def test_prune_by_age(built: Path) -> None:
    assert cache(built, "prune", "-f", "--older-than", "1h") == "nothing to remove\n"
    assert "Freed: " in cache(built, "prune", "-f", "--older-than", "0s")


def test_prune_asks(built: Path) -> None:
    done = dfc("cache", "prune", "--root", built / "store", stdin=b"y\n")
    assert done.returncode == 2
    assert b"nobody can be asked whether to go on\n  hint: --force goes on without" in done.stderr
    assert len(usage(built)["usage"]) > 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("prune", "-f", "--keep-storage", "lots"), "--keep-storage: 'lots' is no size"),
        (("prune", "-f", "--older-than", "soon"), "--older-than: 'soon' is no duration"),
        (("prune", "-f", "--filter", "colour=red"), "--filter 'colour=red' is not supported"),
        (("prune", "--json"), "--json asks nobody, so it wants --force, too"),
        (("du", "--filter", "kind=zebra"), "--filter 'kind=zebra': there is no such kind"),
        (("du", "--filter", "id~=["), "--filter 'id~=[': unterminated character set"),
    ],
)
def test_wrong_use(tmp_path: Path, arguments: tuple[str, ...], message: str) -> None:
    done = dfc("cache", arguments[0], "--root", tmp_path / "store", *arguments[1:])
    assert done.returncode == 2
    assert done.stderr.decode().startswith(f"dfc: error: {message}")
    assert not (tmp_path / "store").exists()


def test_a_build_keeps_the_store_within_its_limit(built: Path) -> None:
    context = built / "new"
    for number in range(3):
        (context / "new").write_bytes(bytes([number]) * 900 * KIB)
        done = dfc(
            "build",
            "--root",
            built / "store",
            "-o",
            f"type=oci,dest={built / 'x.tar'}",
            context,
            env={"DFC_KEEP_STORAGE": "2MB"},
        )
        assert done.returncode == 0, done.stderr.decode()
    assert usage(built)["total"] <= 2 << 20


def test_a_limit_that_is_none_is_told_before_the_build(built: Path) -> None:
    (built / "new/new").write_text("changed")
    done = dfc("build", "--root", built / "store", built / "new", env={"DFC_KEEP_STORAGE": "plenty"})
    assert done.returncode == 1
    assert b"DFC_KEEP_STORAGE: 'plenty' is no size" in done.stderr
    assert b"COPY" not in done.stderr
