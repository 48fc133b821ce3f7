"""One run from beginning to end: find the API, log in, run the checks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version

import httpx

from connexeo.tools.conformance.authentication import Login
from connexeo.tools.conformance.backend import BackEnd
from connexeo.tools.conformance.budget import Budget
from connexeo.tools.conformance.caller import Caller, TokenSource
from connexeo.tools.conformance.contract import Contract, load_contract
from connexeo.tools.conformance.discovery import Discovery, discover, offered
from connexeo.tools.conformance.inspection import Inspection
from connexeo.tools.conformance.options import Options
from connexeo.tools.conformance.registry import Check, load_checks, select
from connexeo.tools.conformance.report import Report
from connexeo.tools.conformance.runner import Listener, run_checks

FEDERATION = "https://api.openeo.org/extensions/federation/"


@dataclass(slots=True)
class Tokens:
    """The token of one account, asked for when it is needed first."""

    login: Login
    client: httpx.Client
    discovery: Discovery
    _token: str | None = None

    def current(self) -> str | None:
        """The whole bearer token."""
        if self._token is None:
            self._token = self.login.token(self.client, self.discovery)
        return self._token

    def renew(self) -> bool:
        """Get another token; False when this one is all there is."""
        before = self._token
        self._token = self.login.renewed(self.client, self.discovery)
        return self._token is not None and self._token != before


def run(
    url: str,
    options: Options | None = None,
    *,
    account: Login | None = None,
    second_account: Login | None = None,
    listener: Listener | None = None,
) -> Report:
    """Test the back-end at a URL.

    Args:
        url: the API, or the host that it lives on.
        options: what to do, by default everything that changes nothing.
        account: how to log in; without, only what is open to everybody is tested.
        second_account: somebody else, to see that users are kept apart.
        listener: is told how it goes on.

    Raises:
        DiscoveryError: when there is no openEO API at the URL.
        LoginError: when logging in fails.
    """
    options = options or Options()
    checks = chosen(options)
    with opened(url, options, account, second_account) as (backend, inspection):
        return run_checks(backend, inspection, checks, listener)


@contextmanager
def opened(
    url: str, options: Options, account: Login | None = None, second_account: Login | None = None
) -> Iterator[tuple[BackEnd, Inspection]]:
    """The back-end at a URL, found and logged in to, and what looks at its answers.

    Raises:
        DiscoveryError: when there is no openEO API at the URL.
        LoginError: when logging in fails.
    """
    with httpx.Client(
        verify=not options.insecure,
        headers={"User-Agent": f"connexeo-conformance/{version('connexeo')}"},
        timeout=options.timeout,
    ) as client:
        discovery = discover(client, url, version=options.api_version)
        contract = contract_for(discovery, options)
        inspection = Inspection(contract)
        yield (
            open_backend(client, discovery, contract, options, inspection, account, second_account),
            inspection,
        )


def chosen(options: Options) -> tuple[Check, ...]:
    """The checks that the options select."""
    checks = select(load_checks(), options.layers)
    if options.only:
        return tuple(each for each in checks if each.id.startswith(options.only))
    return checks


def contract_for(discovery: Discovery, options: Options) -> Contract:
    """The contract of the version that the back-end has."""
    classes = discovery.capabilities.get("conformsTo")
    federated = isinstance(classes, list) and any(str(each).startswith(FEDERATION) for each in classes)
    return load_contract(discovery.api_version, federation=federated, extra=options.contract)


def open_backend(
    client: httpx.Client,
    discovery: Discovery,
    contract: Contract,
    options: Options,
    inspection: Inspection,
    account: Login | None,
    second_account: Login | None,
) -> BackEnd:
    """The back-end as checks see it, with whoever logs in logged in."""
    budget = Budget(options.max_time, options.max_requests, options.rate)

    def caller(name: str, login: Login | None) -> Caller:
        tokens: TokenSource | None = Tokens(login, client, discovery) if login else None
        if tokens:
            # Now: whoever cannot log in must know at once.
            tokens.current()
        return Caller(
            name, discovery.url, client, contract, budget, tokens, inspection.inspect, options.timeout
        )

    return BackEnd(
        discovery=discovery,
        contract=contract,
        options=options,
        budget=budget,
        anonymous=caller("anonymous", None),
        account=caller("user", account) if account else None,
        second_account=caller("stranger", second_account) if second_account else None,
        offered=frozenset(f"{method} {template}" for method, template in offered(discovery.capabilities)),
    )
