"""Provenance and SBOMs: what they say, what they must not say, and how they are attached."""

from __future__ import annotations

import base64
import json
import re
import tarfile
from pathlib import Path
from typing import Any

import pytest

from dockerfile_frontend.executor.exporters.attest import Attest, settle_attests
from dockerfile_frontend.executor.exporters.outputs import (
    BuildFacts,
    Image,
    export,
    image_id,
    needs_files,
    parse_output,
)
from dockerfile_frontend.executor.machine import Machine
from dockerfile_frontend.executor.session import Session
from dockerfile_frontend.executor.solver.model import ExecutorError
from dockerfile_frontend.executor.sources.pin import Pin
from dockerfile_frontend.executor.store import Store
from ir_schema import Definition, Vertex
from ir_schema.ops import (
    ExecOp,
    FileAction,
    FileOp,
    Input,
    Location,
    Locations,
    Meta,
    MkFile,
    Mount,
    MountType,
    NetMode,
    Op,
    Platform,
    Position,
    ProxyEnv,
    Range,
    SecretEnv,
    SecretOpt,
    Source,
    SourceInfo,
    SourceOp,
    SSHOpt,
)

from .conftest import AMD64, ARM64, add_layer, image_config, some_files
from .reading import ReadImage

PASSWORD = "pa55"

ASKED = [
    ({}, {"provenance": {"mode": "min", "inline-only": "true"}}),
    ({"provenance": "false"}, {}),
    ({"provenance": "true"}, {"provenance": {}}),
    ({"provenance": "mode=max,builder-id=https://ci/1"}, {"provenance": {"mode": "max", "builder-id": "https://ci/1"}}),
    ({"attests": ["type=provenance,disabled=true", "type=sbom"]}, {"sbom": {}}),
    ({"provenance": "false", "sbom": "generator=/bin/scan"}, {"sbom": {"generator": "/bin/scan"}}),
    ({"provenance": "false", "sbom": "true"}, {"sbom": {}}),
    ({"provenance": "0", "attests": ['type=sbom,"Generator=a,b",SELECT=x']}, {"sbom": {"generator": "a,b", "SELECT": "x"}}),
]


@pytest.mark.parametrize(("asked", "settled"), ASKED)
def test_what_is_asked_for(asked: dict[str, Any], settled: dict[str, dict[str, str]]) -> None:
    assert {attest.kind: dict(attest.attrs) for attest in settle_attests(**asked)} == settled


def test_no_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BUILDX_NO_DEFAULT_ATTESTATIONS", "1")
    assert settle_attests() == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("type=provenance,mode=most", "invalid mode 'most' of provenance"),
        ("type=provenance,mod=max", "provenance has no option 'mod'"),
        ("type=slsa", "attestation type 'slsa' is not known"),
        ("mode=max", "attestation type '' is not known"),
        ("type=provenance,max", "invalid value max"),
        ("type=provenance,filename=../x", "is no name of a file"),
        ("type=provenance,reproducible=maybe", "non-bool value specified for reproducible"),
        ("type=provenance,version=v2", "invalid version 'v2' of provenance"),
    ],
)
def test_what_is_refused(text: str, message: str) -> None:
    with pytest.raises(ExecutorError, match=re.escape(message)):
        settle_attests([text])


def test_asked_for_twice() -> None:
    with pytest.raises(ExecutorError, match="duplicate attestation type provenance"):
        settle_attests(["type=provenance"], provenance="true")


class Graph:
    """A build with one of each: image, git, file, directory, secrets, a proxy."""

    def __init__(self, machine: Machine) -> None:
        password = PASSWORD
        self.vertices: dict[str, Vertex] = {}
        self.machine = machine
        image = self.source("docker-image://docker.io/library/alpine:3.20@sha256:" + "a" * 64, "sha256:" + "a" * 64, AMD64)
        git = self.source(
            f"git://user:{password}@git.example/app.git#main", "b" * 40, None,
            **{"git.fullurl": f"https://user:{password}@git.example/app.git", "git.authtokensecret": "GIT_AUTH_TOKEN"},
        )  # fmt: skip
        http = self.source(f"https://user:{password}@files.example/a.tgz", "sha256:" + "c" * 64)
        local = self.source("local://context", "", **{"local.session": "s3ss10n"})
        proxy = ProxyEnv(http_proxy=f"http://user:{password}@proxy:3128")
        mounts = (
            Mount(0, dest="/"),
            Mount(-1, dest="/run/secrets/token", output=-1, type=MountType.SECRET, secret=SecretOpt("token", mode=0o400)),
            Mount(-1, dest="/run/ssh", output=-1, type=MountType.SSH, ssh=SSHOpt("", optional=True)),
        )
        meta = Meta(("make", f"URL=https://{password}@x.example/"), ("A=1",), "/", proxy_env=proxy)
        run = self.add(ExecOp(meta, mounts, secretenv=(SecretEnv("env", "ENV", optional=True),)), image, git, http, local)
        data = f"see ftp://user:{password}@old.example/\0\xff".encode("latin-1")
        last = self.add(FileOp((FileAction(0, -1, 0, MkFile("/notes", 0o644, data)),)), run)
        dockerfile = f"FROM alpine:3.20\nADD https://user:{password}@files.example/a.tgz /\n".encode()
        place = Locations((Location(0, (Range(Position(2), Position(2)),)),))
        source = Source({run.digest: place}, (SourceInfo("Dockerfile", dockerfile, language="Dockerfile"),))
        self.definition = Definition(self.vertices, last, source=source)

    def source(self, identifier: str, digest: str, platform: Platform | None = None, /, **attrs: str) -> Input:
        vertex = Vertex.of(Op((), SourceOp(identifier, attrs), platform=platform))
        self.vertices[vertex.digest] = vertex
        self.machine.sources.pins[vertex.digest] = Pin((), digest=digest)
        return Input(vertex.digest)

    def add(self, body: ExecOp | FileOp, *inputs: Input) -> Input:
        vertex = Vertex.of(Op(inputs, body))
        self.vertices[vertex.digest] = vertex
        return Input(vertex.digest)


def facts(machine: Machine, *attests: str, **more: Any) -> BuildFacts:  # noqa: ANN401 - fields of BuildFacts
    options = {
        "build-arg:TOKEN": "value", "build-arg:PROXY": "http://u:pa55@p", "label:l": "v", "target": "app", "filename": "app.Dockerfile",
        "context": "https://user:pa55@git.example/app.git#main", "vcs:source": "https://user:pa55@git.example/app.git",
        "vcs:revision": "b" * 40, "platform": "linux/amd64",
    }  # fmt: skip
    definition = Graph(machine).definition
    return BuildFacts(
        ("app:1",), definitions=(definition,), options=options, started=1_700_000_000.25, finished=1_700_000_001.0,
        reference="b-1", attests=settle_attests(attests), **more,
    )  # fmt: skip


def statements(found: ReadImage) -> list[dict[str, Any]]:
    """The statements of an image, as docker buildx imagetools finds them."""
    images = [entry for entry in found.root["manifests"] if entry["platform"]["os"] != "unknown"]
    said = []
    for entry in found.root["manifests"]:
        if entry.get("annotations", {}).get("vnd.docker.reference.type") != "attestation-manifest":
            continue
        assert entry["platform"] == {"architecture": "unknown", "os": "unknown"}
        assert entry["annotations"]["vnd.docker.reference.digest"] in [image["digest"] for image in images]
        manifest = found.document(entry)
        for layer in manifest["layers"]:
            assert layer["mediaType"] == "application/vnd.in-toto+json"
            statement = found.document(layer)
            assert layer["annotations"] == {"in-toto.io/predicate-type": statement["predicateType"]}
            said.append(statement)
    return said


def test_provenance_of_mode_max(image: Image, machine: Machine, tmp_path: Path) -> None:
    output = parse_output(f"type=oci,dest={tmp_path}/app.tar")
    metadata = export([output], [image], machine, facts(machine, "type=provenance,mode=max,builder-id=https://ci.example/7"))
    found = ReadImage(tmp_path / "app.tar")
    entry = found.root["manifests"][0]
    (statement,) = statements(found)
    assert image_id(metadata) == found.index["manifests"][0]["digest"]
    assert statement["_type"] == "https://in-toto.io/Statement/v1"
    assert statement["predicateType"] == "https://slsa.dev/provenance/v1"
    digest = entry["digest"].removeprefix("sha256:")
    assert statement["subject"] == [{"name": "pkg:docker/app@1?platform=linux%2Famd64", "digest": {"sha256": digest}}]
    definition, details = statement["predicate"]["buildDefinition"], statement["predicate"]["runDetails"]
    assert definition["resolvedDependencies"] == [
        {"uri": f"pkg:docker/alpine@3.20?digest=sha256:{'a' * 64}&platform=linux%2Famd64", "digest": {"sha256": "a" * 64}},
        {"uri": "https://xxxxx:xxxxx@git.example/app.git#main", "digest": {"sha1": "b" * 40}},
        {"uri": "https://xxxxx:xxxxx@files.example/a.tgz", "digest": {"sha256": "c" * 64}},
    ]
    assert definition["externalParameters"] == {
        "configSource": {
            "uri": "https://xxxxx:xxxxx@git.example/app.git#main", "digest": {"sha1": "b" * 40}, "path": "app.Dockerfile",
        },
        "request": {
            "frontend": "dockerfile.v0",
            "args": {"build-arg:PROXY": "http://xxxxx:xxxxx@p", "build-arg:TOKEN": "value", "label:l": "v", "target": "app"},
            "secrets": [{"id": "GIT_AUTH_TOKEN", "optional": True}, {"id": "env", "optional": True}, {"id": "token"}],
            "ssh": [{"id": "default", "optional": True}],
            "locals": [{"name": "context"}],
        },
    }  # fmt: skip
    steps = definition["internalParameters"]["buildConfig"]["llbDefinition"]
    assert [step["id"] for step in steps] == ["step0", "step1", "step2", "step3", "step4", "step5", "step6"]
    assert steps[6] == {"id": "step6", "op": {"Op": {}}, "inputs": ["step5:0"]}
    assert steps[4]["inputs"] == ["step0:0", "step1:0", "step2:0", "step3:0"]
    assert steps[4]["op"]["Op"]["exec"]["meta"]["args"] == ["make", "URL=https://xxxxx@x.example/"]
    assert steps[4]["op"]["Op"]["exec"]["mounts"][1]["secretOpt"] == {"ID": "token", "mode": 256}
    assert steps[0]["op"]["platform"] == {"Architecture": "amd64", "OS": "linux"}
    assert "s3ss10n" not in json.dumps(steps)
    assert details["builder"] == {"id": "https://ci.example/7"}
    assert details["metadata"]["startedOn"] == "2023-11-14T22:13:20.25Z"
    assert details["metadata"]["invocationId"] == metadata["buildx.build.ref"] == "b-1"
    assert details["metadata"]["buildkit_completeness"] == {"request": True, "resolvedDependencies": False}
    source = details["metadata"]["buildkit_metadata"]["source"]
    assert source["locations"] == {"step4": {"locations": [{"ranges": [{"start": {"line": 2}, "end": {"line": 2}}]}]}}
    assert b"ADD https://xxxxx:xxxxx@files.example" in base64.b64decode(source["infos"][0]["data"])
    assert details["metadata"]["buildkit_metadata"]["vcs"]["source"] == "https://xxxxx:xxxxx@git.example/app.git"


def test_no_credential_is_told(image: Image, machine: Machine, tmp_path: Path) -> None:
    """CVE-2023-26054: not in a URL, not in an op, not in a file's content, not in the Dockerfile; raw or base64."""
    for number, text in enumerate(("mode=max", "mode=min", "mode=max,version=v0.2")):
        path = tmp_path / f"{number}.tar"
        told = facts(machine, f"type=provenance,{text}", metadata=True)
        metadata = export([parse_output(f"type=oci,dest={path}")], [image], machine, told)
        (statement,) = statements(ReadImage(path))
        for text_told in (json.dumps(statement), json.dumps(metadata)):
            assert "pa55" not in text_told
            encoded = [base64.b64decode(each) for each in re.findall(r"[A-Za-z0-9+/]{16,}={0,2}", text_told) if len(each) % 4 == 0]
            assert not [data for data in encoded if b"pa55" in data]


def test_provenance_of_mode_min(image: Image, machine: Machine, tmp_path: Path) -> None:
    export([parse_output(f"type=oci,dest={tmp_path}/app.tar")], [image], machine, facts(machine, "type=provenance,mode=min,reproducible=1"))
    (statement,) = statements(ReadImage(tmp_path / "app.tar"))
    definition, details = statement["predicate"]["buildDefinition"], statement["predicate"]["runDetails"]
    request = definition["externalParameters"]["request"]
    assert request == {"frontend": "dockerfile.v0", "args": {"target": "app"}, "locals": [{"name": "context"}]}
    assert definition["internalParameters"] == {"builderPlatform": "linux/amd64", "targetPlatform": "linux/amd64"}
    assert details["metadata"]["buildkit_completeness"]["request"] is False
    assert details["metadata"]["buildkit_reproducible"] is True


def test_the_older_version(image: Image, machine: Machine, tmp_path: Path) -> None:
    export([parse_output(f"type=oci,dest={tmp_path}/app.tar")], [image], machine, facts(machine, "type=provenance,version=v0.2"))
    (statement,) = statements(ReadImage(tmp_path / "app.tar"))
    assert statement["predicateType"] == "https://slsa.dev/provenance/v0.2"
    body = statement["predicate"]
    assert body["buildType"] == "https://mobyproject.org/buildkit@v1"
    assert body["invocation"]["configSource"]["entryPoint"] == "app.Dockerfile"
    assert body["materials"][1]["digest"] == {"sha1": "b" * 40}
    assert body["metadata"]["completeness"] == {"parameters": True, "environment": True, "materials": False}


def test_a_hermetic_build(image: Image, machine: Machine, tmp_path: Path) -> None:
    graph = Graph(machine)
    source = graph.source("docker-image://docker.io/library/busybox:latest", "sha256:" + "d" * 64)
    run = graph.add(ExecOp(Meta(("true",), cwd="/"), (Mount(0, dest="/"),), network=NetMode.NONE), source)
    known = Definition(graph.vertices, run)
    asked = settle_attests(["type=provenance,complete-materials=true"])
    export([parse_output(f"type=oci,dest={tmp_path}/app.tar")], [image], machine, BuildFacts(definitions=(known,), attests=asked))
    (statement,) = statements(ReadImage(tmp_path / "app.tar"))
    metadata = statement["predicate"]["runDetails"]["metadata"]
    assert metadata["buildkit_hermetic"] is True
    assert metadata["buildkit_completeness"] == {"request": True, "resolvedDependencies": True}
    assert statement["subject"][0]["name"] == "_"
    with pytest.raises(ExecutorError, match="provenance materials are incomplete: the build reads local directories context"):
        export([parse_output(f"type=oci,dest={tmp_path}/b.tar")], [image], machine, facts(machine, "type=provenance,complete-materials=1"))


def test_the_default_goes_only_where_images_are_pushed(image: Image, machine: Machine, tmp_path: Path) -> None:
    told = facts(machine)
    export([parse_output(f"type=oci,dest={tmp_path}/app.tar"), parse_output(f"{tmp_path}/out")], [image], machine, told)
    assert "layers" in ReadImage(tmp_path / "app.tar").root
    assert "provenance.json" not in [path.name for path in (tmp_path / "out").iterdir()]
    kept = export([parse_output("type=image")], [image], machine, told)
    assert "containerimage.config.digest" in kept
    export([parse_output(f"type=oci,dest={tmp_path}/app.tar,attestation-inline=true")], [image], machine, told)
    assert len(statements(ReadImage(tmp_path / "app.tar"))) == 1


def test_graphs_that_are_not_known(image: Image, machine: Machine) -> None:
    told = BuildFacts(attests=settle_attests())
    export([parse_output("type=image")], [image], machine, BuildFacts())
    assert needs_files([parse_output("type=registry,name=x")], [image], machine, told)
    assert not needs_files([parse_output("type=registry,name=x")], [image], machine, BuildFacts())
    assert not needs_files([parse_output("type=image")], [image], machine, told)
    assert not needs_files([parse_output("type=oci,dest=a")], [image], machine, told)
    assert not needs_files([parse_output("type=cacheonly")], [image], machine, told)
    with pytest.raises(ExecutorError, match="provenance needs the graph that was built"):
        export([parse_output("type=registry,name=x")], [image], machine, told)


def test_docker_takes_an_index_along(image: Image, machine: Machine, tmp_path: Path) -> None:
    export([parse_output(f"type=docker,dest={tmp_path}/app.tar")], [image], machine, facts(machine, "type=provenance"))
    found = ReadImage(tmp_path / "app.tar")
    assert len(statements(found)) == 1
    (entry,) = json.loads(found.files["manifest.json"])
    manifest = found.document(found.root["manifests"][0])
    assert entry["Config"] == manifest["config"]["digest"].replace("sha256:", "blobs/sha256/")


def test_media_types_without_attestations(image: Image, machine: Machine, tmp_path: Path) -> None:
    text = f"type=oci,dest={tmp_path}/app.tar,oci-mediatypes=false"
    with pytest.raises(ExecutorError, match='cannot export attestations with "oci-mediatypes=false"'):
        export([parse_output(text)], [image], machine, facts(machine, "type=provenance"))
    export([parse_output(text)], [image], machine, facts(machine))  # the default one is not meant for archives


def test_attestations_in_the_disguise_of_an_image(image: Image, machine: Machine, tmp_path: Path) -> None:
    for value, kind in (("true", "application/vnd.oci.empty.v1+json"), ("false", "application/vnd.oci.image.config.v1+json")):
        text = f"type=oci,dest={tmp_path}/app.tar,oci-artifact={value}"
        export([parse_output(text)], [image], machine, facts(machine, "type=provenance"))
        found = ReadImage(tmp_path / "app.tar")
        manifest = found.document(found.root["manifests"][1])
        assert manifest["config"]["mediaType"] == kind
        assert ("subject" in manifest) == ("artifactType" in manifest) == (value == "true")
        assert len(statements(found)) == 1


def test_statements_beside_files(store: Store, machine: Machine, tmp_path: Path) -> None:
    layers = add_layer(store, (), some_files)
    images = [Image(platform, layers, image_config(platform)) for platform in (AMD64, ARM64)]
    definition = Graph(machine).definition
    told = BuildFacts(definitions=(definition, definition), attests=settle_attests(["type=provenance,filename=p.json"]))
    out = tmp_path / "out"
    outputs = [parse_output(f"type=local,dest={out},attestation-prefix=x-"), parse_output(f"type=tar,dest={tmp_path}/a.tar")]
    export(outputs, images, machine, told)
    statement = json.loads((out / "linux_arm64/x-p.json").read_text())
    assert sorted(subject["name"] for subject in statement["subject"]) == ["bin/tool", "bin/twin", "ünï"]
    with tarfile.open(tmp_path / "a.tar") as archive:
        assert [name for name in archive.getnames() if name.endswith("p.json")] == ["linux_amd64/p.json", "linux_arm64/p.json"]
    single = BuildFacts(definitions=(definition,), attests=told.attests)
    export([parse_output(f"type=local,dest={tmp_path}/one")], images[:1], machine, single)
    assert (tmp_path / "one/p.json").stat().st_mode & 0o777 == 0o600


SCANNER = """#!/bin/sh
echo "$BUILDKIT_SCAN_SOURCE $HOME $SECRET_OF_OURS" >"$BUILDKIT_SCAN_DESTINATION/.." 2>/dev/null
test -z "$SECRET_OF_OURS" || exit 9
printf '{"predicateType":"https://spdx.dev/Document","predicate":{"spdxVersion":"SPDX-2.3","files":"%s","note":"%s"}}' \\
    "$(ls $BUILDKIT_SCAN_SOURCE/bin | tr '\\n' ' ')" "$BUILDKIT_SCAN_note" >$BUILDKIT_SCAN_DESTINATION/sbom.spdx.json
printf '{"predicateType":"https://spdx.dev/Document","subject":[{"name":"x","digest":{"sha256":"00"}}],"predicate":{}}' \\
    >$BUILDKIT_SCAN_DESTINATION/extra.spdx.json
"""


def scanner(folder: Path, text: str) -> Path:
    path = folder / "scanner"
    path.write_text(text)
    path.chmod(0o755)
    return path


def test_an_sbom_by_a_program(image: Image, machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_OF_OURS", "1")
    asked = [f"type=sbom,generator={scanner(tmp_path, SCANNER)},note=n", "type=provenance,mode=min"]
    export([parse_output(f"type=oci,dest={tmp_path}/app.tar")], [image], machine, facts(machine, *asked))
    first, extra, provenance = statements(ReadImage(tmp_path / "app.tar"))
    assert first["predicate"] == {"spdxVersion": "SPDX-2.3", "files": "link tool twin ", "note": "n"}
    assert first["subject"][0]["name"].startswith("pkg:docker/app@1")
    assert extra["subject"] == [{"name": "x", "digest": {"sha256": "00"}}]
    assert provenance["predicateType"] == "https://slsa.dev/provenance/v1"
    assert list((Path(machine.store.path) / "ingest").iterdir()) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("echo broken >&2; exit 3", "failed with exit code 3: broken"),
        ("true", "has written nothing"),
        ("mkdir $BUILDKIT_SCAN_DESTINATION/d", "has written d, which is no file"),
        ("ln -s /etc/passwd $BUILDKIT_SCAN_DESTINATION/sbom.spdx.json", "has written sbom.spdx.json, which is no file"),
        ("echo {} >$BUILDKIT_SCAN_DESTINATION/a", "is no in-toto statement"),
        ("echo '[[[' >$BUILDKIT_SCAN_DESTINATION/a", "is no in-toto statement"),
        ('echo \'{"predicateType":"https://slsa.dev/provenance/v1","predicate":{}}\' >$BUILDKIT_SCAN_DESTINATION/a', "does not match"),
    ],
)
def test_scanners_that_fail(image: Image, machine: Machine, tmp_path: Path, text: str, message: str) -> None:
    asked = Attest("sbom", {"generator": str(scanner(tmp_path, f"#!/bin/sh\n{text}\n"))})
    with pytest.raises(ExecutorError, match=message):
        export([parse_output(f"type=oci,dest={tmp_path}/app.tar")], [image], machine, BuildFacts(attests=(asked,)))
    assert not (tmp_path / "app.tar").exists()


def test_the_metadata(image: Image, machine: Machine, tmp_path: Path) -> None:
    told = facts(machine, metadata=True)
    found = export([parse_output(f"type=oci,dest={tmp_path}/app.tar")], [image], machine, told)
    assert sorted(found) == [
        "buildx.build.provenance", "buildx.build.ref", "containerimage.config.digest", "containerimage.descriptor",
        "containerimage.digest", "image.name",
    ]  # fmt: skip
    json.dumps(found)
    descriptor = found["containerimage.descriptor"]
    assert isinstance(descriptor, dict)
    assert descriptor["digest"] == found["containerimage.digest"]
    assert list(descriptor) == ["mediaType", "digest", "size", "annotations", "platform"]


def test_a_machine_without_a_network_makes_no_sbom_by_an_image(store: Store, image: Image, tmp_path: Path) -> None:
    asked = BuildFacts(attests=settle_attests(sbom="true", provenance="false"))
    with Machine(store, Session()) as machine, pytest.raises(ExecutorError, match="may not use the network"):
        export([parse_output(f"type=oci,dest={tmp_path}/app.tar")], [image], machine, asked)
