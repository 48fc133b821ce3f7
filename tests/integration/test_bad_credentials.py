"""Whoever a client says that it is, nobody is let in who is not known, and nothing is told."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

pytestmark = pytest.mark.usefixtures("without_faults")

Expect = Callable[..., str]


def expired_token(server: Any) -> str:
    from connexeo.drivers.local.accounts.tokens import Tokens

    secret = (Path(server.data) / "secret").read_bytes()
    issuer = Tokens([secret], issuer="connexeo", lifetime=60, now=lambda: time.time() - 3600)
    return "Bearer basic//" + issuer.issue("demo", 0)


@pytest.mark.parametrize(
    ("authorization", "status", "code"),
    [
        (None, 401, "AuthenticationRequired"),
        ("", 401, "AuthenticationRequired"),
        ("Bearer", 403, "TokenInvalid"),
        ("Bearer x", 403, "TokenInvalid"),
        ("Bearer basic//", 403, "TokenInvalid"),
        ("Bearer basic//a.b.c", 403, "TokenInvalid"),
        ("Bearer basic/x/y", 403, "TokenInvalid"),
        ("Bearer oidc/nowhere/a.b.c", 403, "TokenInvalid"),
        ("Bearer a.b.c", 403, "TokenInvalid"),
        ("Bearer ../../secret", 403, "TokenInvalid"),
        ("Bearer basic//" + "x" * 20_000, 403, "TokenInvalid"),
        (b"Bearer basic//\xff\xfe", 403, "TokenInvalid"),
        ("Basic ZGVtbzpkZW1v", 403, "AuthenticationSchemeInvalid"),
        ("Digest username=demo", 403, "AuthenticationSchemeInvalid"),
    ],
)
def test_bad_token(
    authorization: Any, status: int, code: str, demo_server: Any, expect_error: Expect
) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    answer = httpx.get(f"{demo_server.url}/me", headers=headers)
    expect_error(answer, demo_server, status, code)
    assert ("www-authenticate" in answer.headers) == (status == 401)


def test_token_that_is_wrong_by_a_letter_or_too_old(
    token: str, demo_server: Any, expect_error: Expect
) -> None:
    swapped = token[:-10] + ("A" if token[-10] != "A" else "B") + token[-9:]
    for authorization in (f"Bearer {swapped}", expired_token(demo_server)):
        answer = httpx.get(f"{demo_server.url}/me", headers={"Authorization": authorization})
        expect_error(answer, demo_server, 403, "TokenInvalid")


def test_bad_token_is_refused_where_none_is_needed(demo_server: Any, expect_error: Expect) -> None:
    answer = httpx.get(f"{demo_server.url}/collections", headers={"Authorization": "Bearer x"})
    expect_error(answer, demo_server, 403, "TokenInvalid")


@pytest.mark.parametrize(
    ("authorization", "status", "code"),
    [
        (None, 401, "AuthenticationRequired"),
        ("Basic", 403, "CredentialsInvalid"),
        ("Basic ???", 403, "CredentialsInvalid"),
        ("Basic ZGVtbw==", 403, "CredentialsInvalid"),
        ("Basic /////w==", 403, "CredentialsInvalid"),
        ("Basic bm9ib2R5Om5vdGhpbmc=", 403, "CredentialsInvalid"),
        ("Bearer x", 403, "AuthenticationSchemeInvalid"),
    ],
)
def test_bad_credentials(
    authorization: str | None, status: int, code: str, demo_server: Any, expect_error: Expect
) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    expect_error(
        httpx.get(f"{demo_server.url}/credentials/basic", headers=headers), demo_server, status, code
    )


def payload(**claims: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")


def test_token_with_the_claims_of_another(token: str, demo_server: Any, expect_error: Expect) -> None:
    header, claims, signature = token.removeprefix("basic//").split(".")
    known = json.loads(base64.urlsafe_b64decode(claims + "=="))
    unsigned = payload(**json.loads(base64.urlsafe_b64decode(header + "==")) | {"alg": "none"})
    forged = [
        f"{header}.{payload(**known | {'sub': 'maria'})}.{signature}",
        f"{header}.{payload(**known | {'exp': known['exp'] + 10**6})}.{signature}",
        f"{header}.{payload(**known | {'gen': known['gen'] + 1})}.{signature}",
        f"{header}.{claims}.",
        f"{unsigned}.{claims}.",
        f"{unsigned}.{claims}.{signature}",
    ]
    for value in forged:
        for bearer in (f"basic//{value}", value, f"oidc/basic/{value}"):
            answer = httpx.get(f"{demo_server.url}/me", headers={"Authorization": f"Bearer {bearer}"})
            expect_error(answer, demo_server, 403, "TokenInvalid")


def test_two_tokens_in_one_request(token: str, demo_server: Any, expect_error: Expect) -> None:
    """Neither counts: a proxy might have looked at the other one."""
    for pair in ((token, "basic//a.b.c"), ("basic//a.b.c", token), (token, token)):
        for path in ("/me", "/collections", "/credentials/basic"):
            headers = [("Authorization", f"Bearer {value}") for value in pair]
            answer = httpx.get(f"{demo_server.url}{path}", headers=headers)
            expect_error(answer, demo_server, 400, "RequestInvalid", "several")


@pytest.mark.parametrize(
    "name",
    [
        "demo\r\nX-Evil: 1",
        "demo\0",
        "demo ",
        " demo",
        "Demo",
        "demo'--",
        "%",
        "../demo",
        "d" * 10_000,
        "demö",
        "",
    ],
)
def test_names_that_are_not_quite_the_same(name: str, demo_server: Any, expect_error: Expect) -> None:
    credentials = base64.b64encode(f"{name}:demo".encode()).decode()
    answer = httpx.get(
        f"{demo_server.url}/credentials/basic", headers={"Authorization": f"Basic {credentials}"}
    )
    expect_error(answer, demo_server, 403, "CredentialsInvalid")
    assert "x-evil" not in answer.headers


@pytest.fixture
def add_user(demo_server: Any, run_command: Callable[..., Any]) -> Callable[[str], None]:
    def add(name: str) -> None:
        text = "correct horse\n"
        added = run_command("users", "add", name, "--password-stdin", data=demo_server.data, text=text)
        assert added.returncode == 0, added.stderr

    return add


def refused_by_all(server: Any, bearer: str) -> bool:
    """Whether both workers refuse a token, each of which trusts one that it has seen for a few seconds."""
    headers = {"Authorization": f"Bearer {bearer}"}
    return all(httpx.get(f"{server.url}/me", headers=headers).status_code == 403 for _ in range(20))


@pytest.mark.parametrize("command", ["revoke", "password"])
def test_tokens_that_are_revoked(
    command: str,
    demo_server: Any,
    add_user: Callable[[str], None],
    token_of: Callable[..., str],
    run_command: Callable[..., Any],
    expect_error: Expect,
    wait_until: Callable[..., None],
) -> None:
    name = f"{command}d"
    add_user(name)
    old = token_of(demo_server, name, "correct horse")
    assert not refused_by_all(demo_server, old)
    options = ["--password-stdin"] if command == "password" else []
    done = run_command("users", command, name, *options, data=demo_server.data, text="correct horse\n")
    assert done.returncode == 0, done.stderr
    wait_until(lambda: refused_by_all(demo_server, old), "the token is still good")
    answer = httpx.get(f"{demo_server.url}/me", headers={"Authorization": f"Bearer {old}"})
    expect_error(answer, demo_server, 403, "TokenInvalid")
    assert not refused_by_all(demo_server, token_of(demo_server, name, "correct horse"))


def test_a_user_who_is_removed(
    demo_server: Any,
    add_user: Callable[[str], None],
    token_of: Callable[..., str],
    run_command: Callable[..., Any],
    expect_error: Expect,
) -> None:
    """Whoever gets the name afterwards has nothing of it, and old tokens open nothing."""
    add_user("rita")
    old = token_of(demo_server, "rita", "correct horse")
    headers = {"Authorization": f"Bearer {old}"}
    upload = {**headers, "Content-Type": "application/octet-stream"}
    assert httpx.put(f"{demo_server.url}/files/a.txt", content=b"mine", headers=upload).status_code == 200
    done = run_command("users", "delete", "rita", "--yes", data=demo_server.data)
    assert done.returncode == 0, done.stderr
    expect_error(httpx.get(f"{demo_server.url}/me", headers=headers), demo_server, 403, "TokenInvalid")
    add_user("rita")
    new = {"Authorization": f"Bearer {token_of(demo_server, 'rita', 'correct horse')}"}
    assert httpx.get(f"{demo_server.url}/files", headers=new).json()["files"] == []
    expect_error(httpx.get(f"{demo_server.url}/files/a.txt", headers=new), demo_server, 404, "FileNotFound")


def test_a_user_who_is_disabled(
    demo_server: Any,
    add_user: Callable[[str], None],
    token_of: Callable[..., str],
    run_command: Callable[..., Any],
    expect_error: Expect,
    wait_until: Callable[..., None],
) -> None:
    add_user("jonas")
    bearer = token_of(demo_server, "jonas", "correct horse")
    headers = {"Authorization": f"Bearer {bearer}"}
    assert httpx.get(f"{demo_server.url}/me", headers=headers).json()["user_id"] == "jonas"
    disabled = run_command("users", "disable", "jonas", data=demo_server.data)
    assert disabled.returncode == 0, disabled.stderr
    wait_until(lambda: refused_by_all(demo_server, bearer), "the token is still good")
    answer = httpx.get(f"{demo_server.url}/me", headers=headers)
    expect_error(answer, demo_server, 403, "PermissionsInsufficient")
    login = httpx.get(f"{demo_server.url}/credentials/basic", auth=("jonas", "correct horse"))
    expect_error(login, demo_server, 403, "PermissionsInsufficient")
