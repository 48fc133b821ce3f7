import math
from typing import Any

import pytest

from connexeo.processing.reading.bands import asset_bands, collection_bands, find_in_item, select_bands

TIFF = "image/tiff; application=geotiff; profile=cloud-optimized"


def tiff(**more: Any) -> dict[str, Any]:
    return {"type": TIFF, "roles": ["data"], **more}


def test_bands_of_stac_1_0() -> None:
    asset = tiff(
        **{
            "eo:bands": [{"name": "B04", "common_name": "red", "center_wavelength": 0.66}],
            "raster:bands": [{"nodata": 0, "data_type": "uint16"}],
        }
    )
    (band,) = asset_bands("red", asset)
    assert (band.name, band.asset, band.index, band.common_name) == ("B04", "red", 1, "red")
    assert (band.data_type, band.nodata, band.center_wavelength) == ("uint16", 0, 0.66)


def test_bands_of_stac_1_1_inherit_from_their_asset() -> None:
    bands = [
        {"name": "B04", "eo:common_name": "red"},
        {"name": "B08", "nodata": "nan", "data_type": "float32"},
    ]
    red, nir = asset_bands("data", tiff(bands=bands, nodata=0, data_type="uint16"))
    assert (red.common_name, red.nodata, red.data_type, red.index, red.of) == ("red", 0, "uint16", 1, 2)
    assert nir.nodata is not None
    assert math.isnan(nir.nodata)
    assert (nir.data_type, nir.index) == ("float32", 2)


@pytest.mark.parametrize(
    ("asset", "kind"),
    [
        ({"href": "a.tif"}, "image"),
        ({"href": "https://x.example/a.TIF?token=1"}, "image"),
        ({"type": "image/jp2", "href": "a"}, "image"),
        ({"type": "application/x-netcdf"}, "array"),
        ({"href": "a.zarr/"}, "array"),
        ({"type": TIFF, "roles": ["overview"]}, None),
        ({"type": "image/png", "roles": ["thumbnail"], "href": "a.png"}, None),
        ({"type": "application/json", "href": "a.json"}, None),
        ({}, None),
    ],
)
def test_what_holds_pixels(asset: dict[str, Any], kind: str | None) -> None:
    assert [band.kind for band in asset_bands("a", asset)] == ([kind] if kind else [])


def test_assets_without_band_names_are_bands() -> None:
    assert [band.name for band in asset_bands("SCL", tiff())] == ["SCL"]
    two = tiff(**{"raster:bands": [{"nodata": 0}, {"nodata": 1}]})
    assert [(band.name, band.nodata) for band in asset_bands("x", two)] == [("x_1", 0), ("x_2", 1)]


def test_a_file_of_its_own_goes_before_a_composite() -> None:
    composite = tiff(**{"eo:bands": [{"name": name} for name in ("B04", "B03", "B02")]})
    assets = {
        "visual": composite,
        **{name: tiff(**{"eo:bands": [{"name": name}]}) for name in ("B02", "B03", "B04")},
    }
    bands = collection_bands({"item_assets": assets})
    assert {band.name: band.asset for band in bands} == {"B02": "B02", "B03": "B03", "B04": "B04"}


def test_the_cube_orders_and_names_the_bands() -> None:
    collection = {
        "item_assets": {"red": tiff(**{"eo:bands": [{"name": "B04"}]}), "nir": tiff(), "aot": tiff()},
        "cube:dimensions": {"bands": {"type": "bands", "values": ["nir", "red", "B99"]}},
        "summaries": {"eo:bands": [{"name": "nir", "common_name": "nir", "center_wavelength": 0.83}]},
    }
    bands = collection_bands(collection)
    assert [(band.name, band.asset, band.common_name) for band in bands] == [
        ("nir", "nir", "nir"),
        ("red", "red", None),
    ]


def test_items_tell_where_the_collection_does_not() -> None:
    items = [{"assets": {"B02": tiff(href="a.tif"), "meta": {"href": "m.xml"}}}, {"assets": {"B03": tiff()}}]
    assert [band.name for band in collection_bands({}, items)] == ["B02", "B03"]


def test_names_go_before_common_names() -> None:
    collection = {
        "item_assets": {
            name: tiff(**{"eo:bands": [{"name": name, "common_name": common}]})
            for name, common in (("red", "nir"), ("B05", "rededge"), ("B06", "rededge"), ("B04", "red"))
        }
    }
    bands = collection_bands(collection)
    assert [band.name for band in select_bands(bands, ["rededge", "red"])] == ["B05", "B06", "red"]
    with pytest.raises(KeyError, match="B99"):
        select_bands(bands, ["B04", "B99"])


def test_items_may_call_their_assets_otherwise() -> None:
    (band,) = collection_bands({"item_assets": {"B04": tiff(**{"eo:bands": [{"name": "B04"}]}, nodata=0)}})
    item = {"assets": {"red": tiff(href="r.tif", **{"eo:bands": [{"name": "B03"}, {"name": "B04"}]})}}
    found = find_in_item(band, item)
    assert found is not None
    here, asset = found
    assert (here.asset, here.index, here.nodata, asset["href"]) == ("red", 2, 0, "r.tif")
    assert find_in_item(band, {"assets": {"B05": tiff()}}) is None


def test_the_same_band_in_another_kind_of_file_is_left_out() -> None:
    (band,) = asset_bands("image", tiff(bands=[{"name": "ndvi"}]))
    netcdf = {"href": "x.nc", "type": "application/x-netcdf", "bands": [{"name": "ndvi"}]}
    assert find_in_item(band, {"assets": {"array": netcdf}}) is None
    found = find_in_item(band, {"assets": {"array": netcdf, "other": tiff(bands=[{"name": "ndvi"}])}})
    assert found is not None
    assert found[0].asset == "other"


def test_assets_without_description_are_as_the_collection_says() -> None:
    (band,) = collection_bands(
        {"item_assets": {"red": tiff(**{"eo:bands": [{"name": "B04"}]}, data_type="int16")}}
    )
    found = find_in_item(band, {"assets": {"red": {"href": "x"}}})
    assert found is not None
    assert (found[0].name, found[0].data_type) == ("B04", "int16")
