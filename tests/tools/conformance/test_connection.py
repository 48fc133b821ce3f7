import socket
from collections.abc import Callable

import httpx
import pytest

from connexeo.tools.conformance.caller import Caller, NoAnswer
from connexeo.tools.conformance.connection import open_client
from connexeo.tools.conformance.discovery import DiscoveryError, discover
from loopback_site import LoopbackSite
from misbehaving import Misbehaving, answer, trickle


@pytest.fixture
def public(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A host ``public.example`` that is at a public address; gives what was looked up."""
    asked: list[str] = []
    before = socket.getaddrinfo

    def look_up(host: str, port: int, *more: object, **options: object) -> list[object]:
        asked.append(host)
        names = {"public.example": "198.41.0.4", "rebound.example": "127.0.0.1"}
        return list(before(names.get(host, host), port, type=socket.SOCK_STREAM))

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return asked


def test_a_public_back_end_does_not_lead_into_the_own_network(
    misbehave: Callable[..., Misbehaving], public: list[str]
) -> None:
    inside = misbehave(answer({}))
    port = inside.url.rpartition(":")[2]
    with open_client("https://public.example/openeo", timeout=5) as client:
        for target in (inside.url, f"http://rebound.example:{port}", f"http://[::ffff:127.0.0.1]:{port}"):
            with pytest.raises(
                httpx.ConnectError, match=r"an address that a back-end at public\.example must not"
            ):
                client.get(target)
    assert inside.requests == []
    assert "rebound.example" in public


def test_discovery_of_a_public_back_end_does_not_lead_there_either(
    misbehave: Callable[..., Misbehaving], public: list[str]
) -> None:
    inside = misbehave(answer({"api_version": "1.2.0"}))
    with (
        open_client("https://public.example", timeout=5) as client,
        pytest.raises(DiscoveryError, match="must not lead to"),
    ):
        discover(client, inside.url)
    assert inside.requests == []
    assert public


def test_whoever_tests_here_stays_here(misbehave: Callable[..., Misbehaving]) -> None:
    server, other = misbehave(answer({})), misbehave(answer({}))
    with open_client(server.url, timeout=5) as client:
        assert client.get(other.url).status_code == 200


def test_logging_in_does_not_last_forever(misbehave: Callable[..., Misbehaving]) -> None:
    """Whatever is asked, not only by callers."""
    server = misbehave(trickle(b"HTTP/1.1 200 OK\r\nX-Long: ", b"a"))
    with open_client(server.url, timeout=0.4) as client, pytest.raises(httpx.ReadTimeout):
        client.get(server.url)


def test_broken_links_of_checks_are_told(
    misbehave: Callable[..., Misbehaving], call: Callable[..., Caller], public: list[str]
) -> None:
    inside = misbehave(answer({}))
    caller = call("https://public.example")
    with pytest.raises(NoAnswer, match=r"127\.0\.0\.1 is at 127\.0\.0\.1, an address that"):
        caller.get(inside.url)
    assert inside.requests == []
    assert public


def test_certificates_are_verified_unless_that_is_not_wanted(
    certificate: tuple[str, str], call: Callable[..., Caller]
) -> None:
    site = LoopbackSite({"/": {"a": 1}}, certificate=certificate)
    try:
        with pytest.raises(NoAnswer, match="self-signed certificate"):
            call(site.url).get("/")
        assert site.requests == []
        assert call(site.url, insecure=True).get("/").object() == {"a": 1}
    finally:
        site.close()
