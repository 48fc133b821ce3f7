"""Values of netCDF files and Zarr stores, read patiently when blocks of them are computed."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from connexeo.generated.errors import Internal
from connexeo.processing.reading.gaps import Gaps
from connexeo.processing.reading.plans import promote
from connexeo.processing.reading.retrying import patiently

T = TypeVar("T")


@dataclass(frozen=True)
class ArrayFile:
    """A file, and what becomes of it if it cannot be read."""

    href: str
    asset: str
    """Key of the asset, for messages."""
    item: str
    """Id of the item, for messages."""
    gaps: Gaps | None = None

    def read(self, attempt: Callable[[], T]) -> T | None:
        """What an attempt reads; None where the file is a gap.

        Raises:
            Internal: it cannot be read; the message names the asset, but no path.
        """

        def named() -> T:
            with _reading(self.asset, self.item):
                return attempt()

        if self.gaps is None:
            return patiently(named, self.href)
        return self.gaps.read(named, self.href, self.asset, self.item)


def lazy_values(variable: xr.DataArray, file: ArrayFile) -> Any:
    """A dask array of the values, floating, in the chunks of the file; NaN in a gap."""
    import dask.array as da

    preferred = variable.encoding.get("preferred_chunks", {})
    chunks = tuple(preferred.get(name, size) for name, size in variable.sizes.items())
    values = _Values(variable.variable, str(variable.name), file)
    meta = np.empty((0,) * variable.ndim, values.dtype)
    return da.from_array(values, chunks=chunks, lock=False, fancy=False, meta=meta)  # type: ignore[no-untyped-call]


@dataclass(frozen=True, eq=False)
class _Values:
    """What dask takes blocks from."""

    variable: xr.Variable
    """Not loaded."""
    name: str
    file: ArrayFile

    @property
    def shape(self) -> tuple[int, ...]:
        return self.variable.shape

    @property
    def ndim(self) -> int:
        return self.variable.ndim

    @property
    def dtype(self) -> np.dtype[Any]:
        return promote(self.variable.dtype, fillable=True)

    def __dask_tokenize__(self) -> object:
        """A graph that loads the same twice reads it once."""
        path = self.file.href.removeprefix("file://")
        changed = os.stat(path).st_mtime_ns if os.path.exists(path) else None
        return self.file.href, changed, self.name, str(self.dtype), self.file.gaps is not None

    def __getitem__(self, key: Any) -> NDArray[Any]:
        part = self.variable[key]
        values = self.file.read(lambda: np.asarray(part.values, self.dtype))
        return np.full(part.shape, np.nan, self.dtype) if values is None else values


@contextmanager
def _reading(asset: str, item: str) -> Iterator[None]:
    """Errors of reading as an openEO error that names the asset, but no path."""
    try:
        yield
    except (OSError, KeyError, ValueError, RuntimeError) as error:
        raise Internal(f"Reading the asset '{asset}' of the item '{item}' failed.") from error
