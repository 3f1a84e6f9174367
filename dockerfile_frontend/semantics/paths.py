r"""Paths of the image that is built, which may be a Windows one: always absolute, always with forward slashes.

    normalize_path("/app", "src/", "linux", keep_slash=True)      →  "/app/src/"
    normalize_path("/app", r"C:\data\..\x", "windows")            →  "/x"
    normalize_workdir("/app", "src", "windows")                   →  r"\app\src"

On Linux a path is taken as it stands; on Windows its drive, which must be C:, is cut off and the path is cleaned.
"""

from __future__ import annotations

from dockerfile_frontend.diagnostics import DockerfileError
from dockerfile_frontend.gostd.paths import clean, join

UNIX_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""PATH where neither image nor Dockerfile sets one."""


def normalize_path(parent: str, path: str, os: str, *, keep_slash: bool = False) -> str:
    """`path`, made absolute on top of `parent`; `keep_slash` keeps "/" or "/." at its end."""
    written = path = to_slash(path, os)
    parent = _without_drive(to_slash(parent, os) or "/", os, keep_slash=keep_slash)
    if not is_absolute(parent, os):
        parent = join("/", parent)
    path = _without_drive(path or parent, os, keep_slash=keep_slash)
    if not is_absolute(path, os):
        path = join(parent, path)
    return to_slash(restore_slash(path, written) if keep_slash else path, os)


def restore_slash(path: str, written: str) -> str:
    """`path` with the "/" or "/." that `written` ends with: a copy's destination means another thing with it."""
    if written.endswith("/") and not path.endswith("/"):
        return path + "/"
    if written.endswith("/."):
        return path + ("." if path == "/" else "/.")
    return path


def normalize_workdir(current: str, path: str, os: str) -> str:
    """The new working directory as the image config holds it: on Windows with backslashes."""
    try:
        normal = normalize_path(current, path, os)
    except DockerfileError as error:
        raise DockerfileError(f"normalizing workdir: normalizing working directory: {error}", error.span) from error
    return normal.replace("/", "\\") if os == "windows" else normal


def _without_drive(path: str, os: str, *, keep_slash: bool) -> str:
    try:
        return strip_drive(path, os, keep_slash=keep_slash)
    except DockerfileError as error:
        raise DockerfileError(f"removing drive letter: {error}", code="path") from None


def strip_drive(path: str, os: str, *, keep_slash: bool = False) -> str:
    """A Windows path without its drive, cleaned and with forward slashes; any other path as it is."""
    if os != "windows":
        return path
    if len(path) == 2 and path[1] == ":":  # noqa: PLR2004  a drive alone
        from dockerfile_frontend.gostd.text import quote  # noqa: PLC0415  for a message only

        raise DockerfileError(f"No relative path specified in {quote(path)}")
    if to_slash(path[:2], os) == "//":
        raise DockerfileError("UNC paths are not supported")
    drive, colon, rest = path.partition(":")
    if colon and drive.lower() != "c":
        raise DockerfileError("The specified path is not on the system drive (C:)")
    rest = to_slash(rest if colon else path, os)
    cleaned = clean(rest)
    return cleaned + "/" if keep_slash and len(cleaned) > 1 and rest.endswith("/") else cleaned


def is_absolute(path: str, os: str) -> bool:
    """Whether a path begins at the root, or at the root of a drive."""
    if os != "windows":
        return path.startswith("/")
    try:
        return strip_drive(path, os).startswith("/")
    except DockerfileError:
        return False


def to_slash(path: str, os: str) -> str:
    return path.replace("\\", "/") if os == "windows" else path
