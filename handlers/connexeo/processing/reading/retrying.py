"""Reading again what failed for a moment, within seconds, and not what will not be there.

What goes wrong with a file is told by errors of the operating system, by texts of GDAL, and by statuses of HTTP in
these. Networks, servers and network file systems that are busy or start anew come back; files that are missing,
forbidden or damaged do not.
"""

from __future__ import annotations

import errno
import itertools
import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from connexeo.generated.errors import Internal

if TYPE_CHECKING:
    from connexeo.processing.reading.gaps import Gaps
    from connexeo.processing.reading.grids import Grid
    from connexeo.processing.reading.pixels import LayerReader
    from connexeo.processing.reading.plans import Header, Layer

T = TypeVar("T")

DEADLINE = 20.0
"""Seconds after which no further attempt begins; what one may take is up to the options of GDAL."""
FIRST_PAUSE = 0.2
"""Seconds before the second attempt; then twice as long each time."""
LONGEST_PAUSE = 3.0

Kind = Literal["passing", "lasting", "unclear"]


@dataclass(frozen=True)
class Fault:
    """What is wrong with a file."""

    kind: Kind
    """Whether it may be over in a moment. Unclear: an answer that was cut off looks like a damaged file."""
    reason: str
    """For people, without paths."""


_MISSING = Fault("lasting", "it does not exist")
_DENIED = Fault("lasting", "access to it is denied")
_DAMAGED = Fault("lasting", "it is damaged, or of another format than its metadata says")
_CUT_OFF = Fault("unclear", _DAMAGED.reason)
_SILENT = Fault("passing", "its server cannot be reached, or does not answer properly")
_FAILING = Fault("passing", "its storage fails")

_PASSING = frozenset(
    {
        errno.EIO, errno.ESTALE, errno.EAGAIN, errno.EINTR, errno.ETIMEDOUT, errno.ECONNRESET, errno.ECONNREFUSED,
        errno.ECONNABORTED, errno.EPIPE, errno.ENOTCONN, errno.EHOSTDOWN, errno.EHOSTUNREACH, errno.ENETUNREACH,
        errno.ENETDOWN, errno.ENETRESET, errno.EREMOTEIO, errno.EBUSY,
    }
)  # fmt: skip
_OF_ERRNO = {
    errno.ENOENT: _MISSING,
    errno.ENOTDIR: _MISSING,
    errno.EACCES: _DENIED,
    errno.EPERM: _DENIED,
    **dict.fromkeys(_PASSING, _FAILING),
}
_OF_TEXT = {
    **{os.strerror(number): fault for number, fault in _OF_ERRNO.items()},
    "CURL error": _SILENT,
    "Operation too slow": _SILENT,
    "key does not exist": _MISSING,
    "bucket does not exist": _MISSING,
    "Access Denied": _DENIED,
    "AccessDenied": _DENIED,
}
_STATUS = re.compile(r"HTTP (?:response code|error code)\s*:?\s*(\d{3})")
_REMOTE = {
    "http://": "/vsicurl/http://",
    "https://": "/vsicurl/https://",
    "s3://": "/vsis3/",
    "gs://": "/vsigs/",
}


def fault_of(error: BaseException, href: str) -> Fault:
    """What an error of reading says of a file; errors that it was raised from are looked at, too."""
    texts = []
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.errno in _OF_ERRNO:
            return _OF_ERRNO[cause.errno]
        texts.append(str(cause))
        cause = cause.__cause__
    text = "\n".join(texts)
    if (status := _STATUS.search(text)) is not None:
        return _fault_of_status(int(status[1]))
    told = next((fault for words, fault in _OF_TEXT.items() if words in text), None)
    if told is not None:
        return told
    return _CUT_OFF if _virtual_path(href) is not None else _fault_of_file(href)


def patiently(attempt: Callable[[], T], href: str) -> T:
    """The value of an attempt to read a file; repeated while what fails may be over in a moment.

    Raises:
        Internal: what the last attempt raised, with the reason.
    """
    end = time.monotonic() + DEADLINE
    for tries in itertools.count(1):
        try:
            if tries == 1:
                return attempt()
            with _afresh(href):
                return attempt()
        except (Internal, OSError) as error:
            fault = fault_of(error, href)
            pause = min(FIRST_PAUSE * 2 ** (tries - 1), LONGEST_PAUSE)
            enough = fault.kind == "lasting" or (fault.kind == "unclear" and tries > 1)
            if enough or time.monotonic() + pause > end:
                if isinstance(error, Internal):
                    raise Internal(f"{error.message.rstrip('.')}: {fault.reason}.") from error
                raise
        time.sleep(pause)
    raise AssertionError("unreachable")


@dataclass(frozen=True)
class PatientReader:
    """A `LayerReader` that reads again what failed for a moment, and may leave gaps where a file cannot be read."""

    read: LayerReader
    gaps: Gaps | None = None
    """None: what cannot be read is an error."""

    def __call__(self, layer: Layer, area: Grid) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """Values and where they are valid: nowhere in a gap."""
        if self.gaps is None:
            return patiently(lambda: self.read(layer, area), layer.href)
        found = self.gaps.read(lambda: self.read(layer, area), layer.href, layer.asset, layer.item)
        if found is not None:
            return found
        nothing = np.zeros((area.height, area.width), np.uint8)
        return nothing, nothing.astype(bool)


@dataclass(frozen=True)
class PatientProbe:
    """A `Probe` that asks again, and answers None for a file that may be a gap."""

    probe: Callable[[str, str, str], Header]
    gaps: Gaps | None = None

    def __call__(self, href: str, asset: str, item: str) -> Header | None:
        """What the file says about itself."""
        if self.gaps is None:
            return patiently(lambda: self.probe(href, asset, item), href)
        return self.gaps.read(lambda: self.probe(href, asset, item), href, asset, item)


def _fault_of_status(status: int) -> Fault:
    if status in (404, 410):
        return _MISSING
    if status in (401, 402, 403, 407):
        return _DENIED
    if status in (408, 425, 429) or (status >= 500 and status not in (501, 505)):
        return _SILENT
    return Fault("lasting", f"its server answers with the status {status}")


def _fault_of_file(href: str) -> Fault:
    """What is wrong with a local file of which a library only says that it cannot read it."""
    try:
        with open(href.removeprefix("file://"), "rb") as file:
            while file.read(2**20):
                pass
    except OSError as error:
        return _OF_ERRNO.get(error.errno or 0, _DAMAGED)
    return _DAMAGED


def _virtual_path(href: str) -> str | None:
    """What GDAL calls a remote file; None for local ones."""
    return next((path + href[len(url) :] for url, path in _REMOTE.items() if href.startswith(url)), None)


@contextmanager
def _afresh(href: str) -> Iterator[None]:
    """Nothing that is known or open of a file counts: GDAL keeps in mind what did not exist, and cut-off answers."""
    import rasterio

    from connexeo.processing.reading.datasets import forget

    forget(href)
    path = _virtual_path(href)
    if path is None:
        yield
        return
    with rasterio.Env(CPL_VSIL_CURL_NON_CACHED=path):
        yield
