"""What the calls of a worker owe a disk that refuses, and what is gone for good."""

from typing import Final

import msgspec

from callfunnel.events.envelope import Wire

MOST_OWED_BYTES: Final = 16 * 1024 * 1024
"""Of all calls of the worker. Most messages have a kilobyte, but one may have a megabyte."""
_AROUND: Final = 2048
"""What a message that waits costs besides its body: subject, headers, objects."""


class Shortfall(msgspec.Struct):
    """What found no room and is gone, since the start: segments of audio, other messages."""

    segments: int = 0
    messages: int = 0


class Owed(msgspec.Struct):
    """What all calls of a worker owe a disk that refuses now; it waits in memory."""

    messages: int = 0
    bytes: int = 0

    def has_room(self, wire: Wire) -> bool:
        """Whether one more may wait."""
        return self.bytes + _cost(wire) <= MOST_OWED_BYTES

    def add(self, wire: Wire) -> None:
        self.messages += 1
        self.bytes += _cost(wire)

    def forgive(self, wire: Wire) -> None:
        """It was told, or nobody will tell it any more."""
        self.messages -= 1
        self.bytes -= _cost(wire)


class Debts:
    """The two of one worker."""

    def __init__(self) -> None:
        self.lost = Shortfall()
        self.owed = Owed()


def _cost(wire: Wire) -> int:
    return len(wire.body) + _AROUND
