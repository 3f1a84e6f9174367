"""What the client gives to a build, and nothing else of it is read.

    Session(contexts={"context": Path("app")}, secrets={"token": SecretFile("t.txt")}, allow={"network.host"})

A secret is read when a step asks for it, and kept nowhere.
"""

from __future__ import annotations

import os
import stat
import threading
from dataclasses import field
from typing import TYPE_CHECKING

from ir_schema.record import Record

from .solver.model import ExecutorError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from dockerfile_frontend.registry.client import Client

    from .ssh import KeyAgent

MAX_SECRET = 500 << 10
"""Bytes, as BuildKit limits it."""

ENTITLEMENTS = frozenset({"network.host", "security.insecure"})


class Secret(Record):
    """Where a secret's value is: a file or an environment variable of the client."""

    path: str | Path | None = None
    variable: str = ""

    def read(self) -> bytes:
        """The value. Raises ExecutorError when it cannot be had or is too long."""
        if self.path is None:
            value = os.environb.get(os.fsencode(self.variable))
            if value is None:
                raise ExecutorError(f"environment variable {self.variable} of a secret is not set")
            return value
        try:
            with open(self.path, "rb") as file:
                if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                    raise ExecutorError(f"secret {self.path} is not a regular file")
                value = file.read(MAX_SECRET + 1)
        except OSError as error:
            raise ExecutorError(f"secret {self.path} cannot be read: {error.strerror}") from None
        if len(value) > MAX_SECRET:
            raise ExecutorError(f"secret {self.path} is longer than {MAX_SECRET >> 10} KiB")
        return value


class KeyFiles:
    """SSH keys in files: an agent holds them from when it is first asked for until `close`, in whichever process that is."""

    def __init__(self, paths: Sequence[str]) -> None:
        self.paths = tuple(paths)
        self._lock = threading.Lock()
        self._agent: KeyAgent | None = None
        self._folder = ""

    def __reduce__(self) -> tuple[type[KeyFiles], tuple[Sequence[str]]]:
        """For the process that asks for the agent, before one is there."""
        return KeyFiles, (self.paths,)

    def socket(self) -> str:
        """The agent's socket. Raises ExecutorError for a key that cannot be used."""
        with self._lock:
            if self._agent is None:
                import tempfile

                from .ssh import KeyAgent

                self._folder = tempfile.mkdtemp(prefix="dfc-ssh-")
                try:
                    self._agent = KeyAgent(self._folder, self.paths)
                except BaseException:
                    self._remove()
                    raise
            return self._agent.path

    def close(self) -> None:
        with self._lock:
            if self._agent is not None:
                self._agent.close()
                self._agent = None
                self._remove()

    def _remove(self) -> None:
        import shutil

        shutil.rmtree(self._folder, ignore_errors=True)


class Session(Record):
    """Everything of the client that a build may use."""

    contexts: Mapping[str, str | Path] = field(default_factory=dict)
    """Local directories by name."""
    layouts: Mapping[str, str | Path] = field(default_factory=dict)
    """OCI layouts and docker archives, folder or tar, by store id."""
    images: tuple[Path, ...] = ()
    """The same, asked before registries for images by their full names."""
    secrets: Mapping[str, Secret] = field(default_factory=dict)
    ssh: Mapping[str, str | Path | KeyFiles] = field(default_factory=dict)
    """Agents by id, as sockets or keys; "default" is the usual one."""
    allow: frozenset[str] = frozenset()
    """Entitlements granted: network.host, security.insecure."""
    connect: Callable[[], Client] | None = None
    """Makes the client for registries and web servers, with the user's credentials and mirrors; None forbids the network."""

    keep_failed: bool = False
    """Whether what a failed step has written stays until the end of the build, so that a shell can look at it."""

    def secret(self, name: str) -> bytes | None:
        """Value of a secret; None when the client has none of that name."""
        found = self.secrets.get(name)
        return found.read() if found is not None else None

    def ssh_socket(self, name: str) -> str:
        """Socket of an SSH agent. Raises ExecutorError when the client exposes none under this name."""
        found = self.ssh.get(name or "default")
        if found is None:
            raise ExecutorError(
                f"no SSH key {name or 'default'!r} forwarded from the client", hint="--ssh default forwards your agent"
            )
        return found.socket() if isinstance(found, KeyFiles) else os.fspath(found)

    def close(self) -> None:
        """End what was started for it; it may be asked again."""
        for agent in self.ssh.values():
            if isinstance(agent, KeyFiles):
                agent.close()

    def check_allowed(self, entitlement: str) -> None:
        """Raise ExecutorError unless the client granted it."""
        if entitlement not in self.allow:
            raise ExecutorError(f"{entitlement} is not allowed", hint=f"--allow {entitlement} allows it for this build")
