import json
from urllib.parse import quote

import httpx
import pytest

from connexeo.tools.conformance.exchange import Exchange
from connexeo.tools.conformance.masking import Secrets, mask

TOKEN = "oidc/egi/eyJhbGciOi.J/I+UzI1NiJ9.c2lnbmF0dXJl"
BARE = "eyJhbGciOi.J/I+UzI1NiJ9.c2lnbmF0dXJl"


@pytest.mark.parametrize(
    "text",
    [
        '{"access_token": "a-secret-1", "x": 1}',
        '{"client_secret":"a-secret-1"}',
        '{"Authorization": "Bearer basic//a-secret-1"}',
        '{"refresh_token": "with \\"quotes\\" a-secret-1"}',
        "https://x.example/a?signature=a-secret-1&b=1",
        "https://x.example/a?b=1&X-Amz-Signature=a-secret-1",
        "https://x.example/a?b=1&X-Amz-Security-Token=a-secret-1",
        "https://x.example/a?b=1&amp;sig=a-secret-1",
        "https://user:a-secret-1@x.example/",
        "Authorization: Bearer basic//a-secret-1",
        "you sent Basic a-secret-1==",
    ],
)
def test_what_looks_like_a_secret_is_masked(text: str) -> None:
    assert "a-secret-1" not in mask(text)
    assert "***" in mask(text)


@pytest.mark.parametrize(
    "text",
    [
        '{"code": "TokenInvalid", "message": "The token is not valid"}',
        'www-authenticate: Bearer realm="openEO", error="invalid_token"',
        "https://x.example/collections?limit=2&bbox=1,2,3,4",
        "Basic authentication is not offered",
        "mail@x.example",
        '{"signature": {"type": "object"}}',
    ],
)
def test_what_is_none_stays(text: str) -> None:
    assert mask(text) == text


@pytest.mark.parametrize(
    "told",
    [TOKEN, BARE, quote(TOKEN, safe=""), quote(BARE), json.dumps({"a": TOKEN}), TOKEN.replace("/", "\\/")],
)
def test_known_secrets_are_masked_wherever_they_are(told: str) -> None:
    secrets = Secrets()
    secrets.add(TOKEN, None, "")
    assert "c2lnbmF0dXJl" not in secrets.mask(f"the server says: {told}!")


def test_words_are_no_secrets() -> None:
    secrets = Secrets()
    secrets.add("demo")
    assert secrets.mask("sentinel-2-l2a-demo") == "sentinel-2-l2a-demo"


def exchange(body: bytes, url: str = "https://x.example/", sent: bytes = b"") -> Exchange:
    return Exchange(
        "POST",
        url,
        "user",
        httpx.Headers({"Authorization": f"Bearer {TOKEN}", "X-Echo": TOKEN, "Cookie": "s=1"}),
        sent,
        200,
        httpx.Headers({"Location": f"https://x.example/?t={TOKEN}", "Content-Type": "application/json"}),
        body,
        0.1,
    )


def test_evidence_has_no_secrets() -> None:
    secrets = Secrets()
    secrets.add(TOKEN)
    shown = exchange(json.dumps({"you": TOKEN}).encode(), f"https://x.example/{quote(BARE)}", TOKEN.encode())
    told = shown.curl(secrets.mask) + shown.excerpt(hide=secrets.mask)
    assert "c2lnbmF0dXJl" not in told
    assert "Bearer ***" in told
    assert "s=1" not in told


@pytest.mark.parametrize("start", range(1150, 1201, 5))
def test_half_a_secret_does_not_show_where_the_excerpt_ends(start: int) -> None:
    secrets = Secrets()
    secrets.add(TOKEN)
    told = exchange(b"a" * start + TOKEN.encode()).excerpt(1200, secrets.mask)
    assert "oidc/egi" not in told
    assert "eyJ" not in told


def test_curl_lines_can_be_run() -> None:
    import shlex

    line = exchange(b"", "https://x.example/a?b=c d'e", b'{"a": "it\'s"}').curl()
    parts = shlex.split(line)
    assert parts[:4] == ["curl", "-i", "-X", "POST"]
    assert json.loads(parts[parts.index("--data-binary") + 1]) == {"a": "it's"}


def test_binary_bodies_are_counted_only() -> None:
    assert exchange(b"\0\1\2").excerpt().endswith("(3 bytes)")
