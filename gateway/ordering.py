"""The facts of one call in one order, from wherever they come: each once, none left out. Pure.

Facts with a seq come first, in its order, up to the call's end; then what the workers behind the
call say (and what a writer given up as lost said after all), as it comes. The id under which a fact
goes out is the fact's own; once the call has ended it also names what went out since, so that a
reader who comes back with the last id gets exactly the rest.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

_MOST_AFTER = 19
"""So many facts after the end does an id name; a reader resumed behind more may get one again."""
_TAG = "(?:[a-z]{1,20}|[0-9]{1,10})"
_TAGS = re.compile(rf"{_TAG}(?:\+{_TAG}){{0,{_MOST_AFTER}}}", re.ASCII)
"""What an id of ours holds behind the call: where the reader is, never anything to be echoed."""
END = "end"
SETTLED = "settled"


class CallFact(NamedTuple):
    """A fact as the timeline and the bus both tell it."""

    id: str
    seq: int | None
    type: str
    at: datetime | str
    data: Mapping[str, Any]

    @property
    def name(self) -> str:
        """The short name: `caller_spoke` of `callfunnel.call.caller_spoke.v1`."""
        return self.type.split(".")[2]


class Numbered(NamedTuple):
    """A fact that is due, and the id under which it goes out."""

    id: str
    fact: CallFact


class Ordering:
    """Takes facts in any order and gives them out in theirs, behind `last_id` ("": all)."""

    def __init__(self, call: str, last_id: str = "") -> None:
        """Raises ValueError when `last_id` is none of this call's."""
        self._call = call
        self._waiting: dict[str, CallFact] = {}
        self._sent = 0
        self._ended = False
        self._end_seq: int | None = None
        self._after: set[str] = set()
        if last_id:
            self._resume(last_id)

    @property
    def finished(self) -> bool:
        """Nothing more is expected: the record is sealed."""
        return SETTLED in self._after

    @property
    def stuck(self) -> bool:
        """Facts wait for one before them."""
        return bool(self._waiting)

    def is_of(self, facts: Iterable[CallFact]) -> bool:
        """Whether a call that has these facts can have sent the last id: not once they hold its end
        and the id numbers a fact behind it."""
        ends = (fact for fact in facts if self._tag(fact) == END)
        return all(self._sent <= int(end.data["last_seq"]) for end in ends)

    def take(self, fact: CallFact) -> list[Numbered]:
        """Whatever is due now that this fact has come."""
        tag = self._tag(fact)
        if tag == END:
            self._end_seq = int(fact.data["last_seq"]) + 1
        if not self._was_sent(tag, fact):
            self._waiting[tag] = fact
        return self._release()

    def skip(self) -> list[Numbered]:
        """Gives up on the facts that the waiting ones wait for."""
        seqs = [fact.seq for tag, fact in self._waiting.items() if fact.seq and tag != END]
        if seqs:
            self._sent = min(seqs) - 1
        elif END in self._waiting and self._end_seq is not None:
            self._sent = self._end_seq - 1
        return self._release()

    def _release(self) -> list[Numbered]:
        due: list[Numbered] = []
        while not self._ended and self._end_seq != self._sent + 1:
            fact = self._waiting.pop(str(self._sent + 1), None)
            if fact is None:
                return due
            self._sent += 1
            due.append(Numbered(fact.id, fact))
        if not self._ended and END in self._waiting:
            self._ended = True
            due.append(Numbered(f"{self._call}-{END}", self._waiting.pop(END)))
        return due + self._rest()

    def _rest(self) -> list[Numbered]:
        """After the end: what is left, but for the ordinary facts that a resumed reader has had."""
        if not self._ended or self._end_seq is None:
            return []
        due = []
        for tag, fact in self._waiting.items():
            if fact.seq is None or fact.seq >= self._end_seq:
                named = sorted(self._after, key=lambda tag: (tag.isdigit(), tag))[:_MOST_AFTER]
                behind = named or [END] if tag.isdigit() else named  # a number alone is before it
                earlier = "".join(f"+{each}" for each in behind)
                due.append(Numbered(f"{self._call}-{tag}{earlier}", fact))
                self._after.add(tag)
        self._waiting.clear()
        return due

    def _was_sent(self, tag: str, fact: CallFact) -> bool:
        if tag == END:
            return self._ended
        early = fact.seq is not None and fact.seq <= self._sent
        return early or tag in self._after

    def _tag(self, fact: CallFact) -> str:
        return fact.id.removeprefix(f"{self._call}-")

    def _resume(self, last_id: str) -> None:
        call, _, tags = last_id.partition("-")
        first, *others = tags.split("+")
        if call != self._call or not _TAGS.fullmatch(tags):
            raise ValueError("not an event of this call")
        if first.isdigit() and not others:
            self._sent = int(first)
        else:
            self._ended = True
            self._after = {first, *others} - {END}
