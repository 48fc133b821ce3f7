"""The back-end under test, as the checks see it."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import quote

from connexeo.tools.conformance.budget import Budget
from connexeo.tools.conformance.caller import Caller, NoAnswer
from connexeo.tools.conformance.contract import Contract
from connexeo.tools.conformance.discovery import Discovery, anonymous_template
from connexeo.tools.conformance.exchange import Exchange, NotJson
from connexeo.tools.conformance.interruption import Interruption
from connexeo.tools.conformance.ledger import Ledger
from connexeo.tools.conformance.masking import Secrets
from connexeo.tools.conformance.options import Options
from connexeo.tools.conformance.verdicts import (
    NotApplicable,
    NotTestable,
    Severity,
    Skipped,
    Violated,
    Violation,
)

Value = TypeVar("Value")

PAGES = 1000
"""Pages of one list that are read at most."""


@dataclass(slots=True)
class BackEnd:
    """The back-end under test."""

    discovery: Discovery
    contract: Contract
    options: Options
    budget: Budget
    anonymous: Caller
    """Somebody without a token."""
    account: Caller | None
    """Whose account it is; see ``user``."""
    second_account: Caller | None
    """Somebody else; see ``stranger``."""
    ledger: Ledger = field(default_factory=Ledger)
    secrets: Secrets = field(default_factory=Secrets)
    interruption: Interruption = field(default_factory=Interruption)
    trouble: list[Violation] = field(default_factory=list)
    """Why things that several checks build upon could not be made."""
    told: dict[tuple[str, str], Severity] = field(default_factory=dict)
    """Place and message of what checks have found."""
    unimplemented: dict[str, Exchange] = field(default_factory=dict)
    """Operation that is listed → an answer that says that it is not implemented."""
    offered: frozenset[str] = frozenset()
    """Operations that the capabilities list, as ``GET /jobs/{}``."""
    _once: dict[Callable[[BackEnd], Any], tuple[str, Any]] = field(default_factory=dict)

    @property
    def mark(self) -> str:
        """Part of the name of everything that this run creates."""
        return self.ledger.mark

    def mask(self, text: str) -> str:
        """The text without secrets, and with placeholders for what this run has created."""
        return self.ledger.mask(self.secrets.mask(text))

    @property
    def url(self) -> str:
        """The API's URL, without a slash at its end."""
        return self.anonymous.url

    @property
    def capabilities(self) -> Mapping[str, Any]:
        """The answer of ``GET /``."""
        return self.discovery.capabilities

    @property
    def user(self) -> Caller:
        """Whoever has the account.

        Raises:
            Skipped: when there is none.
        """
        if self.account is None:
            raise Skipped("needs an account: give --basic, --token or another way to log in")
        return self.account

    @property
    def stranger(self) -> Caller:
        """Whoever has the second account.

        Raises:
            Skipped: when there is none.
        """
        if self.second_account is None:
            raise Skipped("needs a second account: give --second-basic or --second-token")
        return self.second_account

    @property
    def reader(self) -> Caller:
        """The user when there is one, else somebody without a token."""
        return self.account or self.anonymous

    def offers(self, operation: str) -> bool:
        """Whether the capabilities list an operation such as ``GET /jobs/{job_id}``."""
        return anonymous_template(operation) in self.offered

    def need(self, *operations: str) -> None:
        """End the check unless all these operations are there.

        Raises:
            NotApplicable: when one is not.
        """
        for operation in operations:
            if not self.offers(operation):
                raise NotApplicable(f"{operation} is not offered")

    def random(self, of: str) -> random.Random:
        """Random numbers that are the same in each run with this seed."""
        return random.Random(f"{self.options.seed} {of}")  # noqa: S311 - choices, no secrets

    def name(self, what: str) -> str:
        """A name for something to be created: ``conformance_<mark>_<what>``."""
        return f"conformance_{self.mark}_{what}"

    def once(self, make: Callable[[BackEnd], Value]) -> Value:
        """What a function makes, made by the first who asks: a list of collections, a finished job.

        Raises:
            NotTestable: when it cannot be made; the reason is reported once, as a finding of its own.
            NotApplicable, Skipped: as the function says.
        """
        if make not in self._once:
            try:
                self._once[make] = ("value", make(self))
            except (NotApplicable, NotTestable, Skipped) as reason:
                self._once[make] = (type(reason).__name__, str(reason))
            except Violated as error:
                self._failed(make, error.violation)
            except NotJson as error:
                self._failed(
                    make, Violation("the answer is not the JSON document that it ought to be", error.exchange)
                )
            except NoAnswer as error:
                # A finding of its own already, see `inspection.NO_ANSWER`.
                told = f"builds on what was not answered: {error.exchange.name}: {error}"
                self._once[make] = ("NotTestable", told)
        kind, value = self._once[make]
        if kind == "value":
            return value  # type: ignore[no-any-return] # put there under the same function
        raise {"NotApplicable": NotApplicable, "Skipped": Skipped}.get(kind, NotTestable)(value)

    def known(self, make: Callable[[BackEnd], Value]) -> Value | None:
        """What a function has made, None when nobody has asked for it yet or it could not be made."""
        kind, value = self._once.get(make, ("", None))
        return value if kind == "value" else None

    def lacks(self, violation: Violation) -> bool:
        """Whether it is only that a listed operation is not implemented, which is a finding of its own."""
        answer = violation.exchange
        if answer is None or answer.status != 501 or not self.offers(answer.name):
            return False
        self.unimplemented.setdefault(answer.name, answer)
        return True

    def _failed(self, make: Callable[[BackEnd], Any], violation: Violation) -> None:
        if not self.lacks(violation):
            self.trouble.append(violation)
        shown = violation.exchange.name if violation.exchange else make.__name__.replace("_", " ")
        self._once[make] = ("NotTestable", f"builds on what failed: {shown}: {violation.message}")

    def pages(
        self, caller: Caller, path: str, limit: int | None = None, most: int = PAGES
    ) -> Iterator[tuple[Exchange, dict[str, Any]]]:
        """The pages of a list, following the links ``next``.

        Raises:
            Violated: when the links lead nowhere, or in a circle.
        """
        seen: set[str] = set()
        target: str | None = path
        params: Mapping[str, int] | None = {"limit": limit} if limit is not None else None
        while target is not None and len(seen) < most:
            answer = caller.get(target, params=params)
            if not answer.ok:
                raise Violated(f"a page of {path} is answered with HTTP {answer.status}", answer)
            document = answer.object()
            yield answer, document
            seen.update((target, answer.url))
            target = next_page(document)
            if target is not None and "://" not in target:
                raise Violated(
                    "the link to the next page is not absolute", answer, mend="Give absolute URLs in links."
                )
            if target in seen:
                raise Violated("the link to the next page leads in a circle", answer, severity=Severity.MAJOR)
            params = None


def next_page(document: Mapping[str, Any]) -> str | None:
    """Target of the link ``next``."""
    links = document.get("links")
    for link in links if isinstance(links, list) else ():
        if isinstance(link, Mapping) and link.get("rel") == "next" and isinstance(link.get("href"), str):
            return str(link["href"])
    return None


def encoded(identifier: str) -> str:
    """An identifier as one part of a path."""
    return quote(identifier, safe="")
