"""`--provenance --sbom --attest --metadata-file` of `dfc build`, run as a user runs them."""

from __future__ import annotations

import json
import subprocess
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.components import require
from tests.executor.exporters.reading import ReadImage
from tests.executor.exporters.test_attestations import statements
from tests.running import dfc

GENERATOR = """#!/bin/sh
printf '{"predicateType":"https://spdx.dev/Document","predicate":{"seen":"%s"}}' "$(ls $BUILDKIT_SCAN_SOURCE)" \\
    >$BUILDKIT_SCAN_DESTINATION/sbom.spdx.json
"""


@pytest.fixture
def context(tmp_path: Path) -> Path:
    folder = tmp_path / "context"
    folder.mkdir()
    (folder / "Dockerfile").write_text("FROM scratch\nARG WHO\nCOPY hello.txt /\n")
    (folder / "hello.txt").write_text("hello\n")
    return folder


def test_provenance_and_sbom(context: Path, tmp_path: Path) -> None:
    generator = tmp_path / "generator"
    generator.write_text(GENERATOR)
    generator.chmod(0o755)
    archive, metadata = tmp_path / "app.tar", tmp_path / "metadata.json"
    arguments = ("build", "-q", context, "-t", "app", "-o", f"type=oci,dest={archive}", "--build-arg", "WHO=https://u:secret@h/")
    environment = {"DFC_ROOT": str(tmp_path / "store")}
    for _ in range(2):  # the second is cached, and says the same
        asked = ("--provenance=mode=max", "--attest", f"type=sbom,generator={generator}", "--metadata-file", metadata)
        done = dfc(*arguments, *asked, env=environment)
        assert (done.returncode, done.stderr) == (0, b"")
        sbom, provenance = statements(ReadImage(archive))
        assert sbom["predicate"] == {"seen": "hello.txt"}
        request = provenance["predicate"]["buildDefinition"]["externalParameters"]["request"]
        assert request["args"]["build-arg:WHO"] == "https://xxxxx:xxxxx@h/"
        told = json.loads(metadata.read_text())
        assert told["buildx.build.provenance"]["runDetails"]["metadata"]["invocationId"] == told["buildx.build.ref"]
        assert "secret" not in metadata.read_text()


EXTRAS = """#!/bin/sh
set -e
for name in $(ls $BUILDKIT_SCAN_SOURCE_EXTRAS); do seen="$seen $name:$(ls -m $BUILDKIT_SCAN_SOURCE_EXTRAS/$name/)"; done
printf '{"predicateType":"https://spdx.dev/Document","predicate":{"core":"%s","seen":"%s"}}' "$(ls -m $BUILDKIT_SCAN_SOURCE)" "$seen" \\
    >$BUILDKIT_SCAN_DESTINATION/sbom.spdx.json
"""

STAGES = """\
ARG BUILDKIT_SBOM_SCAN_CONTEXT=true
FROM scratch AS tools
ARG BUILDKIT_SBOM_SCAN_STAGE=true
COPY hello.txt /tool
FROM scratch AS unseen
COPY hello.txt /unseen
FROM scratch
COPY --from=tools /tool /a
COPY --from=unseen /unseen /b
"""


def test_stages_and_the_context_are_scanned_where_args_say_so(context: Path, tmp_path: Path) -> None:
    (context / "Dockerfile").write_text(STAGES)
    generator = tmp_path / "generator"
    generator.write_text(EXTRAS)
    generator.chmod(0o755)
    for _ in range(2):  # the second finds its steps in the cache
        output = f"type=oci,dest={tmp_path}/app.tar"
        done = dfc("build", "-q", context, "-o", output, f"--sbom=generator={generator}", env={"DFC_ROOT": str(tmp_path / "store")})
        assert (done.returncode, done.stderr) == (0, b"")
        (sbom,) = statements(ReadImage(tmp_path / "app.tar"))
        assert sbom["predicate"] == {"core": "a, b", "seen": " sbom-context:hello.txt sbom-tools:tool"}


def test_an_archive_has_none_unless_asked(context: Path, tmp_path: Path) -> None:
    done = dfc("build", "-q", context, "-o", f"type=oci,dest={tmp_path}/app.tar", env={"DFC_ROOT": str(tmp_path / "store")})
    assert done.returncode == 0
    assert "layers" in ReadImage(tmp_path / "app.tar").root


def test_what_is_refused(context: Path, tmp_path: Path) -> None:
    for flag, message in (
        ("--provenance=mode=most", b"dfc: error: invalid mode 'most' of provenance\n  hint: mode=min | max | full\n"),
        ("--attest=type=slsa", b"dfc: error: attestation type 'slsa' is not known\n  hint: type=provenance | sbom\n"),
        ("--push", b"dfc: error: tag is needed when pushing to registry\n  hint: -t NAME, or name=NAME in the output\n"),
    ):
        done = dfc("build", "-q", context, flag, env={"DFC_ROOT": str(tmp_path / "store")})
        assert (done.returncode, done.stderr) == (2, message)


def test_provenance_of_a_git_context(tmp_path: Path) -> None:
    """The commit is a material, and where the build came from."""
    git: list[str | Path] = [require("git"), "-C", tmp_path / "app", "-c", "user.name=t", "-c", "user.email=t@t"]
    (tmp_path / "app").mkdir()
    (tmp_path / "app/Dockerfile").write_text("FROM scratch\nCOPY Dockerfile /\n")
    for command in (["init", "-q", "-b", "main"], ["add", "."], ["commit", "-q", "-m", "one"], ["update-server-info"]):
        subprocess.run([*git, *command], check=True)
    commit = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()
    handler = partial(SimpleHTTPRequestHandler, directory=str(tmp_path))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://user:s3cret@127.0.0.1:{server.server_port}/app/.git"
        archive = tmp_path / "app.tar"
        done = dfc("build", "-q", "--provenance=true", "-o", f"type=oci,dest={archive}", url, env={"DFC_ROOT": str(tmp_path / "store")})
        server.shutdown()
    assert (done.returncode, done.stderr) == (0, b"")
    (statement,) = statements(ReadImage(archive))
    definition = statement["predicate"]["buildDefinition"]
    shown = f"http://xxxxx:xxxxx@127.0.0.1:{server.server_port}/app/.git"
    assert definition["resolvedDependencies"] == [{"uri": shown, "digest": {"sha1": commit}}]
    assert definition["externalParameters"]["configSource"] == {"uri": shown, "digest": {"sha1": commit}, "path": "Dockerfile"}
    assert "s3cret" not in json.dumps(statement)
