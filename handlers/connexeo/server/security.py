"""Who asks: bearer tokens and Basic credentials, on connexion's security extension point."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from connexion.lifecycle import ConnexionRequest
from connexion.middleware.abstract import ROUTING_CONTEXT
from connexion.middleware.security import SecurityMiddleware
from connexion.security import AbstractSecurityHandler
from starlette.types import ASGIApp, Receive, Scope, Send

from connexeo.drivers.interface import AccountManagement, Token, User
from connexeo.generated.errors import (
    AuthenticationRequired,
    AuthenticationSchemeInvalid,
    FeatureUnsupported,
    TokenInvalid,
)
from connexeo.handlers.credentials import authorization, basic_credentials
from connexeo.server.contract import OPTIONAL_BEARER

Check = Callable[[ConnexionRequest], Awaitable[dict[str, Any]]]

MAX_TOKEN = 16_384


def parse_token(value: str) -> Token:
    """Split a bearer token: ``basic//…``, ``oidc/<provider>/…``, or a JWT as openEO 1.3 recommends.

    Raises:
        TokenInvalid: when it is none of these.
    """
    value = value.strip()
    if not value or len(value) > MAX_TOKEN or not value.isascii():
        raise TokenInvalid()
    method, slash, rest = value.partition("/")
    if not slash:
        if value.count(".") == 2:
            return Token("jwt", "", value)
        raise TokenInvalid()
    provider, slash, token = rest.partition("/")
    if not slash or not token:
        raise TokenInvalid()
    if method == "basic" and not provider:
        return Token("basic", "", token)
    if method == "oidc" and provider:
        return Token("oidc", provider, token)
    raise TokenInvalid()


def user_of(scope: Scope) -> User | None:
    """The authenticated user of a request."""
    context = scope.get("extensions", {}).get("connexion_context", {})
    user = context.get("token_info", {}).get("user")
    return user if isinstance(user, User) else None


class Security(SecurityMiddleware):
    """connexion's security, which anonymous requests for operations that allow them need not pass through."""

    def __init__(self, app: ASGIApp) -> None:
        super().__init__(app)
        self._optional: set[str] = set()

    def add_api(self, specification: Any, **options: Any) -> Any:
        """Take the operations of one document."""
        api = super().add_api(specification, **options)
        optional: list[dict[str, list[str]]] = [{OPTIONAL_BEARER: []}]
        self._optional |= {id for id, operation in api.operations.items() if operation.security == optional}
        return api

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI connection."""
        if scope["type"] == "http":
            operation_id = scope["extensions"].get(ROUTING_CONTEXT, {}).get("operation_id")
            if operation_id in self._optional and all(
                name != b"authorization" for name, _ in scope["headers"]
            ):
                await self.app(scope, receive, send)
                return
        await super().__call__(scope, receive, send)


def security_map(accounts: AccountManagement | None) -> dict[str, type[AbstractSecurityHandler]]:
    """Handlers for the schemes of the routing document."""

    async def authenticate(value: str) -> dict[str, Any]:
        if accounts is None:
            raise FeatureUnsupported()
        user = await accounts.authenticate(parse_token(value))
        return {"sub": user.id, "user": user}

    return {
        "bearer": _scheme_handler(_bearer(authenticate, optional=False)),
        OPTIONAL_BEARER.lower(): _scheme_handler(_bearer(authenticate, optional=True)),
        "basic": _scheme_handler(_basic),
    }


def _scheme_handler(check: Check) -> type[AbstractSecurityHandler]:
    """Adapter: connexion wants a class that makes the check."""

    class SchemeHandler(AbstractSecurityHandler):
        def get_fn(self, security_scheme: dict[str, Any], required_scopes: list[str]) -> Check:
            return check

    return SchemeHandler


def _bearer(authenticate: Callable[[str], Awaitable[dict[str, Any]]], *, optional: bool) -> Check:
    async def check(request: ConnexionRequest) -> dict[str, Any]:
        scheme, value = authorization(request.scope)
        if not scheme:
            if optional:
                return {}
            raise AuthenticationRequired()
        if scheme != "bearer":
            raise AuthenticationSchemeInvalid()
        return await authenticate(value)

    return check


async def _basic(request: ConnexionRequest) -> dict[str, Any]:
    # The handler of GET /credentials/basic checks user and password; here they only have to be well-formed.
    basic_credentials(request.scope)
    return {}
