from html.parser import HTMLParser
from typing import Any

import pytest

from connexeo.tools.spec.build import build_document, operations
from connexeo.tools.spec.docs import implemented_processes, render_docs
from connexeo.tools.spec.sources import SpecFolder

VOID = {"meta", "input", "br", "hr", "img", "link"}


class Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.targets: list[str] = []
        self.loaded: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag not in VOID:
            self.open.append(tag)
        if given.get("id"):
            self.ids.append(str(given["id"]))
        if tag == "a" and str(given.get("href", "")).startswith("#"):
            self.targets.append(str(given["href"])[1:])
        if given.get("src") or (tag == "link" and given.get("href")):
            self.loaded.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return build_document()


@pytest.fixture(scope="module")
def page(document: dict[str, Any], spec: SpecFolder) -> Page:
    page = Page()
    page.feed(render_docs(document, spec, implemented=implemented_processes()))
    return page


def test_the_page_is_well_formed_and_needs_nothing_else(page: Page) -> None:
    assert page.open == []
    assert page.loaded == []
    assert len(page.ids) == len(set(page.ids))


def test_everything_of_the_contract_is_on_the_page(
    page: Page, document: dict[str, Any], spec: SpecFolder
) -> None:
    expected = {f"operation-{node['operationId']}" for _, _, node in operations(document)}
    expected |= {f"schema-{name}" for name in document["components"]["schemas"]}
    expected |= {f"process-{path.stem}" for path in spec.processes}
    assert expected <= set(page.ids)


def test_what_is_only_defined_is_told_apart(page: Page, document: dict[str, Any], spec: SpecFolder) -> None:
    implemented = implemented_processes()
    start, end = page.ids.index("processes"), page.ids.index("definitions")
    assert {f"process-{name}" for name in implemented} == set(page.ids[start + 1 : end])
    defined = {f"process-{path.stem}" for path in spec.processes if path.stem not in implemented}
    assert defined <= set(page.ids[end + 1 :])
    everything = Page()
    everything.feed(render_docs(document, spec, implemented={path.stem for path in spec.processes}))
    assert "definitions" not in everything.ids
    assert sorted(everything.ids) == sorted(set(page.ids) - {"definitions"})


def test_links_within_the_page_lead_somewhere(page: Page) -> None:
    assert set(page.targets) - set(page.ids) == set()


def test_descriptions_cannot_bring_html_along(document: dict[str, Any], spec: SpecFolder) -> None:
    info = {**document["info"], "description": "<script>alert(1)</script> [x](javascript:alert(1))"}
    text = render_docs({**document, "info": info}, spec, implemented=())
    assert "<script>alert" not in text
    assert 'href="javascript' not in text
