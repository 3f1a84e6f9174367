"""When a source was made, for SOURCE_DATE_EPOCH.

    source_time("https://example.com/a.tar.gz", {"http.filename": "a.tar.gz"}, connect, environment)   -> 1_700_000_000
    source_time("git://github.com/a/b.git#v1", {"git.fullurl": "https://github.com/a/b.git"}, …)       -> 1_690_000_000

Of a git source it is the commit's time; of a file over HTTP its Last-Modified, else that of the newest file in it where
it is an archive. BuildKit: ResolveSourceMetadata, and the SOURCE_DATE_EPOCH of its Dockerfile frontend.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dockerfile_frontend.registry.errors import RegistryError, one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from dockerfile_frontend.registry.client import Client

_PROTOCOLS = "http:https:ssh:git"
_SCP = re.compile(r"[\w.-]+@[\w.-]+:")
_UNSAFE_REF = re.compile(r"^[-+]|[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{")
_COMMITTER = re.compile(rb"^committer .*> (-?\d{1,15}) [+-]\d{4}$", re.MULTILINE)
_SHALLOW = ("-q", "--depth=1", "--no-tags", "--no-recurse-submodules", "--filter=tree:0")
_SECONDS = 120.0
_MAX_COMMIT = 8 << 20


def source_time(
    identifier: str, attrs: Mapping[str, str], connect: Callable[[], Client], environment: Mapping[str, str]
) -> int | None:
    """Unix seconds, None when the source does not say. Raises RegistryError."""
    if identifier.startswith("git://"):
        return _commit_time(identifier, attrs, environment)
    if identifier.startswith(("http://", "https://")):
        return _file_time(identifier, attrs, connect())
    return None


def _file_time(url: str, attrs: Mapping[str, str], client: Client) -> int | None:
    from dockerfile_frontend.resolvers.archive_time import newest_file  # noqa: PLC0415  rarely wanted

    with client.open_url(url) as answer:
        # With a checksum the file is pinned; then its server's word about it counts for nothing.
        modified = None if attrs.get("http.checksum") else _parse_date(answer.header("last-modified"))
        if modified is not None:
            return modified
        return newest_file(answer.chunks()) if attrs.get("http.filename") else None


def _parse_date(text: str) -> int | None:
    from email.utils import parsedate_to_datetime  # noqa: PLC0415

    try:
        return int(parsedate_to_datetime(text[:64]).timestamp()) if text else None
    except (ValueError, OverflowError):
        return None


def _commit_time(identifier: str, attrs: Mapping[str, str], environment: Mapping[str, str]) -> int:
    import tempfile  # noqa: PLC0415  rarely wanted
    from pathlib import Path  # noqa: PLC0415

    remote, ref = _parse_git(identifier, attrs)
    with tempfile.TemporaryDirectory(prefix="dfc-git-", ignore_cleanup_errors=True) as folder:
        git = _Git(Path(folder), environment)
        git.run("init", "-q", "--bare", ".")
        git.run("fetch", *_SHALLOW, "--", remote, ref)
        commit = git.run("rev-parse", "FETCH_HEAD^{commit}").decode("ascii", "replace").strip()
        checksum = attrs.get("git.checksum", "")
        if checksum and not commit.startswith(checksum.lower()):
            raise RegistryError(f"expected checksum to match {one_line(checksum)}, got {commit}")
        match = _COMMITTER.search(git.run("cat-file", "commit", commit).partition(b"\n\n")[0])
    if match is None:
        raise RegistryError(f"commit {commit} of {_shown(remote)} has no time")
    return int(match[1])


def _parse_git(identifier: str, attrs: Mapping[str, str]) -> tuple[str, str]:
    """Remote and ref of a git source. Raises RegistryError for what git could take for something else."""
    address, _, fragment = identifier.removeprefix("git://").partition("#")
    pinned = attrs.get("git.checksum", "") if "git.fetchbycommit" in attrs else ""
    ref = fragment.partition(":")[0] or pinned or "HEAD"
    remote = attrs.get("git.fullurl") or f"https://{address}"
    scheme = remote.partition("://")[0] if "://" in remote else "ssh" if _SCP.match(remote) else ""
    if scheme not in _PROTOCOLS.split(":") or remote.startswith("-"):
        raise RegistryError(f"git remote {_shown(remote)} is not an http, https, ssh or git address")
    if _UNSAFE_REF.search(ref):
        raise RegistryError(f"invalid git ref: {one_line(ref)!r}")
    return remote, ref


def _shown(remote: str) -> str:
    return one_line(re.sub(r"(?<=://)[^/@]*@", "xxxxx@", remote))


class _Git:
    """git in one folder, with the user's own settings but no questions asked."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._folder = folder
        self._environment = dict(environment) | {
            "GIT_ALLOW_PROTOCOL": _PROTOCOLS,
            "GIT_DIR": str(folder),
            "GIT_SSH_COMMAND": environment.get("GIT_SSH_COMMAND") or "ssh -o BatchMode=yes",
            "GIT_TERMINAL_PROMPT": "0",
            "LC_ALL": "C",
        }

    def run(self, *arguments: str) -> bytes:
        """Standard output. Raises RegistryError with git's last words."""
        from dockerfile_frontend.registry.programs import Limits, run  # noqa: PLC0415

        limits = Limits(self._environment, _SECONDS, _MAX_COMMIT, self._folder)
        done = run(["git", *arguments], b"", limits)
        if done.status != 0:
            raise RegistryError(f"git {arguments[0]} failed: {_shown(_last_line(done.errors.splitlines()))}")
        return done.output


def _last_line(lines: Sequence[bytes]) -> str:
    fatal = [line for line in lines if line.startswith((b"fatal:", b"error:"))] or lines[-1:] or [b"no reason given"]
    return fatal[0].decode(errors="replace")
