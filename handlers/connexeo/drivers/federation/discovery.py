"""Collections and processes of all back-ends."""

from __future__ import annotations

import bisect
import time
from collections.abc import Mapping
from functools import partial
from typing import Any
from urllib.parse import quote

import orjson

from connexeo.drivers.federation.connection import Connection
from connexeo.drivers.federation.fanout import Fanout
from connexeo.drivers.federation.faults import Refused
from connexeo.drivers.federation.members import Members
from connexeo.drivers.federation.merging import (
    MISSING,
    Kind,
    Part,
    complete,
    merge_collection,
    merge_queryables,
    valid_items,
)
from connexeo.drivers.federation.snapshots.kinds import ABSENT, COLLECTION, COLLECTIONS, PROCESSES
from connexeo.drivers.federation.snapshots.reading import Snapshots
from connexeo.drivers.federation.snapshots.store import Snapshot, SnapshotStore
from connexeo.drivers.federation.views.loading import CollectionsView, EntriesView
from connexeo.drivers.interface import Json, Page, User
from connexeo.generated.errors import CollectionNotFound, FeatureUnsupported, InfrastructureBusy


class FederatedDiscovery:
    """Implements ``DataDiscovery``: lists from views; single collections from the back-ends that host them."""

    def __init__(self, members: Members, snapshots: Snapshots, fanout: Fanout) -> None:
        self._members = members
        self._snapshots = snapshots
        self._fanout = fanout

    async def list_collections(self, user: User | None, *, limit: int | None, offset: str | None) -> Page:
        """Collections by id; pages start behind an id."""
        view = await self._view()
        extra = {MISSING: self._snapshots.missing(COLLECTIONS)}
        first = bisect.bisect_right(view.ids, offset) if offset else 0
        ids = view.ids[first:] if limit is None else view.ids[first : first + limit]
        more = first + len(ids) < len(view.ids)
        items = [view.documents[identifier] for identifier in ids]
        return Page(items, ids[-1] if more and ids else None, extra=extra)

    async def describe_collection(self, user: User | None, collection_id: str) -> Json:
        """One collection, merged from all back-ends that host it.

        Those that do not answer contribute what they said last, or what their lists show.
        """
        having = await self._having(collection_id)
        documents = await self._documents(collection_id, having)
        parts = [
            Part(upstream, document, self._address(upstream, collection_id))
            for upstream, document in documents.items()
        ]
        if not parts:
            raise InfrastructureBusy(
                f"No back-end that hosts the collection '{collection_id}' answers. Please try again later."
            )
        document = complete(merge_collection(parts, self._members.ids).document)
        # Who has not said yet what it has may host it as well.
        unheard = [each for each in self._snapshots.missing(COLLECTIONS) if each not in documents]
        return {**document, MISSING: unheard} if unheard else document

    async def list_collection_queryables(self, user: User | None, collection_id: str) -> Json:
        """What the items can be filtered by at any of the back-ends, with those of them that do not answer now."""
        having = await self._having(collection_id)
        path = f"/collections/{_encoded(collection_id)}/queryables"

        async def ask(connection: Connection, deadline: float) -> dict[str, Any]:
            return (await connection.get(path, deadline)).object()

        gathered = await self._fanout.gather("queryables", ask, having)
        silent = [
            each
            for each, fault in gathered.faults.items()
            if not (isinstance(fault, Refused) and fault.status in ABSENT)
        ]
        if not gathered.answers:
            if not silent:
                raise FeatureUnsupported()
            raise InfrastructureBusy(
                f"No back-end that hosts the collection '{collection_id}' answers. Please try again later."
            )
        parts = [Part(upstream, document) for upstream, document in gathered.answers.items()]
        document = merge_queryables(parts, self._members.ids).document
        return {**document, MISSING: silent} if silent else document

    def _address(self, upstream: str, collection_id: str) -> str:
        return f"{self._members.connection(upstream).upstream.url}/collections/{_encoded(collection_id)}"

    async def _view(self) -> CollectionsView:
        await self._snapshots.wait_for(COLLECTIONS, self._members.federation.deadline)
        view = self._snapshots.view(COLLECTIONS)
        return view if isinstance(view, CollectionsView) else CollectionsView(frozenset(), (), {}, {})

    async def _having(self, collection_id: str) -> list[str]:
        """Back-ends that host a collection.

        Raises:
            CollectionNotFound: when none does, of those that have answered.
            InfrastructureBusy: when none does of those, but others have not answered ever.
        """
        view = await self._view()
        having = [each for each in view.having.get(collection_id, ()) if self._members.upstream(each)]
        if having:
            return having
        unknown = [each for each in self._members.ids if each not in view.upstreams]
        if unknown:
            raise InfrastructureBusy(
                f"The collection '{collection_id}' is not known, but the back-ends {', '.join(unknown)} have not "
                "said yet what they have. Please try again later."
            )
        raise CollectionNotFound(identifier=collection_id)

    async def _documents(self, collection_id: str, having: list[str]) -> Mapping[str, Any]:
        """The collection as each back-end describes it."""
        known = await self._snapshots.ask(lambda store: store.snapshots(COLLECTION, collection_id))
        oldest = time.time() - self._members.federation.refresh_interval
        stale = [each for each in having if each not in known or known[each].fetched < oldest]
        if stale:
            known = {**known, **await self._fetched(collection_id, stale)}
        lacking = [each for each in having if each not in known]
        documents = {each: orjson.loads(known[each].body) for each in having if each in known}
        if lacking:
            documents |= await self._listed(collection_id, lacking)
        return documents

    async def _fetched(self, collection_id: str, upstreams: list[str]) -> Mapping[str, Snapshot]:
        path = f"/collections/{_encoded(collection_id)}"

        async def ask(connection: Connection, deadline: float) -> Snapshot | None:
            document = (await connection.get(path, deadline)).object()
            good, _ = valid_items(
                Kind.COLLECTION, connection.id, [document], base=f"{connection.upstream.url}/"
            )
            if collection_id not in good:
                return None
            return Snapshot(
                connection.id, COLLECTION, collection_id, orjson.dumps(good[collection_id]), time.time()
            )

        gathered = await self._fanout.gather("collection", ask, upstreams)
        fresh = {each: snapshot for each, snapshot in gathered.answers.items() if snapshot is not None}
        for snapshot in fresh.values():
            await self._snapshots.ask(partial(_put, snapshot))
        return fresh

    async def _listed(self, collection_id: str, upstreams: list[str]) -> dict[str, Any]:
        """What lists show of a collection, for back-ends that do not answer now."""
        found: dict[str, Any] = {}
        for upstream in upstreams:
            snapshot = await self._snapshots.ask(partial(_list_of, upstream))
            listed = orjson.loads(snapshot.body) if snapshot is not None else None
            good, _ = valid_items(
                Kind.COLLECTION,
                upstream,
                [each for each in listed or () if isinstance(each, dict) and each.get("id") == collection_id],
            )
            if collection_id in good:
                found[upstream] = good[collection_id]
        return found


class FederatedProcesses:
    """Implements ``ProcessDiscovery``."""

    def __init__(self, members: Members, snapshots: Snapshots) -> None:
        self._members = members
        self._snapshots = snapshots

    async def list_processes(self, user: User | None) -> Page:
        """The processes of all back-ends."""
        await self._snapshots.wait_for(PROCESSES, self._members.federation.deadline)
        view = self._snapshots.view(PROCESSES)
        entries = view.entries if isinstance(view, EntriesView) else {}
        return Page(list(entries.values()), extra={MISSING: self._snapshots.missing(PROCESSES)})


def _put(snapshot: Snapshot, store: SnapshotStore) -> bool:
    return store.put(snapshot)


def _list_of(upstream: str, store: SnapshotStore) -> Snapshot | None:
    return store.snapshot(upstream, COLLECTIONS)


def _encoded(identifier: str) -> str:
    return quote(identifier, safe="")
