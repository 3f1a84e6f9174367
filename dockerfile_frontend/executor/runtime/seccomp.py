r"""System calls that a container may make: Docker's default profile, as far as our fixed set of capabilities needs it.

    profile("x86_64") == {"defaultAction": "SCMP_ACT_ERRNO", "architectures": […], "syscalls": [{"names": ["accept", …]}, …]}
    compile_filter("x86_64") == b"\x20\x00…"   the same as a program for the kernel, made by libseccomp

Everything else fails with EPERM; clone3 with ENOSYS, so that the C library falls back to clone, whose flags can be read here.
Of what Docker ties to capabilities only chroot is in, since containers hold the default set or, when insecure, no filter at all.
The x32 ABI is left out: hardly a kernel still has it, and it costs a container 4 ms. Names that an architecture or an older
runtime does not know are skipped by the runtime.
"""

from __future__ import annotations

import ctypes
import functools
import os
from contextlib import suppress
from typing import Any

ALLOWED = """
# files and directories
_llseek access arm_sync_file_range chdir chmod chown chown32 chroot close close_range copy_file_range creat dup dup2
dup3 faccessat faccessat2 fallocate fchdir fchmod fchmodat fchmodat2 fchown fchown32 fchownat fcntl fcntl64
fdatasync flock fstat fstat64 fstatat64 fstatfs fstatfs64 fsync ftruncate ftruncate64 futimesat getcwd getdents
getdents64 ioctl lchown lchown32 link linkat listmount lseek lstat lstat64 mkdir mkdirat mknod mknodat
name_to_handle_at newfstatat open openat openat2 readlink readlinkat rename renameat renameat2 rmdir stat stat64
statfs statfs64 statmount statx symlink symlinkat sync sync_file_range sync_file_range2 syncfs truncate truncate64
umask unlink unlinkat utime utimensat utimensat_time64 utimes
# extended attributes
fgetxattr flistxattr fremovexattr fsetxattr getxattr getxattrat lgetxattr listxattr listxattrat llistxattr
lremovexattr lsetxattr removexattr removexattrat setxattr setxattrat
# reading, writing, waiting
_newselect arm_fadvise64_64 cachestat epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_pwait epoll_pwait2
epoll_wait epoll_wait_old eventfd eventfd2 fadvise64 fadvise64_64 fanotify_mark inotify_add_watch inotify_init
inotify_init1 inotify_rm_watch io_cancel io_destroy io_getevents io_pgetevents io_pgetevents_time64 io_setup
io_submit pipe pipe2 poll ppoll ppoll_time64 pread64 preadv preadv2 pselect6 pselect6_time64 pwrite64 pwritev
pwritev2 read readahead readv select sendfile sendfile64 splice tee vmsplice write writev
# sockets and messages
accept accept4 bind connect getpeername getsockname getsockopt ipc listen mq_getsetattr mq_notify mq_open
mq_timedreceive mq_timedreceive_time64 mq_timedsend mq_timedsend_time64 mq_unlink msgctl msgget msgrcv msgsnd recv
recvfrom recvmmsg recvmmsg_time64 recvmsg semctl semget semop semtimedop semtimedop_time64 send sendmmsg sendmsg
sendto setsockopt shmat shmctl shmdt shmget shutdown socketcall socketpair
# memory
brk madvise map_shadow_stack membarrier memfd_create memfd_secret mincore mlock mlock2 mlockall mmap mmap2 mprotect
mremap mseal msync munlock munlockall munmap pkey_alloc pkey_free pkey_mprotect process_mrelease remap_file_pages
# time
adjtimex alarm clock_adjtime clock_adjtime64 clock_getres clock_getres_time64 clock_gettime clock_gettime64
clock_nanosleep clock_nanosleep_time64 getitimer gettimeofday setitimer time timer_create
timer_delete timer_getoverrun timer_gettime timer_gettime64 timer_settime timer_settime64 timerfd_create
timerfd_gettime timerfd_gettime64 timerfd_settime timerfd_settime64 times
# signals
kill pause pidfd_send_signal rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend
rt_sigtimedwait rt_sigtimedwait_time64 rt_tgsigqueueinfo sigaltstack signalfd signalfd4 sigprocmask sigreturn tgkill
tkill
# identity
capget capset getegid getegid32 geteuid geteuid32 getgid getgid32 getgroups getgroups32 getpgid getpgrp getpid
getppid getresgid getresgid32 getresuid getresuid32 getsid gettid getuid getuid32 setfsgid setfsgid32 setfsuid
setfsuid32 setgid setgid32 setgroups setgroups32 setpgid setregid setregid32 setresgid setresgid32 setresuid
setresuid32 setreuid setreuid32 setsid setuid setuid32
# one architecture only
arch_prctl breakpoint cacheflush get_thread_area modify_ldt riscv_flush_icache riscv_hwprobe s390_pci_mmio_read
s390_pci_mmio_write s390_runtime_instr set_thread_area set_tls swapcontext uretprobe
# processes, threads, scheduling
execve execveat exit exit_group fork futex futex_requeue futex_time64 futex_wait futex_waitv futex_wake
get_robust_list getcpu getpriority getrandom getrlimit getrusage ioprio_get ioprio_set landlock_add_rule
landlock_create_ruleset landlock_restrict_self nanosleep pidfd_open prctl prlimit64 process_vm_readv
process_vm_writev ptrace restart_syscall rseq sched_get_priority_max sched_get_priority_min sched_getaffinity
sched_getattr sched_getparam sched_getscheduler sched_rr_get_interval sched_rr_get_interval_time64 sched_setaffinity
sched_setattr sched_setparam sched_setscheduler sched_yield seccomp set_robust_list set_tid_address setpriority
setrlimit sysinfo ugetrlimit uname vfork wait4 waitid waitpid
"""
"""Allowed without conditions, by what they are for; lines with # are headings."""

ALLOW, REFUSE = "SCMP_ACT_ALLOW", "SCMP_ACT_ERRNO"
EPERM, ENOSYS = 1, 38
NAMESPACE_FLAGS = 0x7E020000
"""The CLONE_NEW… flags of clone: making namespaces is not allowed."""

AF_ALG, AF_VSOCK = 38, 40
PERSONALITIES = (0x0, 0x8, 0x20000, 0x20008, 0xFFFFFFFF)
"""PER_LINUX, PER_LINUX32, both with UNAME26, and asking."""

ARCHITECTURES: dict[str, tuple[str, ...]] = {
    "aarch64": ("SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"),
    "armv7l": ("SCMP_ARCH_ARM",),
    "i686": ("SCMP_ARCH_X86",),
    "loongarch64": ("SCMP_ARCH_LOONGARCH64",),
    "ppc64le": ("SCMP_ARCH_PPC64LE",),
    "riscv64": ("SCMP_ARCH_RISCV64",),
    "s390x": ("SCMP_ARCH_S390X", "SCMP_ARCH_S390"),
    "x86_64": ("SCMP_ARCH_X86_64", "SCMP_ARCH_X86"),
}
"""By kernel machine name: its own and those whose programs it runs natively. Others get their own alone."""

Rule = dict[str, Any]


@functools.cache
def profile(machine: str) -> dict[str, Any]:
    """The `linux.seccomp` section of a container on a kernel of this machine name."""
    section: dict[str, Any] = {"defaultAction": REFUSE, "defaultErrnoRet": EPERM, "syscalls": _rules(machine)}
    architectures = ARCHITECTURES.get(machine)
    return {**section, "architectures": list(architectures)} if architectures else section


def _rules(machine: str) -> list[Rule]:
    names = [name for line in ALLOWED.splitlines() if not line.startswith("#") for name in line.split()]
    clone_flags = 1 if machine == "s390x" else 0
    return [
        {"names": names, "action": ALLOW},
        *(_when("personality", 0, "SCMP_CMP_EQ", value) for value in PERSONALITIES),
        _when("socket", 0, "SCMP_CMP_LT", AF_ALG),
        _when("socket", 0, "SCMP_CMP_EQ", AF_ALG + 1),
        _when("socket", 0, "SCMP_CMP_GT", AF_VSOCK),
        _when("clone", clone_flags, "SCMP_CMP_MASKED_EQ", NAMESPACE_FLAGS),
        {"names": ["clone3"], "action": REFUSE, "errnoRet": ENOSYS},
    ]


def _when(name: str, index: int, operator: str, value: int) -> Rule:
    """Allow `name` when its argument compares so; a masked comparison is with zero."""
    return {"names": [name], "action": ALLOW, "args": [{"index": index, "value": value, "valueTwo": 0, "op": operator}]}


OPERATORS = {"SCMP_CMP_LT": 2, "SCMP_CMP_EQ": 4, "SCMP_CMP_GT": 6, "SCMP_CMP_MASKED_EQ": 7}
ACTION_ALLOW, ACTION_ERRNO = 0x7FFF0000, 0x00050000
OPTIMIZE, BINARY_TREE = 8, 2
UNKNOWN = -1


class _Compare(ctypes.Structure):
    """libseccomp's struct scmp_arg_cmp."""

    _fields_ = (("arg", ctypes.c_uint), ("op", ctypes.c_int), ("a", ctypes.c_uint64), ("b", ctypes.c_uint64))


def compile_filter(machine: str) -> bytes:
    """The profile as a BPF program. Raises OSError when libseccomp is missing or refuses it.

    crun takes such a program as it is; compiling it anew takes half of the time that crun needs to start a container.
    """
    library = ctypes.CDLL("libseccomp.so.2", use_errno=True)
    library.seccomp_init.restype = ctypes.c_void_p
    context = ctypes.c_void_p(library.seccomp_init(ctypes.c_uint32(ACTION_ERRNO | EPERM)))
    if context.value is None:
        raise OSError("libseccomp gives no filter")
    try:
        _checked(library.seccomp_attr_set(context, OPTIMIZE, ctypes.c_uint32(BINARY_TREE)))
        for architecture in ARCHITECTURES[machine]:
            name = architecture.removeprefix("SCMP_ARCH_").lower().encode()
            token = ctypes.c_uint32(library.seccomp_arch_resolve_name(name))
            if library.seccomp_arch_exist(context, token) != 0:
                _checked(library.seccomp_arch_add(context, token))
        for rule in profile(machine)["syscalls"]:
            _add_rule(library, context, rule)
        return _export(library, context)
    finally:
        library.seccomp_release(context)


def cached_program(machine: str, directory: str) -> str:
    """The filter as base64 BPF, kept in `directory`; empty when libseccomp cannot make one."""
    import base64
    import hashlib

    name = hashlib.sha256(repr((machine, profile(machine))).encode()).hexdigest()[:16]
    path = os.path.join(directory, f"seccomp-{name}.bpf")
    with suppress(OSError), open(path, encoding="ascii") as file:
        return file.read()
    try:
        program = base64.b64encode(compile_filter(machine)).decode()
    except (OSError, KeyError, AttributeError):
        return ""
    fresh = f"{path}.{os.urandom(6).hex()}"
    with suppress(OSError):
        with open(fresh, "x", encoding="ascii") as file:
            file.write(program)
        os.replace(fresh, path)
    return program


def _add_rule(library: ctypes.CDLL, context: ctypes.c_void_p, rule: Rule) -> None:
    action = ctypes.c_uint32(ACTION_ALLOW if rule["action"] == ALLOW else ACTION_ERRNO | rule["errnoRet"])
    terms = rule.get("args", ())
    compares = (_Compare * len(terms))(
        *(_Compare(t["index"], OPERATORS[t["op"]], t["value"], t["valueTwo"]) for t in terms)
    )
    for name in rule["names"]:
        number = library.seccomp_syscall_resolve_name(name.encode())
        if number == UNKNOWN:
            continue
        _checked(library.seccomp_rule_add_array(context, action, number, len(terms), compares))


def _export(library: ctypes.CDLL, context: ctypes.c_void_p) -> bytes:
    fd = os.memfd_create("filter")
    with os.fdopen(fd, "rb") as file:
        _checked(library.seccomp_export_bpf(context, fd))
        file.seek(0)
        return file.read()


def _checked(result: int) -> None:
    if result < 0:
        raise OSError(-result, os.strerror(-result))
