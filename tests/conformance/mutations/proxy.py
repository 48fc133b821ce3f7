"""The proxy as an ASGI application."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any

from conformance.mutations.catalogue import DRESSES, faults
from conformance.mutations.fault import Fault, Send, Turn
from conformance.mutations.message import Answer, Request, answer
from conformance.mutations.upstream import Upstream
from conformance.mutations.users import Users

CONTROL = "/__faults"
"""Where faults are switched: ``POST {"on": [ids], "dress": name}``; GET tells what is on. No fault touches it."""

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Write = Callable[[MutableMapping[str, Any]], Awaitable[None]]


@dataclass
class Switchboard:
    """Which faults are on."""

    on: tuple[Fault, ...] = ()
    dress: str = ""
    memories: dict[str, dict[str, Any]] = field(default_factory=dict)

    def switch(self, ids: Iterable[str], dress: str = "") -> None:
        """Switch exactly these on; what they remembered is forgotten. KeyError names an unknown one."""
        known = {fault.id: fault for fault in faults()}
        on = tuple(known[id] for id in ids)
        if dress and dress not in DRESSES:
            raise KeyError(dress)
        self.on, self.dress, self.memories = on, dress, {}

    def concerned(self, request: Request) -> list[Fault]:
        """What may spoil a request, in the order of application: dresses are the innermost."""
        dresses = {name for name in (self.dress, *(fault.dress for fault in self.on)) if name}
        worn = [DRESSES[name] for name in sorted(dresses)]
        return [fault for fault in (*worn, *self.on) if fault.concerns(request)]


@dataclass
class Application:
    """Passes requests on, spoiled by the faults that are on."""

    upstream: Upstream
    switchboard: Switchboard = field(default_factory=Switchboard)
    users: Users = field(default_factory=Users)

    async def __call__(self, scope: Mapping[str, Any], receive: Receive, write: Write) -> None:
        """Serve one request, or see the server start and end."""
        if scope["type"] == "lifespan":
            await self._live(receive, write)
            return
        request = await _read(scope, receive)
        if request.path == CONTROL:
            reply = self._control(request)
        else:
            reply = await self._answer(request)
        await _write(reply, write)

    async def _live(self, receive: Receive, write: Write) -> None:
        await receive()
        await write({"type": "lifespan.startup.complete"})
        await receive()
        await self.upstream.pool.aclose()
        await write({"type": "lifespan.shutdown.complete"})

    async def _answer(self, request: Request) -> Answer:
        faults = self.switchboard.concerned(request)
        if not faults:
            return await self._pass_on(request)
        inner = request.other()
        inner.set_header("accept-encoding", "identity")
        if request.method == "HEAD" and not any("HEAD /*" in fault.on for fault in faults):
            inner.method = "GET"
        raw = any(fault.raw for fault in faults)
        if not raw:
            inner.drop_header("if-none-match")
        original: list[bytes] = []

        async def innermost(asked: Request) -> Answer:
            found = await self._pass_on(asked)
            original.append(found.body)
            return found

        send: Send = innermost
        for fault in faults:
            send = self._spoiled(fault, send)
        reply = await send(inner)
        if not raw:
            _follow_up(request, reply, changed=reply.body not in original)
        if request.method == "HEAD":
            reply.body = b""
        return reply

    def _spoiled(self, fault: Fault, send: Send) -> Send:
        memory = self.switchboard.memories.setdefault(fault.id, {})

        async def spoiled(request: Request) -> Answer:
            return await fault.apply(Turn(request, send, self.users, memory))

        return spoiled

    async def _pass_on(self, request: Request) -> Answer:
        found = await self.upstream.send(request)
        self.users.learn(request, found)
        return found

    def _control(self, request: Request) -> Answer:
        if request.method == "POST":
            wanted = request.json
            try:
                self.switchboard.switch(wanted.get("on", []), wanted.get("dress", ""))
            except (AttributeError, KeyError, TypeError) as error:
                return answer(400, f"there is no fault or dress {error}\n".encode())
        on = {"on": [fault.id for fault in self.switchboard.on], "dress": self.switchboard.dress}
        return answer(200, json.dumps(on).encode(), [("content-type", "application/json")])


def _follow_up(request: Request, reply: Answer, *, changed: bool) -> None:
    """Let the ETag follow a changed body, and answer conditional requests by it."""
    tag = reply.header("etag")
    if tag is None or reply.status != 200:
        return
    if changed:
        tag = f'W/"{hashlib.sha256(reply.body).hexdigest()[:24]}"'
        reply.set_header("etag", tag)
    asked = [each.strip().removeprefix("W/") for each in (request.header("if-none-match") or "").split(",")]
    if tag.removeprefix("W/") in asked or asked == ["*"]:
        reply.status, reply.body = 304, b""
        reply.drop_header("content-length")


async def _read(scope: Mapping[str, Any], receive: Receive) -> Request:
    body, more = b"", True
    while more:
        event = await receive()
        body += event.get("body", b"")
        more = event.get("more_body", False)
    query = scope["query_string"].decode("latin-1")
    return Request(
        [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in scope["headers"]],
        body,
        scope["method"],
        scope["raw_path"].decode("latin-1") + ("?" + query if query else ""),
    )


async def _write(reply: Answer, write: Write) -> None:
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in reply.headers]
    await write({"type": "http.response.start", "status": reply.status, "headers": headers})
    await write({"type": "http.response.body", "body": reply.body})
