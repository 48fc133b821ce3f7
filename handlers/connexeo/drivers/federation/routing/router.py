"""Finds the back-ends for a process, the best one first."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from connexeo.drivers.federation.credentials import Credentials
from connexeo.drivers.federation.inlining.flattening import flattened
from connexeo.drivers.federation.members import Members
from connexeo.drivers.federation.routing.bands import band_names
from connexeo.drivers.federation.routing.choosing import Load, Standing, is_paid, ranked
from connexeo.drivers.federation.routing.forcing import chosen_of, without_choice
from connexeo.drivers.federation.routing.matching import match
from connexeo.drivers.federation.routing.needs import Needs, needs_of
from connexeo.drivers.federation.routing.offers import Bands, Offers
from connexeo.drivers.federation.routing.reasons import (
    NO_ACCOUNT,
    NOT_CHOSEN,
    Reason,
    Reasons,
    in_words,
    refusal,
)
from connexeo.drivers.federation.routing.references import localised_graph
from connexeo.drivers.federation.routing.route import Route
from connexeo.drivers.federation.routing.structure import faults_of_form
from connexeo.drivers.federation.snapshots.kinds import (
    CAPABILITIES,
    COLLECTION,
    COLLECTIONS,
    FILE_FORMATS,
    PROCESSES,
    PROVIDERS,
    SERVICE_TYPES,
    UDF_RUNTIMES,
)
from connexeo.drivers.federation.snapshots.reading import Snapshots
from connexeo.drivers.federation.snapshots.store import SnapshotStore
from connexeo.drivers.federation.splitting.splittable import Splittable
from connexeo.drivers.interface import Json, User
from connexeo.drivers.local.stored_processes.finding import ProcessFinder
from connexeo.drivers.local.stored_processes.scheduling import scheduled
from connexeo.generated.errors import ProcessGraphMissing
from connexeo.processing.definitions import Definitions
from connexeo.processing.validation import process_graph_of

_ALWAYS = (CAPABILITIES, COLLECTIONS, PROCESSES, FILE_FORMATS, PROVIDERS)


@dataclass(frozen=True, slots=True)
class Analysis:
    """What a process needs, and who has it."""

    needs: Needs
    process: Json = field(repr=False)
    """As it is to be sent."""
    reasons: Reasons
    """Why each back-end cannot run it, if it cannot."""
    candidates: Sequence[str]
    """Those that can, the best one first, and those that do not answer now last."""


class ProcessRouter:
    """Implements ``Router``.

    Args:
        members: The back-ends.
        snapshots: What they offer.
        credentials: At which of them users have accounts.
        finder: Finds stored processes.
        definitions: The predefined processes.
        load: How much each of them has to do.
    """

    def __init__(
        self,
        members: Members,
        snapshots: Snapshots,
        credentials: Credentials,
        finder: ProcessFinder,
        definitions: Definitions,
        load: Load,
    ) -> None:
        self._members = members
        self._snapshots = snapshots
        self._credentials = credentials
        self._finder = finder
        self._definitions = definitions
        self._load = load

    async def route(self, user: User, request: Json, *, operation: str | None = None) -> Route:
        """Who can run the process of a request.

        Args:
            user: Who wants it.
            request: For a job, a result, or a service.
            operation: What back-ends are going to be asked for; a new service, or else a new job, if not given.

        Raises:
            OpenEOError: When nobody can; the message has the reasons of each back-end.
        """
        wanted = operation or ("POST /services" if "type" in request else "POST /jobs")
        analysis = await self.analyse_request(user, request, wanted)
        if not analysis.candidates:
            raise refusal(analysis.reasons)
        told = {upstream: in_words(each) for upstream, each in analysis.reasons.items() if each}
        return Route(analysis.candidates, told, analysis.process)

    def given(self, upstream: str) -> None:
        """Note that a back-end was given a job or a service."""
        self._load.give(upstream)

    async def analyse_request(self, user: User, request: Json, operation: str) -> Analysis:
        """`analyse` for the process of a request.

        Raises:
            OpenEOError: as `analyse`; also when it has no process.
        """
        if not isinstance(request.get("process"), Mapping):
            raise ProcessGraphMissing
        return await self.analyse(user, request["process"], request, operation=operation)

    async def analyse(
        self, user: User | None, process: Json, request: Json | None = None, *, operation: str | None = None
    ) -> Analysis:
        """What a process needs, and who has it.

        Args:
            user: Who wants it; None: somebody without an account.
            process: The process.
            request: Around it, where the user may have said more.
            operation: What back-ends are going to be asked for.

        Raises:
            OpenEOError: When it is no sound process, or the user has chosen a back-end that there is not.
        """
        around = process if request is None else request
        wanted = chosen_of(around, self._members.ids)
        sent = await self._inlined(user, process)
        service_type, plan = around.get("type"), around.get("plan")
        is_service = operation is not None and operation.endswith("/services")
        needs = needs_of(
            sent,
            {each.id: each.url for each in self._members.federation.upstreams},
            service_type=service_type if is_service and isinstance(service_type, str) else None,
            endpoints=frozenset() if operation is None else frozenset({operation}),
            plan=plan if isinstance(plan, str) and request is not None else None,
        )
        offers = await self._offers(needs)
        lacking = match(needs, offers, self._members.ids)
        reasons = {each: (*self._unwilling(user, each, wanted), *lacking[each]) for each in self._members.ids}
        able = [each for each, lacks in reasons.items() if not lacks]
        return Analysis(needs, self._localised(needs, sent), reasons, self._ranked(able, needs, offers))

    async def splittable(self, user: User | None, request: Json) -> Splittable:
        """The process of a request for a job, and who can run which node of it.

        Args:
            user: Who wants it; None: somebody without an account.
            request: For a job.

        Raises:
            OpenEOError: When it is no sound process, or the user has chosen a back-end that there is not.
        """
        if not isinstance(request.get("process"), Mapping):
            raise ProcessGraphMissing
        wanted = chosen_of(request, self._members.ids)
        sent = await self._inlined(user, request["process"])
        urls = {each.id: each.url for each in self._members.federation.upstreams}
        plan = request.get("plan")
        around: dict[str, Any] = {
            "endpoints": frozenset({"POST /jobs"}),
            "plan": plan if isinstance(plan, str) else None,
        }
        needs = needs_of(sent, urls, **around)
        offers = await self._offers(needs)
        ids = self._ranked(self._members.ids, needs, offers)
        unwilling = {each: self._unwilling(user, each, wanted) for each in ids}

        def abilities(process_graph: Json) -> Mapping[str, str]:
            lacking = match(needs_of({"process_graph": process_graph}, urls, **around), offers, ids)
            return {each: in_words((*unwilling[each], *lacking[each])) for each in ids}

        return Splittable(process_graph_of(sent), abilities, lambda graph: localised_graph(graph, urls))

    async def _inlined(self, user: User | None, process: Json) -> Json:
        # What is inlined depends on what the back-ends have themselves.
        await self._snapshots.wait_for(PROCESSES, self._members.federation.deadline)
        for fault in await scheduled(process, faults_of_form, process):
            raise fault
        known = await self._finder.used_by(None if user is None else user.id, process)
        given: dict[str, Any] = {"user_processes": known, "definitions": self._definitions}
        flat: Json = await scheduled([process, known], flattened, process, **given)
        return without_choice(flat)

    def _localised(self, needs: Needs, process: Json) -> Json:
        if all(each.local == each.given for each in needs.references):
            return process
        urls = {each.id: each.url for each in self._members.federation.upstreams}
        changed: dict[str, Any] = localised_graph(process, urls)
        known = {each.given: each.local for each in needs.references if each.upstream is not None}
        return {**changed, **_localised_defaults(changed, known)}

    async def _offers(self, needs: Needs) -> Offers:
        kinds = [*_ALWAYS]
        kinds += [UDF_RUNTIMES] if needs.runtimes else []
        kinds += [SERVICE_TYPES] if needs.service_type is not None else []
        deadline = self._members.federation.deadline
        await asyncio.gather(*(self._snapshots.wait_for(kind, deadline) for kind in kinds))
        return Offers.of(self._snapshots, await self._bands(needs))

    async def _bands(self, needs: Needs) -> Bands:
        """Of collections that are asked for single bands, as far as their documents have been read."""
        asked = [name for name, bands in needs.collections.items() if bands]
        if not asked:
            return {}

        def read(store: SnapshotStore) -> Bands:
            return {
                name: {
                    upstream: names
                    for upstream, snapshot in store.snapshots(COLLECTION, name).items()
                    if (names := _bands_in(snapshot.body))
                }
                for name in asked
            }

        return await self._snapshots.ask(read)

    def _unwilling(self, user: User | None, upstream: str, wanted: frozenset[str] | None) -> list[Reason]:
        if wanted is not None and upstream not in wanted:
            return [Reason(NOT_CHOSEN, upstream, "you have chosen others")]
        configured = self._members.upstream(upstream)
        if user is None or configured is None or self._credentials.knows(user, configured):
            return []
        text = (
            "your account is not known there"
            if user.provider == "basic"
            else "it does not know the provider that you logged in with"
        )
        return [Reason(NO_ACCOUNT, "account", text)]

    def _ranked(self, able: Sequence[str], needs: Needs, offers: Offers) -> list[str]:
        near = {each.upstream for each in needs.references if each.upstream is not None}
        states = self._snapshots.states
        standings = []
        for upstream in able:
            configured = self._members.upstream(upstream)
            if configured is None:
                continue
            standings.append(
                Standing(
                    upstream,
                    online=upstream not in states or states[upstream].online is not False,
                    near=not near or upstream in near,
                    weight=configured.weight,
                    load=self._load.of(upstream),
                    paid=is_paid(offers.capabilities.billing.get(upstream), needs.plan),
                )
            )
        return ranked(standings)


def _localised_defaults(process: Json, known: Mapping[str, str]) -> dict[str, Any]:
    """The parameters of a process whose defaults name something that lies at a back-end."""
    parameters = process.get("parameters")
    if not isinstance(parameters, list):
        return {}

    def changed(value: Any) -> Any:
        if isinstance(value, list):
            return [changed(each) for each in value]
        return known.get(value, value) if isinstance(value, str) else value

    return {
        "parameters": [
            {**each, "default": changed(each["default"])}
            if isinstance(each, dict) and "default" in each
            else each
            for each in parameters
        ]
    }


def _bands_in(body: bytes) -> frozenset[str]:
    document = orjson.loads(body)
    return band_names(document) if isinstance(document, dict) else frozenset()
