"""Request validation by validators that are compiled from the contract.

connexion's own validator reads its resolved document in Python, which is cyclic for openEO and made a POST of
5 KB seventy times slower than the bare server. This middleware stands on the same extension point.
"""

from __future__ import annotations

import re
import zlib
from typing import Any
from urllib.parse import parse_qsl

import orjson
from connexion.middleware.abstract import RoutedAPI, RoutedMiddleware
from connexion.operations import AbstractOperation
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Receive, Scope, Send

from connexeo.generated.errors import (
    ContentTypeInvalid,
    NotFound,
    RequestInvalid,
    RequestTooLarge,
)
from connexeo.server.contract import Contract, Operation, Parameter
from connexeo.server.faults import body_fault, describe
from connexeo.server.schema import SchemaCompiler, Validator

REQUEST = "connexeo_request"
"""Key in the ASGI scope under which the keyword arguments of the handler are kept."""


class ParameterReader:
    """Reads one path or query parameter from its text."""

    def __init__(self, parameter: Parameter, compiler: SchemaCompiler) -> None:
        self.parameter = parameter
        self._type = parameter.schema.get("type", "string")
        self._validator = compiler.compile(parameter.schema)

    def read(self, text: str) -> Any:
        """The value.

        Raises:
            RequestInvalid: when a query parameter is not what the contract asks for.
            NotFound: when a path parameter is not; the standard wants 404 for it.
        """
        value = self._convert(text)
        fault = next(self._validator.iter_errors(value), None)
        if fault is None:
            return value
        reason = f"{self.parameter.location} parameter '{self.parameter.name}': {describe(fault)}"
        if self.parameter.location == "path":
            raise NotFound(f"Nothing can be found here, by the {reason}")
        raise RequestInvalid(reason=reason)

    def _convert(self, text: str) -> Any:
        try:
            if self._type == "integer":
                # Python refuses to read thousands of digits. The contract sets no limit to most integers; a
                # driver that hands one to a database has to.
                return int(text) if re.fullmatch(r"[+-]?[0-9]{1,1000}", text) else text
            if self._type == "number":
                return float(text)
        except ValueError:
            return text
        if self._type == "boolean":
            return {"true": True, "false": False}.get(text.lower(), text)
        if self._type == "array":
            return text.split(",")
        return text


class OperationValidator:
    """Everything that one operation's request is checked for; ASGI app in front of the dispatcher."""

    def __init__(
        self,
        operation: Operation,
        compiler: SchemaCompiler,
        next_app: ASGIApp,
        *,
        max_body: int,
        active: bool,
    ) -> None:
        self.operation = operation
        self.next_app = next_app
        self.max_body = max_body
        self.active = active
        readers = [ParameterReader(p, compiler) for p in operation.parameters] if active else []
        self._path = [r for r in readers if r.parameter.location == "path"]
        self._query = {r.parameter.name: r for r in readers if r.parameter.location == "query"}
        schema = operation.json_body
        self._body: Validator | None = compiler.compile(schema) if active and schema is not None else None
        self._body_required = bool((operation.body or {}).get("required", False))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI connection."""
        if self.active:
            arguments = self._arguments(scope)
            if self._body is not None:
                arguments["body"] = await self._read_json(scope, receive)
            scope[REQUEST] = arguments
        await self.next_app(scope, receive, send)

    def _arguments(self, scope: Scope) -> dict[str, Any]:
        values = scope.get("path_params", {})
        arguments = {
            r.parameter.keyword: r.read(values[r.parameter.name.replace("-", "_")]) for r in self._path
        }
        if self._query:
            given = _parse_query(scope["query_string"]) if scope["query_string"] else {}
            for name, reader in self._query.items():
                text = given.get(name, "")
                # Clients send `offset=` for "from the start": an empty value counts as not given.
                if text != "":
                    arguments[reader.parameter.keyword] = reader.read(text)
                elif reader.parameter.required:
                    raise RequestInvalid(reason=f"the query parameter '{name}' is required")
        return arguments

    async def _read_json(self, scope: Scope, receive: Receive) -> Any:
        headers = dict(scope["headers"])
        _check_content_type(headers.get(b"content-type", b"application/json").decode("latin-1"))
        raw = await read_body(receive, self.max_body, declared=headers.get(b"content-length"))
        encoding = headers.get(b"content-encoding", b"identity").decode("latin-1").strip().lower()
        if encoding != "identity":
            raw = _decompress(raw, encoding, self.max_body)
        if not raw.strip():
            if self._body_required:
                raise RequestInvalid(reason="the request needs a body with a JSON object, but it is empty")
            return None
        try:
            body = orjson.loads(raw)
        except orjson.JSONDecodeError as error:
            raise RequestInvalid(reason=f"the body is not valid JSON: {_json_fault(raw, error)}") from None
        assert self._body is not None
        if not self._body.is_valid(body):
            raise body_fault(self._body, body, len(raw))
        return body


def _parse_query(query: bytes) -> dict[str, str]:
    try:
        return dict(parse_qsl(query.decode("ascii"), keep_blank_values=True, errors="strict"))
    except (UnicodeDecodeError, ValueError) as error:
        raise RequestInvalid(reason="the query string is not percent-encoded UTF-8") from error


def _check_content_type(value: str) -> None:
    media_type = value.partition(";")[0].strip().lower()
    if media_type != "application/json" and not re.fullmatch(r"application/[\w.-]+\+json", media_type):
        raise ContentTypeInvalid(types="application/json")


async def read_body(receive: Receive, limit: int, *, declared: bytes | None = None) -> bytes:
    """The whole request body, chunked or not.

    Raises:
        RequestTooLarge: as soon as more than ``limit`` bytes are announced or have come.
    """
    if declared is not None and declared.isdigit() and int(declared) > limit:
        raise RequestTooLarge(limit=limit)
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        part = message.get("body", b"")
        size += len(part)
        if size > limit:
            raise RequestTooLarge(limit=limit)
        parts.append(part)
        if not message.get("more_body", False):
            return parts[0] if len(parts) == 1 else b"".join(parts)


def _decompress(raw: bytes, encoding: str, limit: int) -> bytes:
    windows = {"gzip": 31, "x-gzip": 31, "deflate": 15}
    if encoding not in windows:
        raise ContentTypeInvalid(
            f"The content encoding '{encoding}' is not supported. Send the body as it is, or as gzip or deflate."
        )
    decompressor = zlib.decompressobj(windows[encoding])
    try:
        data = decompressor.decompress(raw, limit + 1)
    except zlib.error as error:
        raise RequestInvalid(reason=f"the body is not valid {encoding} data") from error
    if len(data) > limit:
        raise RequestTooLarge(limit=limit)
    if not decompressor.eof:
        raise RequestInvalid(reason=f"the body is {encoding} data that ends too early")
    if decompressor.unused_data:
        raise RequestInvalid(reason=f"the body goes on after the end of its {encoding} data")
    return data


def _json_fault(raw: bytes, error: orjson.JSONDecodeError) -> str:
    try:
        raw.decode()
    except UnicodeDecodeError as fault:
        return f"byte {fault.start} is not UTF-8"
    return f"{error.msg} (line {error.lineno}, column {error.colno})"


class ValidatedApi(RoutedAPI[OperationValidator]):
    """The operations of one document, with a validator each."""

    def __init__(
        self,
        specification: Any,
        *,
        next_app: ASGIApp,
        contract: Contract,
        offered: frozenset[str],
        max_body: int,
        **options: Any,
    ) -> None:
        super().__init__(specification, next_app=next_app, **options)
        self._contract = contract
        self._offered = offered
        self._max_body = max_body
        self._compiler = SchemaCompiler(contract.document)
        self.add_paths()

    def make_operation(self, operation: AbstractOperation) -> OperationValidator:
        """Compile the validator of one operation; one that is not offered is not checked, only refused."""
        identifier = operation.operation_id
        return OperationValidator(
            self._contract.operations[identifier],
            self._compiler,
            self.next_app,
            max_body=self._max_body,
            active=identifier in self._offered,
        )


class CompiledValidation(RoutedMiddleware[ValidatedApi]):
    """Middleware that validates each request before it reaches its handler."""

    api_cls = ValidatedApi
