r"""Random Dockerfiles, and the context that they are built with: mostly legal, of the corners where builders differ.

    dockerfile(Random(7))  ->  "FROM ground AS s0\nCOPY --chown=app dir/ /var/link/\nRUN rm -r /var/old\n…"

All stages stand on one that unpacks users, folders and links onto the fixtures' base image. What is random is drawn from the words
below, so that a name which one line makes is likely to be what another reads, removes or writes through.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import tarfile
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import TypeAlias

import zstandard

STAMP = 1_600_000_000
"""Seconds: how old what lies in archives is."""

Draw: TypeAlias = Callable[[Random], str]


def read_words() -> dict[str, list[str]]:
    """The lines of words.txt by the section they stand in."""
    found: dict[str, list[str]] = {}
    for line in (Path(__file__).parent / "words.txt").read_text().splitlines():
        if line.startswith("[") and line.endswith("]"):
            words = found.setdefault(line[1:-1], [])
        else:
            words.append(line)
    return found


WORDS = read_words()
FILES = WORDS["files"]
FOLDERS = WORDS["folders"]
PATTERNS = WORDS["patterns"]
ARCHIVES = WORDS["archives"]
BAD = WORDS["bad"]
TARGETS = WORDS["targets"]
MADE = WORDS["made"]
NUMBERS = WORDS["numbers"]
ALWAYS = WORDS["always"]
OWNERS = WORDS["owners"]
MODES = WORDS["modes"]
EXCLUDED = WORDS["excluded"]
USERS = WORDS["users"]
WORK = WORDS["work"]
COMMANDS = WORDS["commands"]
MOUNT_TARGETS = WORDS["mount targets"]
MOUNT_COMMANDS = WORDS["mount commands"]


def dockerfile(random: Random) -> str:
    """One to three stages, a few lines each."""
    lines = []
    if random.random() < 0.1:
        lines.append("ARG NAME=outer")
    lines += ["FROM base AS ground", "ADD ground.tar /"]
    stages: list[str] = []
    for number in range(random.choice((1, 1, 1, 2, 2, 3))):
        start = random.choice(("ground", "ground", "ground", "scratch", *stages)) if number or random.random() < 0.1 else "ground"
        lines.append(f"FROM {start} AS s{number}")
        for _ in range(random.randint(1, 5)):
            lines.append(copy_from(random, stages) if stages and random.random() < 0.4 else line(random, start))
        stages.append(f"s{number}")
    if len(stages) > 1 and random.random() < 0.3:
        lines.append(copy_from(random, stages[:-1]))
    return "\n".join(lines) + "\n"


def line(random: Random, start: str) -> str:
    draw = random.choices([draw for draw, _ in LINES], [weight for _, weight in LINES])[0]
    drawn = draw(random)
    if start == "scratch" and drawn.startswith("RUN"):
        return copy(random)
    return drawn


def flags(random: Random, *, source: str = "", parents: bool = True) -> str:
    """Flags of COPY and ADD, none most of the time."""
    drawn = [f"--from={source}"] if source else []
    linked = random.random() < 0.2
    for chance, flag in (
        (float(linked), "--link"),
        (0.2, f"--chown={random.choice(NUMBERS if linked else OWNERS)}"),
        (0.2, f"--chmod={random.choice(MODES)}"),
        (0.15 * parents, "--parents"),
        (0.15, f"--exclude={random.choice(EXCLUDED)}"),
        (0.05, f"--exclude={random.choice(EXCLUDED)}"),
    ):
        if random.random() < chance:
            drawn.append(flag)
    random.shuffle(drawn)
    return "".join(f"{each} " for each in drawn)


def pivoted(random: Random, path: str) -> str:
    """The path with a pivot point somewhere, as --parents has it."""
    parts = path.split("/")
    if len(parts) > 1 and random.random() < 0.3:
        parts.insert(random.randrange(1, len(parts)), ".")
    return "/".join(parts)


def copy(random: Random) -> str:
    chosen = flags(random)
    groups: Sequence[Sequence[str]] = (FILES, FILES, FOLDERS, FOLDERS, PATTERNS, *([BAD] if random.random() < 0.15 else []))
    sources = [random.choice(random.choice(groups)) for _ in range(random.choice((1, 1, 1, 2)))]
    if "--parents" in chosen:
        sources = [pivoted(random, each) for each in sources]
    target = random.choice(TARGETS)
    if len(sources) > 1 and random.random() < 0.9:
        target = target.rstrip("/") + "/"
    return f"COPY {chosen}{' '.join(sources)} {target}"


def copy_from(random: Random, stages: Sequence[str]) -> str:
    chosen = flags(random, source=random.choice([*stages, *stages, "ground", "0"]))
    source = random.choice(MADE if random.random() < 0.4 else ALWAYS)
    if "--parents" in chosen:
        source = pivoted(random, source)
    return f"COPY {chosen}{source} {random.choice(TARGETS)}"


def add(random: Random) -> str:
    unpack = random.choice(("", "", "", "", "--unpack=true ", "--unpack=false ", "--unpack "))
    source = random.choice(ARCHIVES if random.random() < 0.8 else FILES + FOLDERS)
    return f"ADD {unpack}{flags(random, parents=False)}{source} {random.choice(TARGETS)}"


def here(random: Random) -> str:
    """A heredoc, copied or run."""
    name = random.choice(("EOF", "'EOF'", '"EOF"'))
    body = random.choice(("text $HOME ${NAME:-n} \\$x\n", "\ttab\n\n", "", "#!/bin/sh\nid > /o\n", "$(id) `id` \\\\\n"))
    dash = random.choice(("", "", "-"))
    end = "\tEOF" if dash else "EOF"
    if random.random() < 0.6:
        return (
            f"{random.choice(('COPY', 'COPY', 'ADD'))} {flags(random, parents=False)}<<{dash}{name} {random.choice(TARGETS)}\n{body}{end}"
        )
    how = random.choice(("", "", " sh", " cat > /o", " cat - /var/old/a.txt > /o"))
    script = random.choice(
        ("echo $0 $HOME > /o\n\techo t >> /o\n", "#!/bin/sh -e\nmkdir -p /here\nls / > /here/ls\n", "false\necho past > /o\n", body)
    )
    return f"RUN <<{dash}{name}{how}\n{script}{end}"


def run(random: Random) -> str:
    command = random.choice(COMMANDS)
    if random.random() < 0.2:
        command += f" && {random.choice(COMMANDS)}"
    network = random.choice(("", "", "", "", "", "--network=none ", "--network=host ", "--security=sandbox "))
    return f"RUN {network}{command}"


def run_mounted(random: Random) -> str:
    target = random.choice(MOUNT_TARGETS)
    kind = random.choice(("bind", "bind", "cache", "cache", "tmpfs", "secret", "ssh"))
    words = [f"type={kind}"]
    owned = [
        f"{key}={value}"
        for key, value in (("uid", "33"), ("gid", "34"), ("mode", random.choice(("0700", "0444", "1777"))))
        if random.random() < 0.3
    ]
    if kind == "bind":
        if random.random() < 0.3:
            words += [
                "from=ground",
                f"source={random.choice(('/var/old', '/var/link', '/etc', '/var/old/a.txt', '/', '/var/abs', '/nosuch'))}",
            ]
        elif random.random() < 0.8:
            words.append(
                f"source={random.choice(('dir', 'a.txt', 'dirlink', 'link', 'dir/sub', 'empty', 'nosuch', 'links', 'dir/../dir', '/'))}"
            )
        words += random.choice(([], [], ["rw"], ["ro"], ["readwrite=true"]))
    elif kind == "cache":
        if random.random() < 0.2:
            words += ["from=ground", f"source={random.choice(('/var/old', '/etc', '/var', '/var/link'))}"]
        words += [f"sharing={random.choice(('shared', 'private', 'locked'))}"] if random.random() < 0.4 else []
        words += [*owned, f"id=CACHE{random.randrange(2)}", *random.choice(([], [], ["ro"]))]
    elif kind == "tmpfs":
        words += random.choice(([], ["size=1m"], ["size=64k"]))
    elif kind == "secret":
        words += ["id=tok", *owned, *random.choice(([], ["env=TOK"], ["required"]))]
    if kind not in ("secret", "ssh") or random.random() < 0.5:
        words.append(f"{random.choice(('target', 'target', 'dst', 'destination'))}={target}")
    else:
        target = "/run/secrets/tok"
    command = random.choice(MOUNT_COMMANDS).replace("TARGET", target)
    return f"RUN --mount={','.join(words)} {command}"


def setting(random: Random) -> str:
    return random.choice(
        (*SETTINGS, f"USER {random.choice(USERS)}", *[f"WORKDIR {random.choice(WORK)}"] * 2, f"USER {random.choice(USERS)}")
    )


SETTINGS = WORDS["settings"]
LINES: Sequence[tuple[Draw, int]] = ((copy, 8), (add, 4), (here, 2), (run, 8), (run_mounted, 4), (setting, 5))


def write_context(folder: Path, stamp: int) -> None:
    """The files that COPY and ADD name, all as old as `stamp` says."""
    folder.mkdir(parents=True)
    for name, (mode, text) in CONTEXT.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(mode)
    for name, mode in (("empty", 0o700), ("sticky", 0o1777), ("deep/er", 0o750)):
        (folder / name).mkdir(parents=True, exist_ok=True)
        (folder / name).chmod(mode)
    (folder / "links").mkdir()
    for name, to in LINKS.items():
        (folder / name).symlink_to(to)
    os.link(folder / "a.txt", folder / "hard")
    os.setxattr(folder / "noted", "user.note", b"value")
    for name, data in archives().items():
        (folder / name).write_bytes(data)
    for path in [*folder.rglob("*"), folder]:
        os.utime(path, (stamp, stamp), follow_symlinks=False)


CONTEXT = {
    "a.txt": (0o644, "a\n"),
    "b.txt": (0o600, "b\n"),
    "run.sh": (0o755, "#!/bin/sh\necho ran\n"),
    "suid": (0o4755, "x"),
    "zero": (0o644, ""),
    "dir/x.py": (0o644, "x\n"),
    "dir/y.md": (0o644, "y\n"),
    "dir/sub/z.py": (0o640, "z\n"),
    "dir/sub/deep/w.txt": (0o644, "w\n"),
    "dir/.hidden": (0o644, "h\n"),
    "sp ace.txt": (0o644, "s\n"),
    "uni-é.txt": (0o644, "é\n"),
    "br[1].txt": (0o644, "br\n"),
    ".git/HEAD": (0o644, "ref\n"),
    "noted": (0o644, "n\n"),
    "names/$x": (0o644, "1"),
    "names/-dash": (0o644, "2"),
    "names/*": (0o644, "3"),
    "names/back\\slash": (0o644, "4"),
    "names/q'\"": (0o644, "5"),
}
LINKS = {
    "link": "a.txt",
    "dirlink": "dir",
    "chain": "dirlink",
    "links/abs": "/etc/passwd",
    "links/up": "../../etc",
    "links/loop": "loop",
    "links/dangling": "nowhere",
    "links/out": "../dir",
    "dir/rel": "../a.txt",
}


def archives() -> dict[str, bytes]:
    """Archives by name: whole ones in every compression, and odd ones."""
    usual = pack(
        folder("t/", 0o750, 7, 8),
        file("t/f", b"in tar\n", 0o604, 5, 6),
        entry("t/l", tarfile.SYMTYPE, "f"),
        entry("t/h", tarfile.LNKTYPE, "t/f"),
        file("t/s", b"s", 0o4755),
        file("top", b"top\n"),
        file("un/der/neath", b"n"),
    )
    squeezed = gzip.compress(usual, mtime=0)
    return {
        "ground.tar": ground(),
        "p.tar": usual,
        "p.tar.gz": squeezed,
        "p.tar.xz": lzma.compress(usual),
        "p.tar.bz2": bz2.compress(usual),
        "p.tar.zst": zstandard.ZstdCompressor().compress(usual),
        "plain.gz": gzip.compress(b"plain\n", mtime=0),
        "cut.tar.gz": squeezed[:-30],
        "cut.tar": usual[:1700],
        "tail.tar.gz": squeezed + b"trailing",
        "two.gz": squeezed + gzip.compress(b"more", mtime=0),
        "none.tar": pack(),
        "odd.tar": pack(
            file("/abs/f", b"abs"),
            file("./dot/f", b"dot"),
            folder("late/"),
            file("late/f", b"1"),
            folder("late/", 0o700, 3, 4),
            file("x" * 120 + "/y", b"long"),
        ),
        "climb.tar": pack(file("../../climbed", b"c"), entry("up", tarfile.SYMTYPE, "../../etc")),
        "root.tar": pack(folder("./", 0o711, 9, 9), file("./f", b"f")),
        "special.tar": pack(entry("fifo", tarfile.FIFOTYPE), device("null", 1, 3), entry("cont", tarfile.CONTTYPE)),
        "twice.tar": pack(
            file("f", b"one"),
            file("f", b"two"),
            file("g", b"file"),
            folder("g/"),
            file("g/in", b"i"),
            folder("v/"),
            file("v/in", b"i"),
            entry("v", tarfile.SYMTYPE, "g"),
        ),
        "through.tar": pack(
            folder("real/"),
            entry("way", tarfile.SYMTYPE, "real"),
            file("way/f", b"f"),
            entry("far", tarfile.LNKTYPE, "real/f"),
            entry("abs", tarfile.SYMTYPE, "/real"),
            file("abs/g", b"g"),
        ),
        "marks.tar": pack(file("m/.wh.gone", b""), file("m/.wh..wh..opq", b""), file(".wh.old", b"w")),
    }


def ground() -> bytes:
    """Users, and a folder that links lead to."""
    return pack(
        file("etc/passwd", PASSWD.encode()),
        file("etc/group", GROUP.encode()),
        folder("home/"),
        folder("home/app/", 0o750, 1000, 1000),
        folder("run/"),
        folder("usr/bin/"),
        entry("usr/bin/env", tarfile.SYMTYPE, "../../bin/env"),
        folder("var/old/sub/"),
        file("var/old/sub/d.txt", b"old d\n", 0o600, 33),
        *(file(f"var/old/{name}.txt", f"old {name}\n".encode()) for name in "abc"),
        entry("var/link", tarfile.SYMTYPE, "old"),
        entry("var/abs", tarfile.SYMTYPE, "/var/old/sub"),
    )


PASSWD = "".join(
    f"{name}:x:{uid}:{uid}::{home}:/bin/sh\n"
    for name, uid, home in (("root", 0, "/root"), ("www-data", 33, "/var/www"), ("app", 1000, "/home/app"), ("nobody", 65534, "/home"))
)
GROUP = "root:x:0:\nwheel:x:10:root,app\naudio:x:29:app\nwww-data:x:33:\napp:x:1000:\nnobody:x:65534:\n"


def pack(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for info, data in members:
            info.mtime, info.size = STAMP, len(data)
            tar.addfile(info, io.BytesIO(data))
    return out.getvalue()


def file(name: str, data: bytes, mode: int = 0o644, uid: int = 0, gid: int = 0) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.mode, info.uid, info.gid = mode, uid, gid
    return info, data


def folder(name: str, mode: int = 0o755, uid: int = 0, gid: int = 0) -> tuple[tarfile.TarInfo, bytes]:
    info, _ = file(name, b"", mode, uid, gid)
    info.type = tarfile.DIRTYPE
    return info, b""


def entry(name: str, kind: bytes, to: str = "") -> tuple[tarfile.TarInfo, bytes]:
    info, _ = file(name, b"")
    info.type, info.linkname = kind, to
    return info, b""


def device(name: str, major: int, minor: int) -> tuple[tarfile.TarInfo, bytes]:
    info, _ = entry(name, tarfile.CHRTYPE)
    info.devmajor, info.devminor = major, minor
    return info, b""
