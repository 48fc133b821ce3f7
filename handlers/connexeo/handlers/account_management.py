"""Account management: logging in, and the user's own account."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from connexeo.generated import models
from connexeo.handlers.context import Context, public
from connexeo.handlers.credentials import basic_credentials

_LISTS = (
    ("list-jobs", "/jobs", "Your batch jobs"),
    ("list-files", "/files", "Your files"),
    ("list-custom-processes", "/process_graphs", "Your processes"),
    ("list-services", "/services", "Your web services"),
)


async def authenticate_basic(context: Context) -> models.HTTPBasicAccessToken:
    """``GET /credentials/basic``: an access token for user name and password."""
    assert context.driver.account_management is not None
    username, password = basic_credentials(context.request.scope)
    return {"access_token": await context.driver.account_management.authenticate_basic(username, password)}


@public
async def authenticate_oidc(context: Context) -> models.OpenIDConnectProviders:
    """``GET /credentials/oidc``: the OpenID Connect providers."""
    assert context.driver.account_management is not None
    providers = list(await context.driver.account_management.authenticate_oidc())
    return cast(models.OpenIDConnectProviders, {"providers": providers})


async def describe_account(context: Context) -> models.UserData:
    """``GET /me``."""
    assert context.driver.account_management is not None
    account = await context.driver.account_management.describe_account(context.account)
    links = [*account.get("links", ()), *_related(context)]
    return cast(models.UserData, {**account, "links": links})


def _related(context: Context) -> Iterator[dict[str, str]]:
    """Links to the lists of the user's own things, as far as they are offered."""
    for operation_id, path, title in _LISTS:
        if operation_id in context.service.handlers:
            href = context.url(path)
            yield {"rel": "related", "href": href, "type": "application/json", "title": title}
