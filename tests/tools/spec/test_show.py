from typing import Any

import pytest
from rich.console import Console

from connexeo.tools.generate.operations import collect_operations
from connexeo.tools.spec.build import build_document
from connexeo.tools.spec.documents import SpecError, read_mapping
from connexeo.tools.spec.outline import outline
from connexeo.tools.spec.show import find_operation, first_sentence, show_operation
from connexeo.tools.spec.sources import SpecFolder


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return build_document()


def shown(document: dict[str, Any], spec: SpecFolder, operation: str) -> str:
    console = Console(width=200, force_terminal=False, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    with console.file:
        console.print(show_operation(document, operation, read_mapping(spec.errors)))
    return console.export_text()


@pytest.mark.parametrize("wanted", ["list-jobs", "list_jobs", "GET /jobs", "get /jobs"])
def test_an_operation_is_found_by_any_of_its_names(document: dict[str, Any], wanted: str) -> None:
    assert find_operation(collect_operations(document), wanted).id == "list-jobs"


def test_an_unknown_operation_hints_at_what_was_meant(document: dict[str, Any]) -> None:
    with pytest.raises(SpecError, match="did you mean list-jobs"):
        find_operation(collect_operations(document), "list-job")


def test_every_operation_can_be_shown(document: dict[str, Any], spec: SpecFolder) -> None:
    for operation in collect_operations(document):
        text = shown(document, spec, operation.id)
        assert f"{operation.method.upper()} {operation.path}" in text
        assert f"async def {operation.function}(context: Context" in text
        for parameter in operation.parameters:
            assert parameter.name in text


def test_what_a_handler_author_must_know(document: dict[str, Any], spec: SpecFolder) -> None:
    text = shown(document, spec, "describe-collection")
    assert "anonymous or Bearer" in text
    assert "collection_id: str" in text
    assert "cube:dimensions" in text
    assert "CollectionNotFound" in text
    upload = shown(document, spec, "upload-file")
    assert "async def upload_file(context: Context, *, path: str) -> models.File | Response" in upload
    assert "FileSizeExceeded" in upload


def test_an_outline_says_type_rules_and_what_is_required() -> None:
    schema = {
        "type": "object",
        "required": ["a"],
        "properties": {
            "a": {"type": "array", "items": {"type": "string", "format": "uri"}, "minItems": 1},
            "b": {"type": "number", "nullable": True, "default": None, "enum": [1, None]},
            "c": {"$ref": "#/components/schemas/c"},
        },
    }
    components = {"c": {"type": "object", "properties": {"again": {"$ref": "#/components/schemas/c"}}}}
    document = {"components": {"schemas": components}}
    a, b, c = outline(document, schema).children
    assert (a.type, a.required, a.rules) == ("array of string (uri)", True, ("≥ 1 entries",))
    assert (b.type, b.required, b.rules) == ("number or null", False, ("1 | null", "default null"))
    assert (c.component, c.children) == ("c", ())
    opened = outline(document, schema, inline=3).children[2]
    assert [child.component for child in opened.children] == ["c"]
    assert opened.children[0].children == ()


def test_the_first_sentence_ends_at_a_full_stop() -> None:
    assert first_sentence("Codes, e.g. `A` or\n`B`. More.\n\nNext.") == "Codes, e.g. `A` or `B`."
