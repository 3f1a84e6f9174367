"""Processes of foreign platforms: whether this kernel runs them, itself or through binfmt_misc.

    check_platform(Platform("amd64", "linux"))   returns
    check_platform(Platform("s390x", "linux"))   returns when an emulator is registered, else raises: how to register one

The smallest program of the platform, which does nothing but exit, is run once; that says more than any table.
"""

from __future__ import annotations

import errno
import functools
import os
import re
import struct
from typing import TYPE_CHECKING

from ir_schema.record import Record

from .architectures import NATIVE
from .runtime.faults import ContainerError

if TYPE_CHECKING:
    from ir_schema.ops import Platform

MISC = "/proc/sys/fs/binfmt_misc"


class Machine(Record):
    """How the smallest program of an architecture looks."""

    number: int
    """e_machine of its ELF header."""
    bits: int
    order: str
    """Byte order in struct's notation."""
    code: str
    """Hex of: exit(0)."""
    emulator: str
    """QEMU's name."""
    flags: int = 0
    """e_flags: the ABI."""


MACHINES = {
    "386": Machine(3, 32, "<", "31db 31c0 40 cd80", "i386"),
    "amd64": Machine(62, 64, "<", "31ff 6a3c 58 0f05", "x86_64"),
    "arm": Machine(40, 32, "<", "0000a0e3 0170a0e3 000000ef", "arm", 0x05000000),
    "arm64": Machine(183, 64, "<", "000080d2 a80b80d2 010000d4", "aarch64"),
    "loong64": Machine(258, 64, "<", "04008003 0b748103 00002b00", "loongarch64", 0x43),
    "ppc64le": Machine(21, 64, "<", "00006038 01000038 02000044", "ppc64le", 2),
    "riscv64": Machine(243, 64, "<", "13050000 9308d005 73000000", "riscv64", 5),
    "s390x": Machine(22, 64, ">", "a7280000 0a01", "s390x"),
}
"""By GOARCH."""

LEVELS = {
    "v2": "cx16 lahf_lm popcnt sse4_1 sse4_2 ssse3",
    "v3": "avx avx2 bmi1 bmi2 f16c fma abm movbe xsave",
    "v4": "avx512f avx512bw avx512cd avx512dq avx512vl",
}
"""CPU flags that each level of amd64 adds, as /proc/cpuinfo names them."""


def check_platform(platform: Platform | None) -> None:
    """Raise ContainerError unless processes of `platform` run here."""
    if platform is None or not platform.architecture:
        return
    if platform.os not in {"", "linux"}:
        raise ContainerError(f"processes of platform {platform.os}/{platform.architecture} do not run on Linux")
    fault = _fault(platform.architecture, platform.variant)
    if fault:
        raise fault


@functools.cache
def _fault(architecture: str, variant: str) -> ContainerError | None:
    native = NATIVE.get(os.uname().machine)
    name = f"linux/{architecture}" + (f"/{variant}" if variant else "")
    if architecture == native:
        return _level_fault(name, variant) if architecture == "amd64" else None
    machine = MACHINES.get(architecture)
    if machine is None:
        return ContainerError(f"no support for running processes with {name} platform: the architecture is not known")
    if not runs(exit_program(architecture)):
        return ContainerError(
            f"no support for running processes with {name} platform: no emulator is registered with binfmt_misc",
            hint=f"install qemu-user-static, or run: docker run --privileged --rm tonistiigi/binfmt --install {architecture}",
        )
    if (entry := _entry(architecture)) and "F" not in entry:
        return ContainerError(
            f"the emulator of {name} is registered without flag F, so containers do not see it",
            hint="register it with flag F (fix binary), as qemu-user-static does",
        )
    return None


def exit_program(architecture: str) -> bytes:
    """The smallest ELF program of an architecture: one segment, exit(0)."""
    machine = MACHINES[architecture]
    code = bytes.fromhex(machine.code)
    base, wide = 0x400000, machine.bits == 64
    head, segment = (64, 56) if wide else (52, 32)
    start, size = base + head + segment, head + segment + len(code)
    identity = b"\x7fELF" + bytes([2 if wide else 1, 1 if machine.order == "<" else 2, 1]) + bytes(9)
    word = "Q" if wide else "I"
    header = struct.pack(
        f"{machine.order}HHI{word}{word}{word}IHHHHHH",
        2, machine.number, 1, start, head, 0, machine.flags, head, segment, 1, 0, 0, 0,
    )  # fmt: skip
    if wide:
        load = struct.pack(f"{machine.order}IIQQQQQQ", 1, 5, 0, base, base, size, size, 0x1000)
    else:
        load = struct.pack(f"{machine.order}IIIIIIII", 1, 0, base, base, size, size, 5, 0x1000)
    return identity + header + load + code


def runs(program: bytes) -> bool:
    """Whether the kernel runs this program. It is executed from memory."""
    fd = os.memfd_create("probe", os.MFD_CLOEXEC)
    try:
        os.write(fd, program)
        # The emulator opens the program by its path, so the path must not vanish on exec.
        os.set_inheritable(fd, True)  # noqa: FBT003 - the standard library's signature
        pid = os.posix_spawn(f"/proc/self/fd/{fd}", ["probe"], {})
    except OSError as error:
        if error.errno in {errno.ENOEXEC, errno.EINVAL, errno.ENOENT, errno.EACCES}:
            return False
        raise
    finally:
        os.close(fd)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def _entry(architecture: str) -> str:
    """Flags of the enabled binfmt_misc entry for an architecture; empty when the kernel needs none or shows none."""
    magic = exit_program(architecture)[:20]
    try:
        names = set(os.listdir(MISC)) - {"register", "status"}
    except OSError:
        return ""
    for name in sorted(names):
        try:
            with open(os.path.join(MISC, name), encoding="ascii", errors="replace") as file:
                text = file.read(4096)
        except OSError:
            continue
        fields = dict(re.findall(r"^(flags:|magic|mask|offset) ?(.*)$", text, re.MULTILINE))
        if text.startswith("enabled") and _matches(fields, magic):
            return fields.get("flags:", "") or "-"
    return ""


def _matches(fields: dict[str, str], head: bytes) -> bool:
    """Whether an entry's magic is the beginning of a program's header."""
    try:
        magic = bytes.fromhex(fields.get("magic", ""))
        mask = bytes.fromhex(fields.get("mask", "")) or b"\xff" * len(magic)
    except ValueError:
        return False
    offset = int(fields.get("offset", "0") or 0)
    part = head[offset : offset + len(magic)]
    return (
        bool(magic)
        and len(part) == len(magic)
        and all((a ^ b) & m == 0 for a, b, m in zip(part, magic, mask, strict=False))
    )


def _level_fault(name: str, variant: str) -> ContainerError | None:
    """A program for a newer level of amd64 than this CPU's would end with an illegal instruction."""
    if variant not in LEVELS:
        return (
            None if variant in {"", "v1"} else ContainerError(f"no support for running processes with {name} platform")
        )
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as file:
        found = next((set(line.split()) for line in file if line.startswith("flags")), set())
    wanted = {flag for level, flags in LEVELS.items() if level <= variant for flag in flags.split()}
    if wanted <= found:
        return None
    supported = ["linux/amd64"]
    for level, flags in LEVELS.items():
        if not set(flags.split()) <= found:
            break
        supported.append(f"linux/amd64/{level}")
    return ContainerError(f"no support for running processes with {name} platform, supported: {', '.join(supported)}")
