"""Which pins and slots have lost their holder, and what is told of a call whose worker is gone.

Pure. A holder is gone once its lease has been seen gone for a grace that lets a restarted worker
end its predecessor's calls itself, with better knowledge than anyone else can have.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import msgspec

from callfunnel.domain.call import Cause, EndedBy, Pin, PinState, SlotHolder
from callfunnel.domain.digits import number_in
from callfunnel.events.call import CallEnded
from callfunnel.events.envelope import Event
from callfunnel.events.message import Message
from callfunnel.events.pinned import fact_of, opening_facts, refusal_facts

GRACE_S: Final = 4.0
"""From the loss of a lease (itself 6 s after the last renewal) to the reaper's word."""
UNPINNED_S: Final = 45.0
"""How long a slot may be held for a call without a pin: a gateway died in between."""


@dataclass(frozen=True, slots=True)
class Held:
    """A pin or a slot as the registry shows it, and the incarnation of a worker that holds it."""

    revision: int
    worker: str
    epoch: int
    call: str


@dataclass(frozen=True, slots=True)
class Registry:
    """The registry at one moment: live workers with their epochs, pins of calls that are not
    over, and all slots."""

    workers: Mapping[str, int]
    pins: Mapping[str, Held]
    slots: Mapping[str, Held]

    def is_live(self, held: Held) -> bool:
        """Whether the very incarnation that took this is still there."""
        return self.workers.get(held.worker) == held.epoch


@dataclass(frozen=True, slots=True)
class Orphans:
    """What is due now: keys with the revision they were seen at."""

    pins: Mapping[str, int]
    slots: Mapping[str, int]


@dataclass(slots=True)
class Watch:
    """Remembers since when each thing has had no holder. Time is an argument, seconds."""

    grace_s: float = GRACE_S
    unpinned_s: float = UNPINNED_S
    _since: dict[tuple[str, str, int], float] = field(default_factory=dict)

    def forget(self) -> None:
        """The view was interrupted: every holder gets its grace anew."""
        self._since.clear()

    def due(self, registry: Registry, now: float) -> Orphans:
        """What has been without a holder for its whole grace."""
        waits = self._waits(registry)
        self._since = {key: self._since.get(key, now) for key in waits}
        due = [key for key, wait in waits.items() if now - self._since[key] >= wait]
        return Orphans(
            pins={key: revision for kind, key, revision in due if kind == "pin"},
            slots={key: revision for kind, key, revision in due if kind == "slot"},
        )

    def next_look(self, registry: Registry) -> float | None:
        """When something may become due if nothing changes; None when all is well."""
        waits = self._waits(registry)
        times = [self._since[key] + wait for key, wait in waits.items() if key in self._since]
        return min(times, default=None)

    def _waits(self, registry: Registry) -> dict[tuple[str, str, int], float]:
        """Everything without a holder, with the grace it gets."""
        waits = {
            ("pin", key, held.revision): self.grace_s
            for key, held in registry.pins.items()
            if not registry.is_live(held)
        }
        pinned = {held.call for held in registry.pins.values()}
        for key, held in registry.slots.items():
            if not registry.is_live(held):
                waits["slot", key, held.revision] = self.grace_s
            elif held.call not in pinned:
                waits["slot", key, held.revision] = self.unpinned_s
        return waits


@dataclass(frozen=True, slots=True)
class Told:
    """What the bus holds of a call: its facts' numbers and types, its usage, its audio."""

    seqs: Collection[int] = ()
    usage_records: int = 0
    ended: bool = False
    connected: bool = False
    audio_ms: int = 0


def told_of(
    headers: Sequence[Mapping[str, str]], usage: Sequence[Mapping[str, str]], audio_ms: int
) -> Told:
    """Reads it from the headers of the stored facts and of the stored usage."""
    types = {header.get("ce-type", "") for header in headers}
    seqs = (number_in(header.get("ce-seq", "")) for header in headers)
    return Told(
        seqs=frozenset(seq for seq in seqs if seq is not None),
        usage_records=len({header.get("ce-id", "") for header in usage}),
        ended="callfunnel.call.ended.v1" in types,
        connected="callfunnel.call.connected.v1" in types,
        audio_ms=audio_ms,
    )


def last_words(pin: Pin, told: Told, now: str) -> list[Event[Message]]:
    """What must be said so that the call has its beginning and exactly one end.

    Nothing when its end is told already. Every id is the one its proper speaker would use, so
    whoever else speaks, each fact exists once.
    """
    if told.ended:
        return []
    if pin.state is PinState.REFUSED:
        return refusal_facts(pin)
    at = pin.spec.offered_at
    opening = [] if told.seqs else opening_facts(pin.spec, pin.worker, pin.epoch, pin.spec.slot)
    last_seq = max(told.seqs, default=len(opening))
    # A worker sends what it has accepted at once, so what the bus holds after the grace is all
    # that ever comes; of the audio, which may be behind, only the worker knew the count.
    segments = -1 if told.seqs or told.audio_ms else 0
    end = CallEnded(
        cause=Cause.WORKER_LOST,
        by=EndedBy.REAPER,
        duration_ms=told.audio_ms,
        last_seq=last_seq,
        segments=segments,
        usage_records=told.usage_records,
        answered=told.connected,
        note="the media worker vanished",
    )
    facts = [fact_of(pin, n, fact, at) for n, fact in enumerate(opening, 1)]
    return [*facts, fact_of(pin, last_seq + 1, end, now)]


def ended(pin: Pin) -> Pin:
    """The pin once the end is told."""
    cause = pin.cause or Cause.WORKER_LOST.value
    return msgspec.structs.replace(pin, state=PinState.ENDED, cause=cause)


def reaping(pin: Pin) -> Pin:
    """The pin while a reaper speaks for its call."""
    return msgspec.structs.replace(pin, state=PinState.REAPING)


def held_pin(pin: Pin, revision: int) -> Held | None:
    """A pin as the watch sees it; None when its call is over.

    Its worker holds no pin for which a reaper speaks, not even when it comes back: whoever looks
    next ends what a reaper that died has begun.
    """
    if pin.state is PinState.ENDED:
        return None
    if pin.state is PinState.REAPING:
        return Held(revision, "", 0, pin.call)
    return Held(revision, pin.worker, pin.epoch, pin.call)


def held_slot(holder: SlotHolder, revision: int) -> Held:
    """A slot as the watch sees it."""
    return Held(revision, holder.worker, holder.epoch, holder.call)
