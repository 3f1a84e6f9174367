"""What a build on a daemon gets of its client: secrets, agents, folders, layouts, caches, privileges."""

from __future__ import annotations

import base64
import io
import json
import os
import shutil
import signal
import subprocess
import tarfile
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.backends.conftest import Here
from tests.components import give_up
from tests.running import DFC
from tests.waiting import PATIENCE, until

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("buildkit")]


def cached_steps(stderr: bytes) -> dict[str, bool]:
    """Steps that ended, and whether they were cached, of raw progress."""
    found = {}
    for line in stderr.splitlines():
        if line.startswith(b"{"):
            for vertex in json.loads(line).get("vertexes", ()):
                if vertex.get("completed"):
                    found[vertex["name"]] = vertex.get("cached", False)
    return found


def test_secrets_from_files_and_variables(place: Here, base_image: str) -> None:
    place.write(
        Dockerfile=f"""\
FROM {base_image}
RUN --mount=type=secret,id=file cat /run/secrets/file > /one
RUN --mount=type=secret,id=env,env=TOKEN echo "$TOKEN" > /two
"""
    )
    (place.folder / "a,b.txt").write_text("hunter2")
    env = {"MY_TOKEN": "hunter3"}
    done = place.run(
        "build", "--backend", "buildkit", "app", "--secret", f'id=file,"src={place.folder}/a,b.txt"', "--secret", "id=env,env=MY_TOKEN",
        "-o", "out", env=env,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr.decode()
    assert (place.folder / "out" / "one").read_text() == "hunter2"
    assert (place.folder / "out" / "two").read_text() == "hunter3\n"


def test_no_secret_is_on_a_command_line(place: Here, base_image: str) -> None:
    """Whoever lists processes sees where a secret is and not what it is."""
    client = place.folder / "buildctl"
    client.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" >> {place.folder}/seen\nexec {place.daemon.buildctl} "$@"\n')
    client.chmod(0o755)
    (place.folder / "token").write_text("hunter2-in-a-file")
    place.write(Dockerfile=f"FROM {base_image}\nRUN --mount=type=secret,id=a --mount=type=secret,id=b true\n")
    env = {"DFC_BUILDCTL": str(client), "OTHER": "hunter3-in-a-variable"}
    done = place.run(
        "build", "--backend", "buildkit", "app", "--secret", "id=a,src=token", "--secret", "id=b,env=OTHER", env=env
    )
    assert done.returncode == 0, done.stderr.decode()
    seen = (place.folder / "seen").read_text()
    assert f"id=a,src={place.folder}/token" in seen
    assert "id=b,env=OTHER" in seen
    assert "hunter" not in seen


def test_a_secret_that_is_missing_is_told_with_its_flag(place: Here, base_image: str) -> None:
    place.write(Dockerfile=f"FROM {base_image}\nRUN --mount=type=secret,id=token,required=true true\n")
    said = place.refused("app")
    assert "secret token: not found" in said
    assert "--secret id=token,src=FILE gives it" in said


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[str]:
    if not shutil.which("ssh-agent"):
        give_up("ssh-agent: not installed")
    socket = str(tmp_path / "agent.sock")
    with subprocess.Popen(["ssh-agent", "-D", "-a", socket], stdout=subprocess.DEVNULL) as process:
        until(lambda: Path(socket).exists() or process.poll() is not None, "the agent's socket")
        assert process.poll() is None
        yield socket
        process.terminate()


def test_an_agent_is_forwarded(place: Here, base_image: str, agent: str) -> None:
    place.write(Dockerfile=f'FROM {base_image}\nRUN --mount=type=ssh test -S "$SSH_AUTH_SOCK" && touch /seen\n')
    done = place.run("build", "--backend", "buildkit", "app", "--ssh", f"default={agent}", "-o", "out")
    assert done.returncode == 0, done.stderr.decode()
    assert (place.folder / "out" / "seen").exists()
    place.write(Dockerfile=f"FROM {base_image}\nRUN --mount=type=ssh,required=true true\n")
    assert "--ssh default forwards your agent" in place.refused("app")


def test_keys_are_given_by_file(place: Here, base_image: str, tmp_path: Path) -> None:
    if not shutil.which("ssh-keygen"):
        give_up("ssh-keygen: not installed")
    key = tmp_path / "id"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    place.write(Dockerfile=f'FROM {base_image}\nRUN --mount=type=ssh test -S "$SSH_AUTH_SOCK"\n')
    place.there("app", "--ssh", f"default={key}")


def test_named_contexts_of_every_kind(place: Here, base_image: str, base_layout: Path) -> None:
    place.write(
        Dockerfile="""\
FROM layout AS one
RUN echo layout > /layout
FROM image
COPY --from=one /layout /
COPY --from=docs hello.txt /
"""
    )
    (place.folder / "docs").mkdir()
    (place.folder / "docs" / "hello.txt").write_text("hello")
    given = (f"image=docker-image://{base_image}", f"layout=oci-layout://{base_layout}:1.37", "docs=docs")
    place.there("app", *(word for pair in given for word in ("--build-context", pair)), "-o", "out")
    assert (place.folder / "out" / "layout").read_text() == "layout\n"
    assert (place.folder / "out" / "hello.txt").read_text() == "hello"


@pytest.mark.parametrize("kind", ["local", "registry", "inline"])
def test_caches_are_written_and_read(place: Here, base_image: str, registry: str, kind: str) -> None:
    place.write(Dockerfile=f"FROM {base_image}\nRUN echo {place.folder.name} > /one\nRUN cat /one > /two\n")
    image = f"{registry}/cache:{place.folder.name.strip('_')}"
    to, source = {
        "local": ("type=local,dest=cache,mode=max", "type=local,src=cache"),
        "registry": (f"type=registry,ref={image}", f"type=registry,ref={image}"),
        "inline": ("type=inline", image),
    }[kind]
    output = ("-o", f"type=image,name={image},push=true,registry.insecure=true") if kind == "inline" else ()
    place.there("app", "--cache-to", to, *output)
    prune = [str(place.daemon.buildctl), "--addr", place.daemon.socket, "prune", "--all"]
    subprocess.run(prune, check=True, capture_output=True)
    done = place.there("app", "--cache-from", source, "--progress", "rawjson")
    steps = {name: cached for name, cached in cached_steps(done.stderr).items() if "RUN" in name}
    assert len(steps) == 2
    assert all(steps.values()), steps


def test_no_cache_for_all_and_for_a_stage(place: Here, base_image: str) -> None:
    place.write(Dockerfile=f"FROM {base_image} AS a\nRUN echo 1 > /1\nFROM {base_image} AS b\nCOPY --from=a /1 /\nRUN echo 2 > /2\n")
    place.there("app")

    def runs(*arguments: str) -> list[bool]:
        steps = cached_steps(place.there("app", "--progress", "rawjson", *arguments).stderr)
        return [steps[name] for name in sorted(steps) if "RUN" in name]

    assert runs() == [True, True]
    assert runs("--no-cache-filter", "b") == [True, False]
    assert runs("--no-cache") == [False, False]


def test_privileges_are_asked_for_by_name(place: Here, base_image: str) -> None:
    place.write(Dockerfile=f"FROM {base_image}\nRUN --network=host true\n")
    said = place.refused("app")
    assert "network.host is not allowed" in said
    assert "hint: --allow network.host allows it for this build" in said
    place.there("app", "--allow", "network.host")


def test_a_dockerfile_on_standard_input(place: Here, base_image: str) -> None:
    place.there("-", "-o", "out", stdin=f"FROM {base_image}\nRUN echo hello > /hello\n".encode())
    assert (place.folder / "out" / "hello").read_text() == "hello\n"
    place.write(file="x")
    place.there("-f", "-", "app", "-o", "both", stdin=b"FROM scratch\nCOPY file /\n")
    assert (place.folder / "both" / "file").read_text() == "x"


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("--jobs", "3"), "--jobs"),
        (("--keep-storage", "1GB"), "--keep-storage"),
        (("--shell-on-error",), "--shell-on-error"),
        (("--images", "x"), "--images"),
        (("--offline",), "--offline"),
        (("--frontend-image", "x", "--recorded", "y"), "--recorded"),
        (("--cache-to", "type=local,dest=x,mounts=all"), "mounts"),
        (("-o", "type=oci,containerimage.config={}"), "containerimage.config"),
    ],
)
def test_what_cannot_work_there_is_refused_by_name(place: Here, arguments: tuple[str, ...], named: str) -> None:
    place.write(Dockerfile="FROM scratch\nCOPY Dockerfile /\n")
    said = place.refused("app", *arguments, code=2)
    assert named in said
    assert len(said.splitlines()) <= 2


def test_flags_of_a_daemon_are_refused_for_builds_here(place: Here) -> None:
    place.write(Dockerfile="FROM scratch\nCOPY Dockerfile /\n")
    for flag in ("--addr", "--tlsdir", "--frontend-image"):
        done = place.run("build", "app", flag, "x")
        assert done.returncode == 2
        assert flag.encode() in done.stderr


def test_a_tar_on_standard_input_is_refused_before_anything_is_sent(place: Here) -> None:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as tar:
        tar.addfile(tarfile.TarInfo("Dockerfile"))
    done = place.run("build", "--backend", "buildkit", "-", stdin=data.getvalue())
    assert done.returncode == 1
    assert b"cannot be sent through buildctl" in done.stderr


def test_other_images_are_looked_up_here_and_the_way_out_is_named(place: Here) -> None:
    place.write(Dockerfile="FROM 127.0.0.1:1/none\nRUN true\n")
    assert "--frontend-image IMAGE has the daemon ask for them" in place.refused("app")


def test_an_image_of_nothing(place: Here) -> None:
    place.write(Dockerfile="FROM scratch\nLABEL a=b\n")
    assert "buildctl takes no graph without an operation" in place.refused("app")


def test_an_output_that_fails_leaves_the_old_file(place: Here, base_image: str) -> None:
    (place.folder / "app.tar").write_text("old")
    place.write(Dockerfile=f"FROM {base_image}\nRUN false\n")
    place.refused("app", "-o", "type=oci,dest=app.tar")
    assert (place.folder / "app.tar").read_text() == "old"
    assert sorted(path.name for path in place.folder.iterdir() if path.name != "store") == ["app", "app.tar"]


def sleeps(seconds: str) -> bool:
    """Whether a `sleep SECONDS` runs, in whatever container."""
    wanted = f"sleep\0{seconds}\0".encode()
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            if path.read_bytes() == wanted:
                return True
    return False


def test_ctrl_c_stops_the_step_in_the_daemon(place: Here, base_image: str) -> None:
    mark = str(7_000_000 + os.getpid())
    place.write(Dockerfile=f"FROM {base_image}\nRUN echo running-$((40 + 2)); sleep {mark}\n")
    command = [*DFC, "build", "--backend", "buildkit", "app", "-o", "type=oci,dest=app.tar", "--progress", "plain"]
    with subprocess.Popen(command, cwd=place.folder, env=place.environment, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL) as process:
        assert process.stderr is not None
        timer = threading.Timer(PATIENCE, process.kill)
        timer.start()
        said = b""
        for line in process.stderr:
            said += line
            if b"running-42" in line:
                process.send_signal(signal.SIGINT)
                break
        said += process.stderr.read()
        assert process.wait() == 130, said.decode()
        timer.cancel()
    assert b"Traceback" not in said
    until(lambda: not sleeps(mark), "the step to end")
    assert not (place.folder / "app.tar").exists()
    assert sorted(path.name for path in place.folder.iterdir() if path.name != "store") == ["app"]



def test_secrets_are_masked_in_logs(place: Here, base_image: str) -> None:
    place.write(
        Dockerfile=f"FROM {base_image}\nRUN --mount=type=secret,id=token cat /run/secrets/token; echo; echo hunt; exit 3\n"
    )
    (place.folder / "token").write_text("hunter2-it-is")
    for progress in ("plain", "rawjson"):
        said = place.refused("app", "--secret", "id=token,src=token", "--progress", progress)
        if progress == "rawjson":
            said = "".join(
                base64.b64decode(log["data"]).decode()
                for line in said.splitlines()
                if line.startswith("{")
                for log in json.loads(line).get("logs", ())
            )
        assert "hunter2-it-is" not in said
        assert "*****" in said
        assert "hunt\n" in said


def test_a_config_that_no_argument_holds_is_refused(place: Here) -> None:
    labels = "".join(f"LABEL l{number}={'x' * 50_000}\n" for number in range(3))
    place.write(Dockerfile=f"FROM scratch\nCOPY Dockerfile /\n{labels}")
    said = place.refused("app", "-o", "type=oci,dest=app.tar")
    assert "larger than the 128 KiB that buildctl can be told\n  hint: --frontend-image IMAGE" in said


def test_load_hands_the_image_to_docker(place: Here, base_image: str) -> None:
    programs = place.folder / "bin"
    programs.mkdir()
    docker = programs / "docker"
    docker.write_text(f'#!/bin/sh\n[ "$1" = load ] && cat > {place.folder}/loaded\nexit 0\n')
    docker.chmod(0o755)
    place.write(Dockerfile=f"FROM {base_image}\nCMD it\n")
    env = {"PATH": f"{programs}:{place.environment['PATH']}"}
    done = place.run("build", "--backend", "buildkit", "app", "--load", "-t", "app:1", "-q", env=env)
    assert done.returncode == 0, done.stderr.decode()
    with tarfile.open(place.folder / "loaded") as tar:
        manifest = json.load(tar.extractfile("manifest.json"))  # type: ignore[arg-type]
    assert manifest[0]["RepoTags"] == ["app:1"]
    assert done.stdout.startswith(b"sha256:")
