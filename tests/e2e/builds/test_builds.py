"""Small projects, one for each option of an op and each kind of mount, built here, by BuildKit and by buildah: the same image.

A case is one file: a sentence, a Dockerfile, the files of its context, and if need be

    -- options --    flags of `docker build`, one a line; {context}, {http}, {git}, {socket} stand for places
    -- prepare --    shell commands, run in the context once its files are there: links, modes, archives
    -- peers --      `buildah: why it is not asked`, or `buildah owner of etc/x: why that differs`
    -- fails --      a text that our message contains; the peers refuse the build, too
    -- rootless --   what ordinary users cannot: `one id: TEXT` or `everybody: TEXT`, contained in our message when a user with
                     a single id builds it, or whoever is not root; `but PATH: why its content differs`
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TypeAlias

import pytest

from tests.casefiles import Case, case_files
from tests.components import require
from tests.e2e.ages import make_old
from tests.e2e.builds.builders import BuildFrom, Built, Dfc, Request
from tests.e2e.builds.images import read_image
from tests.e2e.builds.peers import compare, compare_with_user, read_peer
from tests.e2e.builds.users import User, lend, read_limits

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

Build: TypeAlias = Callable[[Path], Built]

TABLE = "| case | where buildah 1.28 differs |\n| --- | --- |\n"
RESERVED = ("options", "prepare", "peers", "fails", "rootless")


def write_context(case: Case, folder: Path) -> Path:
    """The case's files, prepared."""
    began = time.time() - 5
    folder.mkdir()
    case.write_inputs(folder, leave_out=RESERVED)
    if script := case.sections.get("prepare"):
        subprocess.run(["sh", "-euc", script], cwd=folder, check=True)
    make_old([folder, *folder.rglob("*")], began)
    return folder


@pytest.fixture
def shared() -> Iterator[Path]:
    """A folder where ordinary users may look."""
    home = Path(tempfile.mkdtemp(prefix="dfc-context-"))
    home.chmod(0o755)
    yield home
    shutil.rmtree(home)


def make_request(case: Case, context: Path, places: dict[str, str]) -> Request:
    options = case.sections.get("options", "").format(context=context, **places).splitlines()
    return Request(context, options, {"SECRET_OF_CLIENT": "from the environment"})


@pytest.mark.parametrize("case", case_files(__file__), ids=str)
def test_the_peers_make_the_same_image(
    case: Case,
    tmp_path: Path,
    shared: Path,
    places: dict[str, str],
    ours: Dfc,
    users: dict[str, User],
    others: dict[str, BuildFrom],
) -> None:
    began = time.time() - 5
    context = write_context(case, tmp_path / "context")
    request, theirs = (make_request(case, where, places) for where in (context, lend(context, shared / "context")))
    peers = {name: read_peer(case, name) for name in others}
    builders: dict[str, Build] = {"dfc": partial(ours.build, request)}
    builders |= {name: partial(user.build, theirs) for name, user in users.items()}
    builders |= {name: partial(build, request) for name, build in others.items() if peers[name].asked}
    assert any(peer.asked for peer in peers.values()), "no peer is asked"
    built = build_all(builders, tmp_path)
    if "fails" in case.sections:
        assert all(each.status != 0 for each in built.values()), built
        for name in ("dfc", *users):
            assert_refused(built[name], case.sections["fails"].strip())
        return
    limits = read_limits(case)
    for name in users:
        if refused := limits.get("everybody", limits.get(name)):
            assert_refused(built.pop(name), refused)
    for name, each in built.items():
        assert each.status == 0, f"{name}: {each.log[-3000:]}"
    images = {name: read_image(tmp_path / f"{name}.tar") for name in built}
    mine = images.pop("dfc")
    for name in users.keys() & images.keys():
        found = compare_with_user(mine, images.pop(name), began, but=limits.get("but", ""))
        assert not found, "\n".join([f"another with {name}:", *found])
    for name, image in images.items():
        found = compare(mine, image, name, began)
        known = peers[name].different
        unexplained = [line for line in found if not line.startswith(known or ("\0",))]
        assert not unexplained, "\n".join([f"not as {name}'s:", *unexplained])
        for opening in known:
            assert any(line.startswith(opening) for line in found), f"{name} does not differ in {opening!r} any more"


def build_all(builders: dict[str, Build], folder: Path) -> dict[str, Built]:
    """All at once, to NAME.tar each."""
    with ThreadPoolExecutor() as pool:
        running = {name: pool.submit(build, folder / f"{name}.tar") for name, build in builders.items()}
        return {name: job.result() for name, job in running.items()}


def assert_refused(built: Built, text: str) -> None:
    assert built.status != 0
    assert text in built.log
    assert "Traceback" not in built.log


def test_each_peer_is_asked_about_most_cases() -> None:
    """A difference of an old buildah is a reason in a case; a case must not lose both peers, nor many lose one."""
    cases = case_files(__file__)
    assert len(cases) >= 60
    asked = {name: sum(read_peer(case, name).asked for case in cases) for name in ("buildkit", "buildah")}
    assert asked["buildkit"] >= 0.9 * len(cases)
    assert asked["buildah"] >= 0.5 * len(cases)


def test_the_page_of_the_executor_has_every_difference(root: Path, *, update: bool) -> None:
    page = root / "docs" / "executor.md"
    lines = [(case, line) for case in case_files(__file__) for line in case.sections.get("peers", "").splitlines()]
    rows = [f"| {case} | {line.removeprefix('buildah').removeprefix(': ').strip()} |\n" for case, line in lines]
    text = page.read_text()
    start = text.index(TABLE) + len(TABLE)
    wanted = text[:start] + "".join(rows) + text[text.index("<!-- end -->", start) :]
    if update:
        page.write_text(wanted)
    else:
        assert wanted == text


SAMPLE = ("config-everything", "copy-special-modes", "run-deletes", "run-hard-links", "stages-scratch")


@pytest.mark.parametrize("case", [case for case in case_files(__file__) if str(case) in SAMPLE], ids=str)
def test_other_tools_take_the_archive(
    case: Case, tmp_path: Path, places: dict[str, str], ours: Dfc
) -> None:
    """Skopeo reads it; umoci unpacks it to the same names. Podman: tests/executor/exporters/test_tools.py."""
    archive = tmp_path / "image.tar"
    built = ours.build(make_request(case, write_context(case, tmp_path / "context"), places), archive)
    assert built.status == 0, built.log
    image = read_image(archive)
    inspected = run_tool("skopeo", "inspect", f"oci-archive:{archive}")
    assert json.loads(inspected)["Layers"] == [layer["digest"] for layer in image.manifest["layers"]]
    run_tool("skopeo", "copy", "-q", f"oci-archive:{archive}", f"oci:{tmp_path / 'layout'}:x")
    run_tool("umoci", "unpack", "--image", f"{tmp_path / 'layout'}:x", str(tmp_path / "bundle"))
    root = tmp_path / "bundle" / "rootfs"
    assert {str(path.relative_to(root)) for path in root.rglob("*")} == set(image.tree)


def run_tool(name: str, *arguments: str) -> str:
    done = subprocess.run([require(name), *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_what_nobody_may_read_is_read_every_time(shared: Path, tmp_path: Path, users: dict[str, User]) -> None:
    """By its owner: in namespaces, where a build that looks without them whether something has changed would be refused."""
    context = tmp_path / "context"
    context.mkdir()
    (context / "Dockerfile").write_text("FROM base\nCOPY none /none\n")
    (context / "none").write_text("old")
    (context / "none").chmod(0)
    for name, user in users.items():
        theirs = lend(context, shared / name)
        for content in ("old", "old", "new"):
            (theirs / "none").write_text(content)
            built = user.build(Request(theirs), tmp_path / "image.tar")
            assert built.status == 0, built.log
            assert read_image(tmp_path / "image.tar").tree["none"]["content"] == content.encode()
