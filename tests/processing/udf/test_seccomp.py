"""The filter of system calls, read as the kernel reads it."""

from __future__ import annotations

import errno
import struct

import pytest

from connexeo.processing.udf.seccomp import build_filter, is_known

X86_64, AARCH64 = 0xC000003E, 0xC00000B7
KILLED, ALLOWED = 0x80000000, 0x7FFF0000
REFUSED, UNKNOWN = 0x50000 | errno.EPERM, 0x50000 | errno.ENOSYS
THREAD = 0x3D0F00
"""Flags with which glibc makes threads."""


def decide(program: bytes, machine: int, number: int, flags: int = 0) -> int:
    """What the kernel does about a system call."""
    data = struct.pack("<IIQQ", number, machine, 0, flags)
    instructions = list(struct.iter_unpack("<HBBI", program))
    accumulator = position = 0
    while True:
        code, if_true, if_false, operand = instructions[position]
        position += 1
        if code == 0x20:
            accumulator = struct.unpack_from("<I", data, operand)[0]
        elif code == 0x06:
            return int(operand)
        else:
            holds = {
                0x15: accumulator == operand,
                0x35: accumulator >= operand,
                0x45: bool(accumulator & operand),
            }[code]
            position += if_true if holds else if_false


@pytest.mark.parametrize(
    ("name", "machine", "number", "expected"),
    [
        ("x86_64", X86_64, 0, ALLOWED),  # read
        ("x86_64", X86_64, 53, ALLOWED),  # socketpair
        ("x86_64", X86_64, 462, ALLOWED),
        ("x86_64", X86_64, 57, REFUSED),  # fork
        ("x86_64", X86_64, 41, REFUSED),  # socket
        ("x86_64", X86_64, 101, REFUSED),  # ptrace
        ("x86_64", X86_64, 165, REFUSED),  # mount
        ("x86_64", X86_64, 321, REFUSED),  # bpf
        ("x86_64", X86_64, 425, REFUSED),  # io_uring_setup
        ("x86_64", X86_64, 435, UNKNOWN),  # clone3
        ("x86_64", X86_64, 463, UNKNOWN),
        ("x86_64", X86_64, 0x40000039, UNKNOWN),  # fork of x32
        ("x86_64", 0x40000003, 2, KILLED),  # fork of i386
        ("aarch64", AARCH64, 63, ALLOWED),  # read
        ("aarch64", AARCH64, 198, REFUSED),  # socket
        ("aarch64", AARCH64, 117, REFUSED),  # ptrace
        ("aarch64", AARCH64, 40, REFUSED),  # mount
        ("aarch64", AARCH64, 217, REFUSED),  # add_key
        ("aarch64", X86_64, 0, KILLED),
    ],
)
def test_decisions(name: str, machine: int, number: int, expected: int) -> None:
    assert decide(build_filter(name), machine, number) == expected


@pytest.mark.parametrize(("name", "machine", "clone"), [("x86_64", X86_64, 56), ("aarch64", AARCH64, 220)])
def test_threads_but_no_processes(name: str, machine: int, clone: int) -> None:
    program = build_filter(name)
    assert decide(program, machine, clone, THREAD) == ALLOWED
    assert decide(program, machine, clone, 0x1200011) == REFUSED


def test_other_machines() -> None:
    assert is_known("aarch64")
    assert not is_known("riscv64")
    with pytest.raises(ValueError, match="riscv64"):
        build_filter("riscv64")
