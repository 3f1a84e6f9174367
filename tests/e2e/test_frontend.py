"""The frontend as BuildKit runs it, beside the one that is built into BuildKit: the same images, the same words."""

from __future__ import annotations

import functools
import hashlib
import http.server
import json
import re
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import BuildKit

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.xdist_group("buildkit")]

DIGESTS = ("containerimage.digest", "containerimage.config.digest")
NOISE = re.compile(r" http2: server: error reading preface|^#\d+ |^\s*$|^time=")
"""Progress, which names steps in the order in which they happen to run."""

CHANCE = re.compile(r"^\d+\.\d+ |(?<=of ref )\S+", re.MULTILINE)
"""Times, and names of the daemon's own."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """A build as its caller sees it."""

    code: int
    metadata: dict[str, Any]
    text: str
    steps: tuple[str, ...]
    """What was not in the cache."""


@dataclass(frozen=True, slots=True)
class Both:
    """The two frontends, in one daemon."""

    buildkit: BuildKit
    image: str
    folder: Path

    def run(self, *arguments: str, ours: bool = False) -> Outcome:
        frontend = ["gateway.v0", "--opt", f"source={self.image}"] if ours else ["dockerfile.v0"]
        local = (
            []
            if any("context=http" in word for word in arguments)
            else ["--local", "context=.", "--local", "dockerfile=."]
        )
        out = self.folder / f"out-{ours}"
        output = ["--output", f"type=oci,dest={out}.tar", "--metadata-file", f"{out}.json"]
        Path(f"{out}.json").unlink(missing_ok=True)
        done = self.buildkit.build(
            "--frontend",
            *frontend,
            "--opt",
            "cmdline=x",
            *local,
            *output,
            "--progress=plain",
            *arguments,
            cwd=self.folder,
        )
        metadata = json.loads(Path(f"{out}.json").read_bytes()) if done.returncode == 0 else {}
        text = done.stderr.decode()
        text = text.replace("failed to run Build function: ", "failed to solve: ")  # as two of buildctl's threads happen to end
        shown = CHANCE.sub("", "\n".join(line for line in text.splitlines() if not NOISE.search(line)))
        return Outcome(done.returncode, metadata, shown, tuple(sorted(_run_steps(text))))

    def compare(self, *arguments: str) -> Outcome:
        """Build with theirs, then with ours: the same image, with nothing done twice. Ours."""
        theirs, ours = self.run(*arguments), self.run(*arguments, ours=True)
        assert (ours.code, ours.text) == (theirs.code, theirs.text)
        for key in DIGESTS:
            assert ours.metadata.get(key) == theirs.metadata.get(key), key
        assert ours.code or not [step for step in ours.steps if "RUN" in step or "COPY" in step]
        return ours


def _run_steps(text: str) -> Iterator[str]:
    names = dict(re.findall(r"^#(\d+) (\[.*)$", text, re.MULTILINE))
    cached = set(re.findall(r"^#(\d+) CACHED$", text, re.MULTILINE))
    return (name for number, name in names.items() if number not in cached)


@pytest.fixture
def both(buildkit: BuildKit, frontend_image: str, tmp_path: Path) -> Both:
    return Both(buildkit, frontend_image, tmp_path)


@pytest.fixture
def files(base_image: str, tmp_path: Path) -> Path:
    """A small build context whose steps no other test has run."""
    (tmp_path / "src" / "deep").mkdir(parents=True)
    (tmp_path / "src" / "deep" / "a").write_text(str(tmp_path))
    (tmp_path / "b.log").write_text("ignored")
    (tmp_path / ".dockerignore").write_text("*.log\nout-*\n")
    unique = hashlib.sha256(str(tmp_path).encode()).hexdigest()[:12]
    (tmp_path / "Dockerfile").write_text(f"""
ARG BASE={base_image}
FROM --platform=$BUILDPLATFORM $BASE AS tools
ARG TARGETARCH
RUN echo {unique} $TARGETARCH >/arch
FROM $BASE AS app
WORKDIR /srv
COPY --chown=65534 src ./
COPY --from=tools /arch .
RUN <<EOT
ls -R /srv >/list
EOT
ENV MODE=fast PORT=80
USER nobody
EXPOSE 80
CMD ["sh"]
FROM scratch AS files
COPY --from=app /list /
COPY --link src/deep/a /a
FROM app
LABEL last=yes
""")
    return tmp_path


def test_the_image_is_byte_for_byte_the_same_and_every_step_cached(both: Both, files: Path) -> None:
    assert (files / "src").is_dir()
    found = both.compare()
    assert found.code == 0
    assert found.metadata["containerimage.digest"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("--opt", "target=files"),
        ("--opt", "target=files", "--opt", "platform=linux/amd64,linux/arm64"),
        ("--opt", "label:a=b", "--opt", "build-arg:SOURCE_DATE_EPOCH=1700000000"),
        ("--opt", "target=files", "--opt", "platform=linux/arm64", "--opt", "multi-platform=true"),
    ],
    ids=lambda arguments: " ".join(arguments[1::2]),
)
def test_so_it_is_with_options(both: Both, files: Path, arguments: tuple[str, ...]) -> None:
    assert (files / "src").is_dir()
    assert both.compare(*arguments).code == 0


def test_named_contexts_of_every_kind(both: Both, files: Path, base_image: str, base_layout: Path) -> None:
    (files / "Dockerfile").write_text(
        "FROM base\nCOPY --from=folder . /folder\nFROM store\nCOPY --from=0 /folder /folder\nRUN ls /folder\n"
    )
    (files / "src" / ".dockerignore").write_text("deep\n")
    digest = json.loads((base_layout / "index.json").read_bytes())["manifests"][0]["digest"]
    contexts = {
        "base": f"docker-image://{base_image}",
        "folder": "local:folder",
        "store": f"oci-layout://store:1.37@{digest}",
    }
    options = [word for name, value in contexts.items() for word in ("--opt", f"context:{name}={value}")]
    found = both.compare(*options, "--local", f"folder={files / 'src'}", "--oci-layout", f"store={base_layout}")
    assert found.code == 0


@pytest.fixture
def web(files: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The build context over HTTP: as a repository, as an archive, and the Dockerfile alone."""
    folder = tmp_path_factory.mktemp("web")
    (files / "src" / "Dockerfile").write_bytes(
        (files / "Dockerfile").read_bytes().replace(b"src", b"deep").replace(b"/deep/", b"/")
    )
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b", "-C"]
    for command in (
        ["init", "-q", "-b", "main"],
        ["add", "src", "Dockerfile", ".dockerignore"],
        ["commit", "-q", "-m", "x"],
    ):
        subprocess.run([*git, str(files), *command], check=True)
    subprocess.run(["git", "clone", "-q", "--bare", str(files), str(folder / "repo.git")], check=True)
    subprocess.run(["git", "-C", str(folder / "repo.git"), "update-server-info"], check=True)
    subprocess.run(["tar", "czf", str(folder / "context.tar.gz"), "-C", str(files), "src", "Dockerfile"], check=True)
    (folder / "alone").write_text(f"FROM scratch\nLABEL from={folder.name}\n")
    handler = functools.partial(_Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.mark.parametrize(
    "context",
    ["repo.git", "repo.git#main:src", "context.tar.gz", "alone"],
)
def test_contexts_that_are_no_folder(both: Both, web: str, context: str) -> None:
    assert both.compare("--opt", f"context={web}/{context}").code == 0


def test_the_time_of_a_remote_context(both: Both, web: str) -> None:
    for context in ("repo.git", "context.tar.gz"):
        epoch = ("--opt", "build-arg:SOURCE_DATE_EPOCH=context")
        assert both.compare("--opt", f"context={web}/{context}", *epoch).code == 0


FAULTS = {
    "an instruction that is none": "FROM scratch\nFORM x \\\n y\nCOPY a /\n",
    "a flag that is none": "FROM scratch\nCOPY --form=x a \\\n  b /\n",
    "an image that is not there": "FROM BASE-nope\nRUN x\n",
    "a file that is not there": "FROM BASE\nCOPY missing /\n",
    "a program that fails": "FROM BASE\nRUN echo no; \\\n  exit 3\n",
    "no stage of that name": "FROM BASE\nCOPY --from=Nobody: a /\n",
    "an empty file": "",
    "warnings as errors": "# check=error=true\nFROM BASE\nMAINTAINER me\n",
}


@pytest.mark.parametrize("dockerfile", FAULTS.values(), ids=FAULTS)
def test_a_fault_is_shown_in_the_same_words_with_the_same_lines(
    both: Both, files: Path, base_image: str, dockerfile: str
) -> None:
    (files / "Dockerfile").write_text(dockerfile.replace("BASE", base_image))
    assert both.compare().code == 1


def test_a_missing_dockerfile_and_options_that_make_no_sense(both: Both, files: Path) -> None:
    (files / "Dockerfile").unlink()
    for option in ("filename=Dockerfile", "platform=a/b/c/d", "frontend.caps=none.such", "requestid=frontend.none"):
        assert both.compare("--opt", option).code == 1


@pytest.mark.parametrize("request_id", ["targets", "outline", "lint", "subrequests.describe"])
def test_questions_are_answered_in_the_same_words(both: Both, files: Path, request_id: str) -> None:
    text = (files / "Dockerfile").read_text()
    (files / "Dockerfile").write_text(
        text.replace("ARG TARGETARCH", "# X says it\nARG X=1\nARG TARGETARCH") + "MAINTAINER me\n"
    )
    answers = []
    for frontend in (["dockerfile.v0"], ["gateway.v0", "--opt", f"source={both.image}"]):
        question = ["--opt", f"requestid=frontend.{request_id}", "--opt", "cmdline=x"]
        local = ["--local", "context=.", "--local", "dockerfile=."]
        done = both.buildkit.build("--frontend", *frontend, *question, *local, cwd=files)
        assert done.returncode == 0, done.stderr.decode()
        answers.append(done.stdout)
    assert answers[0]
    assert answers[1] == answers[0]


def test_a_syntax_line_brings_the_frontend_in(both: Both, files: Path) -> None:
    text = (files / "Dockerfile").read_text()
    (files / "Dockerfile").write_text(f"# syntax={both.image}\n{text}")
    done = both.buildkit.build(
        "--frontend", "dockerfile.v0", "--local", "context=.", "--local", "dockerfile=.", "--progress=plain", cwd=files
    )
    assert done.returncode == 0, done.stderr.decode()
    assert f"resolve image config for docker-image://{both.image}".encode() in done.stderr
