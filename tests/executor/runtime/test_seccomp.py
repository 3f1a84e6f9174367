"""The filter refuses what Docker's refuses, whoever compiles it, for 64-bit and 32-bit programs."""

from __future__ import annotations

import os
import struct

import pytest

from dockerfile_frontend.executor.binfmt import exit_program
from dockerfile_frontend.executor.runtime.seccomp import ARCHITECTURES, cached_program, compile_filter, profile
from tests.executor.runtime.box import Box

needs_amd64 = pytest.mark.skipif(os.uname().machine != "x86_64", reason="machine code of amd64")
EPERM, ENOSYS = 1, 38


def caller(number: int, *arguments: int) -> bytes:
    """A program that makes one system call and exits with its errno, or with 0."""
    loads = b"".join(
        prefix + struct.pack("<I", value & 0xFFFFFFFF)
        for prefix, value in zip((b"\xbf", b"\xbe", b"\xba", b"\x41\xba"), (*arguments, 0, 0, 0, 0), strict=False)
    )
    call = b"\xb8" + struct.pack("<I", number) + b"\x0f\x05"
    result = b"\x85\xc0\x79\x06\xf7\xd8\x89\xc7\xeb\x02\x31\xff"  # negative: edi = -eax, else edi = 0
    return program("amd64", loads + call + result + b"\x6a\x3c\x58\x0f\x05")


def caller32(number: int, *arguments: int) -> bytes:
    """The same by int 0x80 in a 32-bit program."""
    loads = b"".join(
        bytes([code]) + struct.pack("<I", value & 0xFFFFFFFF)
        for code, value in zip((0xBB, 0xB9, 0xBA), (*arguments, 0, 0, 0), strict=False)
    )
    call = b"\xb8" + struct.pack("<I", number) + b"\xcd\x80"
    result = b"\x85\xc0\x79\x06\xf7\xd8\x89\xc3\xeb\x02\x31\xdb"
    return program("386", loads + call + result + b"\x31\xc0\x40\xcd\x80")


def program(architecture: str, code: bytes) -> bytes:
    """The smallest program with other code in it."""
    import dataclasses

    from dockerfile_frontend.executor import binfmt

    machine = binfmt.MACHINES[architecture]
    binfmt.MACHINES["test"] = dataclasses.replace(machine, code=code.hex())
    try:
        return exit_program("test")
    finally:
        del binfmt.MACHINES["test"]


AF_ALG, AF_VSOCK, AF_INET = 38, 40, 2
CALLS = {
    "getpid": (39, (), 0),
    "socket inet": (41, (AF_INET, 1, 0), 0),
    "socket alg": (41, (AF_ALG, 5, 0), EPERM),
    "socket vsock": (41, (AF_VSOCK, 1, 0), EPERM),
    "personality linux32": (135, (8,), 0),
    "personality addr_no_randomize": (135, (0x40000,), EPERM),
    "unshare user": (272, (0x10000000,), EPERM),
    "setns": (308, (0, 0), EPERM),
    "clone new user": (56, (0x10000011,), EPERM),
    "clone3": (435, (0, 0), ENOSYS),
    "mount": (165, (0, 0), EPERM),
    "umount2": (166, (0, 0), EPERM),
    "pivot_root": (155, (0, 0), EPERM),
    "open_tree": (428, (0, 0, 0), EPERM),
    "fsopen": (430, (0, 0), EPERM),
    "keyctl": (250, (0, 0), EPERM),
    "add_key": (248, (0, 0), EPERM),
    "request_key": (249, (0, 0), EPERM),
    "bpf": (321, (0, 0, 0), EPERM),
    "perf_event_open": (298, (0, 0), EPERM),
    "userfaultfd": (323, (0,), EPERM),
    "io_uring_setup": (425, (1, 0), EPERM),
    "kexec_load": (246, (0, 0), EPERM),
    "init_module": (175, (0, 0), EPERM),
    "finit_module": (313, (0, 0), EPERM),
    "open_by_handle_at": (304, (0, 0), EPERM),
    "reboot": (169, (0, 0), EPERM),
    "swapon": (167, (0, 0), EPERM),
    "settimeofday": (164, (0, 0), EPERM),
    "syslog": (103, (3, 0, 0), EPERM),
    "acct": (163, (0,), EPERM),
    "iopl": (172, (3,), EPERM),
    "quotactl": (179, (0, 0), EPERM),
    "ptrace traceme": (101, (0, 0), 0),
}
CALLS32 = {
    "getpid": (20, (), 0),
    "mount": (21, (0, 0, 0), EPERM),
    "unshare": (310, (0x10000000,), EPERM),
    "reboot": (88, (0,), EPERM),
}


def install(box: Box) -> None:
    for index, (number, arguments, _) in enumerate(CALLS.values()):
        box.write(f"call/{index}", caller(number, *arguments), 0o755)
    for index, (number, arguments, _) in enumerate(CALLS32.values()):
        box.write(f"call32/{index}", caller32(number, *arguments), 0o755)


def results(box: Box, engine: str = "") -> dict[str, int]:
    count, count32 = len(CALLS) - 1, len(CALLS32) - 1
    script = f"for i in $(seq 0 {count}); do /call/$i; echo $?; done; for i in $(seq 0 {count32}); do /call32/$i; echo $?; done"
    outcome = box.run(script, engine=engine)
    names = [*CALLS, *(f"{name} 32" for name in CALLS32)]
    return dict(zip(names, map(int, outcome.lines), strict=True))


EXPECTED = {name: errno for name, (_, _, errno) in CALLS.items()} | {
    f"{name} 32": errno for name, (_, _, errno) in CALLS32.items()
}


@needs_amd64
def test_calls_in_a_container(box: Box) -> None:
    install(box)
    assert results(box) == EXPECTED


@needs_amd64
@pytest.mark.parametrize("level", ["root_box", "user_box"])
def test_calls_in_a_container_of_crun(request: pytest.FixtureRequest, level: str, crun: str) -> None:
    """It gets the filter as a compiled program."""
    box: Box = request.getfixturevalue(level)
    install(box)
    assert results(box, crun) == EXPECTED
    assert [path.suffix for path in box.store.glob("seccomp-*")] == [".bpf"]


@needs_amd64
def test_the_programs_show_what_the_kernel_says(root_box: Box) -> None:
    """Without a filter other errors come back, so it is the filter that the tests above see."""
    from ir_schema.ops import SecurityMode

    root_box.write("call/setns", caller(308, 0, 0), 0o755)
    assert root_box.run("/call/setns", "x", security=SecurityMode.INSECURE).code == 22


@pytest.mark.parametrize("machine", ARCHITECTURES)
def test_every_architecture_has_a_profile(machine: str) -> None:
    found = profile(machine)
    assert found["defaultAction"] == "SCMP_ACT_ERRNO"
    names = [name for rule in found["syscalls"] for name in rule["names"]]
    assert len(names) > 350
    assert not {"mount", "setns", "unshare", "keyctl", "bpf", "userfaultfd", "init_module", "io_uring_setup"} & set(
        names
    )


def test_an_unknown_architecture_gets_its_own_alone() -> None:
    assert "architectures" not in profile("mips")


def test_the_program_is_kept(tmp_path: os.PathLike[str]) -> None:
    try:
        compile_filter(os.uname().machine)
    except OSError:
        pytest.skip("no libseccomp")
    directory = os.fspath(tmp_path)
    first = cached_program(os.uname().machine, directory)
    (name,) = os.listdir(directory)
    with open(os.path.join(directory, name), "w", encoding="ascii") as file:
        file.write("kept")
    assert len(first) > 1000
    assert cached_program(os.uname().machine, directory) == "kept"


def test_a_machine_without_a_program(tmp_path: os.PathLike[str]) -> None:
    assert cached_program("mips", os.fspath(tmp_path)) == ""
