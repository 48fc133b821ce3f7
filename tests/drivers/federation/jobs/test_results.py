"""Results of jobs, as back-ends describe them."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from connexeo.drivers.federation.jobs.results import results_at
from connexeo.drivers.federation.merging import Kind, our_contract
from connexeo.generated.errors import InfrastructureBusy, JobNotFound
from connexeo.handlers.result_documents import feature_of
from drivers.federation.test_asking import ANA, asking_at
from fake_driver import make_collection

Json = dict[str, Any]


def results(document: Any, status: int = 200) -> Json:
    """The document that users get when a back-end answers so."""

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/credentials/basic"):
            return httpx.Response(200, json={"access_token": "t"})
        return httpx.Response(status, json=document)

    found = asyncio.run(results_at(asking_at(answer), ANA, "alps", "j/1", job_id="alps~j~2f1", partial=False))
    return dict(found.document)


def collection(**properties: Any) -> Json:
    return {
        **make_collection("theirs"),
        "assets": {"a.tif": {"href": "https://files.example/a.tif"}},
        **properties,
    }


def test_a_job_keeps_the_identifier_that_it_has_here() -> None:
    found = results(collection())
    assert found["id"] == "alps~j~2f1"
    assert found["federation:backends"] == ["alps"]
    assert found["assets"] == {"a.tif": {"href": "https://files.example/a.tif"}}


def test_relative_addresses_are_those_of_the_back_end() -> None:
    link = {"rel": "item", "href": "../../items/1"}
    found = results(
        collection(assets={"a": {"href": "./a.tif?key=x"}, "b": {"href": "/b.tif"}}, links=[link])
    )
    assert {name: each["href"] for name, each in found["assets"].items()} == {
        "a": "https://alps.example/api/jobs/j%2F1/a.tif?key=x",
        "b": "https://alps.example/b.tif",
    }
    assert found["links"][0]["href"] == "https://alps.example/api/items/1"


def test_links_of_the_back_end_to_itself_are_not_shown() -> None:
    links = [{"rel": rel, "href": "https://x.example"} for rel in ("self", "canonical", "monitor")]
    assert [each["rel"] for each in results(collection(links=[*links, 5, None]))["links"]] == ["canonical"]


@pytest.mark.parametrize(
    "faulty",
    [
        {"extent": "everywhere"},
        {"stac_extensions": None, "license": None},
        {"assets": None},
        {"assets": {"a": None, "b": {"href": 5}, "c": {}}},
        {"links": None},
        {"summaries": 5, "providers": [None]},
    ],
)
def test_collections_are_mended(faulty: Json) -> None:
    found = results(collection(**faulty))
    assert our_contract().passes(Kind.COLLECTION, found)
    check_item(found)


def check_item(found: Json) -> None:
    """Who asks for GeoJSON gets it whatever there is."""
    item = feature_of(found)
    assert item["assets"] == found["assets"]
    assert ("bbox" in item) == (item["geometry"] is not None)
    assert "datetime" in item["properties"]


def test_what_cannot_be_mended_stays() -> None:
    odd = {"spatial": {"bbox": [[None] * 4]}, "temporal": {"interval": []}}
    found = results(collection(extent=odd))
    assert found["extent"] == odd
    check_item(found)
    item = {"type": "Feature", "id": "x", "assets": {"a": {"href": "a.tif"}}, "properties": 5}
    found = results(item)
    assert found["properties"] == 5
    assert found["assets"]["a"]["href"] == "https://alps.example/api/jobs/j%2F1/a.tif"


def test_what_is_no_document_is_an_error() -> None:
    with pytest.raises(InfrastructureBusy, match="'alps' does not answer"):
        results(["odd"])
    with pytest.raises(JobNotFound):
        results({"code": "JobNotFound", "message": "-"}, 404)
