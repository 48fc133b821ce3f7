"""What a handler gets: the request, the user, and the service that it belongs to."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast
from urllib.parse import quote, urlencode

from starlette.requests import Request
from starlette.types import Scope

from connexeo.drivers.interface import Driver, User
from connexeo.settings import Settings

HandlerT = TypeVar("HandlerT", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Service:
    """One running back-end: what it serves, by which driver, with which settings."""

    settings: Settings
    driver: Driver
    api_version: str
    backend_version: str
    document: Mapping[str, Any]
    """The merged OpenAPI document."""
    endpoints: Sequence[Mapping[str, Any]]
    """Paths and methods that are offered, as ``GET /`` lists them."""
    conformance: Sequence[str] = ()
    """Conformance classes of extensions."""
    handlers: Mapping[str, Callable[..., Awaitable[Any]]] = field(default_factory=dict, repr=False)
    """Handlers of the operations that are offered, by operationId."""


@dataclass(frozen=True, slots=True)
class Context:
    """One call of an operation."""

    request: Request
    user: User | None
    service: Service = field(repr=False)

    @property
    def driver(self) -> Driver:
        """The driver of this back-end."""
        return self.service.driver

    @property
    def settings(self) -> Settings:
        """The settings of this back-end."""
        return self.service.settings

    @property
    def request_id(self) -> str:
        """Id of the request, as in its logs and in ``X-Request-ID``."""
        return str(self.request.scope.get("state", {}).get("request_id", ""))

    @property
    def account(self) -> User:
        """The user of an operation that needs a token."""
        assert self.user is not None, "the contract must ask for a token where a handler needs the user"
        return self.user

    def url(self, path: str = "/", **query: str | int | None) -> str:
        """Absolute URL of a path of the API; query parameters that are None are left out."""
        base = self.settings.public_url
        if base is None:
            url = self.request.url
            base = f"{url.scheme}://{url.netloc}{self.settings.base_path}"
        given = {key: value for key, value in query.items() if value is not None}
        return f"{base}{quote(path, safe='/{}:')}" + (f"?{urlencode(given)}" if given else "")

    def accepts_html(self) -> bool:
        """Whether a browser asks."""
        return accepts_html(self.request.scope)


def accepts_html(scope: Scope) -> bool:
    """Whether the ``Accept`` header of a request names HTML before JSON, as browsers do."""
    accepted = b",".join(value for name, value in scope["headers"] if name == b"accept")
    for part in accepted.decode("latin-1").split(","):
        media_type = part.partition(";")[0].strip().lower()
        if media_type in ("application/json", "*/*"):
            return False
        if media_type in ("text/html", "application/xhtml+xml"):
            return True
    return False


def public(handler: HandlerT) -> HandlerT:
    """Mark a handler whose answer to anonymous requests depends on path, query and host alone.

    The server keeps such answers for a few seconds.
    """
    cast(Any, handler).public = True
    return handler


def calls(method: str) -> Callable[[HandlerT], HandlerT]:
    """Mark a handler that calls a driver method of another name than its own."""

    def mark(handler: HandlerT) -> HandlerT:
        cast(Any, handler).driver_method = method
        return handler

    return mark


def without_driver(handler: HandlerT) -> HandlerT:
    """Mark a handler that needs no driver method of its name."""
    cast(Any, handler).needs_driver = False
    return handler
