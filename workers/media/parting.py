"""The end of one call, told in an order that survives a death at any step of it.

First the end is on disk; then the registry is told, and its word lets others act; the carrier's
socket closes last. But the caller is not kept on the line for a disk that is full.
"""

import asyncio
from typing import Final

from callfunnel.events.call import CallEnded
from callfunnel.infra.tasks import Tasks
from workers.media.channels.dialect import Dialect
from workers.media.core.outputs import End
from workers.media.endings import as_decided
from workers.media.report import Reporter
from workers.media.setting import LineSocket, Setting

_AGAIN_S: Final = 1.0
"""A spool that is full is asked again: no call is over before its end was accepted."""
_LET_GO_S: Final = 2.0
"""How long the caller is kept on the line for that; the journal on disk knows of the call."""


class Parting:
    """One call's. `dial` is whom the carrier calls next, if anybody."""

    def __init__(
        self, setting: Setting, socket: LineSocket, dialect: Dialect, tasks: Tasks
    ) -> None:
        self._reporter = setting.reporter
        self._errands = setting.errands
        self._socket = socket
        self._dialect = dialect
        self._tasks = tasks
        self._line_is_up = True
        self.dial = ""

    async def take(self, end: End) -> None:
        """Returns once everybody knows."""
        telling = self._tasks.start(tell_surely(self._reporter, as_decided(end)))
        # On disk before the pin says that nobody else need tell it, unless the disk is full.
        await asyncio.wait({telling}, timeout=_LET_GO_S)
        await self._errands.ended(end, self.dial)
        self.hang_up(end)
        await asyncio.wait({telling})

    def hang_up(self, end: End) -> None:
        """The line goes down, once."""
        if self._line_is_up:
            self._line_is_up = False
            farewell = self._dialect.bye(end.cause.value)
            if farewell is not None:
                self._socket.send(farewell)
            self._socket.close()


async def tell_surely(reporter: Reporter, ended: CallEnded) -> None:
    """Returns once the end of a call, and all that was told before it, is on disk."""
    while True:
        if reporter.end(ended):
            break
        await asyncio.sleep(_AGAIN_S)
    await reporter.on_disk()
