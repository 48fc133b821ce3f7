"""What a collection of several upstreams looks like."""

from __future__ import annotations

from typing import Any

import pystac
import pytest

from connexeo.drivers.federation.merging import (
    BACKENDS,
    Kind,
    Part,
    brief,
    complete,
    merge_collection,
    origins,
    our_contract,
)

Json = dict[str, Any]
ORDER = ("alps", "bay", "coast")


def collection(**properties: Any) -> Json:
    return {
        "stac_version": "1.0.0",
        "type": "Collection",
        "id": "snow",
        "description": "Snow depth.",
        "license": "CC-BY-4.0",
        "extent": {
            "spatial": {"bbox": [[5, 45, 10, 48]]},
            "temporal": {"interval": [["2018-01-01T00:00:00Z", "2020-01-01T00:00:00Z"]]},
        },
        "links": [],
        **properties,
    }


def merged(*documents: Json) -> Any:
    """Merged for alps, bay, coast, in the order given; the input is the other way round."""
    parts = [Part(upstream, document) for upstream, document in zip(ORDER, documents, strict=False)]
    result = merge_collection(reversed(parts), ORDER)
    assert our_contract().passes(Kind.COLLECTION, result.document)
    return result


def reasons(result: Any) -> dict[str, str]:
    return {conflict.pointer: conflict.reason for conflict in result.conflicts}


def test_a_collection_of_one_upstream_keeps_everything() -> None:
    document = collection(summaries={"gsd": [10]}, **{"odd:field": {"deep": [1, [2]]}})
    result = merged(document)
    assert result.document == {
        **document,
        "summaries": {"gsd": [10], BACKENDS: ["alps"]},
        BACKENDS: ["alps"],
    }


def test_the_backends_are_at_the_top_and_in_the_summaries() -> None:
    document = merged(collection(), collection(summaries={"gsd": [10]})).document
    assert document[BACKENDS] == document["summaries"][BACKENDS] == ["alps", "bay"]


def test_the_list_says_the_same_as_the_description() -> None:
    document = merged(collection(), collection(summaries={"gsd": [10]}, assets={})).document
    listed = brief(document)
    assert our_contract().passes(Kind.COLLECTION, listed)
    assert listed[BACKENDS] == listed["summaries"][BACKENDS] == ["alps", "bay"]
    assert "assets" not in listed
    assert complete(brief(document))["cube:dimensions"] == {}


def test_texts_are_those_of_the_first_that_has_some() -> None:
    result = merged(collection(title=""), collection(title="Bay"), collection(title="Coast"))
    assert result.document["title"] == "Bay"
    (conflict,) = [each for each in result.conflicts if each.pointer == "/title"]
    assert conflict.kept == "Bay"
    assert conflict.values == {"bay": "Bay", "coast": "Coast"}


def test_different_licences_are_various_or_other() -> None:
    old = merged(collection(license="CC-BY-4.0"), collection(license="MIT"))
    assert old.document["license"] == "various"
    assert "/license" in reasons(old)
    new = merged(collection(license="CC-BY-4.0"), collection(license="MIT", stac_version="1.1.0"))
    assert new.document["license"] == "other"
    assert new.document["stac_version"] == "1.1.0"


def test_providers_are_united_by_name() -> None:
    one = collection(providers=[{"name": "ESA", "roles": ["producer"]}, {"name": "Alps", "roles": ["host"]}])
    two = collection(
        providers=[
            {"name": "Bay", "roles": ["host"]},
            {"name": "ESA", "roles": ["licensor"], "url": "https://esa.example"},
        ]
    )
    assert merged(one, two).document["providers"] == [
        {"name": "ESA", "roles": ["producer", "licensor"], "url": "https://esa.example"},
        {"name": "Alps", "roles": ["host"]},
        {"name": "Bay", "roles": ["host"]},
    ]


def test_a_collection_is_deprecated_when_it_is_everywhere() -> None:
    assert merged(collection(deprecated=True), collection(deprecated=True)).document["deprecated"] is True
    result = merged(collection(deprecated=True), collection())
    assert result.document["deprecated"] is False
    assert "/deprecated" in reasons(result)


def test_links_into_the_upstreams_are_replaced_by_their_documents() -> None:
    def links(host: str) -> list[Json]:
        return [
            {"rel": "self", "href": f"https://{host}.example/collections/snow"},
            {"rel": "items", "href": f"https://{host}.example/collections/snow/items"},
            {"rel": "license", "href": "https://licence.example"},
            {"rel": "cite-as", "href": f"https://doi.example/{host}"},
        ]

    document = merged(collection(links=links("alps")), collection(links=links("bay"))).document
    assert document["links"] == [
        {"rel": "license", "href": "https://licence.example"},
        {"rel": "cite-as", "href": "https://doi.example/alps"},
        {"rel": "cite-as", "href": "https://doi.example/bay"},
        *(
            {
                "rel": "via",
                "href": f"https://{host}.example/collections/snow",
                "type": "application/json",
                BACKENDS: [host],
            }
            for host in ("alps", "bay")
        ),
    ]
    alone = merged(collection(links=links("alps"))).document
    assert alone["links"][-1]["rel"] == "canonical"


def test_the_address_that_a_document_came_from_counts() -> None:
    part = Part("alps", collection(), "https://alps.example/openeo/1.2/collections/snow")
    links = merge_collection([part], ORDER).document["links"]
    assert [link["href"] for link in links] == ["https://alps.example/openeo/1.2/collections/snow"]


def test_assets_with_the_same_key_and_another_file_are_both_kept() -> None:
    one = collection(
        assets={"thumbnail": {"href": "https://a.example/1.png"}, "doc": {"href": "https://d.example"}}
    )
    two = collection(assets={"thumbnail": {"href": "https://b.example/2.png"}})
    result = merged(one, two)
    assert result.document["assets"] == {
        "thumbnail": {"href": "https://a.example/1.png", BACKENDS: ["alps"]},
        "thumbnail@bay": {"href": "https://b.example/2.png", BACKENDS: ["bay"]},
        "doc": {"href": "https://d.example", BACKENDS: ["alps"]},
    }
    assert "/assets/thumbnail" in reasons(result)


def test_item_assets_are_united_with_their_bands() -> None:
    one = collection(
        item_assets={"B02": {"type": "image/jp2", "roles": ["data"], "bands": [{"name": "B02"}]}}
    )
    two = collection(
        item_assets={
            "B02": {"type": "image/tiff", "roles": ["data", "cog"], "bands": [{"name": "B02", "gsd": 10}]},
            "SCL": {"type": "image/tiff"},
        }
    )
    result = merged(one, two)
    assert result.document["item_assets"] == {
        "B02": {"type": "image/jp2", "roles": ["data", "cog"], "bands": [{"name": "B02", "gsd": 10}]},
        "SCL": {"type": "image/tiff", BACKENDS: ["bay"]},
    }
    assert reasons(result).keys() == {"/item_assets/B02/type"}


def test_bands_tell_which_upstreams_have_them() -> None:
    def with_bands(*names: str) -> Json:
        return collection(
            **{"cube:dimensions": {"bands": {"type": "bands", "values": list(names)}}},
            summaries={"eo:bands": [{"name": name, "gsd": 10} for name in names]},
        )

    document = merged(with_bands("B02", "B03"), with_bands("B01", "B02"), collection()).document
    assert document["cube:dimensions"]["bands"]["values"] == ["B02", "B03", "B01"]
    assert document["summaries"]["eo:bands"] == [
        {"name": "B02", "gsd": 10},
        {"name": "B03", "gsd": 10, BACKENDS: ["alps"]},
        {"name": "B01", "gsd": 10, BACKENDS: ["bay"]},
    ]


def test_bands_that_nobody_describes_are_told_all_the_same() -> None:
    def with_bands(*names: str) -> Json:
        return collection(**{"cube:dimensions": {"b": {"type": "bands", "values": list(names)}}})

    document = merged(with_bands("VV", "VH"), with_bands("VV")).document
    assert document["summaries"]["bands"] == [{"name": "VH", BACKENDS: ["alps"]}]


def test_a_band_that_another_only_names_is_no_less_there() -> None:
    dimension = {"cube:dimensions": {"b": {"type": "bands", "values": ["VV", "VH"]}}}
    one = collection(**dimension, summaries={"eo:bands": [{"name": "VV"}, {"name": "VH"}]})
    two = collection(**dimension, summaries={"eo:bands": [{"name": "VV"}]})
    assert merged(one, two).document["summaries"]["eo:bands"] == [{"name": "VV"}, {"name": "VH"}]


def test_nothing_is_marked_when_all_have_all_bands() -> None:
    bands = {"cube:dimensions": {"b": {"type": "bands", "values": ["VV"]}}}
    assert set(merged(collection(**bands), collection(**bands)).document["summaries"]) == {BACKENDS}


def test_every_other_property_survives() -> None:
    one = collection(
        **{"sci:publications": [{"doi": "1"}], "proj:shape": [10, 10], "auth:schemes": {"s3": {"type": "s3"}}}
    )
    two = collection(
        **{
            "sci:publications": [{"doi": "2"}],
            "proj:shape": [20, 20],
            "auth:schemes": {"oidc": {"type": "o"}},
        }
    )
    result = merged(one, two)
    assert result.document["sci:publications"] == [{"doi": "1"}, {"doi": "2"}]
    assert result.document["auth:schemes"] == {"s3": {"type": "s3"}, "oidc": {"type": "o"}}
    # A vector is not united entry by entry.
    assert result.document["proj:shape"] == [10, 10]
    assert reasons(result).keys() == {"/proj:shape"}


def test_origins_say_who_gave_what() -> None:
    parts = [
        Part("bay", collection(summaries={"a/b": [1]})),
        Part("alps", collection(title="Snow", summaries={})),
    ]
    found = origins(parts, ORDER)
    assert found["/title"] == ("alps",)
    assert found["/summaries"] == ("alps", "bay")
    assert found["/summaries/a~1b"] == ("bay",)


def test_unknown_upstreams_come_last() -> None:
    result = merge_collection([Part("zoo", collection()), Part("bay", collection())], ORDER)
    assert result.upstreams == ("bay", "zoo")


def test_an_upstream_that_speaks_twice_is_heard_once() -> None:
    parts = [Part("alps", collection(title="one")), Part("alps", collection(title="two"))]
    assert merge_collection(parts, ORDER) == merge_collection(parts[::-1], ORDER)


@pytest.mark.parametrize("version", ["1.0.0", "1.1.0"])
def test_a_merged_collection_is_one_of_stac(version: str) -> None:
    one = collection(
        stac_version=version, license="MIT", links=[{"rel": "license", "href": "https://x.example"}]
    )
    two = collection(
        stac_version=version,
        extent={
            "spatial": {"bbox": [[170, -20, -170, 0]]},
            "temporal": {"interval": [["2019-01-01T00:00:00Z", None]]},
        },
        assets={"thumbnail": {"href": "https://b.example/2.png", "roles": ["thumbnail"]}},
    )
    document = merged(one, two).document
    pystac.Collection.from_dict(document)
    assert len(document["extent"]["spatial"]["bbox"]) == 3
