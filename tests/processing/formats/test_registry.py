"""The list of formats, and that it costs nothing."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from connexeo.generated.errors import ProcessParameterInvalid
from connexeo.processing.formats import Format, find_format, list_formats, registry
from connexeo.processing.formats.interface import GisDataType, WrittenFile
from connexeo.processing.formats.options import resolve_options

NAMES = ["CSV", "GeoJSON", "GTiff", "JPEG", "JSON", "netCDF", "Parquet", "PNG", "Zarr"]
PARAMETERS = [
    (name, option, schema)
    for name, described in list_formats()["output"].items()
    for option, schema in described["parameters"].items()
]


class Text:
    name = "Text"
    title = "Text"
    description = "One line."
    gis_data_types: tuple[GisDataType, ...] = ("other",)
    parameters: Mapping[str, Any] = {
        "width": {"description": "Characters.", "type": "integer", "required": True}
    }

    def check(self, data: Any, options: Mapping[str, Any]) -> None:
        pass

    def write(self, data: Any, folder: Path, stem: str, options: Mapping[str, Any]) -> list[WrittenFile]:
        path = folder / f"{stem}.txt"
        path.write_text(str(data)[: options["width"]])
        return [WrittenFile(path, "text/plain")]


@pytest.fixture
def text(monkeypatch: pytest.MonkeyPatch) -> Format:
    monkeypatch.setattr(registry, "_FORMATS", dict(registry._FORMATS))
    added = Text()
    registry.register_format(added)
    return added


def test_formats_are_listed_as_the_contract_wants() -> None:
    listed = list_formats()
    assert list(listed["input"]) == ["GTiff", "JP2OpenJPEG", "netCDF", "GeoJSON", "Parquet", "CSV"]
    assert list(listed["output"]) == NAMES
    for described in (*listed["input"].values(), *listed["output"].values()):
        assert set(described) == {"title", "description", "gis_data_types", "parameters"}
        assert set(described["gis_data_types"]) <= {"raster", "vector", "table", "pointcloud", "other"}


@pytest.mark.parametrize(("name", "option", "schema"), PARAMETERS)
def test_parameters_are_schemas_whose_default_is_valid(
    name: str, option: str, schema: dict[str, Any]
) -> None:
    assert schema["description"].endswith(".")
    bare = {key: value for key, value in schema.items() if key != "required"}
    jsonschema_rs.meta.validate({"$schema": "http://json-schema.org/draft-07/schema#", **bare})
    if "default" in schema:
        assert resolve_options(find_format(name), {option: schema["default"]})[option] == schema["default"]


def test_names_are_matched_without_regard_to_case() -> None:
    assert [find_format(name.upper()).name for name in NAMES] == NAMES


@pytest.mark.parametrize(
    ("name", "meant"), [("COG", "GTiff"), ("geotiff", "GTiff"), ("nc", "netCDF"), ("GeoParquet", "Parquet")]
)
def test_usual_names_are_understood(name: str, meant: str) -> None:
    assert find_format(name).name == meant


def test_unknown_format_tells_which_there_are() -> None:
    with pytest.raises(ProcessParameterInvalid) as caught:
        find_format("BMP")
    assert caught.value.values["parameter"] == "format"
    assert all(name in caught.value.message for name in NAMES)


def test_formats_can_be_added(text: Format) -> None:
    assert find_format("text") is text
    assert list(list_formats()["output"]) == sorted([*NAMES, "Text"], key=str.casefold)


def test_required_options_must_be_given(text: Format) -> None:
    assert resolve_options(text, {"width": 3}) == {"width": 3}
    with pytest.raises(ProcessParameterInvalid, match="needs the option 'width'"):
        resolve_options(text, {})


def test_listing_loads_no_library_for_data() -> None:
    code = (
        "import sys; from connexeo.processing.formats import list_formats; list_formats();"
        "print([m for m in ('numpy', 'xarray', 'dask', 'rasterio', 'netCDF4', 'pyproj') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
