"""Demo collections that a new installation can compute for itself: no download, no licence, the same everywhere.

- `sentinel-2-l2a-demo`: twelve Sentinel-2-like scenes of one year in UTM, cloud-optimised GeoTIFFs;
- `climate-monthly-demo`: global monthly temperature and precipitation, netCDF.
"""

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

VERSION = "1"
"""Changes whenever the content does, so that older demo data is replaced."""

_STAMP = "VERSION"
_COLLECTIONS = ("sentinel-2-l2a-demo", "climate-monthly-demo")


def write_demo(folder: Path, *, progress: Callable[[str], None] | None = None) -> None:
    """Write the demo collections as `folder`; does nothing where this version is complete already.

    The data is written to a hidden folder beside and renamed when complete, so that a reader never sees half
    of it, even when two processes begin at once.

    Args:
        folder: a static STAC catalogue of its own: made where missing, replaced where it holds another version.
        progress: told what is being written.

    Raises:
        FileExistsError: the folder holds something else.
    """
    if is_complete(folder):
        return
    if folder.exists() and any(folder.iterdir()) and not (folder / _STAMP).exists():
        raise FileExistsError("The folder for the demo holds something else.")
    folder.parent.mkdir(parents=True, exist_ok=True)
    from connexeo.drivers.local.demo.climate import write_climate
    from connexeo.drivers.local.demo.sentinel2 import write_sentinel2

    tell = progress or (lambda _: None)
    scratch = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        # mkdtemp keeps other users out; the demo is for all who may read the folder above it.
        scratch.chmod(folder.parent.stat().st_mode & 0o777)
        tell(f"Writing {_COLLECTIONS[0]}")
        write_sentinel2(scratch / _COLLECTIONS[0])
        tell(f"Writing {_COLLECTIONS[1]}")
        write_climate(scratch / _COLLECTIONS[1])
        (scratch / _STAMP).write_text(VERSION)
        _replace(scratch, folder)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def is_complete(folder: Path) -> bool:
    """Whether `folder` holds the demo collections of this version."""
    try:
        return (folder / _STAMP).read_text() == VERSION
    except (FileNotFoundError, NotADirectoryError):
        return False


def _replace(scratch: Path, target: Path) -> None:
    """Put `scratch` in the place of `target`, whose older content is deleted."""
    try:
        if target.exists() and not is_complete(target):
            old = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
            target.rename(old / "old")
            shutil.rmtree(old)
        scratch.rename(target)
    except OSError:
        # Another process was faster; its data is the same.
        if not is_complete(target):
            raise
