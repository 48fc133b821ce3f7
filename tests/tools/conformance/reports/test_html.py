import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from connexeo.tools.conformance.comparison import compare
from connexeo.tools.conformance.comparison import to_html as comparison_to_html
from connexeo.tools.conformance.report import Report
from connexeo.tools.conformance.reports.document import to_document
from connexeo.tools.conformance.reports.html import to_html
from connexeo.tools.conformance.verdicts import State

VOID = {"meta", "br", "img", "hr", "link", "input"}


class Reader(HTMLParser):
    """Reads a page, strictly."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), tag
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def read(page: str) -> Reader:
    reader = Reader()
    reader.feed(page)
    reader.close()
    assert reader.open == []
    return reader


def pages(report: Report) -> list[str]:
    document = to_document(report)
    return [to_html(report), comparison_to_html(compare([document, document]))]


@pytest.mark.parametrize("kind", ["good", "bad"])
def test_pages_are_well_formed_and_need_nothing_else(kind: str, request: pytest.FixtureRequest) -> None:
    for page in pages(request.getfixturevalue(kind)):
        reader = read(page)
        assert page.lstrip().startswith("<!doctype html>")
        for tag, name, value in reader.attributes:
            assert name not in {"src", "srcset", "onclick"}
            assert name != "href" or value.startswith("#"), tag
        assert not {"script", "link", "iframe", "img"} & {tag for tag, _, _ in reader.attributes}
        assert "url(" not in re.sub(r"url\(#\w+\)", "", page)
        assert "@import" not in page


def test_links_lead_somewhere(bad: Report) -> None:
    reader = read(to_html(bad))
    ids = [value for _, name, value in reader.attributes if name == "id"]
    assert len(ids) == len(set(ids))
    targets = [value[1:] for _, name, value in reader.attributes if name == "href"]
    assert targets
    assert set(targets) <= set(ids)


def test_nothing_of_a_back_end_becomes_part_of_the_page(bad: Report) -> None:
    for page in pages(bad):
        reader = read(page)
        assert 'a <b>&amp; "quote" ]]>' in reader.text
        assert "<b>&amp;" not in page


@pytest.mark.parametrize(
    ("kind", "known", "complete", "told"),
    [
        ("bad", False, False, "Unsafe"),
        ("bad", True, True, "Nothing new"),
        ("good", False, True, "No fault found"),
        ("good", False, False, "Not told to the end"),
    ],
)
def test_the_verdict_is_the_first_to_be_read(
    kind: str, known: bool, complete: bool, told: str, request: pytest.FixtureRequest
) -> None:
    report: Report = request.getfixturevalue(kind)
    results = tuple(
        replace(each, findings=tuple(replace(finding, known=known) for finding in each.findings))
        for each in report.results
    )
    page = to_html(replace(report, results=results, complete=complete))
    assert re.search(r'class="card verdict \w+"><b>([^<]*)', page).group(1) == told  # type: ignore[union-attr]


def test_reasons_why_checks_say_nothing_are_there(bad: Report) -> None:
    text = read(to_html(bad)).text
    assert "Why 4 checks say nothing" in text
    assert "The run did not come to its end" in text
    assert "Left over, please remove:" in text
    assert bad.count(State.ERROR) == 1
