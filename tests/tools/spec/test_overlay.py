import copy
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from connexeo.tools.spec.documents import SpecError
from connexeo.tools.spec.overlay import Overlay, apply_overlay, load_overlay, parse_overlay
from connexeo.tools.spec.sources import SpecFolder


def overlay(*actions: dict[str, Any]) -> Overlay:
    content = {"overlay": "1.0.0", "info": {"title": "T", "version": "1"}, "actions": list(actions)}
    return parse_overlay(content, "t.yaml")


@pytest.mark.parametrize(
    ("document", "action", "expected"),
    [
        ({"a": {"x": 1}}, {"target": "$.a", "update": {"y": 2}}, {"a": {"x": 1, "y": 2}}),
        ({"a": {"x": 1}}, {"target": "$.a", "update": {"x": 2}}, {"a": {"x": 2}}),
        ({"a": {"x": {"p": 1}}}, {"target": "$", "update": {"a": {"x": {"q": 2}}}}, {"a": {"x": {"p": 1, "q": 2}}}),
        ({"a": {"x": [1]}}, {"target": "$.a", "update": {"x": [2, 3]}}, {"a": {"x": [1, 2, 3]}}),
        ({"a": [{"n": 1}]}, {"target": "$.a", "update": {"n": 2}}, {"a": [{"n": 1}, {"n": 2}]}),
        ({"a": {"x": 1, "y": 2}}, {"target": "$.a.x", "remove": True}, {"a": {"y": 2}}),
        ({"a": [1, 2, 3]}, {"target": "$.a[1]", "remove": True}, {"a": [1, 3]}),
        ({"a": [{"n": "p"}, {"n": "q"}]}, {"target": "$.a[?(@.n == 'q')]", "remove": True}, {"a": [{"n": "p"}]}),
        ({"a": [1, 2, 3]}, {"target": "$.a[*]", "remove": True}, {"a": []}),
        ({"/x/{y}": {"get": {}}}, {"target": "$['/x/{y}'].get", "update": {"d": 1}}, {"/x/{y}": {"get": {"d": 1}}}),
        ({"a": {"n": 1}, "b": {"n": 2}}, {"target": "$.*", "update": {"z": 0}},
         {"a": {"n": 1, "z": 0}, "b": {"n": 2, "z": 0}}),
        ({"a": {"x": 1}}, {"target": "$.a.x", "remove": True, "update": {"y": 1}}, {"a": {}}),
    ],
)  # fmt: skip
def test_one_action(document: dict[str, Any], action: dict[str, Any], expected: dict[str, Any]) -> None:
    before = copy.deepcopy(document)
    assert apply_overlay(document, overlay(action)) == expected
    assert document == before


def test_actions_build_on_one_another() -> None:
    document = {"a": {"oneOf": [1]}}
    actions = overlay({"target": "$.a.oneOf", "remove": True}, {"target": "$.a", "update": {"anyOf": [1]}})
    assert apply_overlay(document, actions) == {"a": {"anyOf": [1]}}


def test_two_targets_never_share_a_list() -> None:
    document: dict[str, Any] = {"a": {}, "b": {}}
    actions = overlay(
        {"target": "$.*", "update": {"required": ["x"]}},
        {"target": "$.a", "update": {"required": ["y"]}},
    )
    assert apply_overlay(document, actions) == {"a": {"required": ["x", "y"]}, "b": {"required": ["x"]}}


def test_two_keys_that_share_a_list_in_the_document_are_parted() -> None:
    shared = ["x"]
    result = apply_overlay(
        {"a": {"required": shared}, "b": {"required": shared}},
        overlay({"target": "$.a", "update": {"required": ["y"]}}),
    )
    assert result["b"] == {"required": ["x"]}


@pytest.mark.parametrize("action", [{"update": {"x": 1}}, {"remove": True}])
def test_a_target_that_matches_nothing_is_an_error(action: dict[str, Any]) -> None:
    with pytest.raises(SpecError) as raised:
        apply_overlay(
            {"a": {}}, overlay({"target": "$.a", "update": {}}, {"target": "$.paths['/x']", **action})
        )
    assert str(raised.value) == "t.yaml, action 2 ($.paths['/x']): the target matches nothing"


@pytest.mark.parametrize(
    ("action", "message"),
    [
        ({"target": "$.a", "update": [1]}, "an object is updated by an object"),
        ({"target": "$.a.x", "update": {}}, "neither object nor array"),
        ({"target": "$.a", "update": {"x": {}}}, "'x' is a plain value there and an object in the update"),
        ({"target": "$.a", "update": {"l": {}}}, "'l' is a list there and an object in the update"),
        ({"target": "$", "remove": True}, "the document itself cannot be removed"),
        ({"target": "$.a[", "remove": True}, "not a JSONPath"),
    ],
)
def test_what_does_not_fit_is_an_error(action: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=r"t\.yaml, action 1") as raised:
        apply_overlay({"a": {"x": 1, "l": []}}, overlay(action))
    assert message in str(raised.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"openapi": "3.0.2"}, "not an Overlay 1.0 document"),
        ({"overlay": "1.0.0", "info": {"title": "T"}, "actions": [{}]}, "info needs a title and a version"),
        ({"overlay": "1.0.0", "info": {"title": "T", "version": "1"}}, "there are no actions"),
    ],
)
def test_other_documents_are_refused(content: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        parse_overlay(content, "t.yaml")


@pytest.mark.parametrize(
    ("action", "message"),
    [
        ({"update": {}}, "a target is missing"),
        ({"target": "$"}, "neither update nor remove"),
        ({"target": "$", "remove": "yes"}, "remove is either true or false"),
        ({"target": "$", "updates": {}, "remove": True}, "unknown keys updates"),
    ],
)
def test_faulty_actions_are_refused(action: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=rf"t\.yaml, action 1: .*{message}"):
        overlay(action)


def test_every_action_of_ours_gives_its_reason(spec: SpecFolder) -> None:
    paths = [*spec.overlays(), *(path for files in spec.driver_overlays().values() for path in files)]
    assert paths
    for path in paths:
        for action in load_overlay(path).actions:
            assert action.description, f"{path}: {action.target}"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text("abc", max_size=2),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", min_size=1, max_size=2), inner)
    ),
    max_leaves=8,
)
OBJECTS = st.dictionaries(st.text("abc", min_size=1, max_size=2), JSON, max_size=4)


@given(document=OBJECTS, update=OBJECTS)
def test_an_update_adds_what_is_new_and_keeps_what_it_does_not_name(
    document: dict[str, Any], update: dict[str, Any]
) -> None:
    kinds = {key: (type(document[key]), type(value)) for key, value in update.items() if key in document}
    # Objects within objects may clash further down; here only what the first level decides is looked at.
    assume(all(one is other and one not in (dict, list) for one, other in kinds.values()))
    result = apply_overlay(document, overlay({"target": "$", "update": update}))
    for key, value in document.items():
        if key not in update:
            assert result[key] == value
    for key, value in update.items():
        assert result[key] == value
