"""What changed in a step, in words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dockerfile_frontend.inspect.changes import tell_changes
from ir_schema.ops import (
    Copy,
    ExecOp,
    FileAction,
    FileOp,
    HostIP,
    Meta,
    MkDir,
    MkFile,
    Mount,
    MountType,
    NetMode,
    Op,
    Platform,
    SecretOpt,
    SourceOp,
)

RUN = ExecOp(Meta(("/bin/sh", "-c", "make"), ("A=1", "B=2"), "/app", "nobody"), (Mount(0, dest="/", output=0),))
SECRET = Mount(-1, dest="/run/secrets/key", type=MountType.SECRET, secret=SecretOpt("key"))
COPY = Copy("/a", "/b/", mode=0o755)


def meta(**changed: object) -> ExecOp:
    assert RUN.meta is not None
    return replace(RUN, meta=replace(RUN.meta, **changed))  # type: ignore[arg-type]  # by name


def files(*actions: Copy | MkDir | MkFile) -> FileOp:
    return FileOp(tuple(FileAction(0, 1, 0, action) for action in actions))


def script(text: str) -> tuple[str, ...]:
    return ("/bin/sh", "-c", text)


LONG = "x" * 200
CASES = {
    "a value": (RUN, meta(env=("A=2", "B=2")), ["~ A: 1 → 2"]),
    "values more and less": (RUN, meta(env=("A=1", "C=")), ["+ C=", "- B"]),
    "an empty value": (RUN, meta(env=("A=1", "B=")), ["~ B: 2 → nothing"]),
    "order": (RUN, meta(env=("B=2", "A=1")), ["~ order of variables: A B → B A"]),
    "command": (RUN, meta(args=script("make all")), ["~ command: make → make all"]),
    "a script": (meta(args=script("a\nb\nc\n")), meta(args=script("a\nx\nc\n")), ["- b", "+ x"]),
    "the end of a long line": (
        meta(args=script(f"{LONG} one")),
        meta(args=script(f"{LONG} two")),
        [f"~ command: …{'x' * 24} one → …{'x' * 24} two"],
    ),
    "a long line of a Dockerfile's several": (
        meta(args=script(f"make &&     cp a b &&     {LONG}")),
        meta(args=script(f"make &&     cp c b &&     {LONG}")),
        ["- cp a b &&", "+ cp c b &&"],
    ),
    "shell": (RUN, meta(args=("/bin/sh", "-ec", "make")), ["~ shell: /bin/sh -c → /bin/sh -ec"]),
    "no shell": (RUN, meta(args=("make", "a b")), ["~ command: make → make 'a b'"]),
    "folder and user": (RUN, meta(cwd="/srv", user="root"), ["~ user: nobody → root", "~ working directory: /app → /srv"]),
    "network": (RUN, replace(RUN, network=NetMode.NONE), ["+ network none"]),
    "networks": (replace(RUN, network=NetMode.HOST), replace(RUN, network=NetMode.NONE), ["~ network: host → none"]),
    "a secret": (RUN, replace(RUN, mounts=(*RUN.mounts, SECRET)), ["+ secret key at /run/secrets/key"]),
    "a host": (RUN, meta(extra_hosts=(HostIP("db", "10.0.0.1"),)), ["+ host db = 10.0.0.1"]),
    "a field without words": (RUN, meta(cgroup_parent="x"), ["~ exec.meta.cgroup_parent: '' → 'x'"]),
    "mode of a copy": (
        files(COPY),
        files(replace(COPY, mode=0o700)),
        ["- copy /a → /b/, mode 0755", "+ copy /a → /b/, mode 0700"],
    ),
    "one copy less": (files(COPY, replace(COPY, src="/c")), files(COPY), ["- copy /c → /b/, mode 0755"]),
    "directory": (files(MkDir("/app", 0o755)), files(MkDir("/srv", 0o755)), ["~ directory: /app → /srv"]),
    "content": (files(MkFile("/f", 0o644, b"a")), files(MkFile("/f", 0o644, b"b")), ["~ content of /f: a → b"]),
    "source": (SourceOp("docker-image://alpine"), SourceOp("docker-image://debian"), ["~ source: alpine → debian"]),
    "paths read": (
        SourceOp("local://context", {"local.followpaths": '["a","b"]'}),
        SourceOp("local://context", {"local.followpaths": '["a","c"]'}),
        ["- reads b", "+ reads c"],
    ),
    "kind": (RUN, files(COPY), None),
}


@pytest.mark.parametrize(("was", "now", "told"), CASES.values(), ids=CASES)
def test_in_words(was: ExecOp, now: ExecOp, told: list[str] | None) -> None:
    found = [str(change) for change in tell_changes(Op(body=was), Op(body=now))]
    assert found == told if told is not None else len(found) == 1
    assert tell_changes(Op(body=was), Op(body=was)) == ()


def test_platform_and_inputs() -> None:
    one, other = (Op(body=RUN, platform=Platform(os="linux", architecture=name)) for name in ("amd64", "arm64"))
    assert [str(change) for change in tell_changes(one, other)] == ["~ platform: linux/amd64 → linux/arm64"]
