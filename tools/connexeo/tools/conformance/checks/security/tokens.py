"""What needs a token is refused without one, and with any that is not valid."""

from __future__ import annotations

import base64
from collections.abc import Iterator

import orjson

from connexeo.tools.conformance.backend import BackEnd
from connexeo.tools.conformance.checks.security.probes import Probe, closed_operations, private_reading
from connexeo.tools.conformance.exchange import Exchange
from connexeo.tools.conformance.registry import check, requirement
from connexeo.tools.conformance.verdicts import NotApplicable, NotTestable, Severity, Violation

SOURCE = "openEO API, Authentication"
MEND = "Check the token before anything else, for this operation too."
REFUSED = "Refuse it with 403 TokenInvalid."

GARBAGE = {
    "no method": "conformance",
    "an unknown Basic token": "basic//conformance-not-a-token",
    "an unknown provider": "oidc/conformance-no-provider/abc.def.ghi",
    "an unknown method": "magic//abc",
    "three empty parts": "//",
    "half a JWT": "eyJhbGciOiJSUzI1NiJ9.e30",
}
"""Bearer tokens that no back-end can have given out."""


@requirement(101, layer="security", mend=f"{MEND} Answer 401 AuthenticationRequired.")
def no_token(backend: BackEnd) -> Iterator[Violation]:
    """Every operation that needs a token, without one."""
    for probe in _closed(backend):
        answer = probe.send(backend.anonymous)
        if answer.ok:
            yield Violation(
                f"HTTP {answer.status} without a token", answer, severity=Severity.CRITICAL, place=probe.name
            )
        elif answer.status != 401:
            yield Violation(
                f"HTTP {answer.status} {answer.code or ''} without a token, not 401".replace("  ", " "),
                answer,
                place=probe.name,
            )


@requirement(102, layer="security", mend=REFUSED)
def wrong_token(backend: BackEnd) -> Iterator[Violation]:
    """Every operation that needs a token, with one that is not valid."""
    for probe in _closed(backend):
        answer = probe.send(backend.anonymous, token=GARBAGE["an unknown Basic token"])
        if answer.ok:
            yield Violation(
                f"HTTP {answer.status} with a token that nobody has given out",
                answer,
                severity=Severity.CRITICAL,
                place=probe.name,
            )
        elif answer.status == 401:
            yield Violation(
                "HTTP 401 with a wrong token, not 403", answer, severity=Severity.MINOR, place=probe.name
            )
        elif answer.status != 403:
            yield Violation(
                f"HTTP {answer.status} {answer.code or ''} with a wrong token, not 403".replace("  ", " "),
                answer,
                place=probe.name,
            )


def _closed(backend: BackEnd) -> list[Probe]:
    probes = closed_operations(backend)
    if not probes:
        raise NotApplicable("nothing that is offered needs a token")
    return probes


@check(
    "security.malformed-token",
    "A token of a form that nobody gives out is refused, with no failure of the server",
    layer="security",
    source=SOURCE,
    severity=Severity.CRITICAL,
    mend=REFUSED,
)
def malformed_token(backend: BackEnd) -> Iterator[Violation]:
    """One operation, with all kinds of malformed tokens."""
    probe = private_reading(backend)
    for kind, token in GARBAGE.items():
        answer = probe.send(backend.anonymous, token=token)
        if answer.status not in {401, 403}:
            yield _let_in(answer, kind, probe)
    for kind, header in {"no token at all": "Bearer", "another scheme": "Basic Y29uZjpjb25m"}.items():
        answer = backend.anonymous.request(probe.method, probe.path, headers={"Authorization": header})
        if answer.status not in {400, 401, 403}:
            yield _let_in(answer, kind, probe)


def _let_in(answer: Exchange, kind: str, probe: Probe) -> Violation:
    severity = Severity.CRITICAL if answer.ok else Severity.MAJOR
    return Violation(
        f"HTTP {answer.status} for a token with {kind}, not 403", answer, severity=severity, place=probe.name
    )


@check(
    "security.forged-token",
    "A valid token that was changed is refused",
    layer="security",
    source=SOURCE,
    severity=Severity.CRITICAL,
    account=True,
    mend="Verify signatures, and compare tokens as a whole.",
)
def forged_token(backend: BackEnd) -> Iterator[Violation]:
    """The user's own token with another end, and as an unsigned JWT."""
    probe = private_reading(backend)
    token = _token(backend)
    for kind, forged in _forgeries(token).items():
        answer = probe.send(backend.anonymous, token=forged)
        if answer.status not in {401, 403}:
            severity = Severity.CRITICAL if answer.ok else Severity.MAJOR
            yield Violation(
                f"HTTP {answer.status} for a token {kind}, not 403",
                answer,
                severity=severity,
                place=probe.name,
            )


def _token(backend: BackEnd) -> str:
    token = backend.user.tokens.current() if backend.user.tokens else None
    if not token:
        raise NotTestable("the account has no token")
    return token


def _forgeries(token: str) -> dict[str, str]:
    changed = "".join("B" if each == "A" else "A" for each in token[-12:])
    forged = {
        "with another end": token[:-12] + changed,
        "that is cut short": token[: -max(6, len(token) // 4)],
    }
    prefix, slash, secret = token.rpartition("/")
    parts = secret.split(".")
    if len(parts) == 3 and all(parts):
        header = base64.urlsafe_b64encode(orjson.dumps({"alg": "none", "typ": "JWT"})).rstrip(b"=").decode()
        forged["that is an unsigned JWT"] = f"{prefix}{slash}{header}.{parts[1]}."
        forged["whose claims were changed"] = f"{prefix}{slash}{parts[0]}.{_older(parts[1])}.{parts[2]}"
    return forged


def _older(claims: str) -> str:
    """The claims of somebody else, who does not exist."""
    try:
        value = orjson.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
    except ValueError:
        return claims[::-1]
    return (
        base64.urlsafe_b64encode(orjson.dumps({**value, "sub": "conformance-nobody"})).rstrip(b"=").decode()
    )


@check(
    "security.scheme-case",
    "The scheme of the Authorization header is understood in any letter case",
    layer="security",
    source="RFC 9110, section 11.1",
    severity=Severity.MINOR,
    account=True,
)
def scheme_case(backend: BackEnd) -> Iterator[Violation]:
    """``bearer`` instead of ``Bearer``."""
    probe = private_reading(backend)
    answer = backend.anonymous.request(
        probe.method, probe.path, headers={"Authorization": f"bearer {_token(backend)}"}
    )
    if answer.status in {400, 401, 403}:
        yield Violation(f"HTTP {answer.status} for the scheme `bearer`, where `Bearer` is accepted", answer)


@check(
    "security.basic-credentials",
    "Wrong user names and passwords are refused, and no token is given for none",
    layer="security",
    source="openEO API, GET /credentials/basic",
    operations=("GET /credentials/basic",),
    severity=Severity.CRITICAL,
    mend="Answer 401 without credentials, 403 CredentialsInvalid for wrong ones.",
)
def basic_credentials(backend: BackEnd) -> Iterator[Violation]:
    """A user that cannot exist, and nobody."""
    wrong = base64.b64encode(b"conformance-nobody:conformance-nothing").decode()
    for kind, headers, expected in (
        ("wrong credentials", {"Authorization": f"Basic {wrong}"}, 403),
        ("no credentials", {}, 401),
    ):
        answer = backend.anonymous.get("/credentials/basic", headers=headers)
        if answer.ok:
            yield Violation(f"HTTP {answer.status} for {kind}", answer)
        elif answer.status != expected and answer.status in {401, 403}:
            yield Violation(
                f"HTTP {answer.status} for {kind}, not {expected}", answer, severity=Severity.MINOR
            )
        elif answer.status != expected:
            yield Violation(
                f"HTTP {answer.status} for {kind}, not {expected}", answer, severity=Severity.MAJOR
            )


@check(
    "security.head",
    "HEAD gives nothing away that GET does not",
    layer="security",
    source="RFC 9110, section 9.3.2",
    severity=Severity.CRITICAL,
    mend=MEND,
)
def head(backend: BackEnd) -> Iterator[Violation]:
    """HEAD of what needs a token, without one."""
    probe = private_reading(backend)
    answer = backend.anonymous.request("HEAD", probe.path)
    if answer.ok:
        yield Violation(f"HTTP {answer.status} for HEAD without a token", answer, place=f"HEAD {probe.path}")
