"""A file system as one tar: `-o type=tar,dest=rootfs.tar`, with owners, devices and extended attributes.

    bin/  bin/app  etc/motd                              several platforms: linux_amd64/  linux_amd64/bin/  …
"""

from __future__ import annotations

import stat
import time
from typing import TYPE_CHECKING

from dockerfile_frontend.executor.layers.pack import TarWriter
from dockerfile_frontend.executor.layers.tarwrite import DIRECTORY, END, Header, encode_header, padding

from .trees import Paths, Tree, opened_tree, statement_files

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dockerfile_frontend.executor.machine import Machine

    from .attest import Statement
    from .spec import Output


def tar_trees(
    output: Output, trees: Sequence[Tree], statements: Sequence[Sequence[Statement]], machine: Machine, epoch: int | None
) -> Iterator[bytes]:
    """The tar, in pieces of about a megabyte; behind each tree's files what is said of them."""
    paths = Paths(trees)
    for tree, said in zip(trees, statements, strict=True):
        if tree.prefix:
            yield encode_header(Header(f"{tree.prefix}/", DIRECTORY, 0o755, mtime=epoch or 0))
        writer = TarWriter(epoch, merged=True, prefix=f"{tree.prefix}/" if tree.prefix else "")
        with opened_tree(machine, tree) as opened:
            for visit in opened.walk():
                if not stat.S_ISDIR(visit.stat.st_mode):
                    paths.add(visit.path, tree)
                yield from writer.entry(visit)
            yield writer.flush()
            for path, data in statement_files(output, tree, opened, said, len(trees)):
                paths.add(path, tree)
                when = int(time.time()) if epoch is None else epoch
                yield encode_header(Header(path, mode=0o600, size=len(data), mtime=when)) + data + padding(len(data))
    yield END
