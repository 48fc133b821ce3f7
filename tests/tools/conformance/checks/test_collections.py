"""Collections, their dimensions and queryables."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from conformance.doctored import Answer, Change, assert_found, assert_kept, cases, drop, edit, put, reply
from conformance.orders import paged, unpaged
from connexeo.tools.conformance.report import Result
from connexeo.tools.conformance.verdicts import State

Look = Callable[..., Result]

LIST = "/collections"
ONE = "/collections/sentinel-2-l2a-demo"
ANY = "/collections/[^/]*"
ERROR = {"id": "1", "code": "NotFound", "message": "There is nothing."}
BOX = ("extent", "spatial", "bbox")
TIME = ("extent", "temporal", "interval")
CUBE = "cube:dimensions"


def _entry(*keys: str | int, value: Any) -> Change:
    return put(LIST, "collections", 1, *keys, value=value)


def _both(*keys: str | int, value: Any) -> tuple[Change, ...]:
    return _entry(*keys, value=value), put(ONE, *keys, value=value)


def _relinked(rel: str, href: str) -> Change:
    def change(document: Any) -> None:
        document["links"] = [each for each in document["links"] if each["rel"] != rel]
        document["links"].append({"rel": rel, "href": href})

    return edit(ONE, change)


def _same_twice(document: dict[str, Any]) -> None:
    document["collections"] = document["collections"][:1] * 2


def _without_next(document: dict[str, Any]) -> None:
    document["links"] = [each for each in document["links"] if each["rel"] != "next"]


def _relative(document: dict[str, Any]) -> None:
    document["links"] = [{"rel": "next", "href": "/collections?limit=1"}]


def _unknown_dimension(request: httpx.Request, send: Answer) -> httpx.Response:
    problem = {"code": "DimensionNotAvailable", "message": "There is no dimension 'depth'."}
    return httpx.Response(200, json={"errors": [problem]}) if b'"depth"' in request.content else send(request)


def _bands(change: Callable[[list[Any]], Any]) -> Change:
    return edit(ONE, lambda found: found[CUBE]["bands"].update(values=change(found[CUBE]["bands"]["values"])))


FAULTS: dict[str, list[tuple[Change, ...]]] = {
    "profile.300": [(drop(LIST, "links"),)],
    "profile.301": [(reply(LIST, 401, ERROR),)],
    "profile.303": [(put(ONE, "stac_version", value="0.8.0"),), (_entry("stac_version", value=None),)],
    "profile.304": [(put("/", "conformsTo", value=["https://api.openeo.org/1.3.0"]),)],
    "profile.305": [
        (unpaged(LIST),),
        (paged(LIST, _same_twice),),
        (paged(LIST, _without_next),),
        (paged(LIST, _relative),),
    ],
    "profile.306": [
        (edit(LIST, lambda found: found["links"].append({"rel": "next", "href": "https://a.example"})),),
    ],
    "profile.307": [(drop(LIST, "collections", 0, "license"),), (_entry(*BOX, value=[]),)],
    "profile.308": [(*_both("license", value="proprietary"), _relinked("license", ""))],
    "profile.309": [(_entry("title", value=""),), (_entry("keywords", value=[]),)],
    "profile.313": [(_entry("sci:doi", value=None),), (put(ONE, "providers", 0, "url", value=None),)],
    "profile.320": [(reply(ONE, 404, ERROR),), (put(ONE, "id", value="other"),)],
    "profile.321": [
        (drop(ONE, CUBE),),
        (drop(ONE, "summaries"),),
        (put(ONE, CUBE, value={}),),
        (put(ONE, "type", value="Feature"),),
        (put(ONE, "license", value="no licence at all"),),
    ],
    "profile.322": [
        (Change("GET", ONE, lambda request, send: send(request) if "authorization" in request.headers
                else httpx.Response(401, json=ERROR)),
         Change("GET", "/collections/climate-monthly-demo", lambda request, send: send(request)
                if "authorization" in request.headers else httpx.Response(401, json=ERROR))),
    ],
    "profile.323": [(reply("/collections/climate-monthly-demo", 403, ERROR),)],
    "profile.325": [(put(ONE, "stac_extensions", value=[]),)],
    "profile.326": [
        (
            put(ONE, CUBE, "depth", value={"type": "other", "extent": [0, 1]}),
            Change("POST", "/validation", _unknown_dimension),
        ),
    ],
    "profile.330": [
        (reply(f"{ANY}/queryables", 404, ERROR),),
        (put(f"{ONE}/queryables", "properties", value={"x": {"type": "nothing"}}),),
        (put(f"{ONE}/queryables", "type", value="array"),),
    ],
    "queryables.declared": [(drop(f"{ANY}/queryables", "$schema"),), (put(f"{ANY}/queryables", "$id", value="x"),)],
    "collections.unique": [(edit(LIST, lambda found: found["collections"].append(found["collections"][0])),)],
    "collections.same-in-list": [
        (put(ONE, "title", value="Other"),),
        (put(ONE, *BOX, 0, 0, value=9.0),),
        (_entry(*TIME, value=[["2000-01-01T00:00:00Z", None]]),),
    ],
    "collections.unknown": [
        (reply("/collections/conformance.*", 404, ERROR),),
        (reply("/collections/conformance.*", 500, ERROR),),
        (reply("/collections/conformance.*", 200, {}),),
    ],
    "collections.spatial-extent": [
        (put(ONE, *BOX, 0, value=[10.0, 48.0, 11.0, 47.0]),),
        (put(ONE, *BOX, 0, value=[600000, 5200000, 700000, 5300000]),),
        (put(ONE, *BOX, 0, value=[170, 0, 190, 10]),),
        (edit(ONE, lambda found: found["extent"]["spatial"]["bbox"].append([0, 0, 1, 1])),),
    ],
    "collections.temporal-extent": [
        (put(ONE, *TIME, 0, value=["2024-12-01T00:00:00Z", "2024-01-01T00:00:00Z"]),),
        (put(ONE, *TIME, 0, value=["2024-01-01", None]),),
        (edit(ONE, lambda found: found["extent"]["temporal"]["interval"].append(["2001-01-01T00:00:00Z", None])),),
    ],
    "collections.links": [
        (_relinked("license", "licence.html"),),
        (_relinked("root", "HERE/nowhere"),),
        (_relinked("self", "HERE/collections/climate-monthly-demo"),),
    ],
    "collections.summaries": [
        (put(ONE, "summaries", "platform", value=[]),),
        (put(ONE, "summaries", "gsd", value={"minimum": 60, "maximum": 10}),),
    ],
    "dimensions.sound": [
        (drop(ONE, CUBE, "x", "axis"),),
        (drop(ONE, CUBE, "x", "extent"),),
        (drop(ONE, CUBE, "t", "extent"),),
        (drop(ONE, CUBE, "bands", "values"),),
        (edit(ONE, lambda found: found[CUBE].pop("y") and None),),
        (put(ONE, CUBE, "x", "axis", value="y"),),
        (put(ONE, CUBE, "x", "extent", value=[2, 1]),),
        (put(ONE, CUBE, "x", "step", value=0),),
        (put(ONE, CUBE, "t", "extent", value=["2024-06-01", "2024-01-01"]),),
        (put(ONE, CUBE, "x", "reference_system", value=99999),),
        (put(ONE, CUBE, "z", value={"type": "spatial", "axis": "z"}),),
        (put(ONE, CUBE, "place", value={"type": "geometry"}),),
        (_bands(lambda values: [*values, values[0]]),),
    ],
    "dimensions.space": [
        (put(ONE, *BOX, 0, value=[100, 47, 101, 48]),),
        (put(ONE, *BOX, 0, value=[5, 40, 15, 50]),),
    ],
    "dimensions.time": [
        (put(ONE, CUBE, "t", "extent", value=["2010-01-01", "2011-01-01"]),),
        (put(ONE, CUBE, "t", "extent", value=["2010-01-01", None]),),
        (put(ONE, *TIME, 0, value=["1990-01-01T00:00:00Z", None]),),
    ],
    "dimensions.bands": [
        (_bands(lambda values: ["red", "green"]),),
        (_bands(lambda values: [*values, "sun"]),),
        (_bands(lambda values: values[::-1]),),
    ],
    "dimensions.loaded": [
        (edit("/collections/climate-monthly-demo", lambda found: found[CUBE]["bands"].update(values=["tp", "t2m"])),),
    ],
}  # fmt: skip


@pytest.mark.parametrize(("check_id", "changes"), cases(FAULTS))
def test_faults_are_found(check_id: str, changes: tuple[Change, ...], look: Look, demo_server: Any) -> None:
    def absolute(document: Any) -> None:
        for link in document["links"]:
            link["href"] = link["href"].replace("HERE", demo_server.url)

    assert_found(look(check_id, *changes, edit(ONE, absolute) if check_id == "collections.links" else _plain))


_plain = Change("TRACE", "", lambda request, send: send(request))
"""Changes nothing."""

UNHURT: dict[str, tuple[Change, ...]] = {
    # A box across the antimeridian.
    "collections.spatial-extent": (put(ONE, *BOX, 0, value=[170.0, -20.0, -170.0, 20.0]),),
    # Data until now, and a year that is not over.
    "collections.temporal-extent": (put(ONE, *TIME, 0, value=["2024-01-01T00:00:00.5+01:00", None]),),
    "dimensions.time": (put(ONE, *TIME, 0, value=["2024-01-01T00:00:00Z", "2025-01-01T00:00:00Z"]),),
    # Nobody says of which reference system the numbers are.
    "dimensions.space": (put(ONE, CUBE, "x", "reference_system", value={"type": "ProjectedCRS"}),),
    # No step that is known.
    "dimensions.sound": (
        put(ONE, CUBE, "x", "step", value=None),
        put(ONE, CUBE, "t", "extent", value=[None, None]),
    ),
    "dimensions.bands": (drop(ONE, "summaries"),),
    "profile.325": (
        put(
            ONE, "stac_extensions", value=["datacube", "eo", "proj", "projection", "raster", "classification"]
        ),
    ),
    "profile.313": (put(ONE, *TIME, 0, 1, value=None), _entry(*TIME, 0, 1, value=None)),
    "profile.308": _both("license", value="proprietary"),
    "collections.same-in-list": (drop(LIST, "collections", 1, "title"),),
}


@pytest.mark.parametrize("check_id", UNHURT)
def test_what_is_sound_passes(check_id: str, look: Look) -> None:
    assert_kept(look(check_id, *UNHURT[check_id]))


def test_documents_of_any_shape(look: Look) -> None:
    """Nothing but violations comes of what is no collection at all."""
    odd: list[Any] = [{}, {"id": 5}, {"id": "a", "extent": 7, "links": "none", CUBE: [1], "summaries": None}]
    for number, check_id in enumerate(FAULTS):
        document = odd[number % len(odd)]
        result = look(check_id, put(LIST, "collections", value=odd), reply(ANY, 200, document))
        assert result.state is not State.ERROR, (check_id, document, result.reason)
