"""Which function answers which operation: the deployment's handler packages first, then ours."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
from collections.abc import Awaitable, Callable, Mapping
from types import ModuleType
from typing import Any

from connexeo.drivers.interface import Driver
from connexeo.server.contract import Contract, Operation

Handler = Callable[..., Awaitable[Any]]

OUR_HANDLERS = "connexeo.handlers"


def resolve_handlers(
    contract: Contract, packages: tuple[str, ...], driver: Driver, disabled: tuple[str, ...] = ()
) -> dict[str, Handler]:
    """Find the handler of each operation that is really there.

    In each package of the chain the function ``<operation>`` is looked up in the module ``<microservice>`` and
    then in the package itself. Ours count only where the driver has the method of the same name, or the one that
    `connexeo.handlers.context.calls` names.

    Raises:
        ValueError: for an unknown operationId among ``disabled``, a handler package that cannot be found, or a
            handler that is not a coroutine function.
    """
    unknown = sorted(set(disabled) - set(contract.operations))
    if unknown:
        raise ValueError(f"disabled operations are not in the contract: {', '.join(unknown)}")
    for package in packages:
        if _import(package) is None:
            raise ValueError(f"the handler package {package} cannot be found")
    handlers: dict[str, Handler] = {}
    for operation in contract.operations.values():
        if operation.id not in disabled:
            handler = _resolve(operation, packages, driver)
            if handler is not None:
                handlers[operation.id] = handler
    return handlers


def _resolve(operation: Operation, packages: tuple[str, ...], driver: Driver) -> Handler | None:
    for package in packages:
        for module in (_import(f"{package}.{operation.microservice}"), _import(package)):
            handler = getattr(module, operation.function, None)
            if callable(handler):
                return _coroutine_function(handler, operation.function)
    module = _import(f"{OUR_HANDLERS}.{operation.microservice}")
    handler = getattr(module, operation.function, None)
    if handler is None:
        return None
    if getattr(handler, "needs_driver", True):
        microservice = getattr(driver, operation.microservice, None)
        method = getattr(handler, "driver_method", operation.function)
        if not callable(getattr(microservice, method, None)):
            return None
    return _coroutine_function(handler, operation.function)


def _coroutine_function(handler: Callable[..., Any], name: str) -> Handler:
    """The handler, unless it would block the server, and fail only when it is called."""
    if inspect.iscoroutinefunction(handler) or inspect.iscoroutinefunction(type(handler).__call__):
        return handler
    where = getattr(handler, "__module__", type(handler).__module__)
    raise ValueError(f"the handler {where}.{name} is not a coroutine function: define it with `async def`")


def _import(name: str) -> ModuleType | None:
    """The module, or None when it does not exist; an error inside an existing module is not hidden."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and (name == error.name or name.startswith(f"{error.name}.")):
            return None
        raise


def offered_endpoints(contract: Contract, handlers: Mapping[str, Handler]) -> list[dict[str, Any]]:
    """The ``endpoints`` of the capabilities: path templates spelled as in the document, methods in upper case."""
    endpoints: dict[str, list[str]] = {}
    for operation in contract.operations.values():
        if operation.id in handlers:
            endpoints.setdefault(operation.path, []).append(operation.method.upper())
    return [{"path": path, "methods": methods} for path, methods in endpoints.items()]
