"""`dfc build` and `dfc exec`, run as a user runs them; no step of these builds needs a container."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from dockerfile_frontend.cli import app
from dockerfile_frontend.executor import userns
from tests.running import DFC, ROOT, dfc

Run = Callable[..., subprocess.CompletedProcess[bytes]]

DOCKERFILE = """\
FROM scratch AS a
COPY hello.txt /in/
FROM scratch
ARG WHO=nobody
LABEL who=$WHO
COPY --from=a /in /out
CMD ["/out/hello"]
"""


@pytest.fixture
def context(tmp_path: Path) -> Path:
    folder = tmp_path / "context"
    folder.mkdir()
    (folder / "Dockerfile").write_text(DOCKERFILE)
    (folder / "hello.txt").write_text("hello\n")
    return folder


@pytest.fixture
def run(tmp_path: Path) -> Run:
    def in_own_store(*arguments: str | Path, **more: object) -> subprocess.CompletedProcess[bytes]:
        environment = {"DFC_ROOT": str(tmp_path / "store"), **more.pop("env", {})}  # type: ignore[dict-item]
        return dfc(*arguments, env=environment, **more)  # type: ignore[arg-type]

    return in_own_store


def config_of(archive: Path) -> dict[str, object]:
    """The image config in an OCI archive."""
    with tarfile.open(archive) as tar:

        def read(name: str) -> dict[str, object]:
            file = tar.extractfile(name)
            assert file is not None
            found: dict[str, object] = json.load(file)
            return found

        def blob(digest: str) -> dict[str, object]:
            return read(f"blobs/{digest.replace(':', '/')}")

        index = read("index.json")
        manifest = blob(index["manifests"][0]["digest"])  # type: ignore[index]
        return blob(manifest["config"]["digest"])  # type: ignore[index]


def steps(stderr: bytes) -> dict[str, str]:
    """How each step ended, by its name."""
    names = dict(re.findall(r"(?m)^#(\d+) (\[.*|exporting to .*)$", stderr.decode()))
    ends = dict(re.findall(r"(?m)^#(\d+) (CACHED|DONE|ERROR|CANCELED)", stderr.decode()))
    return {name: ends.get(number, "") for number, name in names.items()}


def test_an_archive_and_the_second_time_from_the_cache(context: Path, tmp_path: Path, run: Run) -> None:
    arguments = ("build", "-t", "app:1", "-o", f"type=oci,dest={tmp_path / 'app.tar'}", context)
    first = run(*arguments)
    assert (first.returncode, first.stdout) == (0, b"")
    assert steps(first.stderr)["[a 1/1] COPY hello.txt /in/"] == "DONE"
    before = (tmp_path / "app.tar").read_bytes()
    second = run(*arguments)
    ended = steps(second.stderr)
    assert set(ended) == set(steps(first.stderr))
    assert {end for name, end in ended.items() if name.startswith("[")} == {"CACHED"}
    assert (tmp_path / "app.tar").read_bytes() == before
    assert config_of(tmp_path / "app.tar")["config"]["Labels"] == {"who": "nobody"}  # type: ignore[index]


def test_a_changed_file_flag_or_dockerfile_is_seen(context: Path, tmp_path: Path, run: Run) -> None:
    arguments = ("build", "-o", tmp_path / "out", context)
    run(*arguments)
    (context / "hello.txt").write_text("changed\n")
    run(*arguments)
    assert (tmp_path / "out/out/hello.txt").read_text() == "changed\n"
    (context / "Dockerfile").write_text(DOCKERFILE.replace("/in /out", "/in /other"))
    run(*arguments)
    assert (tmp_path / "out/other/hello.txt").read_text() == "changed\n"
    (context / ".dockerignore").write_text("hello.txt\n")
    ignored = run(*arguments)
    assert ignored.returncode == 1
    assert b'"/hello.txt": not found' in ignored.stderr


def test_a_build_arg_reaches_the_image_though_everything_is_cached(context: Path, tmp_path: Path, run: Run) -> None:
    for who in ("me", "you"):
        done = run("build", context, "--build-arg", f"WHO={who}", "-o", f"type=oci,dest={tmp_path / 'app.tar'}")
        assert done.returncode == 0
        assert config_of(tmp_path / "app.tar")["config"]["Labels"] == {"who": who}  # type: ignore[index]


def test_quiet_prints_the_image_id_and_nothing_else(context: Path, tmp_path: Path, run: Run) -> None:
    files = ("--iidfile", tmp_path / "iid", "--metadata-file", tmp_path / "metadata.json")
    done = run("build", "-q", "-t", "app", context, *files)
    assert (done.returncode, done.stderr) == (0, b"")
    assert re.fullmatch(rb"sha256:[0-9a-f]{64}\n", done.stdout)
    assert (tmp_path / "iid").read_bytes() + b"\n" == done.stdout
    metadata = json.loads((tmp_path / "metadata.json").read_text())
    assert metadata["containerimage.config.digest"] == done.stdout.decode().strip()
    assert metadata["image.name"] == "docker.io/library/app:latest"


def test_a_build_that_is_given_nowhere_says_what_to_do(context: Path, run: Run, tmp_path: Path) -> None:
    done = run("build", "-t", "app", context)
    assert (done.returncode, done.stdout) == (0, b"")
    assert f"built app; it is in the build cache of {tmp_path / 'store'} only".encode() in done.stderr
    given = run("build", "-t", "app", "-o", tmp_path / "out", context)
    assert b"built app" not in given.stderr


def test_several_outputs_and_an_archive_on_standard_output(context: Path, tmp_path: Path, run: Run) -> None:
    outputs = ("-o", "type=tar,dest=-", "-o", f"type=docker,dest={tmp_path / 'd.tar'}", "-o", tmp_path / "files")
    done = run("build", context, "-t", "app:2", *outputs)
    assert done.returncode == 0
    (tmp_path / "stdout.tar").write_bytes(done.stdout)
    with tarfile.open(tmp_path / "stdout.tar") as tar:
        assert "out/hello.txt" in [name.removeprefix("./") for name in tar.getnames()]
    assert (tmp_path / "files/out/hello.txt").read_text() == "hello\n"
    with tarfile.open(tmp_path / "d.tar") as tar:
        manifest = tar.extractfile("manifest.json")
        assert manifest is not None
        assert json.load(manifest)[0]["RepoTags"] == ["app:2"]


def test_progress_as_buildkit_writes_it_for_machines(context: Path, tmp_path: Path, run: Run) -> None:
    (context / "Dockerfile").write_text(DOCKERFILE + "ENV a b\n")
    for _ in range(2):
        done = run("build", context, "--progress=rawjson")
        lines = [json.loads(line) for line in done.stderr.splitlines()]
        assert done.returncode == 0
        names = {vertex["name"] for line in lines for vertex in line.get("vertexes", ())}
        assert {"[internal] load build context", "[a 1/1] COPY hello.txt /in/"} <= names
        (warning,) = [warning for line in lines for warning in line.get("warnings", ())]
        assert warning["range"] == [{"start": {"line": 8}, "end": {"line": 8}}]
        assert warning["url"] == "https://docs.docker.com/go/dockerfile/rule/legacy-key-value-format/"


def test_warnings_are_shown_each_time(context: Path, run: Run) -> None:
    (context / "Dockerfile").write_text(DOCKERFILE + "ENV a b\n")
    shown = [run("build", context).stderr for _ in range(2)]
    assert all(b"Dockerfile:8:1: warning:" in text for text in shown)
    assert b"warning" not in run("build", "-q", context).stderr


def test_what_docker_takes_from_the_environment(context: Path, tmp_path: Path, run: Run) -> None:
    said = {"SOURCE_DATE_EPOCH": "1000000000", "DOCKER_DEFAULT_PLATFORM": "linux/arm64", "BUILDKIT_PROGRESS": "rawjson"}
    archive = tmp_path / "app.tar"
    done = run("build", context, "-o", f"type=oci,dest={archive}", env=said)
    assert all(line.startswith(b"{") for line in done.stderr.splitlines())
    config = config_of(archive)
    assert (config["architecture"], config["created"]) == ("arm64", "2001-09-09T01:46:40Z")
    flags = ("--platform", "linux/amd64", "--build-arg", "SOURCE_DATE_EPOCH=0", "--progress", "plain")
    done = run("build", context, "-o", f"type=oci,dest={archive}", *flags, env=said)
    assert done.stderr.startswith(b"#1")
    config = config_of(archive)
    assert (config["architecture"], config["created"]) == ("amd64", "1970-01-01T00:00:00Z")
    wrong = run("build", context, env={"BUILDKIT_PROGRESS": "fancy"})
    assert (wrong.returncode, wrong.stderr[:32]) == (2, b"dfc: error: BUILDKIT_PROGRESS is")


def test_a_check_builds_nothing(context: Path, tmp_path: Path, run: Run) -> None:
    (context / "Dockerfile").write_text("FROM scratch AS unused\nENV a b\nFROM scratch\nCOPY hello.txt /\n")
    found = run("build", "--check", context, "-o", tmp_path / "out")
    assert found.returncode == 1
    assert b"Dockerfile:2:1: warning: " in found.stdout
    assert found.stderr == b"check complete: 1 warning found\n"
    (context / "Dockerfile").write_text(DOCKERFILE)
    clean = run("build", "--check", context, "-o", tmp_path / "out")
    assert (clean.returncode, clean.stdout, clean.stderr) == (0, b"", b"check complete: no warnings found\n")
    assert not (tmp_path / "out").exists()
    (context / "Dockerfile").write_text("FROM scratch\nCOPPY a b\n")
    assert b"unknown instruction: COPPY" in run("build", "--check", context).stderr


def test_a_failed_step_is_shown_where_it_stands(context: Path, run: Run) -> None:
    (context / "Dockerfile").write_text("FROM scratch\nCOPY hello.txt /\nCOPY missing \\\n  /\n")
    done = run("build", context)
    assert (done.returncode, done.stdout) == (1, b"")
    text = done.stderr.decode()
    assert "\n------\n > [2/2] COPY missing   /:\n------\nDockerfile:3\n--------------------\n" in text
    assert "   3 | >>> COPY missing \\\n   4 | >>>   /\n" in text
    assert text.rstrip().splitlines()[-1].startswith("dfc: error: ")
    quiet = run("build", "-q", context).stderr.decode()
    assert quiet.startswith("------\n > [2/2] COPY missing")


def test_a_dockerfile_that_is_refused_builds_nothing(context: Path, tmp_path: Path, run: Run) -> None:
    (context / "Dockerfile").write_text("FROM scratch\nCOPPY a b\n")
    done = run("build", context)
    assert done.returncode == 1
    assert b"Dockerfile:2:1: error: dockerfile parse error on line 2: unknown instruction: COPPY" in done.stderr
    assert not (tmp_path / "store/db.sqlite").exists() or b"DONE" not in done.stderr


def test_a_dockerfile_on_standard_input_has_an_empty_context(run: Run, tmp_path: Path) -> None:
    done = run("build", "-", "-o", tmp_path / "out", stdin=b"FROM scratch\nCOPY . /all/\nWORKDIR /w\n")
    assert done.returncode == 0
    assert sorted(path.name for path in (tmp_path / "out").rglob("*")) == ["all", "w"]


def test_a_folder_as_named_context(context: Path, tmp_path: Path, run: Run) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/page").write_text("one")
    (context / "Dockerfile").write_text("FROM scratch\nCOPY --from=docs page /\n")
    arguments = ("build", context, "--build-context", f"docs={tmp_path / 'docs'}", "-o", tmp_path / "out")
    assert run(*arguments).returncode == 0
    (tmp_path / "docs/page").write_text("two")
    assert run(*arguments).returncode == 0
    assert (tmp_path / "out/page").read_text() == "two"


def test_the_store_is_kept_as_small_as_it_is_asked_to_be(context: Path, run: Run) -> None:
    for n, limit in enumerate(("unlimited", "unlimited", "1kB")):
        (context / "hello.txt").write_bytes(os.urandom(1 << 20))
        assert run("build", context, "--keep-storage", limit).returncode == 0
        listed = json.loads(run("cache", "du", "--json").stdout)
        assert sum(item["size"] > 1 << 20 for item in listed["usage"]) == (2 * n + 2 if limit == "unlimited" else 2)


def test_several_platforms_are_one_index(context: Path, tmp_path: Path, run: Run) -> None:
    done = run("build", context, "--platform", "linux/amd64,linux/arm64", "-o", f"type=oci,dest={tmp_path / 'app'},tar=false")
    assert done.returncode == 0, done.stderr.decode()
    index = json.loads((tmp_path / "app/index.json").read_text())
    digest = index["manifests"][0]["digest"].partition(":")[2]
    inner = json.loads((tmp_path / "app/blobs/sha256" / digest).read_text())
    assert [entry["platform"]["architecture"] for entry in inner["manifests"]] == ["amd64", "arm64"]


def test_no_cache_runs_everything_again(context: Path, run: Run) -> None:
    run("build", context)
    done = run("build", "--no-cache", context)
    assert steps(done.stderr)["[a 1/1] COPY hello.txt /in/"] == "DONE"
    (context / "Dockerfile").write_text(DOCKERFILE.replace("FROM scratch\n", "FROM scratch AS b\n"))
    run("build", context)
    ended = steps(run("build", "--no-cache-filter", "b", context).stderr)
    assert ended["[a 1/1] COPY hello.txt /in/"] == "CACHED"
    assert ended["[b 1/1] COPY --from=a /in /out"] == "DONE"


def test_a_graph_in_each_form_gives_what_the_build_gives(context: Path, tmp_path: Path, run: Run) -> None:
    config = tmp_path / "config.json"
    built = run("build", "-q", context).stdout
    for form in ("msgpack", "llb", "json", "text"):
        graph = tmp_path / f"graph.{form}"
        compiled = run("compile", context, "-o", graph, "--format", form, "--image-config", config)
        assert compiled.returncode == 0
        done = run("exec", graph, "--local", f"context={context}", "--image-config", config, "-q")
        assert (done.returncode, done.stdout) == (0, built), done.stderr.decode()
    piped = run("exec", "--local", f"context={context}", "-o", tmp_path / "out", stdin=graph.read_bytes())
    assert piped.returncode == 0
    assert (tmp_path / "out/out/hello.txt").read_text() == "hello\n"


def test_a_graph_that_wants_what_nobody_gave(context: Path, run: Run, tmp_path: Path) -> None:
    graph = run("compile", context).stdout
    done = run("exec", stdin=graph)
    assert done.returncode == 1
    assert b"dfc: error: no local directory 'context' was given\n  hint: dfc exec --local context=DIR" in done.stderr
    assert run("exec", stdin=b"\xff" * 100).returncode == 1
    config = tmp_path / "config"
    config.write_text("[]")
    refused = run("exec", "--image-config", config, stdin=graph)
    assert refused.stderr.decode().startswith(f"dfc: error: {config} is not an image config")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["-o", "type=nonsense"], "exporter 'nonsense' could not be found"),
        (["-o", "type=oci,dest=/no/such/folder/x.tar"], "there is no directory /no/such/folder"),
        (["--jobs", "many"], "invalid value for '--jobs'"),
        (["--jobs", "-1"], "invalid value for '--jobs'"),
        (["--progress", "fancy"], "invalid value for '--progress'"),
        (["--progress", "tty"], "failed to get console"),
        (["-q", "--progress", "plain"], "-q and --progress=plain exclude each other"),
        (["--secret", "id=x,src=/no/such"], "secret x: /no/such does not exist"),
        (["--secret", "id=x,env=NO_SUCH_VARIABLE"], "environment variable NO_SUCH_VARIABLE is not set"),
        (["--secret", "nonsense"], "--secret: unexpected key 'nonsense'"),
        (["--ssh", "default"], "SSH_AUTH_SOCK is not set"),
        (["--ssh", "a=/no/such"], "/no/such: No such file or directory"),
        (["--allow", "everything"], "there is no entitlement 'everything'"),
        (["--annotation", "x"], "--annotation takes [TYPE:]KEY=VALUE"),
        (["--metadata-file", "/no/such/folder/x"], "there is no folder /no/such/folder"),
        (["--iidfile", "/"], "/ is a folder"),
        (["--network", "bridge"], "--network is default, none or host"),
        (["--add-host", "db"], "--add-host takes"),
        (["--shm-size", "big"], "--shm-size"),
        (["--platform", "linux/*"], "wildcards not yet supported"),
        (["--build-context", "x=/no/such"], "there is no folder /no/such"),
        (["--keep-storage", "plenty"], "--keep-storage"),
        (["--load", "-o", "-"], "--load has its own use for standard output"),
        (["--squash"], "no option --squash"),
        (["-f", "/no/such"], "cannot read /no/such"),
        (["--target", "nope"], "nope"),
        (["--root", "/proc/store"], "/proc/store"),
    ],
)
def test_wrong_use_is_told_before_anything_is_done(
    context: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    complaint: str,
) -> None:
    monkeypatch.setenv("DFC_ROOT", str(tmp_path / "store"))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    monkeypatch.setattr(userns, "enter", pytest.fail)
    assert app.run(["build", *arguments, str(context)]) in (1, 2)
    printed = capsys.readouterr()
    assert printed.out == ""
    assert complaint.lower() in printed.err.lower()
    assert "#1" not in printed.err


def test_contexts_that_are_not_there(run: Run, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert b"there is no folder" in run("build", tmp_path / "nowhere").stderr
    assert b"Dockerfile" in run("build", tmp_path / "empty").stderr
    assert run("build", tmp_path / "empty").returncode == 1


def test_a_store_that_cannot_be_written_is_told(context: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = dfc("build", "--root", tmp_path / "file", context)
    assert done.returncode == 1
    assert f"the store {tmp_path / 'file'} cannot be used".encode() in done.stderr
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/data").write_text("precious")
    foreign = dfc("build", "--root", tmp_path / "mine", context)
    assert b"is no store and not empty" in foreign.stderr
    assert (tmp_path / "mine/data").read_text() == "precious"


def test_the_reader_of_the_progress_may_go_away(context: Path, tmp_path: Path) -> None:
    script = f"{' '.join(DFC)} build {context} -o {tmp_path / 'out'} 2>&1 >/dev/null | true"
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "DFC_ROOT": str(tmp_path / "store")}
    subprocess.run(["bash", "-c", f"set -o pipefail; {script}"], env=environment, check=True)
    assert (tmp_path / "out/out/hello.txt").exists()


def test_nobody_reads_the_archive(context: Path, tmp_path: Path) -> None:
    script = f"{' '.join(DFC)} build {context} --no-cache -o - | true; exit ${{PIPESTATUS[0]}}"
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "DFC_ROOT": str(tmp_path / "store")}
    (context / "hello.txt").write_bytes(os.urandom(1 << 20))
    done = subprocess.run(["bash", "-c", script], env=environment, check=False, capture_output=True)
    assert done.returncode == 1
    assert b"nobody reads it any more" in done.stderr
    assert b"Traceback" not in done.stderr


def test_an_interrupt_while_nobody_reads_a_pipe_yet(context: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "DFC_ROOT": str(tmp_path / "store")}
    command = [*DFC, "build", "--progress=rawjson", "-o", f"type=oci,dest={tmp_path / 'pipe'}", str(context)]
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE) as running:
        assert running.stderr is not None
        for line in running.stderr:
            if b"exporting config" in line:
                break
        running.send_signal(signal.SIGINT)
        rest = running.stderr.read()
    assert running.returncode == 130
    assert b"context canceled" in rest


def test_two_builds_at_once_on_one_store(context: Path, tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "DFC_ROOT": str(tmp_path / "store")}
    running = [
        subprocess.Popen([*DFC, "build", context, "-o", tmp_path / f"out{n}"], env=environment, stderr=subprocess.PIPE)
        for n in range(3)
    ]
    for process in running:
        _, stderr = process.communicate()
        assert process.returncode == 0, stderr.decode()
    assert all((tmp_path / f"out{n}/out/hello.txt").read_text() == "hello\n" for n in range(3))


@pytest.mark.parametrize("name", ["docker", "podman"])
def test_loading_pipes_the_archive_to_what_takes_it(context: Path, tmp_path: Path, run: Run, name: str) -> None:
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "docker").write_text("#!/bin/sh\necho no daemon >&2\nexit 1\n")
    (tools / name).write_text(
        f'#!/bin/sh\n[ "$1" = version ] && exit 0\n[ "$1" = load ] || exit 9\ncat > {tmp_path}/loaded.tar\necho Loaded\n'
    )
    for tool in tools.iterdir():
        tool.chmod(0o755)
    environment = {"PATH": f"{tools}:/usr/bin:/bin"}
    done = run("build", "-t", "app:3", "--load", context, env=environment)
    assert (done.returncode, done.stdout) == (0, b""), done.stderr.decode()
    with tarfile.open(tmp_path / "loaded.tar") as tar:
        assert "manifest.json" in tar.getnames()
    quiet = run("build", "-q", "--load", context, env=environment)
    assert re.fullmatch(rb"sha256:[0-9a-f]{64}\n", quiet.stdout)
    assert quiet.stderr == b""


def test_loading_that_cannot_be_done(context: Path, tmp_path: Path, run: Run) -> None:
    tools = tmp_path / "bin"
    tools.mkdir()
    nothing = run("build", "--load", context, env={"PATH": str(tools)})
    assert nothing.returncode == 1
    assert b"--load: nothing here takes images (docker: not on PATH; podman: not on PATH)" in nothing.stderr
    (tools / "podman").write_text("#!/bin/sh\n[ $1 = version ] && exit 0\nexec 0<&-\necho full >&2\nexit 3\n")
    (tools / "podman").chmod(0o755)
    refused = run("build", "--load", context, env={"PATH": f"{tools}:/bin"})
    assert refused.returncode == 1
    (context / "Dockerfile").write_text("FROM scratch\nCOPY missing /\n")
    failed = run("build", "--load", context, env={"PATH": f"{tools}:/bin"})
    assert failed.returncode == 1
    assert b"full" not in failed.stderr
