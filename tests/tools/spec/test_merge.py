from collections.abc import Callable
from typing import Any

import pytest

from connexeo.tools.spec.documents import SpecError
from connexeo.tools.spec.merge import MICROSERVICE, merge_fragments
from connexeo.tools.spec.sources import MICROSERVICES, SpecFolder

Write = Callable[..., SpecFolder]


def test_fragments_become_one_document(write_spec: Write) -> None:
    document = merge_fragments(write_spec())
    assert list(document["paths"]) == ["/", "/processes"]
    assert set(document["components"]["schemas"]) == {"link", "process"}
    assert "Bearer" in document["components"]["securitySchemes"]
    assert document["paths"]["/"]["get"][MICROSERVICE] == "capabilities"
    assert document["paths"]["/processes"]["get"][MICROSERVICE] == "process_discovery"


def test_microservices_come_in_the_order_of_the_standard(spec: SpecFolder) -> None:
    assert [name for name, _ in spec.microservices] == list(MICROSERVICES)


def test_microservices_of_a_provider_follow_by_name(write_spec: Write) -> None:
    folder = write_spec(
        {"microservices/zonal.yaml": {"paths": {}}, "microservices/aerial.yaml": {"paths": {}}}
    )
    names = [name for name, _ in folder.microservices]
    assert names == ["capabilities", "process_discovery", "aerial", "zonal"]


@pytest.mark.parametrize(
    ("fragment", "place"),
    [
        ({"paths": {"/": {}}}, "paths//"),
        ({"components": {"schemas": {"link": {}}}}, "components/schemas/link"),
        ({"components": {"securitySchemes": {"Bearer": {}}}}, "components/securitySchemes/Bearer"),
    ],
)
def test_duplicates_name_both_files(write_spec: Write, fragment: dict[str, Any], place: str) -> None:
    folder = write_spec({"schemas/again.yaml": fragment})
    with pytest.raises(SpecError) as raised:
        merge_fragments(folder)
    first = "openapi" if "security" in place else "microservices/capabilities" if place == "paths//" else None
    assert place in str(raised.value)
    assert "spec/schemas/again.yaml" in str(raised.value)
    assert f"spec/{first or 'schemas/link'}.yaml" in str(raised.value)


def test_a_fragment_holds_nothing_else(write_spec: Write) -> None:
    folder = write_spec({"schemas/odd.yaml": {"info": {}, "components": {}}})
    with pytest.raises(SpecError, match=r"spec/schemas/odd\.yaml: .* not info"):
        merge_fragments(folder)


def test_yaml_aliases_do_not_share_anything(write_spec: Write) -> None:
    text = "components:\n  schemas:\n    a: &a {type: object, required: [x]}\n    b: *a\n"
    document = merge_fragments(write_spec({"schemas/alias.yaml": text}))
    document["components"]["schemas"]["a"]["required"].append("y")
    assert document["components"]["schemas"]["b"]["required"] == ["x"]
