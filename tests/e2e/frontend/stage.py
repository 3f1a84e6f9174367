"""A case set up and built by both frontends.

A case is one file: a sentence, a Dockerfile, the files of its context, and if need be

    -- options --     options of `buildctl build`, one a line
    -- locals --      which folders the client sends, instead of `--local context=.` and `--local dockerfile=.`
    -- prepare --     shell commands, run in the context once its files are there; see PRELUDE
    -- image NAME --  a base image NAME:1, see images.py
    -- ours --        how our frontend is asked for, instead of gateway.v0 with its image
    -- theirs --      how the reference is asked for, instead of dockerfile.v0
    -- setting --     environment variables of the client, one a line

and of the reference's build, written by `pytest --update` and there only when there is something to see

    -- error --       what the client says, with the lines of the Dockerfile
    -- warnings --    all that is said of each
    -- answer --      standard output
    -- output --      what was exported: wanted by a case that has such a section
    -- again --       steps that the second of two equal builds did not find in the cache

@WEB@, @GIT@, @REGISTRY@, @FRONTEND@, @KEY@ and @OUT@ stand for places in all of it, @CASE@ for the case's name: what no other
case has must be somewhere in a file that is copied, or else another case's step, under way in the daemon, may be shown as its own.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.casefiles import Case
from tests.e2e.ages import make_old
from tests.e2e.builds.servers import WHEN, WHO
from tests.e2e.conftest import BuildKit
from tests.e2e.frontend.frontends import THEIRS, Outcome, outcome, run
from tests.e2e.frontend.images import Images
from tests.e2e.frontend.outputs import Tree, read_output

LOCALS = ("--local", "context=.", "--local", "dockerfile=.")
RESERVED = {"options", "locals", "prepare", "ours", "theirs", "setting", "error", "warnings", "answer", "output", "again"}
PRELUDE = """
commit() { git -C "$1" init -q -b main; git -C "$1" add -A; git -C "$1" commit -q -m "$2"; }
publish() { mkdir -p "$GIT" "$WEB"; git clone -q --bare "$1" "$GIT/$1.git"; }
serve() { mkdir -p "$WEB"; cp -a "$@" "$WEB"; }
"""
"""What `prepare` has: a folder as a repository with a commit, cloned to @GIT@; files at @WEB@."""
_BASE = "busybox:1.37"
"""The base image; each case has its own of that name."""
NO_STEP = re.compile(r"^resolve image config for docker-image://|^docker-image://\S*/dockerfile-frontend:")
"""What the daemon does to start our frontend."""
_ANY_PLATFORM = re.compile(r"^\[linux/\S+ ")
"""A step that is the same for several platforms is called after one of them."""


@dataclass(frozen=True, slots=True)
class Places:
    """What cases can name, and where it lies."""

    web: tuple[str, Path]
    git: tuple[str, Path]
    frontend: str
    key: Path
    """A private key for SSH."""


@dataclass(frozen=True, slots=True)
class Pair:
    """What came of a case."""

    theirs: Outcome
    ours: Outcome


@dataclass(frozen=True, slots=True)
class Stage:
    """A case in a folder of its own."""

    case: Case
    folder: Path
    places: Places
    buildkit: BuildKit
    images: Images

    @property
    def name(self) -> str:
        return str(self.case)

    @property
    def context(self) -> Path:
        return self.folder / "context"

    def both(self) -> Pair:
        """Build with theirs, then with ours."""
        try:
            self._write()
            return Pair(self._build(THEIRS, "theirs"), self._build(self._image(), "ours"))
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)

    def _write(self) -> None:
        began = time.time() - 5
        if any(_BASE in text for text in self.case.sections.values()):
            self.images.put("busybox", self.name, self.name)
        for name, text in self.case.sections.items():
            if name.startswith("image "):
                self.images.put(name.removeprefix("image "), "1", self.name, self.filled(text))
            elif name not in RESERVED:
                file = self.context / name
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(self.filled(text))
        self.context.mkdir(parents=True, exist_ok=True)
        if script := self.case.sections.get("prepare"):
            self._prepare(self.filled(script))
        web = self.places.web[1] / self.name
        make_old([self.context, *self.context.rglob("*"), *web.rglob("*")], began)

    def _prepare(self, script: str) -> None:
        places = {"WEB": str(self.places.web[1] / self.name), "GIT": str(self.places.git[1] / self.name)}
        quiet = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
        environment = {**os.environ, **WHO, **WHEN, **quiet, **places}
        subprocess.run(["sh", "-euc", PRELUDE + script], cwd=self.context, env=environment, check=True)

    def _image(self) -> tuple[str, ...]:
        return ("--frontend", "gateway.v0", "--opt", f"source={self.places.frontend}")

    def _build(self, frontend: tuple[str, ...], who: str) -> Outcome:
        out, told = self.folder / f"out-{who}", self.folder / f"{who}.json"
        frontend = self._words(who, out) or frontend
        options = self._words("options", out)
        locals_ = self._words("locals", out) if "locals" in self.case.sections else LOCALS
        output: tuple[str, ...] = ("--output", f"type=oci,dest={out}")
        if any(word == "--output" or "requestid=" in word for word in options):
            output = ()
        arguments = [*frontend, *locals_, *options, *output, "--metadata-file", str(told)]
        settings = dict(line.split("=", 1) for line in self.filled(self.case.sections.get("setting", "")).splitlines())
        done = run(self.buildkit, arguments, self.context, settings)
        return outcome(done, read_output(out), told)

    def _words(self, section: str, out: Path) -> tuple[str, ...]:
        text = self.filled(self.case.sections.get(section, "")).replace("@OUT@", str(out))
        return tuple(word for line in text.splitlines() for word in shlex.split(line))

    def filled(self, text: str) -> str:
        for mark, value in self._marks().items():
            text = text.replace(mark, value)
        return text

    def emptied(self, text: str) -> str:
        """What was said, with marks for places."""
        for mark, value in self._marks().items():
            text = text.replace(value, mark)
        return text.replace(str(self.folder), "@HERE@")

    def _marks(self) -> dict[str, str]:
        return {
            "@WEB@": f"{self.places.web[0]}/{self.name}",
            "@GIT@": f"{self.places.git[0]}/{self.name}",
            "@FRONTEND@": self.places.frontend,
            "@REGISTRY@": self.images.registry,
            "@KEY@": str(self.places.key),
            _BASE: f"busybox:{self.name}",
            "@CASE@": self.name,
        }


def shown_steps(steps: Mapping[str, bool]) -> list[str]:
    return sorted(_ANY_PLATFORM.sub("[", name) for name in steps if not NO_STEP.search(name))


def not_cached(outcome_: Outcome) -> list[str]:
    """Steps that were done, of those that a cache can spare."""
    return sorted(name for name, cached in outcome_.steps.items() if not cached and _is_kept(name))


def _is_kept(name: str) -> bool:
    return bool(re.search(r"\] (?:RUN|COPY|ADD|WORKDIR) ", name))


def tree_text(tree: Tree) -> str:
    return "".join(f"{name}  {what}\n" for name, what in tree.items())
