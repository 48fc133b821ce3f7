from typing import Any

import pytest

from connexeo.generated.errors import ProcessParameterInvalid
from connexeo.processing.formats import find_format
from connexeo.processing.formats.options import resolve_options


def test_defaults_are_filled_in() -> None:
    options = resolve_options(find_format("netCDF"), {})
    assert options["zlevel"] == 1
    assert options["dtype"] is None


@pytest.mark.parametrize(
    "given", [{"COMPRESS": "lzw"}, {"compress": "LZW"}, {"Compress": "Lzw", "blocksize": None}]
)
def test_names_and_listed_values_are_matched_without_regard_to_case(given: dict[str, Any]) -> None:
    options = resolve_options(find_format("GTiff"), given)
    assert options["compress"] == "LZW"
    assert options["blocksize"] == 512


@pytest.mark.parametrize(
    ("format_name", "given", "said"),
    [
        ("GTiff", {"colour": 1}, r"no option 'colour'.*'compress'"),
        ("GTiff", {"compress": "JPEG"}, "one of DEFLATE, LZW, ZSTD, NONE"),
        ("GTiff", {"compress": 1}, "one of DEFLATE"),
        ("GTiff", {"blocksize": 500}, "128, 256, 512"),
        ("GTiff", {"time_as_bands": "yes"}, "time_as_bands"),
        ("GTiff", {"filename_prefix": "../x"}, "filename_prefix"),
        ("GTiff", {"filename_prefix": ".x"}, "filename_prefix"),
        ("GTiff", {"scale": 0}, "scale"),
        ("GTiff", {"compress": "LZW", "COMPRESS": "LZW"}, "twice"),
        ("netCDF", {"zlevel": 10}, "DEFLATE level"),
        ("PNG", {"colormap": "rainbow"}, "colormap"),
        ("PNG", {"colormap": ["#ff0000"]}, "colormap"),
        ("PNG", {"min": [1, 2, 3, 4]}, "min"),
        ("JSON", {"indent": 1}, "'filename_prefix'"),
    ],
)
def test_what_is_wrong_is_said(format_name: str, given: dict[str, Any], said: str) -> None:
    with pytest.raises(ProcessParameterInvalid, match=said) as caught:
        resolve_options(find_format(format_name), given)
    assert caught.value.values["parameter"] == "options"
    assert caught.value.values["process"] == "save_result"


def test_what_other_backends_call_options() -> None:
    given = {"tile_size": 256, "Overview_Method": "mode", "compression": "lzw"}
    resolved = resolve_options(find_format("GTiff"), given)
    assert [resolved[name] for name in ("blocksize", "overview_resampling", "compress")] == [
        256,
        "MODE",
        "LZW",
    ]
    with pytest.raises(ProcessParameterInvalid, match="'blocksize' is given twice"):
        resolve_options(find_format("GTiff"), {"tile_size": 256, "blocksize": 512})
    with pytest.raises(ProcessParameterInvalid, match="no option 'tile_size'"):
        resolve_options(find_format("JSON"), {"tile_size": 256})
