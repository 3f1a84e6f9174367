"""Git as a program that trusts nothing and says nothing secret.

    with open_git(source, worker) as git:
        git.run("ls-remote", "--", source.remote, "HEAD")

It reads no configuration of the user or the system, runs no hooks, speaks no protocols but http, https, ssh and git, asks nobody
for a password, and gives up on a server that has fallen silent. Credentials reach it by its environment, because arguments are
seen by every user of the machine, and only for the remote that they are for.
"""

from __future__ import annotations

import os
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

from dockerfile_frontend.executor.solver.model import ExecutorError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from dockerfile_frontend.executor.worker import Worker

    from .git import GitSource

SETTINGS = (
    "core.hooksPath=/dev/null", "core.fsmonitor=false", "core.logAllRefUpdates=false", "core.protectHFS=true",
    "core.protectNTFS=true", "protocol.file.allow=never", "protocol.ext.allow=never", "submodule.recurse=false",
    "fetch.recurseSubmodules=false", "advice.detachedHead=false", "init.defaultBranch=master", "safe.directory=*", "gc.auto=0",
    "maintenance.auto=false", "http.lowSpeedLimit=1000", "http.lowSpeedTime=60", "credential.helper=",
)  # fmt: skip
PROXIES = frozenset({"http_proxy", "https_proxy", "no_proxy", "all_proxy"})
GITHUB = ("https://github.com/", "https://www.github.com/")
SSH = "ssh -F /dev/null -o BatchMode=yes -o ConnectTimeout=15 -o ServerAliveInterval=15 -o ServerAliveCountMax=4"
SHORTEST_SECRET = 4

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_FATAL = re.compile(r"^(?:fatal|error|remote): ", re.MULTILINE)
_WORDY = 400


class Git:
    """Runs git with nothing of the user's in its way."""

    def __init__(self, environment: Mapping[str, str], worker: Worker, secrets: list[str]) -> None:
        self._settings = [part for setting in SETTINGS for part in ("-c", setting)]
        self._environment = dict(environment)
        self._worker = worker
        self._secrets = secrets

    def run(self, *args: str, git_dir: str = "", work_tree: str = "", what: str = "") -> str:
        """Standard output of `git args`. Raises ExecutorError: `what` went wrong, and what git said about it."""
        where = [*(["--git-dir", git_dir] if git_dir else []), *(["--work-tree", work_tree] if work_tree else [])]
        command = ["git", *self._settings, *where, *args]
        from pathlib import Path

        cwd = Path(work_tree) if work_tree else None
        code, out, err = self._worker.run_program(command, env=self._environment, cwd=cwd)
        if code:
            said = self._said(err)
            raise ExecutorError(f"{what or f'git {args[0]} failed'}: {said}", hint=_hint(said))
        return out.decode("utf-8", "surrogateescape").strip()

    def _said(self, err: bytes) -> str:
        """What git complained of, in one line without secrets."""
        text = err.decode("utf-8", "replace").strip()
        for secret in self._secrets:
            text = text.replace(secret, "xxxxx")
        text = re.sub(r"(?<=://)[^/\s@]*@", "xxxxx@", text)
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        told = [line for line in lines if _FATAL.match(line)] or lines[-1:]
        shown = "; ".join("".join(c if c.isprintable() else " " for c in line) for line in told)
        return shown[:_WORDY] or "it gave no reason"


def _hint(said: str) -> str:
    if "Host key verification failed" in said:
        return "ssh-keyscan HOST >> ~/.ssh/known_hosts makes the host known; compare the key with what its owner publishes"
    if "could not read Username" in said or "Authentication failed" in said:
        return "--secret id=GIT_AUTH_TOKEN,env=… gives a token"
    return ""


@contextmanager
def open_git(source: GitSource, worker: Worker) -> Iterator[Git]:
    """Git with the credentials for one remote, for as long as it is needed."""
    environment = {
        "PATH": os.environ.get("PATH", os.defpath), "HOME": "/dev/null", "LC_ALL": "C", "TZ": "UTC",
        "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_ATTR_NOSYSTEM": "1", "GIT_TERMINAL_PROMPT": "0",
        "GIT_ALLOW_PROTOCOL": "http:https:ssh:git",
    }  # fmt: skip
    environment |= {key: value for key, value in os.environ.items() if key.lower() in PROXIES}
    secrets: list[str] = []
    settings = [("remote.origin.url", source.remote)]
    header = _authorization(source, worker, secrets)
    if header:
        settings += [(f"http.{_scope(source)}.extraHeader", f"Authorization: {header}"), ("http.followRedirects", "false")]
    environment["GIT_CONFIG_COUNT"] = str(len(settings))
    for number, (key, value) in enumerate(settings):
        environment |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    known_hosts: Path | None = None
    try:
        if source.attrs.get("git.knownsshhosts"):
            known_hosts = worker.store.temporary_file(source.attrs["git.knownsshhosts"].encode())
        environment["GIT_SSH_COMMAND"] = _ssh_command(known_hosts)
        if "git.mountsshsock" in source.attrs and _is_ssh(source.remote):
            environment["SSH_AUTH_SOCK"] = str(worker.session.ssh_socket(source.attrs["git.mountsshsock"]))
        yield Git(environment, worker, secrets)
    finally:
        if known_hosts is not None:
            known_hosts.unlink(missing_ok=True)


def _is_ssh(remote: str) -> bool:
    return "://" not in remote or remote.startswith("ssh://")


def _ssh_command(known_hosts: Path | None) -> str:
    """How ssh is called: with the keys of the agent alone. A host is believed that the op or the user knows.

    The reference believes any host when the op names none; it also asks for the host's key while it compiles.
    """
    from shlex import quote

    home = os.environ.get("HOME")
    hosts = str(known_hosts) if known_hosts else os.path.join(home, ".ssh", "known_hosts") if home else "/dev/null"
    known = quote(f'UserKnownHostsFile="{hosts}"')
    return f"{SSH} -o StrictHostKeyChecking=yes -o IdentityFile=none -o {known}"


def _authorization(source: GitSource, worker: Worker, secrets: list[str]) -> str:
    """Value of the Authorization header: a secret of the session, else what stands in the URL; empty for none.

    Whatever must not be shown is added to `secrets`.
    """
    if not source.remote.startswith(("http://", "https://")):
        return ""
    host = source.remote.partition("://")[2].partition("/")[0]
    for suffix in (f".{host}", ""):
        for attr, token in (("git.authheadersecret", False), ("git.authtokensecret", True)):
            name = source.attrs.get(attr)
            value = worker.session.secret(name + suffix) if name else None
            if value is not None:
                text = _checked(value, f"secret {name}{suffix}")
                secrets += [text] if len(text) >= SHORTEST_SECRET else []
                return _basic(f"x-access-token:{text}", secrets) if token else text
    return _basic(_decoded(source.login, secrets), secrets) if source.login else ""


def _checked(value: bytes, what: str) -> str:
    try:
        text = value.decode().strip()
    except UnicodeDecodeError:
        text = "\0"
    if _CONTROL.search(text):
        raise ExecutorError(f"{what} cannot stand in a header: it holds a line break, a control character or no UTF-8")
    return text


def _decoded(login: str, secrets: list[str]) -> str:
    from urllib.parse import unquote

    user, _, password = login.partition(":")
    found = _checked(f"{unquote(user)}:{unquote(password)}".encode(), "user info of a git remote")
    for part in (login, password, unquote(password), user if not password else ""):
        secrets += [part] if len(part) >= SHORTEST_SECRET else []
    return found


def _basic(text: str, secrets: list[str]) -> str:
    import base64

    packed = base64.b64encode(text.encode()).decode()
    secrets.append(packed)
    return f"basic {packed}"


def _scope(source: GitSource) -> str:
    """Where credentials are sent: to the remote itself; on github.com to other repositories, too, as the reference does.

    What stands in a URL is for its host, as git itself takes it for relative submodules.
    """
    for github in GITHUB:
        if source.remote.startswith(github):
            return github
    return source.remote
