"""What the bus sends, cut into messages, for `LeanClient`; it hears what nats-py's parser hears.

nats-py tries two patterns on every message and cuts its buffer twice, then takes the message
through a queue and a task. Here a message is found by its line's words, and a callback that never
waits for the bus is awaited in place. Whatever is no message is left to nats-py's parser.
It relies on methods that are not public (pinned to nats-py 2.16): a property test against nats-py's
own parser holds it to the same messages.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from nats.errors import ProtocolError
from nats.protocol.parser import Parser

if TYPE_CHECKING:
    from callfunnel.infra.lean import LeanClient

_LINE_END: Final = b"\r\n"
_MESSAGES: Final = {b"MSG": 4, b"HMSG": 5}
"""How many words such a line has when nobody is to answer; with an inbox, one more."""
_LONGEST_LINE: Final = 1024 * 1024
"""The server's INFO names every address of a cluster; nothing else is as long."""
_DIGITS: Final = 18
"""Of a number, at most: Python makes none of some thousands."""


class LeanParser(Parser):
    """Fed by nats-py's reading loop. Raises ProtocolError for what is not the bus's protocol."""

    _connections = 0

    def __init__(self, client: LeanClient) -> None:
        super().__init__(client)
        self._client = client
        self._enough = 0

    def reset(self) -> None:
        """Forgets a message that is there in part: the connection is a new one."""
        super().reset()
        self._enough = 0
        self._connections += 1

    async def parse(self, data: bytes = b"") -> None:
        """Takes what has arrived, up to the last whole message."""
        if self.buf:
            self.buf += data
            if len(self.buf) < self._enough:
                return
            data = bytes(self.buf)
            self.buf.clear()
        self._enough = 0
        connection = self._connections
        taken = await self._take(data)
        if connection == self._connections:  # else the rest is of one that was lost meanwhile
            self.buf += data[taken:]

    async def _take(self, data: bytes) -> int:
        """Hands over every whole message; how many bytes that were."""
        at = 0
        while (end := data.find(_LINE_END, at)) >= 0:
            words = data[at:end].split()
            if not words or words[0] not in _MESSAGES:
                await self._other(data[at : end + 2])
                at = end + 2
                continue
            sid, head, size = _numbers(words)
            body = end + 2
            after = body + size + 2
            if after > len(data):
                self._enough = after - at
                break
            subject, reply = words[1], words[3] if len(words) > _MESSAGES[words[0]] else b""
            block, payload = data[body : body + head], data[body + head : body + size]
            await self._client.take(sid, subject, reply, payload, block)
            at = after
        else:
            if len(data) - at > _LONGEST_LINE:
                raise ProtocolError("nats: a line without an end")
        return at

    async def _other(self, line: bytes) -> None:
        await super().parse(line)
        if self.buf:
            raise ProtocolError("nats: unknown protocol")


def _numbers(words: list[bytes]) -> tuple[int, int, int]:
    """Of a message's line: the subscription, the bytes of its headers, and those of all of it."""
    if len(words) - _MESSAGES[words[0]] not in (0, 1):
        raise ProtocolError("nats: malformed message")
    numbers = (words[2], words[-2] if words[0] == b"HMSG" else b"0", words[-1])
    if not all(word.isdigit() and len(word) <= _DIGITS for word in numbers):
        raise ProtocolError("nats: malformed message")
    sid, head, size = map(int, numbers)
    if head > size:
        raise ProtocolError("nats: malformed message")
    return sid, head, size
