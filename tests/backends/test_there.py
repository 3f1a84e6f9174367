"""Builds that a frontend in the daemon compiles: several platforms, images that only the daemon reaches, the same errors."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path

import pytest

from tests.backends.conftest import Here

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("buildkit")]


def test_several_platforms_are_one_image(place: Here, frontend_image: str) -> None:
    place.write(Dockerfile="FROM scratch\nARG TARGETARCH\nENV ARCH=$TARGETARCH\nCOPY file /\n", file="hello")
    several = ("--platform", "linux/amd64,linux/arm64")
    said = place.refused("app", *several)
    assert "several platforms are one build only for a frontend in the daemon\n  hint: --frontend-image IMAGE names it" in said
    place.there("app", *several, "--frontend-image", frontend_image, "-o", "type=oci,dest=app.tar", "-t", "app:1")
    with tarfile.open(place.folder / "app.tar") as tar:

        def blob(digest: str) -> dict[str, object]:
            return json.load(tar.extractfile(f"blobs/{digest.replace(':', '/')}"))  # type: ignore[arg-type, no-any-return]

        index = json.load(tar.extractfile("index.json"))  # type: ignore[arg-type]
        (entry,) = index["manifests"]
        manifests: list[dict[str, dict[str, str]]] = blob(entry["digest"])["manifests"]  # type: ignore[assignment]
    assert entry["annotations"]["io.containerd.image.name"] == "docker.io/library/app:1"
    assert [each["platform"]["architecture"] for each in manifests] == ["amd64", "arm64"]


@pytest.fixture
def project(place: Here, base_image: str) -> Here:
    place.write(
        Dockerfile=f"""\
FROM {base_image} AS base
FROM base
ARG WHO
ENV who $WHO
COPY --from=docs hello.txt /
RUN --mount=type=secret,id=token cat /run/secrets/token > /token && echo $who > /who
""",
    )
    (place.folder / "docs").mkdir()
    (place.folder / "docs" / "hello.txt").write_text("hello")
    (place.folder / "token").write_text("hunter2")
    return place


def test_flags_are_the_frontends_options(project: Here, frontend_image: str) -> None:
    given = ("app", "--build-arg", "WHO=me", "--build-context", "docs=docs", "--secret", "id=token,src=token")
    done = project.there(*given, "--frontend-image", frontend_image, "-o", "out")
    assert {path.name: path.read_text() for path in (project.folder / "out").iterdir() if path.is_file()} == {
        "hello.txt": "hello", "token": "hunter2", "who": "me\n",
    }  # fmt: skip
    (warning,) = [line for line in done.stderr.decode().splitlines() if "warning" in line]
    assert warning == (
        'Dockerfile:4: warning: "ENV key=value" should be used instead of legacy "ENV key value" format [LegacyKeyValueFormat]'
    )


def test_a_failed_step_is_quoted_once(project: Here, frontend_image: str) -> None:
    project.write(Dockerfile=(project.app / "Dockerfile").read_text() + "RUN exit 4\n")
    given = ("app", "--build-context", "docs=docs", "--secret", "id=token,src=token", "--frontend-image", frontend_image)
    said = project.refused(*given)
    assert said.count(">>> RUN exit 4") == 1
    assert "\nDockerfile:7\n" in said
    assert said.endswith('dfc: error: process "/bin/sh -c exit 4" did not complete successfully: exit code: 4\n')


def test_a_fault_of_the_dockerfile_is_quoted_once(place: Here, frontend_image: str) -> None:
    place.write(Dockerfile="FROM scratch\nCOPI a b\n")
    said = place.refused("app", "--frontend-image", frontend_image)
    assert said.count("COPI a b") == 1
    assert "unknown instruction: COPI" in said.splitlines()[-1]


def test_dockerfiles_from_elsewhere(place: Here, base_image: str) -> None:
    """The frontend that is built in serves, too."""
    text = f"FROM {base_image}\nCOPY file /file\n"
    place.write(file="x")
    (place.folder / "other.Dockerfile").write_text(text)
    for name, arguments, stdin in (
        ("one", ("-f", "other.Dockerfile", "app"), b""),
        ("two", ("-f", "-", "app"), text.encode()),
    ):
        place.there(*arguments, "--frontend-image", "dockerfile.v0", "-o", name, stdin=stdin)
        assert (place.folder / name / "file").read_text() == "x"
    place.there("-", "--frontend-image", "dockerfile.v0", "-o", "three", stdin=f"FROM {base_image}\nRUN touch /here\n".encode())
    assert (place.folder / "three" / "here").exists()


def test_the_environment_names_the_image_and_the_backend(place: Here) -> None:
    place.write(Dockerfile="FROM scratch\nLABEL a=b\n")
    env = {"DFC_BACKEND": "buildkit", "DFC_FRONTEND_IMAGE": "dockerfile.v0"}
    done = place.run("build", "-q", "app", env=env)
    assert done.returncode == 0, done.stderr.decode()
    assert done.stdout.startswith(b"sha256:")
    done = place.run("build", "app", "-o", "out", env={"DFC_FRONTEND_IMAGE": "dockerfile.v0"})
    assert b"exporting to client" in done.stderr  # here, where no frontend is asked


def test_an_image_that_is_none(place: Here, registry: str) -> None:
    place.write(Dockerfile="FROM scratch\nLABEL a=b\n")
    said = place.refused("app", "--frontend-image", f"{registry}/none:1")
    assert f"{registry}/none:1: not found" in said.splitlines()[-1]


def test_a_missing_context_is_said_before_the_daemon_is_asked(place: Here, tmp_path: Path) -> None:
    assert "there is no folder nowhere" in place.refused("nowhere", "--frontend-image", "dockerfile.v0", "--addr", "unix:///none")
