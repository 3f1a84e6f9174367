"""Runs tests in a user namespace of its own.

    python inside.py PYTEST-ARGUMENT…

The user gets the ids of /etc/subuid and /etc/subgid, and a single id where they name none.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3]))

from dockerfile_frontend.executor import userns


def main() -> int:
    os.environ["HOME"] = os.environ["TMPDIR"] = str(Path.cwd())
    userns.enter(rootless=True)
    import pytest

    return int(pytest.main(sys.argv[1:]))


sys.exit(main())
