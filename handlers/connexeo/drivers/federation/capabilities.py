"""General information: who is part of the federation, and whether they are there."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from connexeo.drivers.federation.fanout import Fanout
from connexeo.drivers.federation.members import Members
from connexeo.drivers.federation.merging import MISSING, Member, federation
from connexeo.drivers.federation.snapshots.kinds import (
    CAPABILITIES,
    COLLECTIONS,
    FILE_FORMATS,
    KINDS,
    PROCESSES,
    SERVICE_TYPES,
    UDF_RUNTIMES,
)
from connexeo.drivers.federation.snapshots.reading import Snapshots
from connexeo.drivers.federation.views.loading import CapabilitiesView, EntriesView, FormatsView
from connexeo.drivers.interface import Gauge, Json, User
from connexeo.drivers.local.accounts import LocalAccounts
from connexeo.generated.errors import FeatureUnsupported

_KINDS = {
    "capabilities": CAPABILITIES,
    "list-collections": COLLECTIONS,
    "list-processes": PROCESSES,
    "list-file-types": FILE_FORMATS,
    "list-udf-runtimes": UDF_RUNTIMES,
    "list-service-types": SERVICE_TYPES,
}
"""Operation → what its answer is made of."""

FIRST_CHECKS = 0.8
"""Seconds that the capabilities wait for the first checks of all; later ones nobody waits for."""


class FederatedCapabilities:
    """Implements ``Capabilities``, with versions and gauges."""

    def __init__(
        self, members: Members, snapshots: Snapshots, fanout: Fanout, accounts: LocalAccounts
    ) -> None:
        self._members = members
        self._snapshots = snapshots
        self._fanout = fanout
        self._accounts = accounts
        self._started = time.time()

    def version(self, operation_id: str) -> str:
        """See ``Versioned``."""
        kind = _KINDS.get(operation_id)
        if kind is not None:
            return self._snapshots.version(kind)
        everything = "".join(self._snapshots.version(each) for each in (CAPABILITIES, *KINDS))
        # Single collections are asked for again after some time.
        return f"{everything}{int(time.time() / self._members.federation.refresh_interval)}"

    async def capabilities(self, user: User | None) -> Json:
        """``federation``, and what the back-ends agree on."""
        await self._snapshots.wait_for(CAPABILITIES, FIRST_CHECKS)
        view = self._snapshots.view(CAPABILITIES)
        document = dict(view.document) if isinstance(view, CapabilitiesView) else {}
        return {**document, "federation": federation(self.members())}

    def members(self) -> Sequence[Member]:
        """The back-ends, with the outcome of their last checks."""
        view = self._snapshots.view(CAPABILITIES)
        titles = view.titles if isinstance(view, CapabilitiesView) else {}
        states = self._snapshots.states
        return [
            Member(
                id=upstream.id,
                url=upstream.url,
                title=upstream.title or titles.get(upstream.id) or upstream.id,
                online=states[upstream.id].online is True,
                # The first check began at the start, and has not been answered so far.
                last_status_check=_instant(states[upstream.id].checked or self._started),
                last_successful_check=_instant(states[upstream.id].succeeded),
                description=upstream.description,
                experimental=upstream.experimental,
                deprecated=upstream.deprecated,
            )
            for upstream in self._members.federation.upstreams
            if upstream.id in states
        ]

    async def list_file_types(self, user: User | None) -> Json:
        """The formats of all back-ends."""
        await self._snapshots.wait_for(FILE_FORMATS, self._members.federation.deadline)
        view = self._snapshots.view(FILE_FORMATS)
        document = view.document if isinstance(view, FormatsView) else {"input": {}, "output": {}}
        return {MISSING: self._snapshots.missing(FILE_FORMATS), **document}

    async def list_udf_runtimes(self, user: User | None) -> Json:
        """The runtimes of all back-ends; who is missing cannot be said here.

        Raises:
            FeatureUnsupported: when none of them has any.
        """
        await self._snapshots.wait_for(UDF_RUNTIMES, self._members.federation.deadline)
        if self.idle():
            raise FeatureUnsupported()
        view = self._snapshots.view(UDF_RUNTIMES)
        return view.entries if isinstance(view, EntriesView) else {}

    def idle(self) -> Sequence[str]:
        """See ``Selective``: an empty list of UDF runtimes would not be valid.

        What back-ends have said stays true when they are gone; of those that never were there nobody knows.
        """
        view = self._snapshots.view(UDF_RUNTIMES)
        heard = view.upstreams if isinstance(view, EntriesView) else frozenset()
        if isinstance(view, EntriesView) and view.entries:
            return ()
        return ("/udf_runtimes",) if heard.issuperset(self._snapshots.missing(UDF_RUNTIMES)) else ()

    async def ready(self) -> Mapping[str, bool]:
        """Whether the database answers; back-ends that do not answer are no reason to take this one away."""
        return {"database": await self._accounts.ready()}

    async def health(self) -> Mapping[str, Any]:
        """What ``/health`` shows of each back-end."""
        states = self._snapshots.states
        return {
            "upstreams": {
                each: {
                    "online": state.online is True,
                    "checked": _text(state.checked),
                    "succeeded": _text(state.succeeded),
                    "latency": state.latency,
                    "failures": state.failures,
                    "reason": state.reason or None,
                    "open_breakers": sorted(
                        sort
                        for (upstream, sort), breaker in self._fanout.breakers.items()
                        if upstream == each and breaker.opened is not None
                    ),
                }
                for each, state in states.items()
            }
        }

    async def gauges(self) -> Sequence[Gauge]:
        """Whether each back-end is there, how quickly it answers, and which breakers are open."""
        states = self._snapshots.states
        online = {each: float(state.online is True) for each, state in states.items()}
        latency = {each: state.latency for each, state in states.items() if state.latency is not None}
        opened = dict.fromkeys(states, 0.0)
        for (upstream, _), breaker in self._fanout.breakers.items():
            if upstream in opened:
                opened[upstream] += float(breaker.opened is not None)
        return [
            Gauge("upstream_online", "Whether a back-end answered its last check", online, "upstream"),
            Gauge(
                "upstream_latency_seconds",
                "Duration of the last check that was answered",
                latency,
                "upstream",
            ),
            Gauge(
                "upstream_open_breakers",
                "Sorts of requests that are kept from a back-end",
                opened,
                "upstream",
            ),
        ]


def _instant(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def _text(seconds: float | None) -> str | None:
    instant = _instant(seconds)
    return None if instant is None else instant.strftime("%Y-%m-%dT%H:%M:%SZ")
