"""What one frontend's build exports as a cache, another's finds in a daemon that has never built anything."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import BuildKit, start_buildkit
from tests.e2e.frontend.frontends import THEIRS, Outcome, outcome, run
from tests.e2e.frontend.stage import LOCALS, not_cached

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.xdist_group("buildkit")]

CACHES = {
    "inline": ("type=inline", "type=registry,ref={ref}"),
    "registry": ("type=registry,ref={ref}-cache,mode=max", "type=registry,ref={ref}-cache"),
    "local": ("type=local,dest={folder},mode=max", "type=local,src={folder}"),
}


@pytest.fixture(scope="module")
def elsewhere(registry: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BuildKit]:
    """A second daemon."""
    with start_buildkit(tmp_path_factory.mktemp("elsewhere"), registry) as (daemon, _):
        yield daemon


@pytest.mark.parametrize("exporter", ["ours", "theirs"])
@pytest.mark.parametrize("kind", CACHES)
def test_a_cache_goes_from_one_daemon_and_frontend_to_the_others(
    kind: str, exporter: str, buildkit: BuildKit, elsewhere: BuildKit, frontend_image: str, library: str, tmp_path: Path
) -> None:
    unique = f"{kind}-{exporter}"
    (tmp_path / "Dockerfile").write_text(
        f"FROM busybox:1.37\nWORKDIR /{unique}\nCOPY a .\nRUN echo {unique} >/made\nRUN cat a /made\n"
    )
    (tmp_path / "a").write_text(unique)
    ours = ("--frontend", "gateway.v0", "--opt", f"source={frontend_image}")
    first, second = (ours, THEIRS) if exporter == "ours" else (THEIRS, ours)
    ref = f"{library}/exported/{unique}:1"
    exported, imported = (text.format(ref=ref, folder=tmp_path / "cache") for text in CACHES[kind])
    # An inline cache is in its image; another goes alone, since a registry may refuse blobs that two pushes bring at once.
    pushed = ["--output", f"type=image,name={ref},push=true"] if kind == "inline" else []

    def build(daemon: BuildKit, *arguments: str) -> Outcome:
        done = run(daemon, [*LOCALS, *arguments], tmp_path)
        assert done.returncode == 0, done.stderr.decode()
        return outcome(done, {}, tmp_path / "none")

    assert len(not_cached(build(buildkit, *first, *pushed, "--export-cache", exported))) == 4
    assert not_cached(build(elsewhere, *second, "--import-cache", imported)) == []
