from dataclasses import replace

from connexeo.tools.conformance.baseline import against
from connexeo.tools.conformance.registry import Check
from connexeo.tools.conformance.report import Finding, Report, Result, RunFacts
from connexeo.tools.conformance.reports.document import to_document
from connexeo.tools.conformance.verdicts import Severity, State


def finding(message: str, *places: str, check: str = "jobs.x") -> Finding:
    made = Check(id=check, title="asked", layer="jobs", severity=None, source="test", run=None)
    return Finding(made, message, places, Severity.MAJOR, "")


def report(*findings: Finding, state: State = State.FAIL) -> Report:
    checks = {each.check.id: each.check for each in findings} or {"jobs.x": finding("").check}
    results = tuple(
        Result(check, state, findings=tuple(each for each in findings if each.check.id == name))
        for name, check in checks.items()
    )
    facts = RunFacts("2026-01-01T00:00:00Z", 1.0, 1)
    return Report("https://x", "1.2.0", "1.2", "", "", ("jobs",), False, 1, True, results, facts)


def known(now: Report, before: Report) -> list[tuple[str, bool, tuple[str, ...]]]:
    changes = against(now, to_document(before))
    return [(each.message, each.known, each.places) for each in changes.report.findings]


def test_what_was_there_before_is_known() -> None:
    before = report(finding("old", "GET /a", "GET /b"))
    assert known(report(finding("old", "GET /a")), before) == [("old", True, ("GET /a",))]
    assert known(report(finding("new", "GET /a")), before) == [("new", False, ("GET /a",))]
    assert against(report(finding("old", "GET /a")), to_document(before)).report.worst() is None


def test_what_has_spread_is_new_where_it_has() -> None:
    before = report(finding("old", "GET /a", "GET /b"))
    assert known(report(finding("old", "GET /a", "GET /c")), before) == [("old", False, ("GET /c", "GET /a"))]


def test_values_and_numbers_do_not_make_a_finding_new() -> None:
    first, second = (
        replace(finding(f"/a/*/b: {n} is wrong", "GET /a"), kind="/a/*/b: is wrong") for n in (1, 2)
    )
    assert known(report(second), report(first))[0][1] is True


def test_what_is_gone_is_mended_when_it_was_looked_for() -> None:
    before = to_document(report(finding("old", "GET /a")))
    mended = against(report(finding("new", "GET /a")), before).mended
    assert [each["message"] for each in mended] == ["old"]
    assert against(report(state=State.SKIPPED), before).mended == ()
    assert against(report(finding("x", check="jobs.y")), before).mended == ()
