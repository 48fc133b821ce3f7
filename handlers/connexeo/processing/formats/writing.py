"""Writing results to a folder: all files of a result or none."""

from __future__ import annotations

import os
import shutil
import tarfile
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from connexeo.processing.formats.interface import WrittenFile
from connexeo.processing.formats.options import resolve_options
from connexeo.processing.formats.registry import find_format
from connexeo.processing.formats.storage import storing
from connexeo.processing.result import Result

ARCHIVE_NAME = "openEO.tar"


def write_result(result: Result, folder: Path, *, stem: str | None = None) -> list[WrittenFile]:
    """Compute a result and write its files; files of the same name are replaced.

    Args:
        result: What `save_result` returned.
        folder: Where to; it is made if need be.
        stem: What file names begin with; without it, what the options say.

    Raises:
        StorageFailure: The files could not be stored. Nothing is left behind.
        OpenEOError: The format cannot hold the data, or computing the data failed. Nothing is left behind.
    """
    target = find_format(result.format)
    options = resolve_options(target, result.options)
    target.check(result.data, options)
    with _staging(folder) as staged:
        name = stem or options.get("filename_prefix") or "openEO"
        written = _publish(target.write(result.data, staged, name, options), folder)
    for export in result.exports:
        export(written)
    return written


def write_results(results: Iterable[Result], folder: Path) -> list[WrittenFile]:
    """Write several results to one folder: later ones of the same format and prefix get a number."""
    return [file for files in write_each(results, folder) for file in files]


def write_each(results: Iterable[Result], folder: Path) -> Iterator[list[WrittenFile]]:
    """Like `write_results`, one result after the other: the files of each as soon as they are there."""
    used: Counter[tuple[str, str]] = Counter()
    for result in results:
        target = find_format(result.format)
        prefix = str(resolve_options(target, result.options).get("filename_prefix") or "openEO")
        used[target.name, prefix] += 1
        number = used[target.name, prefix]
        yield write_result(result, folder, stem=prefix if number == 1 else f"{prefix}-{number}")


def archive(files: Sequence[WrittenFile], folder: Path) -> Path:
    """Put files into an uncompressed .tar (media type `application/x-tar`).

    Raises:
        StorageFailure: It could not be stored.
    """
    with _staging(folder) as staged, storing():
        packed = staged / ARCHIVE_NAME
        with tarfile.open(packed, "w", format=tarfile.PAX_FORMAT) as tar:
            for file in files:
                tar.add(file.path, arcname=file.path.name, recursive=False, filter=_without_owner)
        return packed.replace(folder / ARCHIVE_NAME)


def _without_owner(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    """Users of the server's machine are nobody else's business."""
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    return entry


@contextmanager
def _staging(folder: Path) -> Iterator[Path]:
    """A folder of its own beside the files, so that they can be renamed into place."""
    with storing():
        folder.mkdir(parents=True, exist_ok=True)
        staged = Path(tempfile.mkdtemp(prefix=".writing-", dir=folder))
    try:
        yield staged
    finally:
        shutil.rmtree(staged, ignore_errors=True)


def _publish(written: Sequence[WrittenFile], folder: Path) -> list[WrittenFile]:
    published: list[WrittenFile] = []
    try:
        with storing():
            for file in written:
                _flush(file.path)
                published.append(replace(file, path=file.path.replace(folder / file.path.name)))
    except BaseException:
        for file in published:
            file.path.unlink(missing_ok=True)
        raise
    return published


def _flush(path: Path) -> None:
    """Bytes that the disk has no room for may be noticed only here."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
