"""Ways to log in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from connexeo.tools.conformance.backend import BackEnd
from connexeo.tools.conformance.caller import NoAnswer
from connexeo.tools.conformance.registry import check, requirement
from connexeo.tools.conformance.resources import Entry, answer_to, object_of
from connexeo.tools.conformance.shapes import mapping, objects, text, texts
from connexeo.tools.conformance.verdicts import NotApplicable, NotTestable, Severity, Violation, require
from connexeo.tools.conformance.versions import version_number

_BASIC = "GET /credentials/basic"
_OIDC = "GET /credentials/oidc"
_FORM = re.compile(r"(basic/[^/]*|oidc/[^/]+)/.+", re.DOTALL)


@requirement(100, layer="profiles", account=True)
def form_of_tokens(backend: BackEnd) -> Iterator[Violation]:
    """A token is sent with method and provider in front, or bare where the API has it so."""
    backend.need("GET /me")
    token = backend.user.tokens.current() if backend.user.tokens else None
    if not token:
        raise NotTestable("there is no token whose form could be seen")
    answer = backend.user.get("/me")
    prefixed = _FORM.fullmatch(token) is not None
    if not prefixed and (version_number(backend.discovery.api_version) or (0, 0))[:2] >= (1, 3):
        raise NotTestable("a bare token was given, which openEO 1.3 has as well")
    if not prefixed:
        raise NotTestable("a token was given that has no method and provider in front")
    if not answer.ok:
        yield Violation(
            f"a token of the form method/provider/token is refused with HTTP {answer.status}", answer
        )


@requirement(110, layer="profiles", mend="Offer GET /credentials/basic or GET /credentials/oidc.")
def some_way(backend: BackEnd) -> Iterator[Violation]:
    """Where tokens are needed there is a way to get one."""
    if backend.offers(_BASIC) or backend.offers(_OIDC):
        return
    closed = [each.name for each in backend.contract.operations if each.secured and backend.offers(each.name)]
    if not closed:
        raise NotApplicable("nothing that is offered needs a token")
    yield Violation(
        f"there is no way to log in, which {closed[0]} needs", backend.once(answer_to("/", anonymous=True))
    )


@requirement(111, layer="profiles", mend="Switch HTTP Basic off in production.")
def no_basic_in_production(backend: BackEnd) -> Iterator[Violation]:
    """Whoever is ready for production has no passwords."""
    if backend.capabilities.get("production") is not True:
        raise NotApplicable("the back-end does not say that it is ready for production")
    if backend.offers(_BASIC):
        yield Violation("HTTP Basic is offered in production", backend.once(answer_to("/", anonymous=True)))


def _providers(backend: BackEnd) -> list[Entry]:
    answer = backend.once(answer_to("/credentials/oidc", anonymous=True))
    require(answer.ok, f"the providers are answered with HTTP {answer.status}", answer)
    document = answer.object()
    require(isinstance(document.get("providers"), list), "there is no array `providers`", answer)
    return [Entry(each, answer) for each in objects(document["providers"])]


@requirement(112, layer="profiles", operations=(_OIDC,), mend="List the providers, and ask for no token.")
def openid_connect(backend: BackEnd) -> Iterator[Violation]:
    """Providers are listed for everybody."""
    if not _providers(backend):
        yield Violation("no provider is listed", backend.once(answer_to("/credentials/oidc", anonymous=True)))


@check(
    "credentials.providers",
    "Providers of OpenID Connect can be told apart and used",
    layer="profiles",
    source="openEO API, GET /credentials/oidc",
    operations=(_OIDC,),
    mend="Correct what is said of the provider.",
)
def providers(backend: BackEnd) -> Iterator[Violation]:
    """Ids are unique, ``openid`` is among the scopes, issuers are absolute."""
    seen: set[str] = set()
    for entry in _providers(backend):
        about = entry.value
        if entry.id in seen:
            yield Violation(f"two providers have the id {entry.id}", entry.evidence)
        seen.add(entry.id)
        if "scopes" in about and "openid" not in texts(about["scopes"]):
            yield Violation(f"the scopes of the provider {entry.id} lack openid", entry.evidence)
        issuer = text(about.get("issuer"))
        if not issuer.startswith(("https://", "http://")):
            yield Violation(f"the issuer of the provider {entry.id} is no URL: {issuer!r}", entry.evidence)
        if not text(about.get("title")):
            yield Violation(f"the provider {entry.id} has no title", entry.evidence, severity=Severity.MINOR)
        clients = [text(each.get("id")) for each in objects(about.get("default_clients"))]
        if len(set(clients)) != len(clients):
            yield Violation(f"two default clients of the provider {entry.id} have one id", entry.evidence)
        for client in objects(about.get("default_clients")):
            if any(
                "code+" in grant or grant == "implicit" for grant in texts(client.get("grant_types"))
            ) and (
                not _needs_no_redirect(texts(client.get("grant_types"))) and not client.get("redirect_urls")
            ):
                yield Violation(
                    f"a default client of the provider {entry.id} needs `redirect_urls` for its grant types",
                    entry.evidence,
                    severity=Severity.MINOR,
                )


def _needs_no_redirect(grants: list[str]) -> bool:
    return all("device_code" in grant or grant == "refresh_token" for grant in grants)


@check(
    "credentials.issuers",
    "Issuers of the providers publish their OpenID configuration",
    layer="profiles",
    source="OpenID Connect Discovery 1.0, section 4",
    operations=(_OIDC,),
    mend="Give the issuer exactly as the provider calls itself.",
)
def issuers(backend: BackEnd) -> Iterator[Violation]:
    """The configuration is where clients look for it, and names the issuer."""
    for entry in _providers(backend)[:5]:
        issuer = text(entry.value.get("issuer"))
        if not urlsplit(issuer).netloc:
            continue
        try:
            answer = backend.anonymous.get(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
        except NoAnswer:
            # Told by the check of complete answers, as for any request.
            continue
        document = mapping(object_of(answer))
        if "issuer" not in document:
            yield Violation(f"there is no OpenID configuration at {issuer}: HTTP {answer.status}", answer)
        elif text(document["issuer"]).rstrip("/") != issuer.rstrip("/"):
            yield Violation(
                f"the issuer is {issuer}, but it calls itself {document['issuer']}",
                answer,
                severity=Severity.MINOR,
            )


@check(
    "credentials.wrong-password",
    "Nobody logs in without the right password",
    layer="security",
    source="openEO API, GET /credentials/basic",
    operations=(_BASIC,),
    severity=Severity.CRITICAL,
    mend="Answer 401 without, and 403 CredentialsInvalid with wrong user name or password.",
)
def wrong_password(backend: BackEnd) -> Iterator[Violation]:
    """A user that nobody is, and no user at all, get no token."""
    # "conformance-nobody:wrong" as HTTP Basic has it.
    wrong = {"Authorization": "Basic Y29uZm9ybWFuY2Utbm9ib2R5Ondyb25n"}
    for headers, what in (({}, "no credentials"), (wrong, "a user name that nobody has")):
        answer = backend.anonymous.get("/credentials/basic", headers=headers)
        if answer.ok:
            yield Violation(f"{what} are answered with HTTP {answer.status}", answer)
        elif answer.status not in {400, 401, 403, 429}:
            yield Violation(f"{what}: HTTP {answer.status}, not 401 or 403", answer, severity=Severity.MINOR)
