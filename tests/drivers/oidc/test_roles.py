from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connexeo.drivers.oidc.roles import roles_of
from connexeo.settings import OidcProvider

GROUP = "urn:mace:egi.eu:group:vo.river.example:role="
ENTITLEMENTS = [
    f"{GROUP}member#aai.egi.eu",
    f"{GROUP}early_adopter#aai.egi.eu",
    "urn:mace:egi.eu:group:vo.lake.example:role=vm_operator#aai.egi.eu",
    "urn:geant:egi.eu:res:river-eo?scope=[all]",
]


def _provider(**settings: Any) -> OidcProvider:
    return OidcProvider(id="river", issuer="https://login.river.example", title="River ID", **settings)


@pytest.mark.parametrize(
    ("claim", "claims", "expected"),
    [
        (None, {"groups": ["a"]}, set()),
        ("groups", {"groups": ["a", "b"]}, {"a", "b"}),
        ("scope", {"scope": "a b  c"}, {"a", "b", "c"}),
        ("realm_access.roles", {"realm_access": {"roles": ["a"]}}, {"a"}),
        ("https://x.example/roles", {"https://x.example/roles": ["a"]}, {"a"}),
        ("groups", {"groups": []}, set()),
        ("groups", {}, None),
        ("groups", {"groups": 5}, None),
        ("a.b", {"a": "text"}, None),
    ],
)
def test_roles(claim: str | None, claims: dict[str, Any], expected: set[str] | None) -> None:
    assert roles_of(_provider(roles_claim=claim), claims) == expected


@pytest.mark.parametrize(
    ("role_values", "expected"),
    [
        ({}, set(ENTITLEMENTS)),
        ({"member": f"{GROUP}member#aai.egi.eu"}, {"member"}),
        ({"member": f"{GROUP}member"}, set()),
        ({"member": f"{GROUP}member#*"}, {"member"}),
        ({"staff": [f"{GROUP}owner#*", "*:role=vm_operator#*"], "guest": "*vo.sea.example*"}, {"staff"}),
        ({"anybody": "*"}, {"anybody"}),
        # Only the asterisk is special.
        ({"eo": "urn:geant:egi.eu:res:river-eo?scope=[all]"}, {"eo"}),
        ({"eo": "urn:geant:egi.eu:res:river-eo?scope=[a-z]"}, set()),
        ({"eo": "urn:geant:egi?eu:res:*"}, set()),
        ({"member": f"{GROUP}MEMBER#*"}, set()),
    ],
)
def test_roles_of_entitlements(role_values: dict[str, Any], expected: set[str]) -> None:
    provider = _provider(roles_claim="eduperson_entitlement", role_values=role_values)
    assert roles_of(provider, {"eduperson_entitlement": ENTITLEMENTS}) == frozenset(expected)


def test_roles_that_are_mapped_of_a_claim_that_is_absent() -> None:
    provider = _provider(roles_claim="eduperson_entitlement", role_values={"anybody": "*"})
    assert roles_of(provider, {"sub": "ana"}) is None
    assert roles_of(provider, {"eduperson_entitlement": []}) == frozenset()


@given(st.lists(st.text(alphabet="ab", max_size=3), min_size=1, max_size=5), st.data())
def test_asterisks_stand_for_any_characters(parts: list[str], data: st.DataObject) -> None:
    pattern = "*".join(parts)
    value = data.draw(st.text(alphabet="ab", max_size=8) | st.just("".join(parts)))
    expected = re.fullmatch(".*".join(parts), value) is not None
    provider = _provider(roles_claim="g", role_values={"r": pattern})
    assert roles_of(provider, {"g": [value]}) == frozenset({"r"} if expected else ())
