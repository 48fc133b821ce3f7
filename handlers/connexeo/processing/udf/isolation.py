"""The walls of a sandbox: bubblewrap with namespaces of its own, an almost empty file system, a filter of system calls.

Inside there are Python, its libraries and those of the system, all read-only, and a small `/tmp`. There are neither
`/proc`, `/etc` and `/home` nor a network, and no environment variables of ours.
"""

from __future__ import annotations

import os
import shutil
import sys
import sysconfig
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

from connexeo.processing.udf import seccomp
from connexeo.processing.udf.limits import UdfLimits

FILES = 64 * 2**20
"""Bytes that files in `/tmp` may take together."""

_USER = "65534"  # nobody
_RUNNER = "/runner.py"
_PYTHON = "/python"
_DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")
_VARIABLES = {
    "HOME": "/tmp",  # noqa: S108 - that of the sandbox
    "LANG": "C.UTF-8",
    "PATH": "/usr/bin",
    # Blocks are what runs at a time, and each thread would reserve memory.
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "NUMBA_NUM_THREADS": "1",
    "MALLOC_ARENA_MAX": "2",
    "JOBLIB_MULTIPROCESSING": "0",
}


def command(limits: UdfLimits, *, filter_fd: int, info_fd: int) -> list[str]:
    """What starts the runner in a sandbox.

    Args:
        limits: Tell what must not be visible.
        filter_fd: File descriptor with the filter of system calls.
        info_fd: File descriptor that takes the id of the process, as JSON.

    Raises:
        FileNotFoundError: There is no bubblewrap here.
    """
    program = shutil.which("bwrap")
    if program is None:
        raise FileNotFoundError("bubblewrap (bwrap) is not installed")
    apart = ["--unshare-all", "--unshare-user", "--uid", _USER, "--gid", _USER, "--hostname", "udf"]
    walls = ["--cap-drop", "ALL", "--die-with-parent", "--new-session", "--as-pid-1", "--clearenv"]
    variables = [word for pair in _variables().items() for word in ("--setenv", *pair)]
    devices = [word for device in _DEVICES for word in ("--dev-bind", device, device)]
    runner = ["--ro-bind", str(Path(__file__).with_name("runner.py")), _RUNNER]
    room = ["--size", str(FILES), "--tmpfs", "/tmp", "--remount-ro", "/", "--chdir", "/tmp"]  # noqa: S108
    descriptors = ["--seccomp", str(filter_fd), "--info-fd", str(info_fd)]
    # No site: its `.pth` files would run code, and lead to the sources of what is installed for development.
    python = [_interpreter(), "-I", "-S", "-B", _RUNNER]
    mounts = list(_mounts(limits.hidden))
    return [
        program,
        *apart,
        *walls,
        *variables,
        *mounts,
        *devices,
        *runner,
        *room,
        *descriptors,
        "--",
        *python,
    ]


def library_paths() -> list[str]:
    """Where libraries are, inside."""
    return [target for _, target in _libraries()]


def system_calls() -> bytes:
    """The filter that the kernel is given."""
    return seccomp.build_filter()


@cache
def why_not() -> str | None:
    """Why nothing can be isolated here; None if it can: a sandbox has been started, and held."""
    if sys.platform != "linux" or not seccomp.is_known():
        return "sandboxes need Linux on x86_64 or aarch64"
    if shutil.which("bwrap") is None:
        return "bubblewrap (bwrap) is not installed"
    from connexeo.processing.udf.sandbox import probe

    return probe()


def rlimits(limits: UdfLimits) -> dict[str, int]:
    """Limits that the runner sets for itself, by the names of `resource`; see `sandbox` for that of memory."""
    return {
        "CORE": 0,
        "CPU": processor_seconds(limits),
        "FSIZE": FILES,
        "NOFILE": 256,
        "MEMLOCK": 0,
        "MSGQUEUE": 0,
    }


def processor_seconds(limits: UdfLimits) -> int:
    """Seconds of processor time after which a sandbox is killed, if it is not replaced before."""
    return int(2 * limits.timeout * (os.cpu_count() or 1)) + 60


def _variables() -> dict[str, str]:
    if _is_below(sys.base_prefix, "/usr") or not sysconfig.get_config_var("Py_ENABLE_SHARED"):
        return _VARIABLES
    return {**_VARIABLES, "LD_LIBRARY_PATH": f"{_PYTHON}/lib"}


def _mounts(hidden: Sequence[str]) -> Iterator[str]:
    for folder in ("/lib", "/lib64"):
        if os.path.islink(folder):
            yield from ("--symlink", os.readlink(folder), folder)
        elif os.path.isdir(folder):
            yield from ("--ro-bind", folder, folder)
    yield from ("--ro-bind-try", "/etc/ld.so.cache", "/etc/ld.so.cache")
    bound = [("/usr", "/usr"), *_python(), *_libraries()]
    for source, target in bound:
        yield from ("--ro-bind", source, target)
    ours = [os.path.join(source, "connexeo") for source, _ in _libraries()]
    for secret in (*hidden, *ours):
        for source, target in bound:
            if os.path.isdir(secret) and _is_below(secret, source):
                place = os.path.join(
                    target, os.path.relpath(os.path.realpath(secret), os.path.realpath(source))
                )
                yield from ("--size", "4096", "--tmpfs", place, "--remount-ro", place)


def _python() -> list[tuple[str, str]]:
    """Where Python is mounted, if it is not part of the system: not under a name that tells of this machine."""
    return [] if _is_below(sys.base_prefix, "/usr") else [(sys.base_prefix, _PYTHON)]


def _interpreter() -> str:
    executable = str(getattr(sys, "_base_executable", sys.executable))
    for source, target in _python():
        return os.path.join(target, os.path.relpath(os.path.realpath(executable), os.path.realpath(source)))
    return os.path.realpath(executable)


def _libraries() -> list[tuple[str, str]]:
    found = dict.fromkeys(sysconfig.get_path(name) for name in ("purelib", "platlib"))
    return [(path, f"/libraries/{number}") for number, path in enumerate(found) if os.path.isdir(path)]


def _is_below(path: str, folder: str) -> bool:
    real, root = os.path.realpath(path), os.path.realpath(folder)
    return os.path.commonpath([real, root]) == root
