"""The account of whoever asks."""

from __future__ import annotations

from collections.abc import Iterator

from connexeo.tools.conformance.backend import BackEnd
from connexeo.tools.conformance.caller import Caller
from connexeo.tools.conformance.registry import check, requirement
from connexeo.tools.conformance.resources import object_of
from connexeo.tools.conformance.shapes import mapping, text
from connexeo.tools.conformance.verdicts import Severity, Violation, require

_OPERATION = "GET /me"


@requirement(120, layer="profiles", operations=(_OPERATION,), account=True)
def account(backend: BackEnd) -> Iterator[Violation]:
    """A user is told about the account."""
    answer = backend.user.get("/me")
    if object_of(answer) is None:
        yield Violation(f"with a token it is answered with HTTP {answer.status} and no JSON object", answer)


@requirement(
    121, layer="profiles", operations=(_OPERATION,), account=True, mend="Give each user one lasting id."
)
def user_id(backend: BackEnd) -> None:
    """The identifier of a user is there, and stays."""
    first = _user_id(backend.user)
    answer = backend.user.get("/me")
    again = text(mapping(object_of(answer)).get("user_id"))
    require(first == again, f"`user_id` was {first} and is {again} in the next answer", answer)


def _user_id(caller: Caller) -> str:
    answer = caller.get("/me")
    found = text(mapping(object_of(answer)).get("user_id"))
    require(found, "there is no `user_id`", answer)
    return found


@check(
    "account.distinct",
    "Two users have two identifiers",
    layer="security",
    source="openEO API, GET /me, `user_id`",
    operations=(_OPERATION,),
    stranger=True,
    severity=Severity.CRITICAL,
    mend="Tell users apart by their tokens.",
)
def distinct(backend: BackEnd) -> None:
    """The second account is another one."""
    answer = backend.stranger.get("/me")
    other = text(mapping(object_of(answer)).get("user_id"))
    require(_user_id(backend.user) != other, "both accounts have the same `user_id`", answer)
