"""Write requirements.txt anew: the part of requirements-dev.lock that goes into the image."""

from __future__ import annotations

import re
from pathlib import Path

PACKAGES = ("lark",)
"""What a frontend imports, and what these import."""
HEAD = "# What the image holds beside this project: the part of requirements-dev.lock that a frontend imports; `make lock` writes it.\n"


def part_of(lock: str) -> str:
    """The entries of our packages, digests and all."""
    found = [re.search(rf"^{name}==.*(\n    --hash=.*)*", lock, re.MULTILINE) for name in PACKAGES]
    return HEAD + "".join(f"{entry[0].rstrip(' ')}\n" for entry in found if entry is not None)


if __name__ == "__main__":
    here = Path(__file__).parent
    (here / "requirements.txt").write_text(part_of((here.parent / "requirements-dev.lock").read_text()))
