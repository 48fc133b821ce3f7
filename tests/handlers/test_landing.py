"""The page that a browser gets at ``/``."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import orjson
import pytest

from asgi_client import HOST, Client
from connexeo.drivers.interface import Page, User
from connexeo.generated.errors import InfrastructureBusy
from connexeo.handlers.landing import (
    SHOWN_COLLECTIONS,
    connect_snippets,
    file_formats,
    group_processes,
    spatial_extent,
    temporal_extent,
)
from fake_driver import FakeDiscovery, FakeDriver, make_collection

MakeClient = Callable[..., Client]
BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
HOSTILE = '</script><script>alert(1)</script><img src=x onerror="alert(1)">&"\''


class Elements(HTMLParser):
    """Everything that a page consists of."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self._open: list[str] = []
        self.contents: dict[str, list[str]] = {"script": [], "style": []}
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._open.append(tag)

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] in self.contents:
            self.contents[self._open[-1]].append(data)
        else:
            self.texts.append(data)

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop() != tag:
            pass

    def values(self, attribute: str) -> list[str]:
        return [attrs[attribute] or "" for _, attrs in self.tags if attribute in attrs]

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())


def page_of(client: Client, path: str = "/") -> Elements:
    response = client.get(path, headers=BROWSER)
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    return Elements(response.text)


@pytest.mark.parametrize(
    ("accept", "html"),
    [
        (BROWSER["Accept"], True),
        ("text/html", True),
        ("TEXT/HTML;q=0.9, application/json;q=0.8", True),
        ("application/json", False),
        ("*/*", False),
        ("", False),
        ("application/json, text/html", False),
        ("*/*, text/html", False),
        ("text/htmlx", False),
    ],
)
def test_who_gets_the_page(client: Client, accept: str, html: bool) -> None:
    response = client.get("/", headers={"Accept": accept})
    expected = "text/html; charset=utf-8" if html else "application/json"
    assert response.headers["content-type"] == expected
    assert "Accept" in response.headers["vary"].split(", ")


def test_page_tells_what_the_api_tells(client: Client) -> None:
    text = page_of(client).text
    capabilities = client.get("/").json()
    for word in (
        capabilities["title"],
        capabilities["description"],
        "openEO API 1.3.0",
        capabilities["backend_version"],
    ):
        assert word in text
    for collection in client.get("/collections").json()["collections"]:
        assert collection["id"] in text
        assert collection["title"] in text
    for process in client.get("/processes").json()["processes"]:
        assert process["id"] in text
    for endpoint in capabilities["endpoints"]:
        assert endpoint["path"] in text
    assert "GTiff" in text
    assert "hidden" not in text


def test_links_of_the_page_work(client: Client) -> None:
    hrefs = [href for href in page_of(client).values("href") if href.startswith(f"http://{HOST}")]
    assert len(hrefs) > 8
    for href in hrefs:
        assert client.get(href).status_code == 200, href


def test_fragments_of_the_page_lead_somewhere(client: Client) -> None:
    for path in ("/", "/api.html"):
        page = page_of(client, path)
        identifiers = page.values("id")
        assert len(identifiers) == len(set(identifiers))
        fragments = [href[1:] for href in page.values("href") if href.startswith("#")]
        assert fragments
        assert set(fragments) <= set(identifiers)
        for attribute in ("aria-labelledby", "data-filter", "data-copy"):
            assert set(page.values(attribute)) <= set(identifiers)


@pytest.mark.parametrize("path", ["/", "/api.html"])
def test_page_loads_nothing(client: Client, path: str) -> None:
    page = page_of(client, path)
    assert not page.values("src")
    assert not page.values("srcset")
    assert all(
        (attrs["href"] or "").startswith("data:")
        for tag, attrs in page.tags
        if tag == "link" and attrs["rel"] != "alternate"
    )
    assert not re.search(r"@import|url\(", page.contents["style"][0])


@pytest.mark.parametrize("path", ["/", "/api.html"])
def test_policy_allows_our_style_and_script_and_no_other(client: Client, path: str) -> None:
    response = client.get(path, headers=BROWSER)
    page = Elements(response.text)
    policy = dict(
        part.strip().split(" ", 1) for part in response.headers["content-security-policy"].split(";")
    )
    assert policy["default-src"] == "'none'"
    for name, directive in (("script", "script-src"), ("style", "style-src")):
        assert len(page.contents[name]) == 1
        digest = base64.b64encode(hashlib.sha256(page.contents[name][0].encode()).digest()).decode()
        assert policy[directive] == f"'sha256-{digest}'"
    assert "unsafe" not in response.headers["content-security-policy"]
    assert policy["frame-ancestors"] == "'none'"
    assert policy["connect-src"] == "'self'"
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["referrer-policy"] == "no-referrer"
    # Inline attributes would need an unsafe policy.
    assert not [name for _, attrs in page.tags for name in attrs if name.startswith("on") or name == "style"]


def test_policy_lets_the_page_read_from_the_public_address(make_client: MakeClient) -> None:
    client = make_client(public_url="https://eo.example/api")
    policy = client.get("/", headers=BROWSER).headers["content-security-policy"]
    assert policy.endswith("connect-src 'self' https://eo.example")


def hostile_driver() -> FakeDriver:
    collection = make_collection(
        HOSTILE,
        title=HOSTILE,
        description=f"{HOSTILE} [x](javascript:alert(1)) ![y](https://spy.example/a.png)",
    )
    process = {
        "id": HOSTILE,
        "summary": HOSTILE,
        "description": f"{HOSTILE}\n\n[x](javascript:alert(1)) <b>b</b>",
        "categories": [HOSTILE],
        "parameters": [{"name": HOSTILE, "description": HOSTILE, "schema": {"type": HOSTILE}}],
        "returns": {"description": HOSTILE, "schema": {"type": HOSTILE}},
    }
    driver = FakeDriver([collection], [process])
    links = [
        {"rel": HOSTILE, "href": "javascript:alert(1)"},
        {"rel": "about", "href": f"https://x.example/{HOSTILE}", "title": HOSTILE},
    ]
    member = {
        "url": "javascript:alert(1)",
        "title": HOSTILE,
        "status": HOSTILE,
        "description": HOSTILE,
        "last_successful_check": HOSTILE,
    }
    driver.capabilities.additions = {"links": links, "federation": {HOSTILE: member}}
    return driver


def test_texts_of_others_cannot_become_markup(make_client: MakeClient) -> None:
    client = make_client(hostile_driver(), title=HOSTILE, description=HOSTILE)
    harmless = page_of(make_client(FakeDriver([make_collection("a")])))
    page = page_of(client)
    assert {tag for tag, _ in page.tags} <= {tag for tag, _ in harmless.tags} | {"b", "dl", "dt", "dd"}
    assert [tag for tag, _ in page.tags].count("script") == 1
    assert not [href for href in page.values("href") if "javascript" in href]
    assert not [name for _, attrs in page.tags for name in attrs if name.startswith("on")]
    assert "alert(1)" in page.text


def test_the_back_ends_of_a_federation_are_shown(make_client: MakeClient) -> None:
    driver = FakeDriver()
    driver.capabilities.additions = {
        "federation": {
            "alps": {
                "url": "https://alps.example",
                "title": "The Alps",
                "status": "online",
                "last_successful_check": "2026-01-02T03:04:05Z",
                "description": "On **snow**.",
                "experimental": True,
            },
            "coast": {"url": "https://coast.example", "title": "The coast", "status": "offline"},
        }
    }
    page = page_of(make_client(driver))
    assert "alps The Alps experimental On snow . online 2026-01-02 03:04:05 UTC" in page.text
    assert "coast The coast offline never" in page.text
    assert {"https://alps.example", "https://coast.example", "#federation"} <= set(page.values("href"))
    assert "Back-ends" not in page_of(make_client(FakeDriver())).text


class Serialised(FakeDiscovery):
    """A catalogue whose documents are kept as JSON, property by property."""

    async def list_collections(self, user: User | None, *, limit: int | None, offset: str | None) -> Page:
        page = await super().list_collections(user, limit=limit, offset=offset)
        items = [
            {
                key: value if key in ("id", "links") else orjson.Fragment(orjson.dumps(value))
                for key, value in each.items()
            }
            for each in page.items
        ]
        return replace(page, items=items)


def test_collections_may_be_serialised_already(make_client: MakeClient) -> None:
    driver = FakeDriver()
    plain = page_of(make_client(driver)).text
    driver.data_discovery = Serialised(driver.data_discovery.collections, driver.data_discovery.private)
    assert page_of(make_client(driver)).text == plain
    assert "Fragment" not in plain


def test_host_header_cannot_become_markup(client: Client) -> None:
    response = client.get("/", headers={**BROWSER, "Host": 'x"><script>alert(1)</script>'})
    assert [tag for tag, _ in Elements(response.text).tags].count("script") == 1
    assert "alert" not in response.headers["content-security-policy"]


def test_thousands_of_collections(make_client: MakeClient) -> None:
    client = make_client(FakeDriver([make_collection(f"c{number:04}") for number in range(3000)]))
    page = page_of(client)
    shown = [code for code in page.texts if re.fullmatch(r"c\d{4}", code)]
    assert len(shown) == SHOWN_COLLECTIONS
    assert page.values("data-more") == [f"http://{HOST}/collections"]
    assert "There are more" in page.text


def test_as_many_collections_as_are_shown(make_client: MakeClient) -> None:
    client = make_client(FakeDriver([make_collection(f"c{number}") for number in range(SHOWN_COLLECTIONS)]))
    page = page_of(client)
    assert page.values("data-more") == []
    assert "There are more" not in page.text


def test_no_collections(make_client: MakeClient) -> None:
    assert "There are no collections" in page_of(make_client(FakeDriver([]))).text


class Unavailable(FakeDiscovery):
    """A catalogue that cannot be reached."""

    async def list_collections(self, user: User | None, *, limit: int | None, offset: str | None) -> Page:
        raise InfrastructureBusy()


def test_page_does_without_what_cannot_answer(make_client: MakeClient) -> None:
    driver = FakeDriver()
    driver.data_discovery = Unavailable({})
    page = page_of(make_client(driver))
    assert "collections" not in page.values("id")
    assert "processes" in page.values("id")


def test_page_does_without_what_is_not_offered(make_client: MakeClient) -> None:
    client = make_client(
        disabled="list-collections,list-processes,list-file-types,authenticate-basic,authenticate-oidc"
    )
    page = page_of(client)
    assert not {"collections", "processes", "formats"} & set(page.values("id"))
    assert "authenticate" not in page.text
    assert f"http://{HOST}/collections" not in page.values("href")


def test_base_path(make_client: MakeClient) -> None:
    client = make_client(base_path="/openeo/1.3")
    for path in ("/openeo/1.3", "/openeo/1.3/"):
        page = page_of(client, path)
        assert f'openeo.connect("http://{HOST}/openeo/1.3")' in page.text
        assert f"http://{HOST}/openeo/1.3/api.html" in page.values("href")
    assert "/openeo/1.3/" in page_of(client, "/openeo/1.3/api.html").values("href")


def test_back_end_that_is_not_in_production_says_so(make_client: MakeClient) -> None:
    assert "not in production" in page_of(make_client(production=False)).text
    assert "not in production" not in page_of(make_client(production=True)).text


def test_page_has_validators_like_every_document(client: Client) -> None:
    first = client.get("/", headers=BROWSER)
    assert client.get("/", headers={**BROWSER, "If-None-Match": first.headers["etag"]}).status_code == 304
    assert client.request("HEAD", "/", headers=BROWSER).content == b""


def test_controls_have_names(client: Client) -> None:
    page = page_of(client)
    buttons = [attrs for tag, attrs in page.tags if tag == "button"]
    assert len(buttons) == 4
    assert all(attrs["aria-label"] and attrs["type"] == "button" for attrs in buttons)
    tags = [tag for tag, _ in page.tags]
    assert tags.count("h1") == tags.count("main") == 1
    assert tags.count("input") == tags.count("label") == 2
    assert [attrs["lang"] for tag, attrs in page.tags if tag == "html"] == ["en"]


@pytest.mark.parametrize(
    ("paths", "python"),
    [
        (set(), ""),
        ({"/collections"}, "connection.list_collection_ids()"),
        ({"/credentials/basic", "/credentials/oidc"}, 'connection.authenticate_basic("…", "…")'),
        ({"/credentials/oidc"}, "connection.authenticate_oidc()"),
    ],
)
def test_snippets(paths: set[str], python: str) -> None:
    snippets = {language: code for language, _, code in connect_snippets("https://eo.example", paths)}
    assert list(snippets) == ["Python", "R", "JavaScript"]
    assert all('"https://eo.example"' in code for code in snippets.values())
    assert snippets["Python"].split('example")\n')[-1] == python or not python
    compile(snippets["Python"], "snippet", "exec")


@pytest.mark.parametrize(
    ("extent", "said"),
    [
        ([5, 51, 6.5, 52], "5° E – 6.5° E, 51° N – 52° N"),
        ([-10.123456, -5, 0, 5], "10.12° W – 0°, 5° S – 5° N"),
        ([-180, -90, 180, 90], "Global"),
        ([5, 51, 0, 6.5, 52, 100], "5° E – 6.5° E, 51° N – 52° N"),
        ([1, 2, 3], ""),
        ([None, 1, 2, 3], ""),
        ([], ""),
    ],
)
def test_spatial_extent(extent: list[Any], said: str) -> None:
    assert (
        spatial_extent({"extent": {"spatial": {"bbox": [extent]}}}).replace("\N{NO-BREAK SPACE}", " ") == said
    )


@pytest.mark.parametrize(
    ("interval", "said"),
    [
        (["2020-01-01T00:00:00Z", "2021-06-30T23:59:59Z"], "2020-01-01 – 2021-06-30"),
        (["2020-01-01T00:00:00Z", None], "2020-01-01 – today"),
        ([None, "2021-06-30T00:00:00Z"], "until 2021-06-30"),
        ([None, None], ""),
        ([], ""),
    ],
)
def test_temporal_extent(interval: list[Any], said: str) -> None:
    assert temporal_extent({"extent": {"temporal": {"interval": [interval]}}}) == said


@pytest.mark.parametrize(
    "collection",
    [
        {},
        {"extent": None},
        {"extent": {}},
        {"extent": {"spatial": None, "temporal": []}},
        {"extent": {"spatial": {"bbox": [5]}}},
    ],
)
def test_extent_that_is_missing_or_malformed(collection: dict[str, Any]) -> None:
    assert (spatial_extent(collection), temporal_extent(collection)) == ("", "")


def test_processes_are_grouped() -> None:
    processes: list[dict[str, Any]] = [
        {"id": "b", "categories": ["math", "x"]},
        {"id": "a", "categories": ["math"]},
        {"id": "c"},
        {"id": "d", "categories": ["zoo"]},
    ]
    groups = group_processes(processes)
    assert [(name, [row.id for row in rows]) for name, rows in groups] == [
        ("math", ["a", "b"]),
        ("zoo", ["d"]),
        ("other", ["c"]),
    ]
    assert "x" in groups[0][1][1].words


def test_formats_of_both_directions_are_one_list() -> None:
    formats = {
        "input": {"JSON": {"title": "In"}, "b": {"gis_data_types": None}},
        "output": {"JSON": {"title": "JavaScript Object Notation", "gis_data_types": ["other", "vector"]}},
    }
    assert file_formats(formats) == [
        ("b", "", "", True, False),
        ("JSON", "JavaScript Object Notation", "other, vector", True, True),
    ]
