"""A filter of system calls for the kernel (seccomp): what a sandbox refuses besides what it cannot see.

Threads may be made, processes may not; there are no sockets, and nothing that looks into other processes or changes
the kernel. Calls that are newer than this list look as if the kernel did not have them, for which libraries are
prepared. See seccomp(2) and the kernel's `Documentation/userspace-api/seccomp_filter.rst`.
"""

from __future__ import annotations

import errno
import platform
import struct
from collections.abc import Mapping
from dataclasses import dataclass

_LOAD = 0x20  # BPF_LD | BPF_W | BPF_ABS
_JUMP_EQUAL = 0x15  # BPF_JMP | BPF_JEQ | BPF_K
_JUMP_GREATER_OR_EQUAL = 0x35  # BPF_JMP | BPF_JGE | BPF_K
_JUMP_ANY_BIT = 0x45  # BPF_JMP | BPF_JSET | BPF_K
_RETURN = 0x06  # BPF_RET | BPF_K

# Offsets in struct seccomp_data; both architectures are little-endian.
_AT_NUMBER, _AT_MACHINE, _AT_FLAGS = 0, 4, 16

_KILL = 0x80000000  # SECCOMP_RET_KILL_PROCESS
_ALLOW = 0x7FFF0000
_ERRNO = 0x00050000

_CLONE_THREAD = 0x00010000
_UNKNOWN = 463
"""The first number that is not known here; above all are those of x32, which would be other names for the same."""


@dataclass(frozen=True)
class _Architecture:
    audit: int
    """AUDIT_ARCH_* of linux/audit.h."""
    clone: int
    denied: Mapping[str, int]
    """Besides those of `_NEW`, whose numbers are the same everywhere."""


_CLONE3 = 435

# fmt: off
_NEW = {
    "io_uring_setup": 425, "io_uring_enter": 426, "io_uring_register": 427,
    "open_tree": 428, "move_mount": 429, "fsopen": 430, "fsconfig": 431, "fsmount": 432, "fspick": 433,
    "mount_setattr": 442,
    "pidfd_open": 434, "pidfd_getfd": 438, "process_madvise": 440, "process_mrelease": 448,
    "memfd_secret": 447,
    "statmount": 457, "listmount": 458, "lsm_get_self_attr": 459, "lsm_set_self_attr": 460, "lsm_list_modules": 461,
}
_X86_64 = _Architecture(0xC000003E, 56, {
    "fork": 57, "vfork": 58,
    "ptrace": 101, "process_vm_readv": 310, "process_vm_writev": 311, "kcmp": 312,
    "socket": 41, "bind": 49, "listen": 50,  # `socketpair` leads nowhere, and asyncio needs it
    # System V: memory that outlives its process, and its limits.
    "shmget": 29, "shmat": 30, "shmctl": 31, "shmdt": 67, "semget": 64, "semop": 65, "semctl": 66, "semtimedop": 220,
    "msgget": 68, "msgsnd": 69, "msgrcv": 70, "msgctl": 71,
    "mq_open": 240, "mq_unlink": 241, "mq_timedsend": 242, "mq_timedreceive": 243, "mq_notify": 244,
    "mq_getsetattr": 245,
    "memfd_create": 319, "userfaultfd": 323,
    "mount": 165, "umount2": 166, "pivot_root": 155, "chroot": 161, "unshare": 272, "setns": 308,
    "add_key": 248, "request_key": 249, "keyctl": 250, "bpf": 321, "perf_event_open": 298,
    "init_module": 175, "delete_module": 176, "finit_module": 313, "kexec_load": 246, "kexec_file_load": 320,
    "reboot": 169, "swapon": 167, "swapoff": 168, "syslog": 103, "acct": 163, "sethostname": 170,
    "setdomainname": 171, "quotactl": 179, "nfsservctl": 180, "lookup_dcookie": 212,
    "adjtimex": 159, "settimeofday": 164, "clock_settime": 227, "clock_adjtime": 305,
    "name_to_handle_at": 303, "open_by_handle_at": 304, "fanotify_init": 300, "fanotify_mark": 301,
    "personality": 135, "vhangup": 153, "modify_ldt": 154, "iopl": 172, "ioperm": 173, "create_module": 174,
    "get_kernel_syms": 177, "query_module": 178, "mknod": 133, "mknodat": 259,
})
_AARCH64 = _Architecture(0xC00000B7, 220, {
    "ptrace": 117, "process_vm_readv": 270, "process_vm_writev": 271, "kcmp": 272,
    "socket": 198, "bind": 200, "listen": 201,
    "shmget": 194, "shmctl": 195, "shmat": 196, "shmdt": 197, "semget": 190, "semctl": 191, "semtimedop": 192,
    "semop": 193, "msgget": 186, "msgctl": 187, "msgrcv": 188, "msgsnd": 189,
    "mq_open": 180, "mq_unlink": 181, "mq_timedsend": 182, "mq_timedreceive": 183, "mq_notify": 184,
    "mq_getsetattr": 185,
    "memfd_create": 279, "userfaultfd": 282,
    "mount": 40, "umount2": 39, "pivot_root": 41, "chroot": 51, "unshare": 97, "setns": 268,
    "add_key": 217, "request_key": 218, "keyctl": 219, "bpf": 280, "perf_event_open": 241,
    "init_module": 105, "delete_module": 106, "finit_module": 273, "kexec_load": 104, "kexec_file_load": 294,
    "reboot": 142, "swapon": 224, "swapoff": 225, "syslog": 116, "acct": 89, "sethostname": 161,
    "setdomainname": 162, "quotactl": 60, "nfsservctl": 42, "lookup_dcookie": 18,
    "settimeofday": 170, "adjtimex": 171, "clock_settime": 112, "clock_adjtime": 266,
    "name_to_handle_at": 264, "open_by_handle_at": 265, "fanotify_init": 262, "fanotify_mark": 263,
    "personality": 92, "vhangup": 58, "mknodat": 33,
})
# fmt: on

_ARCHITECTURES: Mapping[str, _Architecture] = {"x86_64": _X86_64, "aarch64": _AARCH64}


def is_known(machine: str | None = None) -> bool:
    """Whether there is a filter for a machine, by default this one."""
    return (machine or platform.machine()) in _ARCHITECTURES


def build_filter(machine: str | None = None) -> bytes:
    """The filter as the kernel takes it: an array of struct sock_filter.

    Args:
        machine: As `platform.machine` names it; by default this one.

    Raises:
        ValueError: There is no filter for the machine.
    """
    name = machine or platform.machine()
    if name not in _ARCHITECTURES:
        raise ValueError(f"There is no filter of system calls for {name}")
    known = _ARCHITECTURES[name]
    # Jumps count instructions to be skipped, if the condition is true and if it is not.
    program = [
        (_LOAD, 0, 0, _AT_MACHINE),
        (_JUMP_EQUAL, 1, 0, known.audit),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _AT_NUMBER),
        (_JUMP_GREATER_OR_EQUAL, 0, 1, _UNKNOWN),
        (_RETURN, 0, 0, _ERRNO | errno.ENOSYS),
        # Its flags lie in memory, where no filter sees them; libraries fall back to clone.
        (_JUMP_EQUAL, 0, 1, _CLONE3),
        (_RETURN, 0, 0, _ERRNO | errno.ENOSYS),
        (_JUMP_EQUAL, 0, 4, known.clone),
        (_LOAD, 0, 0, _AT_FLAGS),
        (_JUMP_ANY_BIT, 1, 0, _CLONE_THREAD),
        (_RETURN, 0, 0, _ERRNO | errno.EPERM),
        (_RETURN, 0, 0, _ALLOW),
    ]
    for number in (*known.denied.values(), *_NEW.values()):
        program += [(_JUMP_EQUAL, 0, 1, number), (_RETURN, 0, 0, _ERRNO | errno.EPERM)]
    program.append((_RETURN, 0, 0, _ALLOW))
    return b"".join(struct.pack("<HBBI", *instruction) for instruction in program)
