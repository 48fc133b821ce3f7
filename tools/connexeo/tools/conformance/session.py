"""One run from beginning to end: find the API, log in, run the checks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, fields, is_dataclass

import httpx

from connexeo.tools.conformance.authentication import Login, LoginError
from connexeo.tools.conformance.backend import BackEnd
from connexeo.tools.conformance.budget import Budget
from connexeo.tools.conformance.caller import Caller, TokenSource
from connexeo.tools.conformance.connection import open_client
from connexeo.tools.conformance.contract import Contract, load_contract
from connexeo.tools.conformance.discovery import Discovery, discover, offered
from connexeo.tools.conformance.exchange import Exchange
from connexeo.tools.conformance.inspection import NO_ANSWER, PREREQUISITES, Inspection
from connexeo.tools.conformance.interruption import Interruption
from connexeo.tools.conformance.ledger import Ledger
from connexeo.tools.conformance.masking import Secrets
from connexeo.tools.conformance.options import Options
from connexeo.tools.conformance.registry import Check, load_checks, select
from connexeo.tools.conformance.report import Report
from connexeo.tools.conformance.runner import Listener, run_checks

_NEEDED = (NO_ANSWER, PREREQUISITES)
"""Checks that tell why others could not, so that no selection leaves them out."""

FEDERATION = "https://api.openeo.org/extensions/federation/"


@dataclass(slots=True)
class Tokens:
    """The token of one account, asked for when it is needed first."""

    login: Login
    client: httpx.Client
    discovery: Discovery
    secrets: Secrets
    _token: str | None = None
    _ended: bool = False

    def current(self) -> str | None:
        """The whole bearer token."""
        if self._token is None:
            self._token = self.login.token(self.client, self.discovery)
            self.secrets.add(self._token)
        return self._token

    def renew(self) -> bool:
        """Get another token; False when this one is all there is."""
        if self._ended:
            return False
        try:
            token = self.login.renewed(self.client, self.discovery)
        except LoginError:
            token = None
        if token is None or token == self._token:
            # Asked once: whoever refuses now refuses before each of the next requests.
            self._ended = True
            return False
        self._token = token
        self.secrets.add(token)
        return True


SILENT = 8
"""Requests without any answer, one after the other, after which a back-end is taken to be down."""


@dataclass(slots=True)
class Recorder:
    """Is told of what callers do: every answer is inspected, everything that is created is remembered."""

    inspection: Inspection
    ledger: Ledger
    interruption: Interruption
    budget: Budget
    _silent: int = 0

    def saw(self, exchange: Exchange) -> None:
        """Inspect it; stop asking somebody who is not there any more."""
        self._silent = 0 if exchange.status else self._silent + 1
        if self._silent >= SILENT:
            self.budget.stopped = f"the back-end did not answer {SILENT} requests, one after the other"
        if exchange.status == 501 and exchange.method == "PUT":
            self.ledger.refused(exchange.url)
        self.inspection.inspect(exchange)

    def created(self, kind: str, name: str | None, caller: Caller) -> None:
        """Remember it."""
        self.ledger.created(kind, name, caller)

    def undisturbed(self) -> AbstractContextManager[None]:
        """Let Ctrl-C wait."""
        return self.interruption.undisturbed()


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
    with open_client(url, timeout=options.timeout, insecure=options.insecure) as client:
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
        return tuple(each for each in checks if each.id.startswith(options.only) or each in _NEEDED)
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
    ledger, secrets, interruption = Ledger(), Secrets(), Interruption()
    recorder = Recorder(inspection, ledger, interruption, budget)

    def caller(name: str, login: Login | None) -> Caller:
        tokens: TokenSource | None = None
        if login is not None:
            secrets.add(*secrets_of(login))
            tokens = Tokens(login, client, discovery, secrets)
            # Now: whoever cannot log in must know at once.
            tokens.current()
        return Caller(name, discovery.url, client, contract, budget, tokens, recorder, options.timeout)

    return BackEnd(
        discovery=discovery,
        contract=contract,
        options=options,
        budget=budget,
        anonymous=caller("anonymous", None),
        account=caller("user", account) if account else None,
        second_account=caller("stranger", second_account) if second_account else None,
        ledger=ledger,
        secrets=secrets,
        interruption=interruption,
        offered=frozenset(f"{method} {template}" for method, template in offered(discovery.capabilities)),
    )


def secrets_of(login: object) -> Iterator[str]:
    """What a way to log in keeps to itself: its fields that are not shown."""
    if is_dataclass(login):
        for each in fields(login):
            value = getattr(login, each.name)
            if isinstance(value, str) and not each.repr:
                yield value
            elif is_dataclass(value):
                yield from secrets_of(value)
