"""One stream's way out of the spool: some of its backlog in memory, the rest on disk, page by page.

Each stream has a lane of its own: one that is full holds up no other, and audio, which is large,
does not keep facts and usage waiting. Decides what memory holds, and when the next page is read.
"""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from callfunnel.events.streams import AUDIO, RAW, USAGE, Stream, stream_of_subject
from callfunnel.infra.windowed import Connection, Outgoing, SenderStats, WindowedSender

LANES: Final = 4
HELD: Final = 8192
HELD_BYTES: Final = 8 * 1024 * 1024
"""What a lane holds in memory for its sender; it may go beyond by one page."""
PAGE: Final = 1024
PAGE_BYTES: Final = 2 * 1024 * 1024
_NUMBERS: Final = {stream.name: n for n, stream in enumerate((RAW, AUDIO, USAGE), 1)}


def lane_of(subject: str) -> int:
    """The number of the lane a subject takes; 0 is everybody's."""
    return _NUMBERS.get(stream_of_subject(subject), 0)


def lane_of_stream(stream: Stream) -> int:
    """The number of a stream's own lane."""
    return _NUMBERS[stream.name]


class Page(NamedTuple):
    """Messages of a lane in the order of their keys; `more`: there may be more behind them."""

    lane: int
    messages: list[Outgoing]
    more: bool


class Lane:
    """Begins behind: what the disk holds comes first. `read_page` asks for what follows a key."""

    def __init__(
        self,
        number: int,
        read_page: Callable[[int, int], None],
        stored: Callable[[Outgoing], None],
    ) -> None:
        self._number = number
        self._read_page = read_page
        self._stored = stored
        self._sender: WindowedSender | None = None
        self._fed = 0
        self._behind = True
        self._paging = False

    async def start(self, connection: Connection, window: int, stats: SenderStats) -> None:
        """Begins to send, the leftovers first."""
        self._sender = WindowedSender(connection, self._acked, window=window, stats=stats)
        await self._sender.start()
        self._feed()

    async def stop(self) -> None:
        """Sends nothing more."""
        if self._sender is not None:
            await self._sender.stop()

    def hand_over(self, messages: Sequence[Outgoing]) -> None:
        """Messages that are on disk now; while the lane is behind, a later page has them."""
        if self._sender is None or self._behind or not self._holds_less_than(HELD, HELD_BYTES):
            self._behind = True
            return
        self._put(messages)

    def paged(self, page: Page) -> None:
        """Groups committed before the page are in it; later ones are handed over after it."""
        self._paging = False
        self._behind = page.more
        self._put(page.messages)
        self._feed()

    def _put(self, messages: Sequence[Outgoing]) -> None:
        if self._sender is not None and messages:
            for message in messages:
                self._sender.put(message)
            self._fed = messages[-1].key

    def _acked(self, message: Outgoing) -> None:
        self._stored(message)
        if self._behind:
            self._feed()

    def _feed(self) -> None:
        """Asks for the next page of a backlog that is longer than what memory holds."""
        ready = not self._paging and self._holds_less_than(HELD // 2, HELD_BYTES // 2)
        if self._behind and ready:
            self._paging = True
            self._read_page(self._number, self._fed)

    def _holds_less_than(self, count: int, size: int) -> bool:
        sender = self._sender
        return sender is not None and sender.pending <= count and sender.pending_bytes <= size
