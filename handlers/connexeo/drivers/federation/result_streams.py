"""Results of synchronous computations, as a back-end sends them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from connexeo.drivers.federation.asking import Asking, with_authorization
from connexeo.drivers.federation.connection import Call
from connexeo.drivers.federation.faults import NotAsked, Refused, UpstreamFault
from connexeo.drivers.federation.result_logs import log_id
from connexeo.drivers.federation.routing.choosing import Load
from connexeo.drivers.federation.snapshots.reading import Snapshots
from connexeo.drivers.interface import Json, StreamedResult, User

if TYPE_CHECKING:
    import httpx

BINARY = "application/octet-stream"

_HEADERS = {"accept": "*/*", "accept-encoding": "identity"}


class ResultStreams:
    """Asks back-ends for results.

    Args:
        asking: Asks back-ends in a user's name.
        snapshots: Whether they are there.
        load: How much each of them has to do.
        timeout: Seconds until a result must begin to come.
    """

    def __init__(self, asking: Asking, snapshots: Snapshots, load: Load, timeout: float) -> None:
        self._asking = asking
        self._snapshots = snapshots
        self._load = load
        self._timeout = timeout

    async def open(self, user: User, upstream: str, request: Json) -> StreamedResult:
        """The result of one back-end, when its head is there.

        Raises:
            UpstreamFault: when it does not come.
        """
        parts = self._parts(user, upstream, Call("POST", "/result", json=request, headers=_HEADERS))
        response = await anext(parts)
        assert not isinstance(response, bytes)
        length = response.headers.get("content-length", "")
        is_plain = response.headers.get("content-encoding", "identity") == "identity"
        return StreamedResult(
            _chunks(parts),
            response.headers.get("content-type") or BINARY,
            int(length) if length.isdecimal() and is_plain else None,
            log_id(self._asking.members.connection(upstream).upstream, response),
            _number(response.headers.get("openeo-costs")),
        )

    async def _parts(
        self, user: User, upstream: str, call: Call
    ) -> AsyncGenerator[httpx.Response | bytes, None]:
        """The answer when its head is there, then its bytes.

        There is no circuit breaker: processes of users that take too long say nothing of a back-end.
        """
        state = self._snapshots.states.get(upstream)
        if state is not None and state.online is False:
            raise NotAsked(upstream, f"it is offline: {state.reason}")
        connection = self._asking.members.connection(upstream)
        credentials, seconds = self._asking.credentials, self._asking.members.federation.request_timeout
        try:
            authorization = await credentials.of(user, connection, seconds)
        except UpstreamFault as fault:
            raise NotAsked(upstream, fault.reason) from fault
        async with AsyncExitStack() as stack:
            stack.enter_context(self._load.one_more(upstream))
            stream = connection.stream(with_authorization(call, authorization), self._timeout)
            try:
                response = await stack.enter_async_context(stream)
            except Refused as refused:
                anew = await credentials.anew(user, connection, authorization, refused, seconds)
                stream = connection.stream(with_authorization(call, anew), self._timeout)
                response = await stack.enter_async_context(stream)
            yield response
            async for chunk in response.aiter_bytes():
                yield chunk


async def _chunks(parts: AsyncGenerator[httpx.Response | bytes, None]) -> AsyncIterator[bytes]:
    try:
        async for part in parts:
            if isinstance(part, bytes):
                yield part
    finally:
        await parts.aclose()


def _number(value: str | None) -> float | None:
    try:
        return float(value) if value is not None else None
    except ValueError:
        return None
