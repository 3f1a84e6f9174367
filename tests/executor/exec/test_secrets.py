"""Secrets of a step: it can use them, and afterwards there is no byte of them anywhere."""

from __future__ import annotations

import base64
import os
import pickle
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from dockerfile_frontend.executor.session import Secret
from dockerfile_frontend.executor.ssh import KeyAgent
from ir_schema.ops import CacheSharing, SecretEnv
from tests.components import give_up
from tests.executor.exec.bench import Bench, agent, cache, secret
from tests.executor.exec.driver import Outcome
from tests.waiting import until


class Given:
    """A random secret that the client has."""

    def __init__(self, bench: Bench, name: str = "token") -> None:
        self.value = os.urandom(15).hex()
        self.file = bench.home.parent / f"secret-{name}"
        self.file.write_text(self.value)
        bench.give(self.file)
        self.secrets = {name: Secret(self.file)}

    def forms(self) -> list[bytes]:
        """Itself, and in base64 at each of the three places where it may begin in a longer text."""
        shifted = [base64.b64encode(b"\0" * n + self.value.encode())[4 * (n > 0) : -4] for n in range(3)]
        return [self.value.encode(), *shifted, self.value.encode().hex().encode()]


@pytest.fixture
def given(bench: Bench) -> Given:
    return Given(bench)


def found(place: Path, forms: list[bytes]) -> list[str]:
    """Files below `place` whose names or contents hold one of the forms."""
    hits = []
    for path in place.rglob("*"):
        data = os.fsencode(path.name)
        if path.is_file() and not path.is_symlink():
            data += path.read_bytes()
        hits += [str(path)] if any(form in data for form in forms) else []
    return hits


def check_nowhere(bench: Bench, outcome: Outcome, forms: list[bytes]) -> None:
    assert found(bench.store, forms) == []
    said = pickle.dumps(outcome)
    assert [form for form in forms if form in said] == []


def test_every_route_and_not_a_byte_of_it_left(bench: Bench, given: Given) -> None:
    graph = bench.graph()
    command = (
        f'[ "$(cat /run/secrets/token)" = "$TOKEN" ] && [ ${{#TOKEN}} = {len(given.value)} ] || exit 1;'
        ' echo "value: $TOKEN"; cat /run/secrets/token >&2; sleep 0.1; printf "%.7s" "$TOKEN"; sleep 0.1;'
        ' echo "${TOKEN#???????}"; ls -la /run/secrets | wc -l; exit $FAIL'
    )
    mounts = [
        (secret("/run/secrets/token", "token"), None),
        (secret("/etc/deep/er/token", "token"), None),
        (cache("/c"), None),
    ]
    for code in (0, 3):
        step = graph.step(
            command,
            mounts=mounts,
            secretenv=(SecretEnv("token", "TOKEN"),),
            meta={"env": ("PATH=/bin", f"FAIL={code}")},
            name="step",
        )
        after = graph.step("env; cat /run/secrets/token", base=step, name="after")
        outcome = bench.build(*graph.at(after), secrets=given.secrets, keep_failed=True)
        assert outcome.error.endswith(f"exit code: {code or 1}")
        assert b"TOKEN" not in outcome.logs.get("after", b"")
        check_nowhere(bench, outcome, given.forms())
        assert b"value: *****" in outcome.logs["step"]


def test_owner_mode_and_place(bench: Bench, given: Given) -> None:
    graph = bench.graph()
    uid = 0 if bench.rootless else 1000
    mounts = [(secret("/run/s/token", "token", mode=0o444, uid=uid), None), (secret("/plain", "token"), None)]
    outcome = bench.build(
        graph.run(
            "stat -c '%a %u %g' /run/s/token /plain; (echo x > /plain) 2>/dev/null || echo refused; grep ' /plain ' /proc/mounts",
            mounts=mounts,
        ),
        secrets=given.secrets,
    )
    lines = outcome.log.splitlines()
    assert lines[:2] == [f"444 {uid} 0", "400 0 0"]
    assert "refused" in lines
    options = lines[-1].split()[3].split(",")
    assert {"ro", "nosuid", "nodev", "noexec"} <= set(options)
    assert not [path for path in outcome.files if path.startswith(("run", "plain"))]


def test_an_optional_one_that_the_client_lacks(bench: Bench) -> None:
    mounts = [(secret("/s", "missing", optional=True), None), (agent("/a", "missing", optional=True), None)]
    definition = bench.graph().run(
        '[ ! -e /s ] && [ ! -e /a ] && echo "[${TOKEN-unset}]"',
        mounts=mounts,
        secretenv=(SecretEnv("missing", "TOKEN", optional=True),),
    )
    assert bench.build(definition).log == "[]\n"


def test_a_secret_that_no_environment_can_hold(bench: Bench, given: Given) -> None:
    given.file.write_bytes(b"\xff\xfe" + given.value.encode())
    definition = bench.graph().run("true", secretenv=(SecretEnv("token", "TOKEN"),))
    outcome = bench.build(definition, secrets=given.secrets)
    assert outcome.error == "secret for environment variable TOKEN is not UTF-8"
    check_nowhere(bench, outcome, given.forms())


def test_a_changed_value_is_no_reason_to_run_again(bench: Bench, given: Given) -> None:
    """As in the reference: secrets are in no key."""
    definition = bench.graph().run("cat /s > /dev/null", mounts=[(secret("/s", "token"), None)], name="step")
    assert bench.build(definition, secrets=given.secrets).ended["step"] == "done"
    given.file.write_text("another")
    assert bench.build(definition, secrets=given.secrets).ended["step"] == "cached"


def test_while_it_runs_it_is_in_no_file_of_a_disk(bench: Bench, given: Given) -> None:
    graph = bench.graph()
    step = graph.step(
        "echo > /c/up; for i in $(seq 600); do [ -e /c/go ] && exit 0; sleep 0.1; done; exit 1",
        mounts=[(secret("/s", "token"), None), (cache("/c", "meet", CacheSharing.SHARED), None)],
        secretenv=(SecretEnv("token", "TOKEN"),),
    )
    running = bench.start(bench.job(*graph.at(step), session=bench.session(secrets=given.secrets)))
    (meet,) = until(lambda: [path.parent for path in bench.store.glob("caches/*/up")], "the step to begin")
    hits = found(bench.store, given.forms())
    (meet / "go").touch()
    assert running.finish().error == ""
    assert hits == []


@pytest.fixture
def key_agent(bench: Bench, tmp_path: Path) -> Iterator[tuple[str, list[bytes]]]:
    """An agent's socket, and the lines of its private key."""
    if shutil.which("ssh-keygen") is None or shutil.which("ssh-agent") is None:
        give_up("needs openssh-client")
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "comment", "-f", str(key)], check=True)
    folder = bench.home.parent / "agent"
    folder.mkdir()
    running = KeyAgent(str(folder), [str(key)])
    bench.give(folder)
    lines = key.read_bytes().splitlines()[1:-1]
    yield running.path, [*lines, *(base64.b64decode(line + b"==") for line in lines)]
    running.close()


def test_an_agent_answers_and_its_keys_stay_where_they_are(bench: Bench, key_agent: tuple[str, list[bytes]]) -> None:
    path, key = key_agent
    graph = bench.graph()
    command = "stat -c '%F %a' /run/agent; touch /run/other 2>/dev/null; [ -S /run/agent ] && echo there"
    outcome = bench.build(
        graph.run(command, mounts=[(agent("/run/agent", mode=0o600), None)]), ssh={"default": Path(path)}
    )
    assert outcome.log.startswith("socket 600\n")
    assert outcome.log.endswith("there\n")
    assert [name for name in outcome.files if name.startswith("run")] == ["run", "run/other"]
    check_nowhere(bench, outcome, key)


def test_an_agent_that_is_gone(bench: Bench) -> None:
    definition = bench.graph().run("true", mounts=[(agent("/a"), None)])
    outcome = bench.build(definition, ssh={"default": bench.home / "missing"})
    assert "SSH agent socket" in outcome.error
    assert "No such file or directory" in outcome.error
