"""What every test shares: case files with --update, Hypothesis without deadlines, groups of tests that share a daemon."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.casefiles import expect, pytest_addoption, update
from tests.docker_daemon import docker

# Whoever starts the suite in the background of a shell has interrupts ignored, which programs of tests would inherit.
signal.signal(signal.SIGINT, signal.default_int_handler)
for _number in (signal.SIGHUP, signal.SIGQUIT):
    signal.signal(_number, signal.SIG_DFL)

__all__ = ["docker", "expect", "pytest_addoption", "update"]

ROOT = Path(__file__).parent.parent

# Where modules may not be compiled into files, each of a thousand `dfc` processes compiles them again: twice the time.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# Whose machine this is shows nowhere: new files have the usual modes, commits are not signed, line ends stay.
os.umask(0o022)
_GIT = {"commit.gpgsign": "false", "tag.gpgsign": "false", "core.autocrlf": "false", "core.hooksPath": os.devnull}
os.environ["GIT_CONFIG_COUNT"] = str(len(_GIT))
for _place, (_name, _value) in enumerate(_GIT.items()):
    os.environ[f"GIT_CONFIG_KEY_{_place}"], os.environ[f"GIT_CONFIG_VALUE_{_place}"] = _name, _value

settings.register_profile("here", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", settings.get_profile("here"), derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "here")


@pytest.fixture
def root() -> Path:
    """The checkout."""
    return ROOT


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """`--dist loadgroup` with pytest 9.2, whose ids are no longer made of what xdist 3.8 writes a group's name to.

    Without it each worker starts every daemon. A pytest or xdist that writes it itself is left alone.
    """
    if getattr(config.option, "loadgroup", False) and hasattr(config, "workerinput"):
        for item in items:
            group = item.get_closest_marker("xdist_group")
            if group and not item.nodeid.endswith(f"@{group.args[0]}"):
                item._id = type(item.id).parse(f"{item.nodeid}@{group.args[0]}")  # noqa: SLF001
