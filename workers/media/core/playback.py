"""The ledger of the agent's audio: what was queued, sent and heard, in samples of one generation.

A generation begins with the call and at every stop; its audio is one line of samples, made of
pieces that belong to items of replies. The ledger decides which audio still counts and how far
the caller has heard it. It never decides to stop: that is `barge_in` and `stop`.
"""

import re
from typing import Final

from workers.media.core.policy import RATE, samples, seconds

_MARK: Final = re.compile(r"g([0-9]{1,9})-([0-9]{1,12})")


class Piece:
    """A run of samples of one item: `[start, end)` of the generation."""

    __slots__ = ("end", "item", "start")

    def __init__(self, item: str, start: int, end: int) -> None:
        self.item = item
        self.start = start
        self.end = end


class Playback:
    """Positions of one call's playback. Always `0 <= heard <= sent <= queued`."""

    def __init__(self, window_ms: int, grace_ms: int) -> None:
        self.generation = 0
        self.dropped = 0
        self._window = samples(window_ms)
        self._patience = seconds(window_ms + grace_ms)
        self._open: set[str] = set()
        self._begin()

    def _begin(self) -> None:
        self._pieces: list[Piece] = []
        self._queued = self._sent = self._confirmed = self._floor = 0
        self._still_since: float | None = None
        self._held = False

    # What the audio path calls: cheap, no outputs.

    def accepts(self, response: str) -> bool:
        """May audio of this reply be queued? Ask per delta, before queueing it."""
        return response in self._open

    def sent(self, count: int) -> None:
        """The audio path handed `count` more samples of this generation to the carrier."""
        self._sent = min(self._sent + count, self._queued)

    def mark(self) -> str:
        """The name of a mark to send now, right after the samples it is to confirm."""
        return f"g{self.generation}-{self._sent}"

    # What the core calls.

    def open(self, response: str) -> None:
        """Audio of this reply counts from now on."""
        self._open.add(response)

    def shut(self, response: str) -> None:
        """No more audio of this reply is taken; what is queued of it stays."""
        self._open.discard(response)

    def queue(self, response: str, item: str, count: int, now: float) -> bool:
        """Notes audio put in the queue. False (and counted) when its reply is not open."""
        if response not in self._open:
            self.dropped += 1
            return False
        if count <= 0:
            return False
        if self._sent == self._queued and not self._held:
            self.flow(now)
        if self._pieces and self._pieces[-1].item == item:
            self._pieces[-1].end += count
        else:
            self._pieces.append(Piece(item, self._queued, self._queued + count))
        self._queued += count
        return True

    def confirm(self, name: str) -> bool:
        """Moves the clock to a mark of this generation; any other mark changes nothing."""
        mark = _MARK.fullmatch(name)
        if mark is None or int(mark[1]) != self.generation:
            return False
        reached = min(int(mark[2]), self._sent)
        moved = reached > self._confirmed
        self._confirmed = max(reached, self._confirmed)
        return moved

    def flow(self, now: float) -> None:
        """Samples leave again: from here the clock runs behind what is sent."""
        if self._held:
            return
        self._floor = self.heard_total(now)
        self._still_since = None

    def dry(self, now: float) -> None:
        """The queue ran empty: what was sent plays out within the window."""
        if self._still_since is None and self._sent == self._queued:
            self._still_since = now

    def hold(self, now: float) -> None:
        """Feeding was switched off: what was sent plays out, the rest waits."""
        if self._still_since is None:
            self._still_since = now
        self._held = True

    def release(self, now: float) -> None:
        """Feeding was switched on again."""
        self._held = False
        if self._sent < self._queued:
            self.flow(now)

    def renew(self) -> int:
        """A new generation: nothing of the old one counts any more."""
        self.generation += 1
        self._open.clear()
        self._begin()
        return self.generation

    # The clock.

    def heard_total(self, now: float) -> int:
        """Samples of this generation the caller has heard: confirmed, or estimated by pace."""
        estimate = self._sent - self._window
        if self._still_since is not None:
            estimate += round((now - self._still_since) * RATE)
        return min(max(estimate, self._confirmed, self._floor, 0), self._sent)

    def heard(self, item: str, now: float) -> int:
        """Samples of one item the caller has heard."""
        return self._until(item, self.heard_total(now))

    def queued(self, item: str) -> int:
        """Samples of one item that were queued."""
        return self._until(item, self._queued)

    def _until(self, item: str, position: int) -> int:
        return sum(
            min(piece.end, position) - piece.start
            for piece in self._pieces
            if piece.item == item and piece.start < position
        )

    def items(self) -> list[str]:
        """The items of this generation, in the order they began."""
        return list(dict.fromkeys(piece.item for piece in self._pieces))

    def end_of(self, items: tuple[str, ...]) -> int:
        """Where the last sample of these items lies."""
        return max((piece.end for piece in self._pieces if piece.item in items), default=0)

    def queued_total(self) -> int:
        """Samples of this generation that were queued."""
        return self._queued

    def backlog(self) -> int:
        """Samples queued and not sent yet."""
        return self._queued - self._sent

    def finished(self, now: float) -> bool:
        """Nothing is left to hear: all was confirmed, or has had the time to be."""
        if self._confirmed == self._queued:
            return True
        return self.backlog() == 0 and self._still_since is not None and self._ripe() <= now

    def settle(self, now: float) -> None:
        """A tail whose mark did not come in time counts as heard from now on."""
        if self.finished(now):
            self._confirmed = self._queued

    def deadline(self) -> float | None:
        """When a tail whose mark does not come counts as heard."""
        waiting = self.backlog() == 0 and self._confirmed < self._queued
        return self._ripe() if waiting and self._still_since is not None else None

    def _ripe(self) -> float:
        return (self._still_since or 0.0) + self._patience
