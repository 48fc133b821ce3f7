"""What a process of several upstreams looks like."""

from __future__ import annotations

from typing import Any

import pytest

from connexeo.drivers.federation.merging import BACKENDS, Kind, Merged, Part, merge_process, our_contract
from connexeo.generated import load_processes

Json = dict[str, Any]
ORDER = ("alps", "bay", "coast")
NUMBER, TEXT = {"type": "number"}, {"type": "string"}


def parameter(name: str, **properties: Any) -> Json:
    return {"name": name, "description": f"The {name}.", "schema": NUMBER, **properties}


def process(*parameters: Json, **properties: Any) -> Json:
    return {
        "id": "soften",
        "description": "Makes it softer.",
        "parameters": list(parameters),
        "returns": {"description": "Softer.", "schema": NUMBER},
        **properties,
    }


def merged(*documents: Json, standard: Json | None = None) -> Merged:
    parts = [Part(upstream, document) for upstream, document in zip(ORDER, documents, strict=False)]
    result = merge_process(reversed(parts), ORDER, standard)
    assert our_contract().passes(Kind.PROCESS, result.document)
    return result


def places(result: Merged) -> list[str]:
    return [conflict.pointer for conflict in result.conflicts]


def test_a_process_always_says_who_has_it() -> None:
    assert merged(process(), process(), process()).document == process() | {BACKENDS: list(ORDER)}
    assert merged(process()).document[BACKENDS] == ["alps"]


def test_a_parameter_that_only_some_know_is_listed_with_them() -> None:
    result = merged(
        process(parameter("x")), process(parameter("x"), parameter("strength", optional=True, default=2))
    )
    assert result.document["parameters"] == [
        parameter("x"),
        parameter("strength", optional=True, default=2, **{BACKENDS: ["bay"]}),
    ]
    assert result.conflicts == ()


def test_a_parameter_that_is_required_at_one_and_unknown_at_another_is_optional() -> None:
    result = merged(process(), process(parameter("strength")))
    assert result.document["parameters"] == [parameter("strength", optional=True, **{BACKENDS: ["bay"]})]
    (conflict,) = result.conflicts
    assert conflict.pointer == "/parameters/strength"
    assert conflict.values == {"bay": "required"}


def test_a_parameter_is_required_when_it_is_everywhere() -> None:
    assert merged(process(parameter("x")), process(parameter("x", optional=False))).document[
        "parameters"
    ] == [parameter("x", optional=False)]
    result = merged(process(parameter("x")), process(parameter("x", optional=True, default=1)))
    assert result.document["parameters"] == [parameter("x", default=1, optional=True)]
    assert places(result) == ["/parameters/x"]


def test_parameters_are_in_the_order_of_the_first() -> None:
    result = merged(
        process(parameter("b"), parameter("a")), process(parameter("c"), parameter("a"), parameter("b"))
    )
    assert [each["name"] for each in result.document["parameters"]] == ["b", "a", "c"]


def test_types_that_differ_are_alternatives() -> None:
    one = process(parameter("x", schema=NUMBER), returns={"schema": NUMBER})
    two = process(
        parameter("x", schema=[TEXT, NUMBER | {"description": "A number."}]), returns={"schema": TEXT}
    )
    result = merged(one, two)
    assert result.document["parameters"][0]["schema"] == [NUMBER, TEXT | {BACKENDS: ["bay"]}]
    assert result.document["returns"]["schema"] == [NUMBER | {BACKENDS: ["alps"]}, TEXT | {BACKENDS: ["bay"]}]
    assert places(result) == ["/parameters/x/schema", "/returns/schema"]


def test_types_that_differ_in_words_only_are_one() -> None:
    one, two = NUMBER | {"description": "One."}, NUMBER | {"description": "Two.", "title": "2"}
    result = merged(process(parameter("x", schema=one)), process(parameter("x", schema=two)))
    assert result.document["parameters"][0]["schema"] == one
    assert result.conflicts == ()


def test_a_property_named_description_is_no_prose() -> None:
    one = {"type": "object", "properties": {"description": {"type": "string"}}}
    two = {"type": "object", "properties": {"description": {"type": "number"}}}
    result = merged(process(parameter("x", schema=one)), process(parameter("x", schema=two)))
    assert len(result.document["parameters"][0]["schema"]) == 2


@pytest.mark.parametrize("name", ["deprecated", "experimental"])
def test_a_state_holds_when_it_holds_everywhere(name: str) -> None:
    assert merged(process(**{name: True}), process(**{name: True})).document[name] is True
    result = merged(process(**{name: True}), process())
    assert result.document[name] is False
    assert places(result) == [f"/{name}"]


def test_lists_and_exceptions_are_united() -> None:
    one = process(
        categories=["math"],
        examples=[{"arguments": {"x": 1}}],
        links=[{"rel": "about", "href": "https://a.example"}],
        exceptions={"TooSoft": {"message": "Too soft."}},
    )
    two = process(
        categories=["soft", "math"],
        examples=[{"arguments": {"x": 2}}, {"arguments": {"x": 1}}],
        links=[{"rel": "about", "href": "https://a.example"}, {"rel": "about", "href": "https://b.example"}],
        exceptions={
            "TooSoft": {"message": "Much too soft.", "http": 400},
            "TooHard": {"message": "Too hard."},
        },
    )
    result = merged(one, two)
    document = result.document
    assert document["categories"] == ["math", "soft"]
    assert document["examples"] == [{"arguments": {"x": 1}}, {"arguments": {"x": 2}}]
    assert [link["href"] for link in document["links"]] == ["https://a.example", "https://b.example"]
    assert document["exceptions"] == {
        "TooSoft": {"message": "Too soft.", "http": 400},
        "TooHard": {"message": "Too hard."},
    }
    assert places(result) == ["/exceptions/TooSoft/message"]


def test_graphs_are_not_mixed() -> None:
    def graph(process_id: str) -> Json:
        return {process_id: {"process_id": process_id, "arguments": {}, "result": True}}

    result = merged(process(process_graph=graph("add")), process(process_graph=graph("divide")))
    assert result.document["process_graph"] == graph("add")
    assert places(result) == ["/process_graph"]


def test_the_words_of_the_standard_are_kept_when_all_do_what_it_says() -> None:
    standard = next(each for each in load_processes() if each["id"] == "add")
    mine = standard | {"description": "Sum of two.", "summary": standard["summary"]}
    theirs = standard | {"description": "Adds up.", "summary": "Add it"}
    result = merged(mine, theirs, standard=standard)
    assert result.document["description"] == standard["description"]
    assert result.document["summary"] == standard["summary"]
    assert {each.pointer: each.values for each in result.conflicts}["/description"] == {
        "alps": "Sum of two.",
        "bay": "Adds up.",
    }


def test_the_words_of_the_standard_are_not_put_on_something_else() -> None:
    standard = next(each for each in load_processes() if each["id"] == "add")
    mine = standard | {"description": "Sum of two."}
    theirs = standard | {"description": "Adds up.", "parameters": [*standard["parameters"], parameter("z")]}
    assert merged(mine, theirs, standard=standard).document["description"] == "Sum of two."


def test_one_upstream_keeps_its_own_words() -> None:
    standard = next(each for each in load_processes() if each["id"] == "add")
    mine = standard | {"description": "Sum of two."}
    assert merged(mine, standard=standard).document["description"] == "Sum of two."
