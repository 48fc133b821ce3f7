"""Services in a database of each kind, and a stand-in for the processes that draw."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal

from connexeo.drivers.interface import Json, Tile, User
from connexeo.drivers.local.services.services import LocalServices
from connexeo.drivers.local.state import State
from connexeo.drivers.local.state.tables import users
from connexeo.generated.errors import OpenEOError
from connexeo.settings import Settings
from desks import ANA, PROCESS, PortalDesk, check_process

SURVEY = {"bounds": [10.0, 47.0, 11.0, 48.0], "range": [0.0, 1.0], "bands": ["B04"]}


@dataclass
class FakeDrawing:
    """Draws pictures that are texts: how many were drawn before."""

    survey: Json | OpenEOError = field(default_factory=lambda: dict(SURVEY))
    failure: OpenEOError | None = None
    """Instead of a picture."""
    nothing: bool = False
    """Whether there is no data."""
    entries: list[Json] = field(default_factory=list)
    """What processes log."""
    asked: list[tuple[str, str | None, Json]] = field(default_factory=list)
    gate: asyncio.Event | None = None
    """Where there is one, pictures are not done before it is set."""
    busy: asyncio.Event | None = None
    """Is set, where there is one, when a picture is begun."""
    begun: int = 0
    seconds: float = 0.5
    """Of a processor, for each picture and for looking over the data."""

    def hold(self) -> None:
        """Begin pictures and do not finish them; called where there is an event loop."""
        self.gate, self.busy = asyncio.Event(), asyncio.Event()

    @property
    def drawn(self) -> list[Json]:
        """The requests for tiles."""
        return [request for task, _, request in self.asked if task == "tile"]

    async def run(
        self,
        task: str,
        user_id: str | None,
        request: Json,
        *,
        timeout: float | None = None,  # noqa: ASYNC109 - it belongs to the task
        on_log: Callable[[Json], None] = lambda _: None,
        on_usage: Callable[[Json], None] = lambda _: None,
    ) -> Json:
        self.asked.append((task, user_id, request))
        on_usage({"cpu": self.seconds})
        if task == "survey":
            if isinstance(self.survey, OpenEOError):
                raise self.survey
            return self.survey
        self.begun += 1
        if self.busy is not None:
            self.busy.set()
        if self.gate is not None:
            await self.gate.wait()
        for entry in self.entries:
            on_log(entry)
        if self.failure is not None:
            raise self.failure
        text = f"picture {len(self.drawn)}".encode()
        return {"picture": None if self.nothing else base64.b64encode(text).decode()}

    async def stop(self) -> None:
        pass


class Desk(PortalDesk):
    """The driver for code that does not wait."""

    def __init__(self, portal: BlockingPortal, settings: Settings, state: State) -> None:
        super().__init__(portal, state)
        self.settings = settings
        self.drawing = FakeDrawing()
        self.driver = self.make_driver()

    def make_driver(self, **settings: Any) -> LocalServices:
        """A driver on the same database, with other settings."""
        chosen = self.settings.model_copy(update=settings)
        return LocalServices(chosen, self.state, self.drawing, check_process)

    def create(self, user: User = ANA, /, **request: Any) -> str:
        """A new service, of the type XYZ unless another is given."""
        given = {"type": "XYZ", "process": PROCESS, **request}
        service_id: str = self(self.driver.create_service, user, given)
        return service_id

    def describe(self, service_id: str, user: User = ANA) -> dict[str, Any]:
        """A service."""
        return dict(self(self.driver.describe_service, user, service_id))

    def update(self, service_id: str, user: User = ANA, /, **changes: Any) -> None:
        """Change a service."""
        self(self.driver.update_service, user, service_id, changes)

    def logs(self, service_id: str, **options: Any) -> list[Any]:
        """Log entries of a service."""
        wanted = {"limit": None, "offset": None, "level": None, **options}
        return list(self(self.driver.debug_service, ANA, service_id, **wanted).items)

    def tile(self, service_id: str, zoom: int, column: int, row: int, **options: Any) -> Tile:
        """A tile of an XYZ service, unless another type is given."""
        given = {"service_type": "XYZ", "matrix_set": None, **options}
        service_type = given.pop("service_type")
        tile: Tile = self(
            self.driver.draw_tile, service_id, service_type, zoom=zoom, column=column, row=row, **given
        )
        return tile

    def disable(self, user_id: str) -> None:
        """Have an account that is disabled."""
        row = {"id": user_id, "provider": "basic", "created": datetime.now(UTC), "token_generation": 0}
        self.write(lambda connection: connection.execute(users.insert().values(**row, disabled=True)))


@pytest.fixture
def desk(database_url: str, tmp_path: Path) -> Iterator[Desk]:
    """Services in an empty database."""
    state = State(database_url)
    with start_blocking_portal() as portal:
        portal.call(state.start)
        desk = Desk(portal, Settings(data=tmp_path), state)
        yield desk
        portal.call(desk.driver.stop)
        portal.call(state.stop)
