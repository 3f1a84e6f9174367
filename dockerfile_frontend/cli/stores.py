"""Where builds keep what later builds need: `--root`, `$DFC_ROOT`, or the user's own place.

root         /var/lib/dfc
a user       $XDG_DATA_HOME/dfc, else ~/.local/share/dfc
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from dockerfile_frontend.cli.errors import Fault
from dockerfile_frontend.cli.flag import option

if TYPE_CHECKING:
    from collections.abc import Mapping

VARIABLE = "DFC_ROOT"
SYSTEM = "/var/lib/dfc"

ROOT_FLAG = option(
    "--root", metavar="DIR", help=f"Store of layers and cache.  [default: ${VARIABLE}, else {SYSTEM} or ~/.local/share/dfc]"
)


def store_place(given: str | None, environment: Mapping[str, str] = os.environ) -> str:
    """The store's directory. Raises Fault when nothing says where the user's things are."""
    named = given or environment.get(VARIABLE)
    if named:
        return os.path.abspath(named)
    if os.geteuid() == 0:
        return SYSTEM
    home = environment.get("HOME", "")
    data = environment.get("XDG_DATA_HOME", "") or (os.path.join(home, ".local/share") if home else "")
    if not os.path.isabs(data):
        raise Fault("there is no place for the store: HOME is not set", hint="--root DIR names one")
    return os.path.join(data, "dfc")


def make_first(root: str) -> bool:
    """Whether a store begins in this directory, which is made, so that whatever is built will be new."""
    try:
        os.makedirs(root, mode=0o700, exist_ok=True)
        return not os.listdir(root)
    except OSError:
        return False  # whoever opens the store will say why
