"""Requests in a user's name: whom to ask, with which credentials, and what to say when it fails."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

from connexeo.drivers.federation.connection import Answer, Call, Connection
from connexeo.drivers.federation.credentials import Credentials
from connexeo.drivers.federation.fanout import Fanout, Gathered
from connexeo.drivers.federation.faults import NotAsked, Refused, UpstreamFault
from connexeo.drivers.federation.identifiers import ELSEWHERE, parsed
from connexeo.drivers.federation.members import Members
from connexeo.drivers.federation.translation import translated
from connexeo.drivers.interface import User
from connexeo.generated.errors import OpenEOError

T = TypeVar("T")

AskAs = Callable[[Connection, str, float], Awaitable[T]]
"""Asks one back-end, with the value of a header, within so many seconds."""


class Asking:
    """What users ask back-ends for.

    Args:
        members: The back-ends.
        fanout: Asks several at once, and spares those that do not answer.
        credentials: In whose name.
    """

    def __init__(self, members: Members, fanout: Fanout, credentials: Credentials) -> None:
        self.members = members
        self.credentials = credentials
        self._fanout = fanout

    async def gather(
        self, user: User, sort: str, ask: AskAs[T], upstreams: Iterable[str] | None = None
    ) -> Gathered[T]:
        """Ask all at once in a user's name; see ``Fanout.gather``."""
        return await self._fanout.gather(sort, self._as(user, ask), upstreams)

    async def one(
        self,
        user: User,
        sort: str,
        ask: AskAs[T],
        upstream: str,
        deadline: float | None = None,
        *,
        repeatable: bool = False,
        again: bool = True,
    ) -> T:
        """Ask one back-end in a user's name; see ``Fanout.one``.

        Args:
            user: In whose name.
            sort: What is asked for.
            ask: Asks it.
            upstream: Whom.
            deadline: Seconds.
            repeatable: Whether it may be asked although nobody waits.
            again: Whether it can be asked once more after a new login, when it refused the first.

        Raises:
            UpstreamFault: when it is not asked, or does not answer as it should.
        """
        seconds = self.members.federation.request_timeout if deadline is None else deadline
        return await self._fanout.one(
            sort, self._as(user, ask, again=again), upstream, seconds, repeatable=repeatable
        )

    async def call(
        self,
        user: User,
        sort: str,
        upstream: str,
        call: Call,
        *,
        missing: OpenEOError | None = None,
        deadline: float | None = None,
    ) -> Answer:
        """The answer of one back-end to one request in a user's name.

        Args:
            user: In whose name.
            sort: What is asked for.
            upstream: Whom.
            call: The request, without credentials.
            missing: What a 404 means.
            deadline: Seconds.

        Raises:
            OpenEOError: what the user is told when it fails.
        """

        async def ask(connection: Connection, authorization: str, seconds: float) -> Answer:
            return await connection.fetch(with_authorization(call, authorization), seconds)

        try:
            return await self.one(
                user,
                sort,
                ask,
                upstream,
                deadline,
                repeatable=call.method == "GET",
                again=call.content is None,
            )
        except UpstreamFault as fault:
            raise translated(fault, missing) from fault

    async def with_or_without(
        self,
        user: User | None,
        ask: Callable[[Connection, str | None, float], Awaitable[T]],
        connection: Connection,
        deadline: float,
    ) -> T:
        """What anybody may ask: in the user's name, if there is one who has an account there.

        Raises:
            UpstreamFault: when the back-end does not answer as it should.
        """
        if user is not None:
            try:
                return await self._as(user, ask)(connection, deadline)
            except NotAsked:
                pass
        return await ask(connection, None, deadline)

    def find(self, identifier: str, missing: OpenEOError) -> tuple[str, str]:
        """Back-end of a federated identifier, and what it calls the thing itself.

        Raises:
            OpenEOError: ``missing``, when nothing can have this identifier.
        """
        found = parsed(identifier)
        if found is None or found[1] in ELSEWHERE or self.members.upstream(found[0]) is None:
            raise missing
        return found

    def _as(
        self, user: User, ask: AskAs[T], *, again: bool = True
    ) -> Callable[[Connection, float], Awaitable[T]]:
        async def asked(connection: Connection, deadline: float) -> T:
            authorization = await self.credentials.of(user, connection, deadline)
            try:
                return await ask(connection, authorization, deadline)
            except Refused as refused:
                anew = await self.credentials.anew(user, connection, authorization, refused, deadline)
                if not again:
                    raise NotAsked(
                        connection.id, "the login there had ended; it has been made anew"
                    ) from refused
            return await ask(connection, anew, deadline)

        return asked


def with_authorization(call: Call, authorization: str) -> Call:
    """A request with the credentials of whoever asks."""
    return Call(call.method, call.path, call.params, authorization, call.json, call.headers, call.content)
