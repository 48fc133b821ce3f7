"""What back-ends lack, by what they list."""

from __future__ import annotations

from typing import Any

import pytest

from connexeo.drivers.federation.routing.matching import match
from connexeo.drivers.federation.routing.needs import Needs
from connexeo.drivers.federation.routing.offers import Offers
from connexeo.drivers.federation.routing.reasons import Reason, in_words, refusal
from connexeo.drivers.federation.routing.references import Reference
from connexeo.drivers.federation.views.loading import (
    CapabilitiesView,
    CollectionsView,
    EntriesView,
    FormatsView,
)
from connexeo.processing.calls import Call

BOTH = frozenset({"a", "b"})
IDS = ("a", "b")


def only(*upstreams: str) -> dict[str, Any]:
    return {"federation:backends": list(upstreams)}


OFFERS = Offers(
    collections=CollectionsView(BOTH, ("A", "S"), {"A": ["a"], "S": ["a", "b"]}, {}),
    processes=EntriesView(
        BOTH,
        {
            "add": {"id": "add", "parameters": [{"name": "x"}, {"name": "fast", **only("b")}, "broken"]},
            "rare": {"id": "rare"},
        },
        {"add": ["a", "b"], "rare": ["b"]},
        {},
    ),
    formats=FormatsView(
        BOTH,
        {
            "output": {"GTiff": {"parameters": {"tiled": only("a"), "all": {}}}, "PNG": only("b")},
            "input": {"GeoJSON": {"parameters": {}}},
        },
        {"output": {"GTiff": ["a", "b"], "PNG": ["b"]}, "input": {"GeoJSON": ["a"]}},
    ),
    runtimes=EntriesView(
        BOTH,
        {"Python": {"versions": {"3.11": {}, "3.12": only("b")}}},
        {"Python": ["a", "b"], "R": ["a"]},
        {},
    ),
    service_types=EntriesView(BOTH, {}, {"XYZ": ["b"]}, {}),
    capabilities=CapabilitiesView(
        BOTH,
        {},
        {},
        {"a": frozenset({"POST /jobs", "POST /result"}), "b": frozenset({"POST /jobs"})},
        {"a": {"plans": [{"name": "Free"}]}, "b": {"plans": [{"name": "free"}, {"name": "pro"}]}},
    ),
    bands={"S": {"a": frozenset({"B1"}), "b": frozenset({"B1", "B2"})}},
)


@pytest.mark.parametrize(
    ("needs", "lacking"),
    [
        (Needs(), {}),
        (Needs(collections={"S": frozenset()}), {}),
        (Needs(collections={"A": frozenset()}), {"b": "it has no collection 'A'"}),
        (
            Needs(collections={"N": frozenset()}),
            {"a": "it has no collection 'N'", "b": "it has no collection 'N'"},
        ),
        (Needs(collections={"S": frozenset({"B1", "B2"})}), {"a": "its collection 'S' has no band 'B2'"}),
        (Needs(collections={"S": frozenset({"alias"})}), {}),
        (Needs(processes={Call("rare", None): frozenset({"any"})}), {"a": "it has no process 'rare'"}),
        (
            Needs(processes={Call("add", "backend"): frozenset({"x", "fast"})}),
            {"a": "its process 'add' has no parameter 'fast'"},
        ),
        (Needs(processes={Call("add", None): frozenset({"unheard-of"})}), {}),
        (
            Needs(processes={Call("mine", "user"): frozenset()}),
            dict.fromkeys(IDS, "it has no process 'mine' of the namespace 'user'"),
        ),
        (Needs(outputs={"png": frozenset()}), {"a": "it does not write the format 'PNG'"}),
        (Needs(outputs={"gtiff": frozenset({"tiled"})}), {"b": "its format 'GTiff' has no option 'tiled'"}),
        (Needs(outputs={"gtiff": frozenset({"all", "unheard-of"})}), {}),
        (Needs(inputs={"geojson": frozenset()}), {"b": "it does not read the format 'GeoJSON'"}),
        (Needs(runtimes=frozenset({("R", None)})), {"b": "it has no UDF runtime 'R'"}),
        (Needs(runtimes=frozenset({("python", None)})), {}),
        (
            Needs(runtimes=frozenset({("Python", "3.12")})),
            {"a": "its UDF runtime 'Python' has no version '3.12'"},
        ),
        (Needs(service_type="xyz"), {"a": "it has no services of the type 'xyz'"}),
        (Needs(endpoints=frozenset({"POST /result"})), {"b": "it does not offer `POST /result`"}),
        (Needs(plan="PRO"), {"a": "it has no billing plan 'PRO'"}),
        (
            Needs(references=(Reference("job", "a~1", "a", "1"),)),
            {"b": "the results of the job 'a~1' can be read at 'a' only"},
        ),
        (Needs(references=(Reference("job", "https://a/r", "a", "https://a/r", bound=False),)), {}),
        (
            Needs(references=(Reference("job", "split~1", None, "split~1"),)),
            dict.fromkeys(
                IDS,
                "the results of the job 'split~1' are of several back-ends: use `load_stac` with the `canonical` link "
                "in them",
            ),
        ),
        (
            Needs(references=(Reference("file", "x.tif", None, "x.tif"),)),
            dict.fromkeys(IDS, "the file 'x.tif' is at no back-end: paths begin with that of theirs"),
        ),
        (
            Needs(collections={"A": frozenset()}, outputs={"png": frozenset()}),
            {"a": "it does not write the format 'PNG'", "b": "it has no collection 'A'"},
        ),
    ],
)
def test_what_is_lacking_is_said(needs: Needs, lacking: dict[str, str]) -> None:
    found = match(needs, OFFERS, IDS)
    assert {each: in_words(reasons) for each, reasons in found.items() if reasons} == lacking


def test_all_reasons_are_said() -> None:
    needs = Needs(
        collections={"A": frozenset(), "N": frozenset()},
        inputs={"geojson": frozenset()},
        runtimes=frozenset({("R", None)}),
    )
    (*reasons,) = match(needs, OFFERS, ["b"])["b"]
    assert in_words(reasons) == (
        "it has no collection 'A', it has no collection 'N', it does not read the format 'GeoJSON', "
        "it has no UDF runtime 'R'"
    )


def test_who_has_said_nothing_cannot_be_chosen() -> None:
    needs = Needs(
        processes={Call("add", None): frozenset()},
        collections={"S": frozenset()},
        outputs={"gtiff": frozenset()},
        runtimes=frozenset({("R", None)}),
        service_type="XYZ",
        endpoints=frozenset({"POST /jobs"}),
    )
    reasons = match(needs, OFFERS, ["c"])["c"]
    assert {reason.code for reason in reasons} == {"InfrastructureBusy"}
    assert len(reasons) == 6
    assert "c" in match(Needs(), OFFERS, ["c"])


NO_A = Reason("CollectionNotFound", "A", "it has no collection 'A'")
NO_B = Reason("CollectionNotFound", "B", "it has no collection 'B'")
NO_P = Reason("ProcessUnsupported", "p", "it has no process 'p'")
UNSAID = Reason("InfrastructureBusy", "collections", "it has not said yet which collections it has")
STRANGE = Reason("PermissionsInsufficient", "account", "your account is not known there")
UNWANTED = Reason("", "z", "you have chosen others")


@pytest.mark.parametrize(
    ("reasons", "code"),
    [
        ([[NO_A], [NO_A]], "CollectionNotFound"),
        ([[NO_P, NO_A], [NO_A]], "CollectionNotFound"),
        ([[NO_P], [NO_P, NO_B]], "ProcessUnsupported"),
        ([[NO_A], [NO_B]], "RequestInvalid"),
        ([[NO_A], [UNSAID]], "InfrastructureBusy"),
        ([[NO_A], [STRANGE]], "CollectionNotFound"),
        ([[STRANGE], [STRANGE, NO_A]], "PermissionsInsufficient"),
        ([[UNWANTED], [NO_A]], "CollectionNotFound"),
        ([[UNWANTED], [UNWANTED, NO_A]], "RequestInvalid"),
    ],
)
def test_the_error_has_the_code_of_what_all_lack(reasons: list[list[Reason]], code: str) -> None:
    error = refusal({f"u{number}": each for number, each in enumerate(reasons)})
    assert error.code == code
    for number, each in enumerate(reasons):
        assert f"u{number}: {in_words(each)}" in error.message
