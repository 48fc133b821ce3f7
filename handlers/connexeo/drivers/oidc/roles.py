"""Roles of a user, from what a provider claims about them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from connexeo.settings import OidcProvider


def roles_of(provider: OidcProvider, claims: Mapping[str, Any]) -> frozenset[str] | None:
    """The roles that the claims give; None when the claim that lists them is absent.

    ``roles_claim`` is the name of a claim, or else a path with dots such as ``realm_access.roles``; its value is a
    list, or text with spaces between the entries. Where ``role_values`` says which values give which role, other
    values give none.
    """
    if provider.roles_claim is None:
        return frozenset()
    values = _values(_find(claims, provider.roles_claim))
    if values is None or not provider.role_values:
        return values
    return frozenset(role for role, patterns in provider.role_values.items() if _any_fits(patterns, values))


def _find(claims: Mapping[str, Any], name: str) -> Any:
    value: Any = claims.get(name)
    if value is not None:
        return value
    value = claims
    for part in name.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def _values(claim: Any) -> frozenset[str] | None:
    if isinstance(claim, str):
        return frozenset(claim.split())
    if isinstance(claim, list):
        return frozenset(value for value in claim if isinstance(value, str) and value.isprintable())
    return None


def _any_fits(patterns: Iterable[str], values: Iterable[str]) -> bool:
    return any(_fits(pattern, value) for pattern in patterns for value in values)


def _fits(pattern: str, value: str) -> bool:
    """Whether the value is the pattern, whose asterisks stand for any characters; takes linear time.

    Nothing else is special: entitlements are URNs, in which question marks and brackets stand for themselves.
    """
    first, *rest = pattern.split("*")
    if not rest:
        return value == pattern
    *middle, last = rest
    position, end = len(first), len(value) - len(last)
    if position > end or not (value.startswith(first) and value.endswith(last)):
        return False
    for part in middle:
        position = value.find(part, position, end)
        if position < 0:
            return False
        position += len(part)
    return True
