"""Images from registries, layouts and archives: chosen by platform, lazy, brought once."""

from __future__ import annotations

from pathlib import Path

import pytest

from dockerfile_frontend.executor.machine import Machine
from dockerfile_frontend.executor.solver.model import StepError
from dockerfile_frontend.executor.store import Store
from tests.executor.sources.conftest import Make, Watching
from tests.executor.sources.images import (
    AMD64,
    ARM64,
    Image,
    bring,
    digest_of,
    files,
    serve_index,
    write_archive,
    write_layout,
    write_tar,
)
from tests.registry.servers import Scripted

BASE = Image.of({"etc/motd": b"hello\n", "bin/tool": b"tool"}, {"etc/motd": b"changed\n"})


def blobs_asked(server: Scripted) -> list[str]:
    return [seen.path.rpartition("/")[2] for seen in server.seen if "/blobs/" in seen.path]


def test_an_image_of_a_registry(make: Make, store: Store, server: Scripted) -> None:
    BASE.serve(server, "library/base", "1")
    tree = bring(make(), f"docker-image://{server.host}/library/base:1")
    assert files(store, tree) == {"etc/motd": b"changed\n", "bin/tool": b"tool"}


def test_nothing_is_downloaded_before_somebody_reads_files(make: Make, store: Store, server: Scripted) -> None:
    BASE.serve(server, "library/base", "1")
    tree = bring(make(), f"docker-image://{server.host}/library/base:1")
    assert blobs_asked(server) == [digest_of(BASE.config)]
    files(store, tree)
    assert sorted(blobs_asked(server)) == sorted([digest_of(BASE.config), *map(digest_of, BASE.blobs)])


def test_a_digest_is_asked_for_once(make: Make, store: Store, server: Scripted) -> None:
    BASE.serve(server, "library/base", "1")
    name = f"docker-image://{server.host}/library/base:1@{BASE.digest}"
    first = bring(make(), name)
    server.seen.clear()
    assert bring(make(connect=None), name) == first
    assert not server.seen


def test_the_platform_is_chosen(make: Make, store: Store, server: Scripted) -> None:
    ours, theirs = Image.of({"cpu": b"amd64"}), Image.of({"cpu": b"arm64"}, platform=ARM64)
    index = serve_index(server, "multi", "1", ours, theirs)
    machine = make()
    for platform, text in ((AMD64, b"amd64"), (ARM64, b"arm64")):
        tree = bring(machine, f"docker-image://{server.host}/multi:1@{index}", platform=platform)
        assert files(store, tree) == {"cpu": text}


def test_equal_images_are_one(make: Make, server: Scripted) -> None:
    BASE.serve(server, "one", "1")
    BASE.serve(server, "two", "2")
    machine = make()
    assert bring(machine, f"docker-image://{server.host}/one:1") == bring(machine, f"docker-image://{server.host}/two:2")


@pytest.mark.parametrize("form", ["folder", "tar"])
def test_an_image_of_a_layout(make: Make, store: Store, tmp_path: Path, form: str) -> None:
    path = write_layout(tmp_path / "layout", {"1": BASE})
    if form == "tar":
        path = write_tar(path, tmp_path / "layout.tar")
    machine = make(layouts={"base": path}, connect=None)
    tree = bring(machine, f"oci-layout://docker.io/library/base@{BASE.digest}", {"oci.store": "base"})
    assert files(store, tree) == {"etc/motd": b"changed\n", "bin/tool": b"tool"}


@pytest.mark.parametrize("compress", [False, True])
def test_an_image_of_a_docker_archive_takes_the_registrys_place(make: Make, store: Store, tmp_path: Path, compress: bool) -> None:  # noqa: FBT001 - a parameter
    path = write_archive(tmp_path / "saved.tar", {"base:1": BASE}, compress=compress)
    tree = bring(make(images=(path,), connect=None), "docker-image://docker.io/library/base:1")
    assert files(store, tree) == {"etc/motd": b"changed\n", "bin/tool": b"tool"}


def test_progress_is_shown_at_the_image(make: Make, store: Store, server: Scripted) -> None:
    BASE.serve(server, "base")
    events = Watching()
    machine: Machine = make(events=events)
    files(store, bring(machine, f"docker-image://{server.host}/base:latest"))
    assert {label for _, label, *_ in events.statuses} == set(map(digest_of, BASE.blobs))
    assert all(current == total for _, _, current, total, done in events.statuses if done)
    assert sum(done for *_, done in events.statuses) == 2


def test_an_image_that_is_not_there(make: Make, server: Scripted) -> None:
    with pytest.raises(StepError, match=f"failed to resolve source metadata for {server.host}/none:1: {server.host}/none:1: not found"):
        bring(make(), f"docker-image://{server.host}/none:1")


def test_an_image_without_layers_is_empty(make: Make, server: Scripted) -> None:
    Image.of().serve(server, "empty")
    assert bring(make(), f"docker-image://{server.host}/empty:latest").layers == ()
