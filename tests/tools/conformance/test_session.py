from collections.abc import Callable
from dataclasses import dataclass, field

import httpx
import pytest

from connexeo.tools.conformance import session
from connexeo.tools.conformance.authentication import Basic, Bearer, ClientCredentials, OidcClient
from connexeo.tools.conformance.backend import BackEnd
from connexeo.tools.conformance.discovery import Discovery
from connexeo.tools.conformance.inspection import NO_ANSWER, PREREQUISITES, Inspection
from connexeo.tools.conformance.login import LoginError
from connexeo.tools.conformance.masking import Secrets
from connexeo.tools.conformance.options import Options
from connexeo.tools.conformance.session import Tokens, chosen, contract_for, secrets_of

Pretend = Callable[..., tuple[BackEnd, Inspection]]


@dataclass
class Login:
    """Gives one token after the other, until there are no more."""

    tokens: list[str | None] = field(default_factory=list)
    asked: int = 0

    def token(self, client: httpx.Client, discovery: Discovery) -> str:
        return "basic//the-first-token"

    def renewed(self, client: httpx.Client, discovery: Discovery) -> str | None:
        self.asked += 1
        if not self.tokens:
            raise LoginError("refused")
        return self.tokens.pop(0)


@pytest.fixture
def discovery() -> Discovery:
    return Discovery("https://x.example", "https://x.example", "1.2.0", {}, None, None, (), ())


@pytest.mark.parametrize("tokens", [[], [None], ["basic//the-first-token"]])
def test_whoever_cannot_renew_is_asked_once(discovery: Discovery, tokens: list[str | None]) -> None:
    login = Login(tokens)
    given = Tokens(login, httpx.Client(), discovery, Secrets())
    assert given.current() == "basic//the-first-token"
    assert [given.renew(), given.renew()] == [False, False]
    assert login.asked == 1
    assert given.current() == "basic//the-first-token"


def test_all_tokens_of_a_run_are_secrets(discovery: Discovery) -> None:
    secrets = Secrets()
    given = Tokens(Login(["basic//the-second-token"]), httpx.Client(), discovery, secrets)
    given.current()
    assert given.renew()
    assert given.current() == "basic//the-second-token"
    assert secrets.mask("the-first-token, the-second-token") == "***, ***"


def test_what_logins_hide_is_secret() -> None:
    assert list(secrets_of(Basic("maria", "pass-word"))) == ["pass-word"]
    assert list(secrets_of(Bearer("basic//abc"))) == ["basic//abc"]
    assert list(secrets_of(ClientCredentials(OidcClient("me", "its-secret"), None))) == ["its-secret"]


def test_checks_that_explain_others_are_always_made() -> None:
    ids = {check.id for check in chosen(Options(only=("profile.2",)))}
    assert {NO_ANSWER.id, PREREQUISITES.id} < ids
    assert all(id.startswith("profile.2") for id in ids - {NO_ANSWER.id, PREREQUISITES.id})


@pytest.mark.parametrize(
    ("classes", "federated"),
    [
        (["https://api.openeo.org/extensions/federation/0.1.0"], True),
        (["https://api.openeo.org/1.2.0"], False),
        (None, False),
        ("https://api.openeo.org/extensions/federation/0.1.0", False),
        ([7, None], False),
    ],
)
def test_the_contract_is_that_of_what_is_claimed(
    classes: object, federated: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bool] = []
    monkeypatch.setattr(session, "load_contract", lambda version, federation, extra: asked.append(federation))
    discovery = Discovery("https://x", "https://x", "1.3.0", {"conformsTo": classes}, None, None, (), ())
    contract_for(discovery, Options())
    assert asked == [federated]


def test_what_is_made_once_is_asked_for_once(pretend: Pretend) -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        return httpx.Response(200, json={})

    def make(backend: BackEnd) -> int:
        return backend.anonymous.get("/jobs").status

    backend, _ = pretend(answer)
    assert backend.known(make) is None
    assert [backend.once(make), backend.once(make)] == [200, 200]
    assert backend.known(make) == 200
    assert len(asked) == 1
