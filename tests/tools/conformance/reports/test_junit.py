import re
from xml.etree.ElementTree import Element, fromstring

import pytest

from connexeo.tools.conformance.report import Report
from connexeo.tools.conformance.reports.junit import to_junit
from connexeo.tools.conformance.verdicts import Severity

RULES: dict[str, tuple[set[str], set[str], list[str]]] = {
    "testsuites": (set(), {"name", "time", "tests", "failures", "errors"}, ["testsuite"]),
    "testsuite": (
        {"name", "tests", "failures", "errors"},
        {"time", "skipped", "timestamp", "hostname", "id", "package"},
        ["properties", "testcase"],
    ),
    "properties": (set(), set(), ["property"]),
    "property": ({"name", "value"}, set(), []),
    "testcase": ({"name"}, {"time", "classname"}, ["skipped", "error", "failure", "system-out"]),
    "skipped": (set(), {"message", "type"}, []),
    "error": (set(), {"message", "type"}, []),
    "failure": (set(), {"message", "type"}, []),
    "system-out": (set(), set(), []),
}
"""Element → attributes that it must have, that it may have, and its children in their order: what the schemas of
several CI systems have in common."""

# A duration in Surefire's way: no exponent.
TIME = re.compile(r"[0-9]+(\.[0-9]+)?")


def check(element: Element) -> None:
    required, optional, children = RULES[element.tag]
    assert required <= set(element.attrib) <= required | optional, element.tag
    order = [children.index(child.tag) for child in element]
    assert order == sorted(order), element.tag
    if "time" in element.attrib:
        assert TIME.fullmatch(element.attrib["time"])
    for child in element:
        check(child)


@pytest.mark.parametrize("kind", ["good", "bad"])
def test_the_structure_is_what_ci_systems_read(kind: str, request: pytest.FixtureRequest) -> None:
    root = fromstring(to_junit(request.getfixturevalue(kind)))
    assert root.tag == "testsuites"
    check(root)


def test_counts_are_those_of_the_cases(bad: Report) -> None:
    root = fromstring(to_junit(bad))
    for suite in root:
        assert int(suite.attrib["tests"]) == len(suite.findall("testcase"))
        for name, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            assert int(suite.attrib[name]) == len(suite.findall(f"testcase/{tag}"))
    assert {name: root.attrib[name] for name in ("tests", "failures", "errors")} == {
        "tests": "8",
        "failures": "2",
        "errors": "1",
    }


@pytest.mark.parametrize(
    ("fail_on", "failures"),
    [(Severity.MINOR, "3"), (Severity.MAJOR, "2"), (Severity.CRITICAL, "1"), (None, "0")],
)
def test_what_fails_is_what_was_asked_for(bad: Report, fail_on: Severity | None, failures: str) -> None:
    root = fromstring(to_junit(bad, fail_on))
    assert root.attrib["failures"] == failures
    # Nothing gets lost: it is output of a case that has passed.
    assert len(root.findall(".//system-out")) == 3 - int(failures)


def test_failures_tell_everything(bad: Report) -> None:
    text = str(fromstring(to_junit(bad)).findtext(".//testcase[@name='jobs.fail']/failure"))
    for part in (
        "MAJOR GET /jobs and 1 other operation",
        "places: GET /jobs, GET /collections",
        "(3 requests)",
    ):
        assert part in text
    for part in ("asked: Asked:", "mend: mend a <b>", "curl 'https://x.example/", "HTTP 500", "]]>"):
        assert part in text
    # What XML cannot hold.
    assert "\x00" not in text
    assert "\x1b" not in text
