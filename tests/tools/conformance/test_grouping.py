import pytest

from connexeo.tools.conformance.grouping import kind_of, told_places, without_indices


@pytest.mark.parametrize(
    ("message", "place", "kind"),
    [
        (
            '/logs/3/level: "loud" is not one of ["error"]',
            "GET /x",
            '/logs/*/level: is not one of ["error"]',
        ),
        (
            '/collections/17: "links" is a required property',
            "",
            '/collections/*: "links" is a required property',
        ),
        ("/a/1/2/b3/4: 1 is not of type x", "", "/a/*/*/b3/*: is not of type x"),
        ("HTTP 500", "GET /jobs", "HTTP 500"),
        ("GET /jobs is answered with HTTP 500", "GET /jobs", "* is answered with HTTP 500"),
        ("x: 3 is wrong", "x", "x: 3 is wrong"),
        ("the interval of S2 is wrong", "S2", "the interval of S2 is wrong"),
    ],
)
def test_violations_of_one_fault_are_of_one_kind(message: str, place: str, kind: str) -> None:
    assert kind_of(message, place) == kind


def test_messages_have_no_numbers_of_entries() -> None:
    assert without_indices("/collections/17/links: 3 is no list") == "/collections/*/links: 3 is no list"
    assert without_indices("HTTP 400/401: no") == "HTTP 400/401: no"


@pytest.mark.parametrize(
    ("places", "told"),
    [
        ((), ""),
        (("GET /jobs",), "GET /jobs"),
        (("GET /jobs", "GET /"), "GET /jobs and 1 other operation"),
        (("GET /jobs", "GET /", "HEAD /"), "GET /jobs and 2 other operations"),
        (("S2", "GET /"), "S2 and 1 other place"),
        (("S2", "L8", "L9"), "S2 and 2 other places"),
    ],
)
def test_many_places_are_told_in_a_few_words(places: tuple[str, ...], told: str) -> None:
    assert told_places(places) == told
