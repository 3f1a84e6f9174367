"""The same project by both backends: same image, same files, in every form."""

from __future__ import annotations

import io
import json
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest

from tests.backends.conftest import Here
from tests.components import require

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("buildkit")]

EPOCH = ("--build-arg", "SOURCE_DATE_EPOCH=1700000000")


def image_of(archive: Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Config and layer descriptors of the one image in an OCI archive."""
    with tarfile.open(archive) as tar:

        def blob(digest: str) -> dict[str, Any]:
            found = tar.extractfile(f"blobs/{digest.replace(':', '/')}")
            assert found is not None
            return json.load(found)  # type: ignore[no-any-return]

        index = json.load(tar.extractfile("index.json"))  # type: ignore[arg-type]
        (entry,) = index["manifests"]
        manifest = blob(entry["digest"])
        return blob(manifest["config"]["digest"]), manifest["layers"]


def names(data: bytes) -> dict[str, tuple[int, int, bytes]]:
    """Entries of a tar: mode, owner, content."""
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        return {
            member.name.strip("/"): (member.mode, member.uid, (tar.extractfile(member).read() if member.isreg() else b""))  # type: ignore[union-attr]
            for member in tar
        }


def test_the_image_is_the_same_to_the_last_digest(project: Here) -> None:
    output = "type=oci,dest={},rewrite-timestamp=true,compression=uncompressed"
    arguments = ("-t", "app:1", "--build-arg", "WHO=me", *EPOCH, "app", "--metadata-file")
    project.there(*arguments, "there.json", "-o", output.format("there.tar"))
    project.here(*arguments, "here.json", "-o", output.format("here.tar"))
    there, here = (json.loads((project.folder / f"{name}.json").read_text()) for name in ("there", "here"))
    assert image_of(project.folder / "there.tar") == image_of(project.folder / "here.tar")
    for key in ("containerimage.config.digest", "containerimage.digest", "image.name"):
        assert there[key] == here[key], key
    assert there["containerimage.descriptor"]["digest"] == there["containerimage.digest"]
    assert there["buildx.build.ref"]


def test_files_as_a_folder_and_as_a_tar(project: Here) -> None:
    project.there("app", "-o", "there", *EPOCH)
    project.here("app", "-o", "here", *EPOCH)
    command = ["diff", "-r", "--no-dereference", "there", "here"]
    compared = subprocess.run(command, cwd=project.folder, capture_output=True, text=True, check=False)
    assert not compared.stdout
    assert not compared.stderr
    there, here = project.there("app", "-o", "-", *EPOCH).stdout, project.here("app", "-o", "-", *EPOCH).stdout
    assert names(there) == names(here)
    assert names(there)["srv/deep/both.txt"][2] == b"one\ntwo\n"


def test_a_docker_archive_goes_to_standard_output(project: Here) -> None:
    data = project.there("app", "-t", "app:1", "-o", "type=docker,dest=-").stdout
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        manifest = json.load(tar.extractfile("manifest.json"))  # type: ignore[arg-type]
    assert manifest[0]["RepoTags"] == ["app:1"]


def test_an_oci_layout_as_a_folder_and_several_outputs_at_once(project: Here) -> None:
    project.there("app", "-o", "type=oci,tar=false,dest=layout", "-o", "type=tar,dest=files.tar", "-o", "out")
    assert json.loads((project.folder / "layout" / "index.json").read_text())["manifests"]
    assert names((project.folder / "files.tar").read_bytes())["who"][2] == b"nobody\n"
    assert (project.folder / "out" / "who").read_text() == "nobody\n"


def test_pushed_images_are_the_same(project: Here, registry: str) -> None:
    done = {}
    for who, run in (("there", project.there), ("here", project.here)):
        output = f"type=image,name={registry}/app:{who},push=true,rewrite-timestamp=true,registry.insecure=true"
        run("app", "-o", output, "--provenance=false", "--iidfile", f"{who}.iid", *EPOCH)
        done[who] = (project.folder / f"{who}.iid").read_text()
    assert done["there"] == done["here"]
    inspect = [str(require("skopeo")), "inspect", "--config", "--tls-verify=false", f"docker://{registry}/app:there"]
    config = json.loads(subprocess.run(inspect, capture_output=True, check=True).stdout)
    assert config["config"]["Labels"] == {"quoted": 'say "hi", twice'}
    assert config["config"]["Cmd"] == ["cat", "/srv/deep/both.txt"]


def test_push_asks_for_a_name_before_anything_is_built(project: Here) -> None:
    assert "tag is needed when pushing to registry" in project.refused("app", "--push", code=2)


def test_provenance_goes_along(project: Here) -> None:
    project.there("app", "-o", "type=oci,dest=app.tar", "--provenance", "mode=max")
    with tarfile.open(project.folder / "app.tar") as tar:
        texts = [tar.extractfile(m).read() for m in tar if m.name.startswith("blobs/") and m.isfile()]  # type: ignore[union-attr]
    (statement,) = [json.loads(t) for t in texts if t.startswith(b'{"_type":"https://in-toto.io/Statement')]
    assert statement["predicateType"].startswith("https://slsa.dev/provenance/")


def test_quiet_prints_the_id_and_nothing_else(project: Here) -> None:
    done = project.there("-q", "app")
    assert done.stdout.startswith(b"sha256:")
    assert not done.stderr


def test_a_build_that_is_given_nowhere_says_where_it_is(project: Here) -> None:
    said = project.there("app", "-t", "app").stderr.decode()
    assert "built app; it is in the build cache of the daemon only" in said


def test_steps_are_cached_for_the_reference_frontend_too(project: Here) -> None:
    """The graph is the one that BuildKit's own frontend makes, so its cache is the same."""
    project.there("app")
    own = ["--frontend", "dockerfile.v0", "--local", "context=app", "--local", "dockerfile=app", "--progress", "rawjson"]
    done = project.daemon.build(*own, cwd=project.folder)
    assert done.returncode == 0, done.stderr.decode()
    vertexes = [v for line in done.stderr.splitlines() if line.startswith(b"{") for v in json.loads(line).get("vertexes", ())]
    ended = {v["name"]: v.get("cached", False) for v in vertexes if v.get("completed") and "RUN" in v["name"]}
    assert ended
    assert all(ended.values()), ended


def test_annotations_and_names(project: Here) -> None:
    project.there("app", "-t", "app:1", "-t", "r.example/b:2", "--annotation", "org.example.a=x,y", "-o", "type=oci,dest=app.tar")
    with tarfile.open(project.folder / "app.tar") as tar:
        index = json.load(tar.extractfile("index.json"))  # type: ignore[arg-type]
        found = [entry["annotations"]["io.containerd.image.name"] for entry in index["manifests"]]
        digest = index["manifests"][0]["digest"].replace(":", "/")
        manifest = json.load(tar.extractfile(f"blobs/{digest}"))  # type: ignore[arg-type]
    assert found == ["docker.io/library/app:1", "r.example/b:2"]
    assert manifest["annotations"]["org.example.a"] == "x,y"


@pytest.fixture
def graph(project: Here, base_layout: Path) -> Here:
    """A graph that BuildKit's own library made, of a folder and an OCI layout."""
    (project.app / "tree").mkdir()
    for name in ("a.txt", "b.txt"):
        (project.app / "tree" / name).write_text(name)
    digest = json.loads((base_layout / "index.json").read_text())["manifests"][0]["digest"]
    command = [str(require("graphs")), "users", digest, "http://127.0.0.1:1", "http://127.0.0.1:1/x.git"]
    made = subprocess.run(command, capture_output=True, check=False)
    assert made.returncode == 0, made.stderr.decode()
    (project.folder / "foreign.llb").write_bytes(made.stdout)
    return project


OUTPUT = "type=oci,dest={},rewrite-timestamp=true,source-date-epoch=1700000000,compression=uncompressed"


def test_exec_runs_a_graph_of_another_frontend(graph: Here) -> None:
    graph.there("foreign.llb", "--local", "context=app", "-o", OUTPUT.format("there.tar"), command="exec")
    graph.here("foreign.llb", "--local", "context=app", "-o", OUTPUT.format("here.tar"), command="exec")
    there, here = image_of(graph.folder / "there.tar"), image_of(graph.folder / "here.tar")
    assert there[1] == here[1]
    for key in ("architecture", "os", "config", "rootfs"):
        assert there[0].get(key) == here[0].get(key), key


def test_exec_runs_what_was_compiled_before(project: Here) -> None:
    made = project.run("compile", "app", "-o", "app.msgpack", "--image-config", "app.json")
    assert made.returncode == 0
    given = ("app.msgpack", "--local", "context=app", "--image-config", "app.json")
    project.there(*given, "-o", OUTPUT.format("there.tar"), command="exec")
    project.here(*given, "-o", OUTPUT.format("here.tar"), command="exec")
    there, here = image_of(project.folder / "there.tar"), image_of(project.folder / "here.tar")
    assert there[1][1:] == here[1][1:]  # which image was the base, and so keeps its times, a graph alone does not say
    for key in ("architecture", "os", "config", "history", "created"):
        assert there[0][key] == here[0][key], key


def test_exec_names_a_folder_that_is_missing(graph: Here) -> None:
    done = graph.run("exec", "foreign.llb", "--backend", "buildkit")
    assert done.returncode == 1
    assert b"no local directory 'context' was given\n  hint: dfc exec --local context=DIR" in done.stderr


GENERATOR = """\
printf '{"_type":"https://in-toto.io/Statement/v0.1","predicateType":"https://spdx.dev/Document","predicate":{"name":"here"}}' \
> "$BUILDKIT_SCAN_DESTINATION/sbom.spdx.json"
"""


def test_a_bill_of_materials_is_made_by_the_daemon(project: Here, base_image: str, registry: str) -> None:
    """Of a graph, too: its daemon runs the generator on what the graph gave."""
    maker = project.folder / "maker"
    maker.mkdir()
    (maker / "make.sh").write_text(GENERATOR)
    (maker / "Dockerfile").write_text(f'FROM {base_image}\nCOPY make.sh /\nENTRYPOINT ["/bin/sh", "/make.sh"]\n')
    generator = f"{registry}/generator:1"
    project.there("maker", "-o", f"type=image,name={generator},push=true,registry.insecure=true", "--provenance=false")
    project.there("app", "-o", "type=oci,dest=app.tar", "--sbom", f"generator={generator}")
    with tarfile.open(project.folder / "app.tar") as tar:
        texts = [tar.extractfile(m).read() for m in tar if m.name.startswith("blobs/") and m.isfile()]  # type: ignore[union-attr]
    (statement,) = [json.loads(t) for t in texts if t.startswith(b'{"_type":"https://in-toto.io/Statement') and b"spdx" in t]
    assert statement["predicate"] == {"name": "here"}
