"""Secondary services: each is served by the back-end that can."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from connexeo.drivers.federation.asking import Asking
from connexeo.drivers.federation.checked import checked_entry
from connexeo.drivers.federation.connection import Answer, Call
from connexeo.drivers.federation.identifiers import federated
from connexeo.drivers.federation.jobs.batch_jobs import Router
from connexeo.drivers.federation.jobs.creation import identifier_of
from connexeo.drivers.federation.jobs.entries import newest_first
from connexeo.drivers.federation.jobs.logs import log_page
from connexeo.drivers.federation.lists import UserList, UserLists
from connexeo.drivers.federation.merging import BACKENDS, MISSING, Belonging
from connexeo.drivers.federation.routing.forcing import check_stays, without_choice
from connexeo.drivers.federation.routing.route import FORCE
from connexeo.drivers.federation.snapshots.kinds import SERVICE_TYPES
from connexeo.drivers.federation.snapshots.reading import Snapshots
from connexeo.drivers.federation.translation import object_of
from connexeo.drivers.federation.views.loading import EntriesView
from connexeo.drivers.interface import Json, LogPage, Page, User
from connexeo.generated.errors import Internal, ServiceNotFound

SORT = "services"

_NOT_PASSED_ON = frozenset({"links", BACKENDS, MISSING})


class FederatedServices:
    """Implements ``SecondaryServices``, but for tiles, which the back-ends serve themselves.

    Args:
        asking: Asks back-ends in a user's name.
        router: Finds the back-end for a new service.
        snapshots: Knows the types of services.
    """

    describe_tiles = None
    draw_tile = None

    def __init__(self, asking: Asking, router: Router, snapshots: Snapshots) -> None:
        self._asking = asking
        self._router = router
        self._snapshots = snapshots
        self._lists = UserLists(asking, snapshots)

    async def list_service_types(self, user: User | None) -> Json:
        """The types of all back-ends; who is missing cannot be said here."""
        await self._snapshots.wait_for(SERVICE_TYPES, self._asking.members.federation.deadline)
        view = self._snapshots.view(SERVICE_TYPES)
        return view.entries if isinstance(view, EntriesView) else {}

    async def list_services(self, user: User, *, limit: int | None, offset: str | None) -> Page:
        """The user's services at all back-ends, newest first."""
        return await self._lists.page(SERVICES, user, limit=limit, offset=offset)

    async def create_service(self, user: User, request: Json) -> str:
        """A new service at the best of the back-ends that can serve it."""
        route = await self._router.route(user, request)
        upstream = route.candidates[0]
        sent = {**without_choice(request), "process": route.process, "type": self._name_at(upstream, request)}
        answer = await self._asking.call(user, SORT, upstream, Call("POST", "/services", json=sent))
        self._router.given(upstream)
        return federated(upstream, identifier_of(answer))

    async def describe_service(self, user: User, service_id: str) -> Json:
        """The service, as its back-end describes it, with its address there."""
        upstream, answer = await self._get(user, service_id, "")
        described = _shown(upstream, object_of(answer))
        if described is None:
            raise Internal(f"The back-end failed: {upstream}: its description of the service is incomplete.")
        return {"configuration": {}, "attributes": {}, "process": {"process_graph": {}}, **described}

    async def update_service(self, user: User, service_id: str, changes: Json) -> None:
        """Change it; a new process must be one for the same back-end."""
        missing = ServiceNotFound(identifier=service_id)
        upstream, identifier = self._asking.find(service_id, missing)
        check_stays(changes, upstream, self._asking.members.ids)
        sent = without_choice(changes)
        if changes.get("process") is not None:
            route = await self._router.route(
                user, {**changes, FORCE: [upstream]}, operation="PATCH /services/{}"
            )
            sent["process"] = route.process
        call = Call("PATCH", _path(identifier, ""), json=sent)
        await self._asking.call(user, SORT, upstream, call, missing=missing)

    async def delete_service(self, user: User, service_id: str) -> None:
        """Remove it."""
        missing = ServiceNotFound(identifier=service_id)
        upstream, identifier = self._asking.find(service_id, missing)
        await self._asking.call(user, SORT, upstream, Call("DELETE", _path(identifier, "")), missing=missing)

    async def debug_service(
        self, user: User, service_id: str, *, limit: int | None, offset: str | None, level: str | None
    ) -> LogPage:
        """The log at its back-end; the offset is that of the back-end."""
        given: dict[str, str | int | None] = {"limit": limit, "offset": offset, "level": level}
        params = {key: value for key, value in given.items() if value is not None}
        upstream, answer = await self._get(user, service_id, "/logs", params)
        return log_page(upstream, object_of(answer), level)

    async def _get(
        self, user: User, service_id: str, below: str, params: Mapping[str, str | int] | None = None
    ) -> tuple[str, Answer]:
        missing = ServiceNotFound(identifier=service_id)
        upstream, identifier = self._asking.find(service_id, missing)
        call = Call("GET", _path(identifier, below), params or {})
        return upstream, await self._asking.call(user, SORT, upstream, call, missing=missing)

    def _name_at(self, upstream: str, request: Json) -> Any:
        """What the back-end calls the type: names differ in upper and lower case."""
        view = self._snapshots.view(SERVICE_TYPES)
        wanted = request.get("type")
        if isinstance(view, EntriesView) and isinstance(wanted, str):
            for name, names in view.names.items():
                if name.casefold() == wanted.casefold():
                    return names.get(upstream, name)
        return wanted


def _shown(upstream: str, service: Mapping[str, Any]) -> dict[str, Any] | None:
    """A service without links; None when it lacks what every service must have."""
    identifier = service.get("id")
    kept = {key: value for key, value in service.items() if key not in _NOT_PASSED_ON}
    if isinstance(identifier, str):
        kept["id"] = federated(upstream, identifier)
    return checked_entry(Belonging.SERVICE, upstream, {**kept, BACKENDS: [upstream]})


def _listed(upstream: str, service: Mapping[str, Any]) -> dict[str, Any] | None:
    shown = _shown(upstream, service)
    return None if shown is None else {key: value for key, value in shown.items() if key != "process"}


SERVICES = UserList(SORT, newest_first, _listed)


def _path(identifier: str, below: str) -> str:
    return f"/services/{quote(identifier, safe='')}{below}"
