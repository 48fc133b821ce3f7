from dataclasses import replace
from xml.etree.ElementTree import fromstring

from connexeo.tools.conformance.report import Report
from connexeo.tools.conformance.reports.badge import to_badge


def words(report: Report) -> list[str | None]:
    return [element.text for element in fromstring(to_badge(report)).iter() if element.tag.endswith("text")]


def test_badges_are_svg_that_says_how_it_is(good: Report, bad: Report) -> None:
    assert words(good) == ["openEO 1.2", "1/1 checks"]
    assert words(bad) == ["openEO 1.2", "1/4 checks, incomplete"]
    assert words(replace(bad, contract_version="<1>")) == ["openEO <1>", "1/4 checks, incomplete"]


def test_colours_tell_the_worst(good: Report, bad: Report) -> None:
    colours = {
        to_badge(report).split('fill="#')[2][:6] for report in (good, bad, replace(bad, complete=True))
    }
    assert len(colours) == 3
