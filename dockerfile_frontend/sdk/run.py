"""A frontend as a program: BuildKit's, or a compiler on the command line.

python recipe.py                                       one request of the BuildKit that started it
python recipe.py Recipe --image-config c.json > llb    the same graph, for `dfc exec` and `buildctl build`
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, NoReturn

from dockerfile_frontend.gateway.process import main as serve_buildkit
from dockerfile_frontend.sdk.serve import answer_with

if TYPE_CHECKING:
    from collections.abc import Callable

    from dockerfile_frontend.sdk.request import Built, Request


def main(build: Callable[[Request], Built]) -> NoReturn:
    """Does not return: the exit code is 0 for a result, 1 for an error, 2 for wrong use."""
    if len(sys.argv) == 1:
        serve_buildkit(answer_with(build))
    from dockerfile_frontend.sdk.local import compile_file  # noqa: PLC0415  BuildKit needs none of it

    sys.exit(compile_file(build, sys.argv[1:], os.environ))
