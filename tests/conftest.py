"""What every test shares: case files with --update, Hypothesis without deadlines, a home folder of its own."""

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

settings.register_profile("here", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", settings.get_profile("here"), derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "here")


@pytest.fixture
def root() -> Path:
    """The checkout."""
    return ROOT
