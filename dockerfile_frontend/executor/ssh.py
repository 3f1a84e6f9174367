"""SSH agents for steps: a socket in the container behind which the client's agent answers, for listing and signing only.

    with AgentProxy("/run/dfc/…/agent", upstream="/tmp/ssh-x/agent.1", mode=0o600, uid=1000, gid=1000, host=host): …
    with KeyAgent("/run/dfc/…/keys", [Path("id_ed25519")]) as socket: …        a fresh agent that holds keys from files

A step can ask which keys there are and have something signed. Adding, removing, locking and extensions are answered with a
failure and never reach the agent. The reference does the same in its client.
"""

from __future__ import annotations

import os
import select
import socket
import stat
import threading
from typing import TYPE_CHECKING

from .runtime.faults import ContainerError
from .runtime.find import locate
from .runtime.host import check_ids
from .runtime.process import ENVIRONMENT, Child, Never, run_program, spawn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .runtime.host import Host

FAILURE = 5
LIST_IDENTITIES, SIGN = 11, 13
PASSED = (LIST_IDENTITIES, SIGN)
"""Requests that reach the agent; numbers of the SSH agent protocol."""

MAX_MESSAGE = 256 << 10
"""Bytes, as OpenSSH limits it."""

MAX_CONNECTIONS = 64
TIMEOUT = 60.0
"""Seconds an agent may take to answer: somebody may have to touch a key."""


def check_agent(path: str) -> None:
    """Raise ContainerError unless a socket is there."""
    try:
        found = stat.S_ISSOCK(os.stat(path).st_mode)
    except OSError as error:
        raise ContainerError(f"SSH agent socket {path}: {error.strerror}") from None
    if not found:
        raise ContainerError(f"SSH agent socket {path} is not a socket")


class AgentProxy:
    """Listens at `path` and passes requests on to the agent at `upstream`, on a thread, until closed."""

    def __init__(self, path: str, upstream: str, *, mode: int, uid: int, gid: int, host: Host) -> None:
        check_ids(host, uid, gid, "ssh mount")
        check_agent(upstream)
        self._upstream = upstream
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._wake, self._waker = os.pipe()
        self._slots = threading.BoundedSemaphore(MAX_CONNECTIONS)
        try:
            _bind(self._listener, path)
            os.chown(path, uid, gid)
            os.chmod(path, mode & 0o777)
            self._listener.listen(16)
        except OSError:
            self._listener.close()
            raise
        self._thread = threading.Thread(target=self._accept, name="ssh-agent", daemon=True)
        self._thread.start()

    def close(self) -> None:
        os.close(self._waker)
        self._thread.join()
        self._listener.close()
        os.close(self._wake)

    def _accept(self) -> None:
        while True:
            ready, _, _ = select.select([self._listener.fileno(), self._wake], [], [])
            if self._wake in ready:
                return
            connection, _ = self._listener.accept()
            if not self._slots.acquire(blocking=False):
                connection.close()
                continue
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            with connection, socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as agent:
                agent.settimeout(TIMEOUT)
                agent.connect(self._upstream)
                while (request := read_message(connection)) is not None:
                    connection.sendall(self._answer(agent, request))
        except OSError:
            pass  # either side went away; the step's own program tells
        finally:
            self._slots.release()

    def _answer(self, agent: socket.socket, request: bytes) -> bytes:
        if request[:1] in {bytes([number]) for number in PASSED}:
            agent.sendall(framed(request))
            answer = read_message(agent)
            if answer is not None:
                return framed(answer)
        return framed(bytes([FAILURE]))


def framed(message: bytes) -> bytes:
    """A message after its length, as the protocol sends it."""
    return len(message).to_bytes(4, "big") + message


def read_message(connection: socket.socket) -> bytes | None:
    """The next message; None at the end of the stream or for one that is too long."""
    head = _read_exactly(connection, 4)
    length = int.from_bytes(head, "big") if head else 0
    return _read_exactly(connection, length) if 0 < length <= MAX_MESSAGE else None


def _read_exactly(connection: socket.socket, count: int) -> bytes | None:
    data = bytearray()
    while len(data) < count:
        piece = connection.recv(min(count - len(data), 64 << 10))
        if not piece:
            return None
        data += piece
    return bytes(data)


def _bind(listener: socket.socket, path: str) -> None:
    """Bind below a descriptor of the directory: a socket's address holds only 107 bytes."""
    directory = os.open(os.path.dirname(path), os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        listener.bind(f"/proc/self/fd/{directory}/{os.path.basename(path)}")
    finally:
        os.close(directory)


class KeyAgent:
    """OpenSSH's agent with keys from files, for a client that names keys and not an agent."""

    def __init__(self, directory: str, keys: Sequence[str]) -> None:
        agent, add = (locate(name) for name in ("ssh-agent", "ssh-add"))
        if agent is None or add is None:
            raise ContainerError(
                "SSH keys from files need ssh-agent and ssh-add",
                hint="install openssh-client, or forward a running agent",
            )
        self.path = os.path.join(directory, "keys")
        self._child = _start((agent, "-D", "-a", self.path))
        try:
            self._wait_for_socket()
            for key in keys:
                _add_key(add, key, self.path)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        self._child.end()

    def _wait_for_socket(self) -> None:
        while not os.path.exists(self.path):
            if self._child.ended(5):
                raise ContainerError("ssh-agent did not start")


def _start(args: tuple[str, ...]) -> Child:
    quiet = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
    try:
        return Child(spawn(args, {1: quiet, 2: quiet}))
    finally:
        os.close(quiet)


def _add_key(add: str, key: str, agent: str) -> None:
    heard: list[bytes] = []
    environment = {**ENVIRONMENT, "SSH_AUTH_SOCK": agent, "SSH_ASKPASS_REQUIRE": "never"}
    if run_program((add, "-q", "--", key), lambda _, data: heard.append(data), Never(), environment=environment):
        lines = b"".join(heard).decode("utf-8", "replace").strip().splitlines()
        raise ContainerError(
            f"failed to parse {key}: {lines[-1] if lines else 'ssh-add failed'}",
            hint="a key with a passphrase goes into your own agent first: ssh-add KEY, then --ssh default",
        )
