"""Whether files of strangers are what they seem: HDF5 can take its values from other files of the machine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

CLASSIC = b"CDF"
"""What netCDF files begin with that are no HDF5; these hold all their values themselves."""


def leads_elsewhere(path: Path) -> bool:
    """Whether a netCDF file takes values from other files, or cannot be seen through.

    netCDF-4 is HDF5, whose datasets may be stored in any file that the process can read, be put together of the
    datasets of other files, or be links into them. The netCDF library follows all of these.

    Raises:
        OSError: when the file is not what its first bytes say.
    """
    with path.open("rb") as file:
        if file.read(3) == CLASSIC:
            return False
    import h5py

    if not h5py.is_hdf5(path):
        return True
    with h5py.File(path, "r") as root:
        return _leads_elsewhere(root, set(), h5py)


def _leads_elsewhere(group: Any, seen: set[Any], h5py: Any) -> bool:
    for name in group:
        if isinstance(group.get(name, getlink=True), h5py.ExternalLink):
            return True
        member = group.get(name)
        if isinstance(member, h5py.Dataset):
            if member.external or member.is_virtual:
                return True
        elif isinstance(member, h5py.Group):
            # A group may be in itself.
            identity = h5py.h5o.get_info(member.id).addr
            if identity not in seen:
                seen.add(identity)
                if _leads_elsewhere(member, seen, h5py):
                    return True
    return False
