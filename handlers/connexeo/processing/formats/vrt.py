"""Raw images made readable for GDAL: a virtual dataset (VRT) that says what the numbers are."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as xml

import numpy as np

from connexeo.processing.formats.grid import Grid
from connexeo.processing.formats.spool import RawImage
from connexeo.processing.formats.storage import storing

_TYPES = {
    "uint8": "Byte",
    "int8": "Int8",
    "uint16": "UInt16",
    "int16": "Int16",
    "uint32": "UInt32",
    "int32": "Int32",
    "uint64": "UInt64",
    "int64": "Int64",
    "float32": "Float32",
    "float64": "Float64",
}


@dataclass(frozen=True)
class VrtBand:
    """What a file tells about a band."""

    description: str | None = None
    nodata: float | None = None
    scale: float = 1.0
    offset: float = 0.0
    metadata: Mapping[str, str] = field(default_factory=dict)
    colours: Sequence[tuple[int, int, int, int]] = ()
    """A palette."""
    interpretation: str | None = None
    """GDAL's colour interpretation."""


def write_vrt(raw: RawImage, grid: Grid, bands: Sequence[VrtBand], metadata: Mapping[str, str]) -> Path:
    """Describe a raw image in a file beside it."""
    rows, columns = raw.shape[1:]
    root = xml.Element("VRTDataset", rasterXSize=str(columns), rasterYSize=str(rows))
    if grid.crs is not None:
        _add(root, "SRS", grid.crs_code or grid.crs.to_wkt())
    if grid.located:
        a, b, c, d, e, f = grid.transform
        _add(root, "GeoTransform", ", ".join(map(repr, (c, a, b, f, d, e))))
    _add_metadata(root, metadata)
    for index, band in enumerate(bands):
        _add_band(root, raw, index, band)
    path = raw.path.with_suffix(".vrt")
    with storing():
        path.write_bytes(xml.tostring(root, encoding="utf-8"))
    return path


def _add_band(root: xml.Element, raw: RawImage, index: int, band: VrtBand) -> None:
    element = xml.SubElement(
        root,
        "VRTRasterBand",
        dataType=_TYPES[raw.dtype.name],
        band=str(index + 1),
        subClass="VRTRawRasterBand",
    )
    if band.description is not None:
        _add(element, "Description", band.description)
    _add_metadata(element, band.metadata)
    if band.nodata is not None:
        _add(element, "NoDataValue", _number(band.nodata, raw.dtype))
    if (band.scale, band.offset) != (1.0, 0.0):
        _add(element, "Offset", repr(band.offset))
        _add(element, "Scale", repr(band.scale))
    if band.interpretation is not None:
        _add(element, "ColorInterp", band.interpretation)
    if band.colours:
        table = xml.SubElement(element, "ColorTable")
        for colour in band.colours:
            xml.SubElement(table, "Entry", dict(zip(("c1", "c2", "c3", "c4"), map(str, colour), strict=True)))
    xml.SubElement(element, "SourceFilename", relativeToVRT="1").text = raw.path.name
    _add(element, "ImageOffset", str(raw.position(index, 0)))
    _add(element, "PixelOffset", str(raw.dtype.itemsize))
    _add(element, "LineOffset", str(raw.shape[2] * raw.dtype.itemsize))
    _add(element, "ByteOrder", "LSB" if sys.byteorder == "little" else "MSB")


def _add(parent: xml.Element, tag: str, text: str) -> None:
    xml.SubElement(parent, tag).text = text


def _add_metadata(parent: xml.Element, metadata: Mapping[str, str]) -> None:
    if metadata:
        element = xml.SubElement(parent, "Metadata")
        for key, value in metadata.items():
            xml.SubElement(element, "MDI", key=key).text = value


def _number(value: float, dtype: np.dtype[Any]) -> str:
    if math.isnan(value):
        return "nan"
    return repr(value) if dtype.kind == "f" else str(int(value))
