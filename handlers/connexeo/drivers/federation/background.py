"""Who asks a back-end in the background: nobody, or the account that the operator gave."""

from __future__ import annotations

import base64

from connexeo.drivers.federation.connection import Call, Connection
from connexeo.drivers.federation.faults import Garbled
from connexeo.settings import BasicAccount, Upstream


async def login(connection: Connection, account: BasicAccount, deadline: float) -> str:
    """Value of the header of whoever logs in at a back-end with HTTP Basic.

    Raises:
        UpstreamFault: when that fails.
    """
    given = f"{account.username}:{account.password.get_secret_value()}"
    basic = f"Basic {base64.b64encode(given.encode()).decode()}"
    answer = await connection.fetch(Call("GET", "/credentials/basic", authorization=basic), deadline)
    token = answer.object().get("access_token")
    if not isinstance(token, str) or not token:
        raise Garbled(connection.id, "the answer to a login has no access_token")
    return f"Bearer {token}" if token.count(".") == 2 and "/" not in token else f"Bearer basic//{token}"


class BackgroundAccount:
    """The account for background checks of one back-end; logs in when it is needed, and again when it has to."""

    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream
        self._authorization: str | None = None

    async def authorization(self, connection: Connection, deadline: float) -> str | None:
        """Value of the header; None for the anonymous.

        Raises:
            UpstreamFault: when the login fails.
        """
        if self._upstream.token is not None:
            return f"Bearer {self._upstream.token.get_secret_value()}"
        if self._upstream.account is None:
            return None
        if self._authorization is None:
            self._authorization = await login(connection, self._upstream.account, deadline)
        return self._authorization

    def forget(self) -> None:
        """Log in again next time: the token is not good any longer."""
        self._authorization = None
