"""ADD: what COPY does, and archives unpacked, files of URLs, git repositories.

    ADD https://h/x.tar /dst          ──▶  %0 = source https://h/x.tar, then %2 = file %1, %0 : copy /x.tar -> /dst
    ADD https://h/r.git#v1 /src       ──▶  %0 = source git://h/r.git#v1, then %2 = file %1, %0 : copy / -> /src
    ADD a.tar /dst                    ──▶  %2 = file %1, %0 : copy /a.tar -> /dst, unpacked if it is an archive

Dockerfile reference: ADD.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockerfile_frontend.compiler.graph import Edge
from dockerfile_frontend.compiler.lower.copy import copy_local, git_ref_of, is_url, lower_files, warn_ignored
from dockerfile_frontend.compiler.lower.files import Copying
from dockerfile_frontend.compiler.sources import git_source, git_wish, http_source
from dockerfile_frontend.diagnostics import DockerfileError
from dockerfile_frontend.gostd.paths import base, join
from dockerfile_frontend.gostd.text import quote
from dockerfile_frontend.semantics.references import InvalidReferenceError, check_digest

if TYPE_CHECKING:
    from dockerfile_frontend.compiler.context import Context
    from dockerfile_frontend.compiler.lower.copy import Wanted
    from dockerfile_frontend.compiler.state import StageState
    from dockerfile_frontend.instructions.model import Add
    from dockerfile_frontend.semantics.git_refs import GitRef

_UNNAMED = "__unnamed__"
"""Name of a file whose URL has none."""


def lower_add(inst: Add, at: StageState, ctx: Context) -> StageState:
    remote = _Remote(inst, advice=ctx.build.options.git_advice)

    def find(src: str, wanted: Wanted) -> Copying:
        ref = git_ref_of(src)
        if ref is not None and not ref.looks_local:
            return remote.copy_repository(ref, wanted)
        if ref is None and is_url(src):
            return remote.copy_url(src, wanted)
        warn_ignored(src, "Add", inst, ctx)
        unpack = True if inst.unpack is None else inst.unpack
        return copy_local(src, wanted, ctx.build.context, at, unpack=unpack)

    at = lower_files(inst, at, ctx, find, "", check=lambda: _check_checksum(inst))
    # a repository's address counts as a path of the build context, as in the reference
    for src in inst.sources:
        if not is_url(src):
            at = at._replace(context_paths=at.context_paths.then(join("/", src)))
    return at


def _check_checksum(inst: Add) -> None:
    if not inst.checksum:
        return
    if len(inst.sources) != 1:
        raise DockerfileError("checksum can't be specified for multiple sources", code="checksum")
    if not is_url(inst.sources[0]) and _git_ref_or_none(inst.sources[0]) is None:
        raise DockerfileError("checksum requires HTTP(S) or Git sources", code="checksum")


def _git_ref_or_none(src: str) -> GitRef | None:
    try:
        return git_ref_of(src)
    except DockerfileError:
        return None


class _Remote:
    """Sources that are fetched. What one repository's URL says of .git and checksum holds for later sources, as in the reference."""

    def __init__(self, inst: Add, *, advice: bool) -> None:
        self._advice = advice
        self._keep_git_dir = inst.keep_git_dir
        self._checksum = inst.checksum
        self._unpack = bool(inst.unpack)

    def copy_repository(self, ref: GitRef, wanted: Wanted) -> Copying:
        if self._keep_git_dir is not None and ref.keep_git_dir not in (None, self._keep_git_dir):
            raise DockerfileError("inconsistent keep-git-dir configuration", code="git-ref")
        if ref.keep_git_dir is not None:
            self._keep_git_dir = ref.keep_git_dir
        if self._checksum and ref.checksum and self._checksum != ref.checksum:
            message = f"checksum mismatch {quote(self._checksum)} != {quote(ref.checksum)}"
            raise DockerfileError(message, code="checksum")
        self._checksum = ref.checksum or self._checksum
        keep, advice = bool(self._keep_git_dir), self._advice
        wish = git_wish(ref, keep_git_dir=keep, checksum=self._checksum, advice=advice)
        return Copying(Edge(git_source(wish, wanted.name)), wanted.action("/"), wanted.owner)

    def copy_url(self, url: str, wanted: Wanted) -> Copying:
        """A file as it is: only --unpack unpacks what comes from a URL."""
        filename = filename_of(url)
        if self._checksum:
            try:
                check_digest(self._checksum)
            except InvalidReferenceError as error:
                raise DockerfileError(str(error), code="checksum") from None
        node = http_source(url, filename, wanted.name, checksum=self._checksum, command="")
        src = join("/", filename)
        return Copying(Edge(node), wanted.action(src, unpack=self._unpack), wanted.owner)


def filename_of(url: str) -> str:
    """The last part of a URL's path."""
    from dockerfile_frontend.gostd.urls import UrlError, parse_url  # noqa: PLC0415  rare

    try:
        name = base(parse_url(url).path)
    except UrlError:
        return _UNNAMED
    return _UNNAMED if name in (".", "/") else name
