"""A daemon that lets in only who has a certificate, and a registry that wants credentials."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.backends.conftest import Here
from tests.components import require
from tests.e2e.conftest import BuildKit, running, unmount_below
from tests.registry.servers import PASSWORD, debian_registry, login, make_authority

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("backends")]


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a registry that knows Joe alone."""
    with debian_registry(tmp_path_factory.mktemp("closed"), htpasswd=True) as address:
        yield address


@dataclass(frozen=True, slots=True)
class Guarded:
    """A daemon that asks for a certificate."""

    address: str
    certificates: Path
    strangers: Path
    """Those of another authority."""


@pytest.fixture(scope="module")
def guarded(buildkit: BuildKit, closed: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    folder = tmp_path_factory.mktemp("guarded")
    ours, others = folder / "ours", folder / "others"
    for authority in (ours, others):
        authority.mkdir()
        make_authority(authority)
    (folder / "config.toml").write_text(f'[registry."{closed}"]\n  http = true\n')
    place = ["--config", str(folder / "config.toml"), "--root", str(folder / "root"), "--addr", "tcp://127.0.0.1:0"]
    keys = [f"--tls{option}={ours / name}" for option, name in (("cacert", "ca.pem"), ("cert", "cert.pem"), ("key", "key.pem"))]
    command = [str(buildkit.buildctl.parent / "buildkitd"), *place, *keys, "--containerd-worker=false"]

    def listens() -> re.Match[str] | None:
        return re.search(r"running server on (127\.0\.0\.1:\d+)", (folder / "log").read_text())

    with running(command, folder / "log", lambda: listens() is not None):
        found = listens()
        assert found is not None
        yield Guarded(f"tcp://{found[1]}", ours, others)
    unmount_below(folder)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def joe(place: Here, closed: str, base_layout: Path) -> dict[str, str]:
    """Environment of Joe, who has put a base image into the registry."""
    config = place.folder / "docker"
    config.mkdir()
    (config / "config.json").write_text(json.dumps(login(closed)))
    copy = [str(require("skopeo")), "copy", "-q", "--dest-tls-verify=false", "--dest-creds", f"joe:{PASSWORD}"]
    subprocess.run([*copy, f"oci:{base_layout}:1.37", f"docker://{closed}/base:1"], check=True)
    place.write(Dockerfile=f"FROM {closed}/base:1\nRUN echo {place.folder.name} > /one\n")
    return {"DOCKER_CONFIG": str(config)}


def test_pull_push_and_cache_with_certificates_and_credentials(place: Here, closed: str, guarded: Guarded, joe: dict[str, str]) -> None:
    there = ["--backend", "buildkit", "--addr", guarded.address, "--tlsdir", str(guarded.certificates)]
    cache = f"type=registry,ref={closed}/cache:1"
    said = b""
    for more in (["-t", f"{closed}/app:1", "--push", "--cache-to", f"{cache},mode=max"], ["--cache-from", cache, "-o", "out"]):
        done = place.run("build", *there, "app", *more, "--progress", "rawjson", env=joe)
        assert done.returncode == 0, done.stderr.decode()
        said += done.stdout + done.stderr
    assert (place.folder / "out" / "one").read_text() == f"{place.folder.name}\n"
    assert PASSWORD.encode() not in said
    pushed = [str(require("skopeo")), "inspect", "--tls-verify=false", "--creds", f"joe:{PASSWORD}", f"docker://{closed}/app:1"]
    assert json.loads(subprocess.run(pushed, check=True, capture_output=True).stdout)["Layers"]


def test_who_has_no_credentials_is_told_so(place: Here, closed: str, guarded: Guarded, joe: dict[str, str]) -> None:
    assert joe
    there = ("--addr", guarded.address, "--tlsdir", str(guarded.certificates))
    said = place.refused("app", *there, env={"DOCKER_CONFIG": str(place.folder)})
    assert closed in said
    assert f"login {closed}" in said.splitlines()[-1]
    place.write(Dockerfile="FROM scratch\nCOPY Dockerfile /\n")
    said = place.refused("app", *there, "-t", f"{closed}/app:2", "--push", env={"DOCKER_CONFIG": str(place.folder)})
    assert f"failed to push {closed}/app:2" in said


def test_who_has_no_certificate_is_told_so(place: Here, guarded: Guarded) -> None:
    place.write(Dockerfile="FROM scratch\nCOPY Dockerfile /\n")
    for options in ((), ("--tlsdir", str(guarded.strangers))):
        said = place.refused("app", "--addr", guarded.address, *options)
        assert said.splitlines()[0].startswith("dfc: error: ")
        assert "--tlsdir DIR names ca.pem, cert.pem and key.pem" in said
