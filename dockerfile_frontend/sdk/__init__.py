"""Write a frontend of your own: a file of any language in, a graph of build operations and an image config out.

    from dockerfile_frontend.sdk import Built, Request, main

    def build(request: Request) -> Built:
        base = request.base(request.text.strip())       # an image that the file names, resolved
        return Built(base.root, base.image)

    if __name__ == "__main__":
        main(build)

Started without arguments, `main` answers BuildKit; with arguments it writes the graph, for `dfc exec` and `buildctl build`. The
ops are those of `ir_schema`. docs/frontends.md goes through a whole one.
"""

from __future__ import annotations

from dockerfile_frontend.compiler.graph import Edge
from dockerfile_frontend.compiler.image import Image
from dockerfile_frontend.diagnostics import DockerfileError
from dockerfile_frontend.sdk.request import Base, Built, Request
from dockerfile_frontend.sdk.run import main
from dockerfile_frontend.source import Span

__all__ = ["Base", "Built", "DockerfileError", "Edge", "Image", "Request", "Span", "main"]
