"""The examples of the README that need a BuildKit daemon."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs import prepare, run_page
from tests.e2e.conftest import BuildKit

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.xdist_group("buildkit")]


def test_the_readmes_buildctl_examples_print_what_it_says(
    buildkit: BuildKit, base_image: str, root_folder: Path, tmp_path: Path, *, update: bool
) -> None:
    path = root_folder / "README.md"
    tools = {"BUILDKIT_HOST": buildkit.socket, "BASE": base_image, "HOME": str(tmp_path)}
    environment = {**prepare(tmp_path), **tools}
    environment["PATH"] += f":{buildkit.buildctl.parent}"
    now = run_page(path.read_text(), tmp_path, environment, e2e=True)
    if update:
        path.write_text(now)
    else:
        assert now == path.read_text()
