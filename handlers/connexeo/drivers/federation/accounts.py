"""Who asks: the accounts of the federation itself, whose tokens go along."""

from __future__ import annotations

from connexeo.drivers.federation.credentials import FederatedUser
from connexeo.drivers.interface import Token, User
from connexeo.drivers.local.accounts import LocalAccounts


class FederatedAccounts(LocalAccounts):
    """Implements ``AccountManagement`` as the local driver does."""

    async def authenticate(self, token: Token) -> User:
        """The user, with the token; of the two only the user is ever kept."""
        return FederatedUser.of(await super().authenticate(token), token)
