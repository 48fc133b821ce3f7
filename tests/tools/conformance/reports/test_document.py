import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from connexeo.tools.conformance.registry import LAYERS
from connexeo.tools.conformance.report import Report
from connexeo.tools.conformance.reports.document import (
    FORMAT,
    SCHEMA,
    dump,
    read_report,
    stable,
    to_document,
)
from connexeo.tools.conformance.verdicts import Severity, State
from connexeo.tools.spec.documents import SpecError

schema = json.loads(SCHEMA.read_text())


@pytest.mark.parametrize("kind", ["good", "bad"])
def test_reports_are_what_their_schema_says(kind: str, request: pytest.FixtureRequest) -> None:
    document = json.loads(dump(to_document(request.getfixturevalue(kind))))
    validator = jsonschema_rs.Draft202012Validator(schema, validate_formats=True)
    assert [error.message for error in validator.iter_errors(document)] == []


def test_the_schema_knows_what_there_is() -> None:
    assert schema["properties"]["format"]["const"] == FORMAT
    assert schema["$defs"]["layer"]["enum"] == list(LAYERS)
    assert schema["$defs"]["state"]["enum"] == [*map(str, State)]
    assert schema["properties"]["findings"]["items"]["properties"]["severity"]["enum"] == [
        *map(str, Severity)
    ]


def test_the_schema_is_one() -> None:
    jsonschema_rs.meta.validate(schema)


def test_summaries_are_honest(bad: Report) -> None:
    summary = to_document(bad)["summary"]
    assert summary["checks"]["pass"] == 1
    assert summary["coverage"]["asked"] == 8
    assert summary["coverage"]["told"] == 4
    untold = {each["state"]: each["count"] for each in summary["coverage"]["untold"]}
    assert untold == {"not-applicable": 1, "not-testable": 1, "skipped": 1, "error": 1}
    assert summary["findings"] == {"critical": 1, "major": 1, "minor": 1}


def test_levels_are_reached_when_nothing_of_them_is_open(bad: Report) -> None:
    levels = {level["level"]: level for level in to_document(bad)["profiles"]["levels"]}
    assert levels["L1"]["reached"] is False
    assert levels["L4"]["reached"] is None


def test_reports_can_be_read_again(bad: Report, tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.write_bytes(dump(to_document(bad)))
    assert read_report(path) == to_document(bad)


def test_newer_reports_may_have_more(bad: Report, tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    document = to_document(bad)
    document["more"] = document["backend"]["more"] = document["findings"][0]["more"] = 1
    path.write_bytes(dump(document))
    assert read_report(path)["more"] == 1


Edit = Callable[[dict[str, Any]], None]


@pytest.mark.parametrize(
    ("edit", "fault"),
    [
        (
            lambda document: document.update(format="connexeo-conformance/2"),
            "its format is connexeo-conformance/2",
        ),
        (lambda document: document.pop("format"), "its format is missing"),
        (lambda document: document.pop("findings"), "is damaged at its top"),
        (lambda document: document["findings"][0].pop("places"), "is damaged at findings/0"),
        (lambda document: document["backend"].update(title=7), "is damaged at backend/title"),
    ],
)
def test_what_is_no_report_is_refused(bad: Report, tmp_path: Path, edit: Edit, fault: str) -> None:
    path = tmp_path / "report.json"
    document = to_document(bad)
    edit(document)
    path.write_bytes(dump(document))
    with pytest.raises(SpecError, match=fault):
        read_report(path)


@pytest.mark.parametrize(("text", "fault"), [("", "is not JSON"), ("[]", "its format is missing")])
def test_what_is_no_json_object_is_refused(tmp_path: Path, text: str, fault: str) -> None:
    path = tmp_path / "report.json"
    path.write_text(text)
    with pytest.raises(SpecError, match=fault):
        read_report(path)
    with pytest.raises(SpecError, match="cannot be read"):
        read_report(tmp_path)


def test_what_is_stable_has_nothing_of_the_run(bad: Report) -> None:
    found = stable(to_document(bad))
    assert "run" not in found
    assert not any({"evidence", "count"} & set(each) for each in found["findings"])
    assert found["checks"] == to_document(bad)["checks"]
