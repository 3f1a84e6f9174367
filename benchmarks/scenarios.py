"""The projects that benchmarks/executor.py builds: each a folder with a Dockerfile, and one source file to touch.

    write(SCENARIOS["chain20"], folder)     the Dockerfile and every file it copies
    touch(folder, 3)                        its late source file says something new

Every Dockerfile starts from the build arg BASE, so each builder can name the same base image in its own way.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LATE = "src/late.txt"
BIG = 300 << 20
"""Bytes of the one big file."""
SMALL_FILES = 10_000


@dataclass(frozen=True, slots=True)
class Scenario:
    """One project to build."""

    about: str
    dockerfile: str
    fill: Callable[[Path], None] = lambda _folder: None
    """Writes what the Dockerfile copies beside the late source file."""


def write(scenario: Scenario, folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "Dockerfile").write_text(scenario.dockerfile)
    (folder / "src").mkdir()
    scenario.fill(folder)
    touch(folder, 0)


def touch(folder: Path, count: int) -> None:
    """Change the late source file; each count is another text of the same length."""
    (folder / LATE).write_text(f"version {count:020}\n")


def fill_small_files(folder: Path) -> None:
    """Ten thousand files of 100 to 4,000 bytes in 100 folders."""
    dice = random.Random(10)  # noqa: S311  the same files each time
    for number in range(SMALL_FILES):
        file = folder / "src" / f"d{number % 100:02}" / f"f{number:05}.txt"
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(dice.randbytes(dice.randint(50, 2000)).hex().encode())


def fill_big(folder: Path) -> None:
    """Bytes that no compression makes smaller."""
    dice = random.Random(300)  # noqa: S311  the same bytes each time
    with (folder / "big.bin").open("wb") as file:
        for _ in range(BIG >> 20):
            file.write(dice.randbytes(1 << 20))


def fill_app(folder: Path) -> None:
    """A web application: manifests of its packages, its own sources, what its pages show."""
    dice = random.Random(7)  # noqa: S311  the same files each time
    for name in ("package.json", "package-lock.json", "tsconfig.json"):
        (folder / name).write_text(f'{{"name": "{name}", "seed": "{dice.randbytes(900).hex()}"}}\n')
    for part, count in (("src", 120), ("assets", 40), ("scripts", 6), ("config", 4)):
        for number in range(count):
            file = folder / part / f"m{number % 8}" / f"{number}.txt"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(dice.randbytes(dice.randint(200, 6000)).hex())
    (folder / ".dockerignore").write_text("**/*.log\n.git\nnode_modules\n")


HEAD = "ARG BASE\nFROM ${BASE}\n"

APP = """\
ARG BASE
FROM ${BASE} AS deps
WORKDIR /app
COPY package.json package-lock.json ./
RUN --mount=type=cache,target=/root/.npm \\
    for i in $(seq 200); do [ -e /root/.npm/$i ] || head -c 2000 /dev/zero > /root/.npm/$i; done; \\
    mkdir -p node_modules && cp /root/.npm/* node_modules/
COPY scripts scripts
RUN find node_modules -type f | sort | head -50 | xargs cat | sha256sum > node_modules/.checked

FROM ${BASE} AS build
WORKDIR /app
COPY --from=deps /app/node_modules node_modules
COPY tsconfig.json ./
COPY config config
COPY src src
RUN --mount=type=cache,target=/app/.cache,sharing=locked \\
    mkdir -p dist && for f in $(find src -name '*.txt'); do sum=$(sha256sum < $f | cut -c1-16); \\
      [ -e .cache/$sum ] || tr a-f A-F < $f > .cache/$sum; cp .cache/$sum dist/; done
RUN ls dist | wc -l > dist/count

FROM ${BASE}
WORKDIR /app
RUN echo app:x:1000:1000::/app:/bin/sh >> /etc/passwd
COPY assets assets
COPY --from=build --chown=1000:1000 /app/dist dist
ENV NODE_ENV=production
USER app
CMD ["sh", "-c", "cat dist/count"]
"""

CHAIN = HEAD + "".join(f"RUN echo {number} > /step{number}\n" for number in range(20)) + f"COPY {LATE} /late.txt\n"

PARALLEL = (
    "ARG BASE\n"
    + "".join(f"FROM ${{BASE}} AS s{i}\nRUN sleep 0.3; echo {i} > /out{i}\n" for i in range(8))
    + "FROM ${BASE}\n"
    + "".join(f"COPY --from=s{i} /out{i} /\n" for i in range(8))
    + f"COPY {LATE} /late.txt\n"
)

SCENARIOS: dict[str, Scenario] = {
    "run": Scenario("one RUN", HEAD + f"RUN echo hello > /hello\nCOPY {LATE} /late.txt\n"),
    "chain20": Scenario("20 RUNs, one after the other", CHAIN),
    "stages8": Scenario("8 stages that each wait 0.3 s, side by side", PARALLEL),
    "files10k": Scenario(
        "COPY of 10,000 small files, then a RUN that counts them",
        HEAD + "COPY src /src\nRUN find /src -type f | wc -l > /count\n",
        fill_small_files,
    ),
    "big300": Scenario("COPY of 300 MiB that no compression makes smaller", HEAD + f"COPY big.bin /\nCOPY {LATE} /\n", fill_big),
    "app": Scenario("three stages of a web application, with cache mounts", APP, fill_app),
}
