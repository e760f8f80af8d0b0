"""Turn numbers, which text belongs to which turn, and the latency marks of each.

Turn 0 is the greeting; every turn of the caller opens the next one, and what the agent answers
has the same number. Positions are milliseconds of the call.
"""

from typing import Final

from callfunnel.events.call import TurnMeasured

KEPT: Final = 64
"""Turns whose text or marks may still come. Older ones get neither."""


class Turn:
    """One turn of the caller and the marks of its answer."""

    __slots__ = (
        "committed_ms", "end_ms", "has_text", "item", "measured", "model_ms", "number", "played_ms",
        "sent_ms", "start_ms",
    )  # fmt: skip

    def __init__(self, number: int, item: str, start_ms: int) -> None:
        self.number = number
        self.item = item
        self.start_ms = start_ms
        self.end_ms = start_ms
        self.committed_ms: int | None = None
        self.model_ms: int | None = None
        self.sent_ms: int | None = None
        self.played_ms: int | None = None
        self.has_text = False
        self.measured = False


class Turns:
    """The turns of a call. `answering` is the number the agent speaks under."""

    def __init__(self) -> None:
        self.answering = 0
        self._last = 0
        self._open: Turn | None = None
        self._turns: list[Turn] = []

    def open(self, item: str, start_ms: int) -> Turn:
        """The caller begins a turn, or goes on with the open one."""
        if self._open is None:
            self._last += 1
            self._open = Turn(self._last, item, start_ms)
            self._turns.append(self._open)
            del self._turns[:-KEPT]
        self._open.item = self._open.item or item
        return self._open

    def commit(self, item: str, end_ms: int, now_ms: int) -> Turn:
        """The caller's turn is over; `end_ms` is its last voiced moment."""
        turn = self.open(item, end_ms)
        turn.end_ms = max(end_ms, turn.start_ms)
        turn.committed_ms = max(now_ms, turn.end_ms)
        self.answering = turn.number
        self._open = None
        return turn

    def claim(self, item: str) -> Turn | None:
        """The turn a text belongs to, which has its text from now on; None if it has already."""
        turn = self._wants(item)
        if turn is not None:
            turn.item = turn.item or item
            turn.has_text = True
        return turn

    def knows(self, item: str) -> bool:
        """Is there a turn this text belongs to (whether or not it has it already)?"""
        return bool(item and self._named(item)) or self._wants(item) is not None

    def _wants(self, item: str) -> Turn | None:
        named = self._named(item) if item else None
        if named is not None:
            return None if named.has_text else named
        waiting = [t for t in self._turns if not t.has_text and (not item or not t.item)]
        over = [t for t in waiting if t.committed_ms is not None]
        return next(iter((over or waiting)[-1:]), None)

    def _named(self, item: str) -> Turn | None:
        return next((turn for turn in self._turns if turn.item == item), None)

    def owes_text(self) -> bool:
        """Is the text of the last turn that is over still to come?"""
        over = [turn for turn in self._turns[-2:] if turn.committed_ms is not None]
        return bool(over) and not over[-1].has_text

    def model_spoke(self, now_ms: int) -> None:
        """The model's first audio of the answer came."""
        turn = self._measuring()
        if turn is not None and turn.model_ms is None:
            turn.model_ms = now_ms

    def sent(self, now_ms: int) -> None:
        """The first frame of the answer went to the carrier."""
        turn = self._measuring()
        if turn is not None and turn.sent_ms is None:
            turn.sent_ms = now_ms

    def played(self, now_ms: int) -> None:
        """Audio of the answer was confirmed as played."""
        turn = self._measuring()
        if turn is not None and turn.sent_ms is not None and turn.played_ms is None:
            turn.played_ms = now_ms

    def _measuring(self) -> Turn | None:
        turns = (t for t in reversed(self._turns) if t.number == self.answering and not t.measured)
        return next(turns, None)

    def measured(self, final: bool) -> TurnMeasured | None:
        """The marks of the present answer, once: when they are all there, or `final`."""
        turn = self._measuring()
        if turn is None or turn.committed_ms is None:
            return None
        if not final and turn.played_ms is None:
            return None
        turn.measured = True
        return TurnMeasured(
            turn=turn.number,
            speech_end_ms=turn.end_ms,
            committed_ms=turn.committed_ms,
            model_ms=turn.model_ms,
            sent_ms=turn.sent_ms,
            played_ms=turn.played_ms,
            response_ms=None if turn.sent_ms is None else max(turn.sent_ms - turn.end_ms, 0),
        )
