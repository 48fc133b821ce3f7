"""Accounts of the local driver: who may log in by HTTP Basic or OpenID Connect, and their tokens."""

from connexeo.drivers.local.accounts.accounts import LocalAccounts

__all__ = ["LocalAccounts"]
