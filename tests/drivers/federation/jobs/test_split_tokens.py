from __future__ import annotations

import pytest

from connexeo.drivers.federation.credentials import FederatedUser
from connexeo.drivers.federation.jobs.split_tokens import TokenBox
from connexeo.drivers.interface import Token, User

ANA = FederatedUser("egi~ana", provider="egi", token=Token("oidc", "egi", "secret-token"))


def test_tokens_come_back() -> None:
    sealed = TokenBox([b"a" * 20]).seal(ANA)
    assert sealed is not None
    assert "secret-token" not in sealed
    opened = TokenBox([b"a" * 20]).open(sealed, "egi~ana", "egi")
    assert isinstance(opened, FederatedUser)
    assert (opened.token, opened.provider) == (ANA.token, "egi")


def test_former_secrets_still_open_them() -> None:
    sealed = TokenBox([b"a" * 20]).seal(ANA)
    assert isinstance(TokenBox([b"b" * 20, b"a" * 20]).open(sealed, "egi~ana", "egi"), FederatedUser)


@pytest.mark.parametrize(
    ("secret", "user_id", "changed"),
    [
        (b"c" * 20, "egi~ana", ("", "")),
        (b"a" * 20, "egi~bob", ("", "")),
        (b"a" * 20, "egi~ana", (".", ".A")),
        (b"a" * 20, "egi~ana", ("e", "")),
    ],
)
def test_nobody_else_opens_them(secret: bytes, user_id: str, changed: tuple[str, str]) -> None:
    sealed = TokenBox([b"a" * 20]).seal(ANA)
    assert sealed is not None
    tampered = sealed.replace(*changed, 1) if changed[0] else sealed
    assert not isinstance(TokenBox([secret]).open(tampered, user_id, "egi"), FederatedUser)


def test_accounts_of_basic_need_none() -> None:
    assert TokenBox([b"a" * 20]).seal(User("ana")) is None
    assert TokenBox([b"a" * 20]).open(None, "ana", "basic") == User("ana")
