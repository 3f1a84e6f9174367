"""COPY or ADD takes a file that is a secret by its name: a private key, the credentials of a cloud, a registry or git.

Whoever has the image has them; removing the file in a later step does not take it out of the layer. `RUN --mount=type=secret` lends
a file to a step.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dockerfile_frontend.instructions.model import Add, Copy
from dockerfile_frontend.lint.model import WARNING, Finding, Rule
from dockerfile_frontend.lint.outputs import shipped_stages

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockerfile_frontend.lint.facts import LintFile


_SECRET = re.compile(
    r"(?:^|/)(?:id_(?:rsa|dsa|ecdsa|ed25519)|\.netrc|\.pypirc|\.git-credentials|\.pgpass"
    r"|\.aws(?:/credentials)?|\.kube/config|\.docker/config\.json|\.gnupg|\.ssh/?|\.npmrc\.secret)/?\Z"
)


def check(file: LintFile) -> Iterator[Finding]:
    shipped = shipped_stages(file)
    for step, copy in file.each(Add, Copy, onbuild=False):
        if step.stage is None or step.stage.index not in shipped or (isinstance(copy, Copy) and copy.from_):
            continue
        for source in copy.sources:
            if _SECRET.search(source):
                yield Finding(
                    f"{source} ends up in the image",
                    step.text_span(source),
                    "lend it to the step with RUN --mount=type=secret",
                )


RULE = Rule(
    "DFC205",
    "secret-file-copied",
    "A file that holds secrets is copied into an image",
    WARNING,
    check,
    bad="FROM debian:12\nCOPY id_rsa /root/.ssh/id_rsa\nRUN git clone git@example.com:app.git\n",
    good="FROM debian:12\nRUN --mount=type=ssh git clone git@example.com:app.git\n",
)
