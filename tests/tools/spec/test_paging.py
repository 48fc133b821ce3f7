"""Lists say in the contract where a page starts."""

from pathlib import Path

import pytest

from connexeo.tools.spec.build import build_document, operations
from connexeo.tools.spec.documents import Document
from connexeo.tools.spec.references import resolve

ON_ONE_PAGE = {"list-processes"}
"""Clients read only the first page of it."""


def query_parameters(document: Document) -> dict[str, set[str]]:
    """OperationId → names of its query parameters."""
    return {
        node["operationId"]: {
            parameter["name"]
            for parameter in (resolve(document, entry) for entry in node.get("parameters", ()))
            if parameter["in"] == "query"
        }
        for _, _, node in operations(document)
    }


def check(document: Document) -> None:
    parameters = query_parameters(document)
    paged = {identifier for identifier, names in parameters.items() if "limit" in names} - ON_ONE_PAGE
    assert paged >= {"list-collections", "list-jobs", "debug-job"}
    assert paged == {identifier for identifier, names in parameters.items() if "offset" in names}


def test_every_list_that_has_a_limit_has_an_offset() -> None:
    check(build_document())


def test_lists_of_the_published_document(reference: Path) -> None:
    check(build_document(reference / "openeo-api-1.3.0.yaml"))


def test_the_standard_has_no_such_parameter() -> None:
    parameters = query_parameters(build_document(apply_overlays=False))
    assert "offset" not in parameters["list-collections"]
    with pytest.raises(AssertionError):
        check(build_document(apply_overlays=False))
