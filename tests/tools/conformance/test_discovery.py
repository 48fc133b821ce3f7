import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import pytest

from connexeo.tools.conformance.discovery import (
    DiscoveryError,
    anonymous_template,
    discover,
    offered,
)
from loopback_site import LoopbackSite
from served import Server, free_port

StartSite = Callable[..., LoopbackSite]


@pytest.fixture
def start_site() -> Iterator[StartSite]:
    with ExitStack() as stack:

        def start(pages: dict[str, Any] | None = None, **attributes: Any) -> LoopbackSite:
            site = LoopbackSite(pages or {}, **attributes)
            stack.callback(site.close)
            return site

        yield start


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    with httpx.Client(timeout=10) as client:
        yield client


def capabilities(version: str = "1.2.0", **more: Any) -> dict[str, Any]:
    return {"api_version": version, "endpoints": [], "links": []} | more


def listing(site: LoopbackSite, *entries: tuple[str, str, bool]) -> dict[str, Any]:
    return {
        "versions": [
            {"url": f"{site.url}{path}", "api_version": version, "production": production}
            for path, version, production in entries
        ]
    }


@pytest.fixture
def provider(start_site: StartSite) -> LoopbackSite:
    """Four versions, of which the newest two are not for production, or not known."""
    site = start_site()
    versions = [
        ("/v10", "1.0.1", True),
        ("/v12/", "1.2.0", True),
        ("/v13", "1.3.0", False),
        ("/v20", "2.0.0", True),
    ]
    site.pages |= {"/.well-known/openeo": listing(site, *versions), "/": "<h1>Welcome</h1>"}
    for path, version, _ in versions:
        for place in (path.rstrip("/"), f"{path.rstrip('/')}/"):
            site.pages[place] = capabilities(version)
    return site


@pytest.mark.parametrize("entry", ["", "/", "/.well-known/openeo"])
def test_a_host_leads_to_the_newest_known_version_in_production(
    provider: LoopbackSite, client: httpx.Client, entry: str
) -> None:
    found = discover(client, f"{provider.url}{entry}")
    assert (found.url, found.api_version) == (f"{provider.url}/v12", "1.2.0")
    assert found.capabilities["api_version"] == "1.2.0"
    assert found.entry == f"{provider.url}{entry}"
    assert found.well_known_url == f"{provider.url}/.well-known/openeo"
    assert [each.api_version for each in found.versions] == ["1.0.1", "1.2.0", "1.3.0", "2.0.0"]
    assert found.notes == ()


@pytest.mark.parametrize(
    ("wanted", "path"), [("1.0", "/v10"), ("1.0.1", "/v10"), ("v1.3", "/v13"), ("1", "/v12"), ("2", "/v20")]
)
def test_a_version_can_be_asked_for(
    provider: LoopbackSite, client: httpx.Client, wanted: str, path: str
) -> None:
    assert discover(client, provider.url, version=wanted).url == f"{provider.url}{path}"


def test_what_is_not_for_production_is_said(provider: LoopbackSite, client: httpx.Client) -> None:
    (note,) = discover(client, provider.url, version="1.3").notes
    assert "1.3.0 is not marked as ready for production" in note


def test_a_version_that_is_not_there_is_refused_with_those_that_are(
    provider: LoopbackSite, client: httpx.Client
) -> None:
    with pytest.raises(
        DiscoveryError, match=r"openEO 1\.1 is not offered; .* 1\.0\.1, 1\.2\.0, 1\.3\.0, 2\.0\.0"
    ):
        discover(client, provider.url, version="1.1")


def test_a_prefix_ends_where_a_number_ends(start_site: StartSite, client: httpx.Client) -> None:
    site = start_site()
    site.pages |= {"/.well-known/openeo": listing(site, ("/v", "1.20.0", True))}
    with pytest.raises(DiscoveryError, match="is not offered"):
        discover(client, site.url, version="1.2")


@pytest.mark.parametrize("entry", ["/v10", "/v10/"])
def test_the_url_of_a_version_is_that_version(
    provider: LoopbackSite, client: httpx.Client, entry: str
) -> None:
    found = discover(client, f"{provider.url}{entry}")
    assert (found.url, found.api_version) == (f"{provider.url}/v10", "1.0.1")
    assert len(found.versions) == 4


def test_from_one_version_another_is_found(provider: LoopbackSite, client: httpx.Client) -> None:
    assert discover(client, f"{provider.url}/v10", version="1.2").url == f"{provider.url}/v12"


def test_redirects_are_followed_and_said(provider: LoopbackSite, client: httpx.Client) -> None:
    provider.pages["/openeo"] = (302, "/v10/")
    found = discover(client, f"{provider.url}/openeo")
    assert found.url == f"{provider.url}/v10"
    assert found.notes == (f"redirected from {provider.url}/openeo to {provider.url}/v10",)


def test_a_slash_more_is_no_redirect_to_speak_of(provider: LoopbackSite, client: httpx.Client) -> None:
    provider.pages["/v10"] = (307, "/v10/")
    assert discover(client, f"{provider.url}/v10").notes == ()


def test_without_a_well_known_document_the_host_itself_is_asked(
    start_site: StartSite, client: httpx.Client
) -> None:
    site = start_site({"/": capabilities()})
    found = discover(client, site.url)
    assert (found.url, found.well_known, found.versions) == (site.url, None, ())
    assert found.notes == ("there is no well-known document that lists the versions of the API",)
    with pytest.raises(DiscoveryError, match=r"offers openEO 1\.2\.0, not 1\.0"):
        discover(client, site.url, version="1.0")


def test_a_well_known_document_may_be_below_a_path(start_site: StartSite, client: httpx.Client) -> None:
    site = start_site()
    site.pages |= {
        "/eo": "<h1>Docs</h1>",
        "/eo/.well-known/openeo": listing(site, ("/eo/api", "1.1.0", True)),
        "/eo/api": capabilities("1.1.0"),
    }
    assert discover(client, f"{site.url}/eo").url == f"{site.url}/eo/api"


def test_capabilities_say_where_their_well_known_document_is(
    start_site: StartSite, client: httpx.Client
) -> None:
    site = start_site()
    links = [{"rel": "version-history", "href": f"{site.url}/list"}, {"rel": "about"}, 3]
    site.pages |= {"/api": capabilities(links=links), "/list": listing(site, ("/api", "1.2.0", True))}
    assert discover(client, f"{site.url}/api").well_known_url == f"{site.url}/list"


def test_this_computer_needs_no_scheme(provider: LoopbackSite, client: httpx.Client) -> None:
    assert discover(client, provider.host).url == f"{provider.url}/v12"


def test_of_pre_releases_the_newest_is_taken_when_there_is_nothing_else(
    start_site: StartSite, client: httpx.Client
) -> None:
    site = start_site()
    versions = [("/a", "1.2.0-rc.1", False), ("/b", "1.2.0", False), ("/c", "1.1.0", False)]
    site.pages |= {"/.well-known/openeo": listing(site, *versions), "/b": capabilities("1.2.0")}
    assert discover(client, site.url).url == f"{site.url}/b"


def test_what_is_too_new_is_tested_when_there_is_nothing_else(
    start_site: StartSite, client: httpx.Client
) -> None:
    site = start_site()
    site.pages |= {
        "/.well-known/openeo": listing(site, ("/a", "2.0.0", True), ("/b", "1.9.0", True)),
        "/b": capabilities("1.9.0"),
    }
    assert discover(client, site.url).api_version == "1.9.0"


def test_a_listed_version_that_says_it_is_another_is_noted(
    provider: LoopbackSite, client: httpx.Client
) -> None:
    provider.pages["/v12"] = capabilities("1.1.0")
    found = discover(client, provider.url)
    assert found.api_version == "1.1.0"
    assert "says openEO 1.2.0" in found.notes[0]


def test_a_listed_url_that_answers_nothing_is_named(provider: LoopbackSite, client: httpx.Client) -> None:
    del provider.pages["/v12"]
    with pytest.raises(DiscoveryError, match=r"lists .*/v12, but .*/v12 answers HTTP 404"):
        discover(client, provider.url)
    # When the host is an API itself, that is tested.
    provider.pages["/"] = capabilities("1.1.0")
    found = discover(client, provider.url)
    assert (found.url, found.api_version) == (provider.url, "1.1.0")
    assert any("/v12" in note for note in found.notes)


@pytest.mark.parametrize(
    ("page", "message"),
    [
        ("<h1>Hello</h1>", "is an HTML page; give the URL of the API"),
        ({"stac_version": "1.0.0"}, "has no api_version, so it is no openEO API"),
        ([1], "has no api_version"),
        (404, "answers HTTP 404"),
        (503, "answers HTTP 503"),
        (401, "must be readable without a token"),
        ((302, "/api"), "redirects in a circle"),
        ({"api_version": "0.4.2"}, "openEO 0.4.2, which is too old"),
        ({"api_version": 1}, "no version such as 1.2.0"),
        ({"versions": []}, "lists no version with a usable URL"),
        ({"versions": [{"url": 3}, {"url": "mailto:a@b.example"}, None]}, "no version with a usable URL"),
    ],
)
def test_what_is_there_instead_of_an_api_is_said(
    start_site: StartSite, client: httpx.Client, page: Any, message: str
) -> None:
    site = start_site({"/api": page})
    with pytest.raises(DiscoveryError, match=message):
        discover(client, f"{site.url}/api")


def test_old_versions_only_are_refused(start_site: StartSite, client: httpx.Client) -> None:
    site = start_site()
    site.pages |= {"/.well-known/openeo": listing(site, ("/a", "0.3.1", True), ("/b", "0.4.2", True))}
    with pytest.raises(DiscoveryError, match=r"offers 0\.3\.1, 0\.4\.2 only, which is too old"):
        discover(client, site.url)


def test_nobody_listens(client: httpx.Client) -> None:
    with pytest.raises(DiscoveryError, match=r"nothing listens at 127\.0\.0\.1:\d+"):
        discover(client, f"http://127.0.0.1:{free_port()}")


def test_plain_http_where_tls_is_expected(provider: LoopbackSite, client: httpx.Client) -> None:
    with pytest.raises(DiscoveryError, match=f"does not speak TLS; try http://{provider.host}"):
        discover(client, f"https://{provider.host}")


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("", "the URL is empty"),
        ("ftp://a.example", "must begin with https"),
        ("https://", "not a valid URL"),
        ("https://a.example:port", "not a valid URL"),
        ("https://[::1", "not a valid URL"),
        ("https://ana:secret@a.example", "holds a user name or password"),
        ("ftp://ana:secret@a.example", "^ftp://a.example is no address of the web"),
        ("https://ana:secret@a.example:x", "^https://a.example:x is not a valid URL"),
    ],
)
def test_what_is_no_url_is_refused(client: httpx.Client, url: str, message: str) -> None:
    with pytest.raises(DiscoveryError, match=message) as refusal:
        discover(client, url)
    assert "secret" not in str(refusal.value)


def test_self_signed_certificates_need_to_be_trusted(
    start_site: StartSite, client: httpx.Client, certificate: tuple[str, str]
) -> None:
    site = start_site({"/": capabilities()}, certificate=certificate)
    with pytest.raises(DiscoveryError, match="is self-signed: use --insecure"):
        discover(client, site.url)
    with httpx.Client(verify=False) as trusting:
        assert discover(trusting, site.url).url == site.url
    # Without a scheme as well: that it speaks no plain HTTP is not what is wrong.
    with pytest.raises(DiscoveryError, match="is self-signed"):
        discover(client, site.host)


def test_certificates_of_others_are_not_accepted(start_site: StartSite, certificate: tuple[str, str]) -> None:
    context = ssl.create_default_context(cafile=certificate[0])
    site = start_site({"/": capabilities()}, certificate=certificate)
    with httpx.Client(verify=context) as client, pytest.raises(DiscoveryError, match="is not accepted"):
        discover(client, site.url)


def test_our_own_server_is_found(demo_server: Server, client: httpx.Client) -> None:
    found = discover(client, demo_server.url)
    assert found.api_version == "1.3.0"
    assert found.well_known is not None
    assert found.url in {each.url for each in found.versions}
    assert ("GET", "/jobs/{}") in offered(found.capabilities)


def test_offered_endpoints_do_not_depend_on_the_names_of_parameters() -> None:
    endpoints = [
        {"path": "/jobs/{id}/logs", "methods": ["GET"]},
        {"path": "/jobs", "methods": ["get", "POST", 3]},
        {"path": "files/{path}/", "methods": ["PUT"]},
        {"path": "/broken"},
        "nonsense",
    ]
    assert offered({"endpoints": endpoints}) == {
        ("GET", "/"),
        ("GET", "/jobs/{}/logs"),
        ("GET", "/jobs"),
        ("POST", "/jobs"),
        ("PUT", "/files/{}"),
    }
    assert offered({"endpoints": "nonsense"}) == {("GET", "/")}


def test_templates_without_names() -> None:
    assert anonymous_template("GET /a/{b}/c/{d}") == "GET /a/{}/c/{}"
