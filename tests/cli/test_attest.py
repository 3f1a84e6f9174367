"""`--provenance --sbom --attest --metadata-file` of `dfc build`, run as a user runs them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

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
