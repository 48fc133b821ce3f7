from __future__ import annotations

from typing import Any

import pytest

from connexeo.tools.conformance.stac import band_names, faults, undeclared_extensions


def _collection(**change: Any) -> dict[str, Any]:
    return {
        "type": "Collection",
        "stac_version": "1.0.0",
        "id": "snow",
        "description": "Snow.",
        "license": "CC-BY-4.0",
        "extent": {
            "spatial": {"bbox": [[0, 0, 1, 1]]},
            "temporal": {"interval": [["2020-01-01T00:00:00Z", None]]},
        },
        "links": [],
        **change,
    }


@pytest.mark.parametrize("version", ["1.0.0", "1.1.0", "1.0.0-rc.2"])
def test_valid_collections(version: str) -> None:
    assert faults(_collection(stac_version=version)) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"license": None}, "/license"),
        ({"extent": {}}, "/extent"),
        ({"links": [{"rel": "self"}]}, "/links/0"),
        ({"type": "Snow"}, "/type"),
        ({"providers": [{"url": "https://a.example"}]}, "/providers/0"),
    ],
)
def test_faults_are_named(change: dict[str, Any], said: str) -> None:
    assert any(fault.startswith(said) for fault in faults(_collection(**change)))


def test_versions_before_1_are_left_to_the_contract() -> None:
    assert faults({"stac_version": "0.9.0", "id": "old"}) == []


@pytest.mark.parametrize(
    "declared",
    [
        "https://stac-extensions.github.io/datacube/v2.2.0/schema.json",
        "datacube",
        "https://schemas.stacspec.org/v1.0.0-beta.2/extensions/datacube/json-schema/schema.json",
    ],
)
def test_extensions_of_any_age(declared: str) -> None:
    fields = {"cube:dimensions": {}, "summaries": {"eo:bands": []}, "own:field": 1}
    assert undeclared_extensions(_collection(**fields, stac_extensions=[declared])) == ["eo:bands"]


def test_names_of_bands_wherever_they_are() -> None:
    bands = [{"name": "red"}, {"name": "nir"}, {"common_name": "blue"}]
    assert band_names({"summaries": {"eo:bands": bands}}) == [["red", "nir"]]
    assert band_names({"bands": bands}) == [["red", "nir"]]
    assert band_names({"summaries": []}) == []
