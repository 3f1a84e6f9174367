"""What this process may do: as root, in a user namespace with many ids, or in one with a single id."""

from __future__ import annotations

from pathlib import Path

import pytest

_MAP = [[int(number) for number in line.split()] for line in Path("/proc/self/uid_map").read_text().splitlines()]

ROOTLESS = _MAP != [[0, 0, 4294967295]]
ONE_ID = sum(count for *_, count in _MAP) == 1

many_ids = pytest.mark.skipif(ONE_ID, reason="needs more ids than one")
one_id = pytest.mark.skipif(not ONE_ID, reason="with a single id only; test_rootless.py runs it")
real_root = pytest.mark.skipif(ROOTLESS, reason="needs root outside of user namespaces")
