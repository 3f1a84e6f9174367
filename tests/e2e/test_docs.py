"""The examples of README and docs that need a BuildKit daemon."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs import prepare, run_page
from tests.e2e.conftest import BuildKit
from tests.running import ROOT

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.xdist_group("buildkit")]


@pytest.mark.parametrize("page", ["README.md", "docs/frontends.md"])
def test_examples_with_a_daemon_print_what_the_page_says(
    buildkit: BuildKit,
    registry: str,
    base_image: str,
    frontend_image: str,
    tmp_path: Path,
    page: str,
    *,
    update: bool,
) -> None:
    path = ROOT / page
    names = {"BASE": base_image, "FRONTEND": frontend_image, "REGISTRY": registry}
    environment = {**prepare(tmp_path), **names, "BUILDKIT_HOST": buildkit.socket, "HOME": str(tmp_path)}
    environment["PATH"] += f":{buildkit.buildctl.parent}"
    now = run_page(path.read_text(), tmp_path, environment, e2e=True)
    if update:
        path.write_text(now)
    else:
        assert now == path.read_text()
