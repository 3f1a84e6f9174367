"""Unsafe fixes that join, part and move instructions: what they make, and where they stay away."""

from __future__ import annotations

import pytest

from dockerfile_frontend.lint.fix import fix_data
from dockerfile_frontend.lint.run import Wishes
from dockerfile_frontend.lint.table import Selection

MENDED = [
    ("DL3059", "RUN a\nRUN b\n", "RUN a \\\n    && b\n"),
    ("DL3059", "RUN a\nRUN b\nRUN c d\nUSER x\n", "RUN a \\\n    && b \\\n    && c d\nUSER x\n"),
    ("DL3059", "RUN --mount=type=ssh a\nRUN --mount=type=ssh b\n", "RUN --mount=type=ssh a \\\n    && b\n"),
    ("DL3059", "RUN a \\\n  --b\nRUN c \\\n  --d", "RUN a \\\n  --b \\\n    && c \\\n  --d"),
    ("DL3003", "RUN cd /src && make\n", "WORKDIR /src\nRUN make\n"),
    ("DL3003", "WORKDIR /a\nRUN cd b && make\nCMD x\n", "WORKDIR /a\nWORKDIR /a/b\nRUN make\nWORKDIR /a\nCMD x\n"),
    ("DL3003", "RUN cd /b && make\nENV A=1\nWORKDIR /c\n", "WORKDIR /b\nRUN make\nENV A=1\nWORKDIR /c\n"),
    ("DL3003", "# why\nRUN cd /b \\\n && make && x\n", "# why\nWORKDIR /b\nRUN \\\n make && x\n"),
    ("DL3003", "RUN cd /b && \\\n    make\n", "WORKDIR /b\nRUN \\\n    make\n"),
    ("DL4006", "RUN a | b\nRUN c | d\n", 'SHELL ["/bin/bash", "-o", "pipefail", "-c"]\nRUN a | b\nRUN c | d\n'),
    ("DL4006", 'SHELL ["/bin/bash", "-ec"]\nRUN a | b\n', 'SHELL ["/bin/bash", "-ec"]\nRUN a | b\n'),
    ("DL4006", 'SHELL ["/bin/zsh", "-c"]\n# why\n# dfc: ignore=DL3008\n# x\nRUN a | b\n',
     'SHELL ["/bin/zsh", "-c"]\n# why\nSHELL ["/bin/zsh", "-o", "pipefail", "-c"]\n# dfc: ignore=DL3008\n# x\nRUN a | b\n'),
    ("DL4006", "FROM alpine:3 AS b\nFROM b\nRUN a | b\n",
     'FROM alpine:3 AS b\nFROM b\nSHELL ["/bin/ash", "-o", "pipefail", "-c"]\nRUN a | b\n'),
    ("DL3044", "ENV A=1 B=$A/x C=2\n", "ENV A=1\nENV B=$A/x C=2\n"),
    ("DL3048", 'LABEL Vendor="X" b=c\n', 'LABEL vendor="X" b=c\n'),
    ("DL3066", "USER root\n", "USER 0\n"),
    ("DL4005", "RUN ln -sf bash /bin/sh\n", 'SHELL ["/bin/bash", "-c"]\n'),
    ("DL3029", "FROM --platform=linux/amd64 b\n", "FROM b\n"),
    ("FromPlatform", "FROM --platform=linux/amd64 b\n", "FROM b\n"),
    ("DFC103", "FROM b AS build\nFROM c\nCOPY --from=biuld a b\nRUN --mount=from=buidl,target=/x y\n",
     "FROM b AS build\nFROM c\nCOPY --from=build a b\nRUN --mount=from=build,target=/x y\n"),
    ("DFC207", "RUN --mount=type=ssh --mount=type=secret,id=k echo\n", "RUN --mount=type=ssh echo\n"),
    ("DFC302", "RUN apt-get update\nRUN apt-get install -y x && y\n", "RUN apt-get update \\\n    && apt-get install -y x && y\n"),
    ("DFC112", 'LABEL a=1 b="x y" a=2\n', 'LABEL b="x y" a=2\n'),
    ("DFC112", "LABEL a=1 \\\n  b=c \\\n  b=d\nLABEL b=e\n", "LABEL a=1 \\\n  b=d\nLABEL b=e\n"),
    ("DFC113", "USER 1000:1\nCOPY a b\n", "USER 1000:1\nCOPY --chown=1000:1 a b\n"),
    ("DFC115", "COPY a /bin/\nRUN chmod 0755 /bin/a\nUSER x\n", "COPY --chmod=0755 a /bin/\nUSER x\n"),
    ("DFC304", "RUN pip install x\n", "RUN --mount=type=cache,target=/root/.cache/pip pip install x\n"),
]  # fmt: skip

LEFT = [
    ("DL3059", "RUN export A=1\nRUN b\n"),
    ("DL3059", "RUN a\n\nRUN b\n"),
    ("DL3059", "RUN a\n# why\nRUN b\n"),
    ("DL3059", "# hadolint ignore=DL3008\nRUN a\nRUN b\n"),
    ("DL3059", "RUN a &\nRUN b\n"),
    ("DL3059", 'RUN ["a"]\nRUN b\n'),
    ("DL3059", "RUN a\nRUN (b)\n"),
    ("DL3003", "RUN cd /b && make\nCMD x\n"),
    ("DL3003", "WORKDIR /a\nRUN cd /b && make && cd -\n"),
    ("DL3003", "RUN cd $B && make\n"),
    ("DL3003", "RUN cd b && make\n"),
    ("DL3003", "RUN make && cd /b && x\n"),
    ("DL3003", "RUN cd /b; make\n"),
    ("DL3003", "ONBUILD RUN cd /b && make\n"),
    ("DL4006", 'SHELL ["/bin/dash", "-c"]\nRUN a | b\n'),
    ("DL4006", "RUN sh -c 'a | b'\n"),
    ("DL4006", "ONBUILD RUN a | b\n"),
    ("DL3048", "LABEL _x=1\n"),
    ("DFC115", "COPY a /bin/\nRUN chmod +x /bin/a\n"),
    ("DFC115", "COPY a /bin/\nRUN chmod 755 /bin/a && x\n"),
    ("DL3066", "USER me\n"),
    ("DL4005", "RUN x && ln -s bash /bin/sh\n"),
    ("DFC302", "RUN apt-get update\nCOPY x y\nRUN apt-get install -y x\n"),
    ("DFC302", "RUN apt-get update\nRUN apt-get install -y x || y\n"),
]


def mended(rule: str, text: str) -> str:
    head = "" if text.startswith("FROM") else "FROM a\n"
    found = fix_data("Dockerfile", f"{head}{text}".encode(), Wishes(Selection((rule,)), fixes="unsafe"))
    return found.data.decode().removeprefix(head)


@pytest.mark.parametrize(("rule", "before", "after"), MENDED)
def test_it_makes(rule: str, before: str, after: str) -> None:
    assert mended(rule, before) == after
    assert mended(rule, after) == after
    assert mended(rule, before.replace("\n", "\r\n")) == after.replace("\n", "\r\n")


@pytest.mark.parametrize(("rule", "text"), LEFT)
def test_it_leaves(rule: str, text: str) -> None:
    found = fix_data("Dockerfile", f"FROM a\n{text}".encode(), Wishes(Selection((rule,)), fixes="unsafe"))
    assert [left.rule for left in found.report.findings if left.rule == rule]
    assert found.data.decode() == f"FROM a\n{text}"
