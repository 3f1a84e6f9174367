"""`python -m dockerfile_frontend.cli`, for where `dfc` is not on PATH."""

from __future__ import annotations

from dockerfile_frontend.cli import main

main()
