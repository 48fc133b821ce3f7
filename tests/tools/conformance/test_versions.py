from pathlib import Path

import pytest

from connexeo.tools.conformance.versions import (
    VERSIONS,
    bare_document,
    extended,
    nearest_version,
    version_document,
    version_number,
)
from connexeo.tools.spec.check import check_document
from connexeo.tools.spec.diff import diff_documents
from connexeo.tools.spec.documents import Document, SpecError, load_document
from connexeo.tools.spec.sources import find_spec

REFERENCE = Path(__file__).parents[4] / "shared" / "reference"

EXPLAINED = {
    "1.2": {
        "#/components/securitySchemes/Bearer/bearerFormat": "a hint for readers, which is a paragraph there",
    },
    "1.3": {},
}


@pytest.mark.parametrize("version", EXPLAINED)
def test_the_document_of_a_version_has_the_structure_of_the_published_one(version: str) -> None:
    published = REFERENCE / f"openeo-api-{version}.0.yaml"
    if not published.is_file():
        pytest.skip("the reference documents are not beside the checkout")
    differences = {each.place for each in diff_documents(bare_document(version), load_document(published))}
    assert differences == EXPLAINED[version].keys()


@pytest.mark.parametrize("federation", [False, True])
@pytest.mark.parametrize("version", VERSIONS)
def test_documents_are_valid_with_everything_that_holds_for_all_back_ends(
    version: str, federation: bool
) -> None:
    assert list(check_document(version_document(version, federation=federation), strict=False)) == []


def properties(document: Document, schema: str) -> set[str]:
    return set(document["components"]["schemas"][schema]["properties"])


def test_what_came_with_1_2_is_not_in_1_1() -> None:
    new, old = bare_document("1.2"), bare_document("1.1")
    queryables = "/collections/{collection_id}/queryables"
    assert queryables in new["paths"]
    assert queryables not in old["paths"]
    assert properties(new, "batch_job") - properties(old, "batch_job") == {"links", "log_level"}
    assert new["components"]["schemas"]["money"]["minimum"] == 0
    assert "minimum" not in old["components"]["schemas"]["money"]
    names = [each.get("name") for each in old["paths"]["/jobs/{job_id}/results"]["get"]["parameters"]]
    assert "partial" not in names


def test_what_came_with_1_1_is_not_in_1_0() -> None:
    new, old = bare_document("1.1"), bare_document("1.0")
    assert properties(new, "log_entry") - properties(old, "log_entry") == {"time", "usage"}
    assert properties(new, "batch_job") - properties(old, "batch_job") == {"usage"}
    answer = old["paths"]["/jobs/{job_id}/results"]["get"]["responses"]["200"]
    assert len(answer["content"]["application/json"]["schema"]["oneOf"]) == 1


@pytest.mark.parametrize("newer", VERSIONS[1:])
def test_an_older_version_requires_nothing_that_a_newer_one_does_not(newer: str) -> None:
    older = VERSIONS[VERSIONS.index(newer) - 1]
    differences = diff_documents(bare_document(newer), bare_document(older))
    assert [each for each in differences if "required now" in each.message] == []


def test_every_action_says_what_has_changed() -> None:
    import yaml

    for path in sorted((find_spec().root / "versions").glob("*.yaml")):
        overlay = yaml.safe_load(path.read_text())
        assert [each["target"] for each in overlay["actions"] if not each.get("description")] == []


@pytest.mark.parametrize(
    ("version", "nearest", "noted"),
    [
        ("1.0.0", "1.0", False),
        ("1.0.1", "1.0", False),
        ("1.2.0", "1.2", False),
        ("1.3", "1.3", False),
        ("1.0.0-rc.2", "1.0", True),
        ("1.1.0-beta", "1.1", True),
        ("1.4.0", "1.3", True),
        ("1.10.0", "1.3", True),
        ("2.0.0", "1.3", True),
    ],
)
def test_the_nearest_known_version_is_taken(version: str, nearest: str, noted: bool) -> None:
    found, note = nearest_version(version)
    assert found == nearest
    assert (note is not None) is noted
    assert note is None or version in note


@pytest.mark.parametrize("version", ["0.4.2", "0.0.1", "latest", "", "1", "draft"])
def test_what_cannot_be_judged_is_refused(version: str) -> None:
    with pytest.raises(SpecError):
        nearest_version(version)


def test_versions_are_compared_by_number_and_releases_come_last() -> None:
    versions = ["1.10.0", "1.2.0-rc.1", "1.2.0", "1.9"]
    assert sorted(versions, key=lambda each: version_number(each) or (0, 0, 0, False)) == [
        "1.2.0-rc.1",
        "1.2.0",
        "1.9",
        "1.10.0",
    ]


def test_an_overlay_of_the_user_comes_on_top(tmp_path: Path) -> None:
    overlay = tmp_path / "ours.yaml"
    overlay.write_text(
        "overlay: 1.0.0\ninfo: {title: Ours, version: '1'}\n"
        "actions:\n- target: $.paths\n  update: {/ours: {get: {responses: {'200': {description: Yes.}}}}}\n"
    )
    document = extended(version_document("1.2"), [str(overlay)])
    assert {"/ours", "/jobs"} <= document["paths"].keys()


def test_a_document_of_the_user_replaces_the_standard(tmp_path: Path) -> None:
    own = tmp_path / "own.json"
    own.write_text('{"openapi": "3.0.2", "info": {"title": "Own", "version": "1"}, "paths": {"/own": {}}}')
    assert list(extended(version_document("1.2"), [str(own)])["paths"]) == ["/own"]


def test_a_file_that_is_neither_is_refused(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("swagger: '2.0'\n")
    with pytest.raises(SpecError, match="neither an OpenAPI document nor an overlay"):
        extended(version_document("1.2"), [str(wrong)])
