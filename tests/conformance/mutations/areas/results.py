"""Results of batch jobs, and their logs."""

from __future__ import annotations

from typing import Any

from conformance.mutations.edits import Edit, answers, document, each, error, put, requests, without
from conformance.mutations.fault import Apply, Fault, Turn
from conformance.mutations.message import Answer, Request, answer
from connexeo.tools.conformance.verdicts import Severity

_RESULTS = "GET /jobs/{job_id}/results"
_LOGS = ("GET /jobs/{job_id}/logs", "GET /logs/{log_id}", "GET /services/{service_id}/logs")
_ITEM = "GET /results/{job_id}/{permission}/items/{item_id}"
_ASSET = "GET /results/{path}"
_STAC = "STAC Item Specification"


async def _too_early(turn: Turn) -> Answer:
    found = await turn.send(turn.request)
    if found.status == 400:
        empty: dict[str, Any] = {
            "type": "Collection",
            "stac_version": "1.0.0",
            "id": turn.request.path.split("/")[2],
            "description": "Results.",
            "license": "other",
            "extent": {
                "spatial": {"bbox": [[-180, -90, 180, 90]]},
                "temporal": {"interval": [[None, None]]},
            },
            "assets": {},
            "links": [],
        }
        early = answer(200, headers=[("content-type", "application/json")])
        early.write(empty)
        return early
    return found


async def _of_another(turn: Turn) -> Answer:
    """The results that were asked for before, by the same user."""
    found = await turn.send(turn.request)
    if not found.ok:
        return found
    first = turn.memory.setdefault(
        str(turn.request.header("authorization")), (found.body, dict(found.headers))
    )
    found.set_body(first[0])
    return found


async def _cut_off(turn: Turn) -> Answer:
    found = await turn.send(turn.request)
    if found.ok and "json" not in (found.header("content-type") or "") and len(found.body) > 100:
        found.set_body(found.body[: len(found.body) // 2])
    return found


async def _needs_token(turn: Turn) -> Answer:
    found = await turn.send(turn.request)
    if found.ok and not turn.request.header("authorization"):
        found.refuse(401, "AuthenticationRequired", "Log in.")
    return found


def _links_in_path(href: str) -> str:
    return "./" + href.rsplit("/", 1)[-1]


def _nowhere(href: str) -> str:
    return href + ".gone"


def _bare(found: Any) -> Any:
    return found["assets"]


def _without_canonical(found: Any) -> None:
    found["links"] = [link for link in found["links"] if link["rel"] != "canonical"]


def _results(
    id: str, title: str, rule: str, *edits: Edit, shown: str = "GET /jobs/{raster}/results"
) -> Fault:
    return Fault(
        f"results-{id}",
        title,
        (_RESULTS, "GET /results/{job_id}/{permission}"),
        ("jobs", "schema"),
        f"openEO API, {_RESULTS}: {rule}",
        Severity.MAJOR,
        answers(*edits),
        (shown,),
    )


def _item(id: str, title: str, rule: str, *edits: Edit) -> Fault:
    return Fault(
        f"item-{id}",
        title,
        (_ITEM,),
        ("jobs", "schema"),
        f"{_STAC}: {rule}",
        Severity.MAJOR,
        answers(*edits),
        ("anonymous GET {item}",),
    )


def _job_results(id: str, title: str, on: str, rule: str, apply: Apply, *shown: str) -> Fault:
    rule = f"openEO API, {_RESULTS}: {rule}"
    return Fault(f"results-{id}", title, (on,), ("jobs",), rule, Severity.MAJOR, apply, shown)


def _logs(id: str, title: str, rule: str, apply: Apply, query: str = "") -> Fault:
    return Fault(
        f"logs-{id}",
        title,
        _LOGS,
        ("jobs", "schema"),
        f"openEO API, GET /jobs/{{job_id}}/logs: {rule}",
        Severity.MAJOR,
        apply,
        (f"GET /jobs/{{finished}}/logs{query}",),
    )


def _ignored(parameter: str) -> Apply:
    def drop(request: Request) -> None:
        request.set_query({name: value for name, value in request.query.items() if name != parameter})

    return requests(drop)


FAULTS = (
    _job_results(
        "before-finished",
        "Jobs that never ran have results",
        _RESULTS,
        "400 JobNotStarted or JobNotFinished",
        _too_early,
        "GET /jobs/{created}/results",
    ),
    _job_results(
        "early-code",
        "Results that are not there yet are not found",
        _RESULTS,
        "400 JobNotStarted or JobNotFinished",
        answers(error(404, "NotFound"), status=400),
        "GET /jobs/{created}/results",
    ),
    _job_results(
        "of-another",
        "The results of another job are given",
        _RESULTS,
        "the results of the job",
        _of_another,
        "GET /jobs/{finished}/results",
        "GET /jobs/{raster}/results",
    ),
    _job_results(
        "asset-cut-off",
        "Files end in the middle",
        _ASSET,
        "assets are what was computed",
        _cut_off,
        "anonymous GET {asset}",
    ),
    _job_results(
        "asset-needs-token",
        "Signed links of results need a token",
        _ASSET,
        "assets are readable by their links",
        _needs_token,
        "anonymous GET {asset}",
    ),
    _results("without-stac-version", "No `stac_version`", "it is required", without("stac_version")),
    _results("without-links", "No links", "`links` is required", without("links")),
    _results("without-assets", "No assets", "`assets` is required", without("assets")),
    _results("assets-bare", "Only the assets are given", "a STAC Collection or Item", document(_bare)),
    _results("asset-without-href", "Assets have no `href`", "it is required", without("assets/*/href")),
    _results(
        "asset-relative",
        "Assets have relative links",
        "`href` is a URL",
        each("assets/*/href", _links_in_path),
    ),
    _results(
        "asset-gone", "Links of assets lead nowhere", "assets can be read", each("assets/*/href", _nowhere)
    ),
    _results("asset-untyped", "Assets have no media type", "`type` tells it", without("assets/*/type")),
    _results(
        "bbox-elsewhere",
        "The extent does not cover the items",
        "`extent` covers what was computed",
        put("extent/spatial/bbox", [[-60.0, -30.0, -59.0, -29.0]]),
    ),
    _results(
        "interval-turned",
        "The interval ends before it begins",
        "the start is not after the end",
        put("extent/temporal/interval", [["2024-12-31T00:00:00Z", "2024-01-01T00:00:00Z"]]),
    ),
    _results(
        "without-canonical", "There is no signed link", "a `canonical` link", document(_without_canonical)
    ),
    _item("without-stac-version", "Items have no `stac_version`", "it is required", without("stac_version")),
    _item("untyped", "Items do not say that they are features", "`type` is Feature", without("type")),
    _item("without-geometry", "Items have no geometry", "`geometry` is required", without("geometry")),
    _item("without-time", "Items have no time", "`datetime` is required", without("properties/datetime")),
    _logs(
        "limit-ignored",
        "A page has more entries than `limit`",
        "at most `limit`",
        _ignored("limit"),
        "?limit=1",
    ),
    _logs(
        "level-ignored",
        "Entries of lower levels are given",
        "`level` and above",
        _ignored("level"),
        "?level=error",
    ),
    _logs("offset-ignored", "The log begins anew", "after `offset`", _ignored("offset"), "?offset=1"),
    _logs("without-id", "Entries have no id", "`id` is required", answers(without("logs/*/id"))),
    _logs("same-ids", "All entries have one id", "`id` is unique", answers(put("logs/*/id", "0"))),
    _logs("level-python", "Levels are those of Python", "four levels", answers(put("logs/*/level", "INFO"))),
    _logs(
        "message-object",
        "Messages are objects",
        "`message` is a text",
        answers(put("logs/*/message", {"text": "x"})),
    ),
    _logs(
        "list-alone",
        "The list is not in an object",
        "an object",
        answers(document(lambda found: found["logs"])),
    ),
)
