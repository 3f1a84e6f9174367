"""What cases of frontends are built with: our frontend's image, servers of files, and a pool that builds ahead."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.casefiles import Case
from tests.components import require
from tests.e2e.builds.servers import serve_files, serve_repository
from tests.e2e.conftest import BuildKit
from tests.e2e.frontend.images import Images
from tests.e2e.frontend.stage import Pair, Places, Stage

AT_ONCE = 6
"""Cases that are built at the same time, most of them waiting for the daemon."""
AHEAD = 12
"""Cases that are begun before their tests are run: other workers, and a suite that is broken off, do few in vain."""

Setup = Callable[[Case], Stage]
Built = Callable[[Stage], Pair]


@pytest.fixture(scope="session")
def places(frontend_image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Places]:
    web, git, key = (tmp_path_factory.mktemp(name) for name in ("web", "git", "key"))
    subprocess.run([str(require("openssl")), "genpkey", "-algorithm", "ed25519", "-out", str(key / "id")], check=True)
    with serve_files(web) as http, serve_repository(git) as repositories:
        yield Places((http, web), (repositories, git), frontend_image, key / "id")


@pytest.fixture(scope="session")
def images(base_image: str, library: str, registry: str, base_layout: Path) -> Images:
    return Images(registry, base_layout)


@pytest.fixture(scope="session")
def stage(
    places: Places, buildkit: BuildKit, images: Images, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[Case], Stage]:
    top = tmp_path_factory.mktemp("cases")
    return lambda case: Stage(case, top / str(case), places, buildkit, images)


@pytest.fixture(scope="session")
def built(request: pytest.FixtureRequest, stage: Setup) -> Iterator[Built]:
    """What came of a case; the next ones are begun while a test waits for its own."""
    wanted = list(_cases(request.session.items))
    begun: dict[str, Future[Pair]] = {}
    with ThreadPoolExecutor(AT_ONCE) as pool:

        def result(one: Stage) -> Pair:
            place = next(i for i, case in enumerate(wanted) if str(case) == one.name)
            for case in wanted[place : place + AHEAD]:
                if str(case) not in begun:
                    begun[str(case)] = pool.submit(stage(case).both)
            return begun[one.name].result()

        yield result
        pool.shutdown(cancel_futures=True)


def _cases(items: list[pytest.Item]) -> Iterator[Case]:
    """Those of tests that want what came of them, in order."""
    for item in items:
        if isinstance(item, pytest.Function) and "built" in item.fixturenames:
            case = item.callspec.params["case"] if hasattr(item, "callspec") else None
            if isinstance(case, Case):
                yield case
