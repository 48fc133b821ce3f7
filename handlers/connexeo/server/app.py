"""Puts the server together: contract, driver and handlers, and the middlewares in the order they are passed."""

from __future__ import annotations

import importlib.metadata
import os
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, cast

import structlog
from connexion import ConnexionMiddleware
from connexion.frameworks.starlette import starlettify_path
from connexion.middleware.lifespan import LifespanMiddleware
from starlette.types import ASGIApp

from connexeo.drivers.interface import Driver, Versioned
from connexeo.drivers.loading import load_driver
from connexeo.handlers.context import Service
from connexeo.logs import configure_logging
from connexeo.server.contract import Contract, load_contract, make_contract, routing_document
from connexeo.server.cors import Cors, Methods, RouteTable
from connexeo.server.description import description_documents
from connexeo.server.dispatch import Dispatcher
from connexeo.server.documents import Document, DocumentStore, PublicDocuments
from connexeo.server.errors import Errors
from connexeo.server.observability import AccessLog, Metrics, Requests
from connexeo.server.operational import Operational
from connexeo.server.overlays import require_overlays
from connexeo.server.resolver import Handler, offered_endpoints, resolve_handlers
from connexeo.server.routing import Routing
from connexeo.server.security import Security, security_map
from connexeo.server.validation import CompiledValidation
from connexeo.settings import Settings, require_loopback

logger = structlog.get_logger("connexeo.server")


def create_app(
    settings: Settings, *, driver: Driver | None = None, document: Mapping[str, Any] | None = None
) -> ASGIApp:
    """Make the ASGI application.

    Args:
        settings: The deployment's settings.
        driver: Instead of the one that the settings name.
        document: A merged document, instead of the one that the settings name.

    Raises:
        ValueError: when settings contradict each other, or name what cannot be found.
    """
    require_loopback(settings)
    configure_logging(settings)
    contract = make_contract(document) if document is not None else load_contract(settings.contract)
    require_overlays(contract, settings.overlays)
    driver = driver if driver is not None else load_driver(settings)
    handlers = resolve_handlers(contract, settings.handlers, driver, settings.disabled)
    service = _make_service(settings, driver, contract, handlers)
    routes = routing_document(contract)
    capabilities = driver.capabilities
    version = capabilities.version if isinstance(capabilities, Versioned) else None
    store = DocumentStore(settings.discovery_cache, version=version)
    app = ConnexionMiddleware(
        Dispatcher(contract, handlers, service, store),
        lifespan=partial(_lifespan, driver, len(handlers)),
        middlewares=_middlewares(settings, driver, store, routes, description_documents(contract, service)),
    )
    app.add_api(
        routes,
        base_path=settings.base_path,
        # connexion wants a function for each operation; the dispatcher calls the real one.
        resolver=lambda _: _never_called,
        security_map=security_map(driver.account_management),
        contract=contract,
        offered=frozenset(handlers),
        max_body=settings.max_body,
    )
    return cast(ASGIApp, app)


def _make_service(
    settings: Settings, driver: Driver, contract: Contract, handlers: Mapping[str, Handler]
) -> Service:
    return Service(
        settings=settings,
        driver=driver,
        api_version=contract.api_version,
        backend_version=importlib.metadata.version("connexeo"),
        document=contract.document,
        endpoints=offered_endpoints(contract, handlers),
        conformance=contract.conformance,
        handlers=handlers,
    )


def _middlewares(
    settings: Settings,
    driver: Driver,
    store: DocumentStore,
    routes: Mapping[str, Any],
    described: Mapping[str, Callable[[], Document]],
) -> list[Any]:
    """What a request passes through, outermost first."""
    folder = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    metrics = Metrics(multiprocess_folder=folder) if settings.metrics else None
    access_log = AccessLog(settings.log_format) if settings.access_log else None
    base_path = settings.base_path
    return [
        partial(Requests, access_log=access_log, metrics=metrics),
        Cors,
        Errors,
        partial(Operational, driver=driver, metrics=metrics, base_path=base_path, documents=described),
        partial(PublicDocuments, store=store),
        partial(Methods, routes=_route_table(routes, base_path, described)),
        Routing,
        Security,
        CompiledValidation,
        LifespanMiddleware,
    ]


@asynccontextmanager
async def _lifespan(driver: Driver, operations: int, _: Any) -> AsyncIterator[None]:
    await driver.start()
    logger.info("server.ready", operations=operations)
    try:
        yield
    finally:
        await driver.stop()
        logger.info("server.stopped")


def _route_table(routes: Mapping[str, Any], base_path: str, documents: Iterable[str]) -> RouteTable:
    table: dict[str, tuple[str, ...]] = dict.fromkeys(documents, ("GET",))
    for path, item in routes["paths"].items():
        types = {p["name"]: p["schema"].get("format") for op in item.values() for p in op["parameters"]}
        table[base_path + starlettify_path(path, types)] = tuple(method.upper() for method in item)
    return RouteTable(table)


def _never_called() -> None:
    raise AssertionError("the dispatcher calls handlers, connexion does not")
