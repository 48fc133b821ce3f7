"""Processes whose wall clock a test sets, with libfaketime; clocks that cannot be set go on as ever."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path

import pytest

_LIBRARY = "vendor/libfaketime/src/libfaketime.so.1"


@dataclass(frozen=True)
class Clock:
    """The clock of processes that are started between `apply` and `spare`."""

    file: Path
    library: Path
    monkeypatch: pytest.MonkeyPatch

    def apply(self) -> None:
        """To processes that are started from now on."""
        self.monkeypatch.setenv("LD_PRELOAD", str(self.library))
        self.monkeypatch.setenv("FAKETIME_TIMESTAMP_FILE", str(self.file))
        self.monkeypatch.setenv("FAKETIME_NO_CACHE", "1")
        self.monkeypatch.setenv("FAKETIME_DONT_FAKE_MONOTONIC", "1")
        # Times of files are those of the kernel.
        self.monkeypatch.setenv("NO_FAKE_STAT", "1")

    def spare(self) -> None:
        """Processes that are started from now on."""
        self.monkeypatch.delenv("LD_PRELOAD")

    def set(self, days: float) -> None:
        """So many days from the true time, at once."""
        draft = self.file.with_suffix(".draft")
        draft.write_text(f"{days * 86400:+.0f}")
        draft.replace(self.file)


@pytest.fixture
def clock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Clock:
    """A clock that goes right until it is set."""
    package = importlib.util.find_spec("libfaketime")
    if package is None or package.origin is None:
        pytest.skip("libfaketime, which sets the clocks of single processes, is not installed")
    library = Path(package.origin).parent / _LIBRARY
    if not library.exists():
        pytest.skip("the library of libfaketime was not built here")
    clock = Clock(tmp_path / "clock", library, monkeypatch)
    clock.set(0)
    return clock
