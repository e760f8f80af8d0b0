"""How long a peer may take to say what it wants: a request that dribbles in holds no connection."""

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

PATIENCE_S = 15.0
"""From the first moment to the last byte of a request; bodies are small (`shell.MOST_BODY`)."""


class PatientHttp(H11Protocol):
    """uvicorn's protocol, which by itself waits for ever for the rest of a request."""

    patience_s = PATIENCE_S
    _waiting: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._has_request():
            self._rest()
        elif self._waiting is None:
            self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        self._rest()
        super().connection_lost(exc)

    def _has_request(self) -> bool:
        """A whole request is in hand, or the connection has become a socket of the relay."""
        cycle: Any = self.cycle
        whole = cycle is not None and not cycle.response_complete and not cycle.more_body
        return whole or self.transport.get_protocol() is not self

    def _wait(self) -> None:
        self._waiting = self.loop.call_later(self.patience_s, self._give_up)

    def _rest(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def _give_up(self) -> None:
        self._waiting = None
        if not self._has_request():
            self.transport.close()
