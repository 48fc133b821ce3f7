"""Lists of what a user has at all back-ends, as one list in pages."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from connexeo.drivers.federation.asking import Asking
from connexeo.drivers.federation.connection import Connection
from connexeo.drivers.federation.merging import MISSING
from connexeo.drivers.federation.offering import offering
from connexeo.drivers.federation.paging import (
    Entry,
    Key,
    Place,
    Told,
    merged_page,
    read_cursor,
    read_from,
    started,
)
from connexeo.drivers.federation.snapshots.reading import Snapshots
from connexeo.drivers.interface import Page, User


class Read(Protocol):
    """Reads the list of one back-end from a place on; see ``read_from``."""

    async def __call__(
        self, connection: Connection, place: Place, *, limit: int | None, authorization: str, deadline: float
    ) -> Told:
        """Entries from there on."""
        ...


@dataclass(frozen=True, slots=True)
class UserList:
    """One sort of things.

    Attributes:
        name: Of the list, which is at the path of this name, and in the property of this name.
        key: What entries are sorted by.
        shown: Makes of a back-end's entry the one to show; None where that cannot be.
    """

    name: str
    key: Key
    shown: Callable[[str, Entry], dict[str, Any] | None]

    async def read(
        self, connection: Connection, place: Place, *, limit: int | None, authorization: str, deadline: float
    ) -> Told:
        """The list of one back-end as it is."""
        given: dict[str, Any] = {"limit": limit, "authorization": authorization, "deadline": deadline}
        return await read_from(connection, place, f"/{self.name}", self.name, **given)


@dataclass(frozen=True, slots=True)
class UserLists:
    """Asks back-ends for lists.

    Attributes:
        asking: Asks them in a user's name.
        snapshots: Which of them have such a list at all; all are asked when not given.
    """

    asking: Asking
    snapshots: Snapshots | None = None
    own: Mapping[str, Callable[[User, Place, int | None], Awaitable[Told]]] = field(default_factory=dict)
    """What is at no back-end, by what stands in place of its id; is shown as it is."""

    async def page(
        self, wanted: UserList, user: User, *, limit: int | None, offset: str | None, read: Read | None = None
    ) -> Page:
        """A page of the user's things at all back-ends.

        Args:
            wanted: Which things.
            user: Whose.
            limit: Most entries.
            offset: Where it starts, as the page before has told.
            read: Reads the list of one back-end, if not ``wanted`` does.
        """
        ids = self.asking.members.ids
        sources = (*ids, *self.own)
        places = started(read_cursor(offset, sources), sources)
        read_one = read or wanted.read

        async def ask(connection: Connection, authorization: str, deadline: float) -> Told:
            place = places[connection.id]
            return await read_one(
                connection, place, limit=limit, authorization=authorization, deadline=deadline
            )

        own = {source: await tell(user, places[source], limit) for source, tell in self.own.items()}
        asked = ids if self.snapshots is None else offering(self.snapshots, ids, f"GET /{wanted.name}")
        gathered = await self.asking.gather(user, wanted.name, ask, asked)
        page, following = merged_page({**gathered.answers, **own}, places, wanted.key, limit)
        shown = (entry if source in own else wanted.shown(source, entry) for source, entry in page)
        entries = [entry for entry in shown if entry is not None]
        return Page(entries, following, extra={MISSING: list(gathered.faults)})
