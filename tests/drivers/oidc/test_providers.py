from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connexeo.drivers.oidc.providers import describe_provider, user_id, user_of
from connexeo.settings import OidcProvider

CONTRACT_USER_ID = re.compile(r"[\w\-.~]+", re.ASCII)


def _provider(**settings: Any) -> OidcProvider:
    return OidcProvider(id="river", issuer="https://login.river.example", title="River ID", **settings)


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        ("ana", "river~ana"),
        ("auth0|5f7c", "river~auth0~7c5f7c"),
        ("../../etc", "river~..~2f..~2fetc"),
        ("a~7c", "river~a~7e7c"),
        ("ä@x", "river~~c3~a4~40x"),
    ],
)
def test_user_id(subject: str, expected: str) -> None:
    assert user_id("river", subject) == expected


@given(st.text(min_size=1, max_size=255).filter(lambda s: s.isprintable()))
def test_user_id_suits_the_contract(subject: str) -> None:
    identifier = user_id("river", subject)
    assert CONTRACT_USER_ID.fullmatch(identifier)
    assert len(identifier) <= 200


@given(st.lists(st.text(alphabet="a~/7ce2fé", min_size=1, max_size=5), min_size=2, max_size=2, unique=True))
def test_user_ids_differ(subjects: list[str]) -> None:
    assert len({user_id("river", subject) for subject in subjects}) == 2


def test_very_long_subjects_differ() -> None:
    assert user_id("river", "ä" * 200) != user_id("river", "ä" * 201)


def test_user_of_claims() -> None:
    claims = {
        "sub": "ana",
        "name": "  ",
        "preferred_username": "ana.\0\ud800l",
        "email": ["x"],
        "groups": ["eo", 1, "\0"],
    }
    user = user_of(_provider(roles_claim="groups"), claims)
    assert (user.name, user.email, user.provider) == ("ana.l", None, "river")
    assert user.roles == {"eo"}


def test_description_keeps_what_the_contract_knows() -> None:
    clients = [
        {"id": "c", "grant_types": ["refresh_token"]},
        {"id": "d", "grant_types": ["authorization_code+pkce"], "redirect_urls": ["https://editor.example/"]},
    ]
    provider = _provider(
        description="For *all*.",
        default_clients=clients,
        audience="secret-audience",
        authorization_parameters={"prompt": "select_account"},
    )
    assert describe_provider(provider) == {
        "id": "river",
        "issuer": "https://login.river.example",
        "title": "River ID",
        "description": "For *all*.",
        "scopes": ["openid", "email"],
        "default_clients": clients,
        "authorization_parameters": {"prompt": "select_account"},
    }
    assert (
        describe_provider(_provider().model_copy(update={"issuer": "https://x.example/"}))["issuer"]
        == "https://x.example"
    )


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"scopes": ["email"]}, "openid"),
        ({"default_clients": [{"id": "c", "grant_types": ["password"]}]}, "grant_types"),
        ({"default_clients": [{"id": "c", "grant_types": []}]}, "grant_types"),
        ({"default_clients": [{"id": "c", "grant_types": ["implicit"]}]}, "need redirect_urls"),
        (
            {"default_clients": [{"id": "c", "grant_types": ["refresh_token"], "secret": "s"}]},
            "not permitted",
        ),
    ],
)
def test_what_the_contract_does_not_allow_is_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        _provider(**settings)
