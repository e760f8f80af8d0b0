"""The reaper's hands: three mirrors, one timer, and compare-and-set on what is due.

Any number may run: the pin's revision decides which one speaks. One that dies after it has begun
is continued by another, under the same ids, so an end is told once and never forgotten.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

import msgspec

from callfunnel.domain.call import Pin, PinState, SlotHolder
from callfunnel.domain.ids import TenantId
from callfunnel.events.audio import AudioSegment
from callfunnel.events.message import family_filter
from callfunnel.events.streams import PIN_KEPT_S, PINS, RAW, SLOTS, USAGE, WORKERS
from callfunnel.infra.background import Background
from callfunnel.infra.bus import Bus
from callfunnel.infra.clock import unix_ns, unix_ns_of, utc_now
from callfunnel.infra.context import Context
from callfunnel.infra.kv import Entry
from callfunnel.infra.mirror import Mirror
from callfunnel.infra.spans import Attributes, Span
from callfunnel.infra.trace import call_context, span_id
from workers.conductor.reaper import rules

_SAMPLES_PER_MS = 8
_LOOK_AGAIN_S = 5.0
_AFTER_TROUBLE_S = 0.5
_AT_ONCE = 16
S = TypeVar("S", bound=msgspec.Struct)
log = logging.getLogger(__name__)


class Reaper:
    """Ends what has lost its holder. `watch` says how long that must have lasted."""

    name = "reaper"

    def __init__(self, bus: Bus, watch: rules.Watch | None = None) -> None:
        self._bus = bus
        self._watch = watch or rules.Watch()
        self._reaping = Background("reaper", self._look, after_trouble_s=_AFTER_TROUBLE_S)
        self._pins: dict[str, rules.Held] = {}
        self._slots: dict[str, rules.Held] = {}
        self._mirrors = {
            bucket.name: Mirror(bus.client, bucket.name, self._on_change(bucket.name))
            for bucket in (WORKERS, PINS, SLOTS)
        }
        self._interruptions = 0

    async def start(self) -> None:
        """Reads the registry and begins to watch."""
        for mirror in self._mirrors.values():
            await mirror.start()
        self._reaping.start()

    async def stop(self) -> None:
        """Stops; what it has begun is continued by another."""
        await self._reaping.stop()
        for mirror in self._mirrors.values():
            await mirror.stop()

    async def _look(self) -> float:
        """Ends what is due; returns the seconds until somebody may be."""
        if not self._sees():
            self._watch.forget()
            return _AFTER_TROUBLE_S
        loop, registry = asyncio.get_running_loop(), self._registry()
        await self._reap(self._watch.due(registry, loop.time()))
        next_look = self._watch.next_look(registry)
        if next_look is None:
            return _LOOK_AGAIN_S
        return min(_LOOK_AGAIN_S, max(0.05, next_look - loop.time()))

    def _sees(self) -> bool:
        """Whether the view is whole: a cut-off reaper would take everybody else for dead."""
        interruptions = sum(mirror.interruptions for mirror in self._mirrors.values())
        if interruptions != self._interruptions:
            self._interruptions = interruptions
            self._watch.forget()
        fresh = all(mirror.fresh for mirror in self._mirrors.values())
        return fresh and self._bus.client.is_connected

    def _registry(self) -> rules.Registry:
        workers = self._mirrors[WORKERS.name].entries
        return rules.Registry(
            workers={key: entry.epoch for key, entry in workers.items()},
            pins=self._pins,
            slots=self._slots,
        )

    def _on_change(self, bucket: str) -> "_Change":
        return _Change(bucket, self._pins, self._slots, self._reaping.wake)

    async def _reap(self, orphans: rules.Orphans) -> None:
        await _each(orphans.pins, self._end_call)
        await _each(orphans.slots, self._free_slot)

    async def _free_slot(self, key: str, revision: int) -> None:
        if await self._bus.kv(SLOTS.name).delete(key, revision):
            log.info("slot freed", extra={"slot": key})

    async def _end_call(self, key: str, revision: int) -> None:
        entry = self._mirrors[PINS.name].entries.get(key)
        pin = _decoded(entry, Pin) if entry is not None else None
        if pin is None or entry is None or entry.revision != revision:
            return
        pins = self._bus.kv(PINS.name)
        if pin.state is PinState.PINNED:
            pin = rules.reaping(pin)
            taken = await pins.replace(key, msgspec.json.encode(pin), revision)
            if taken is None:
                return
            revision = taken
        words = rules.last_words(pin, await self._told(pin), utc_now())
        await self._bus.publish(*words, raw=True)
        ended = msgspec.json.encode(rules.ended(pin))
        await pins.replace(key, ended, revision, ttl_s=PIN_KEPT_S)
        if pin.spec.slot:
            await self._bus.kv(SLOTS.name).delete(pin.spec.slot, pin.spec.slot_revision)
        if words and pin.worker:
            self._bus.tracer.tell(_span(pin))
        log.warning("spoke for a lost call", extra={"call": pin.call, "count": len(words)})

    async def _told(self, pin: Pin) -> rules.Told:
        facts = family_filter("raw", tenant=pin.tenant, key=pin.call)
        usage = family_filter("usage", tenant=pin.tenant, key=pin.call)
        return rules.told_of(
            await self._bus.stored_headers(RAW.name, facts),
            await self._bus.stored_headers(USAGE.name, usage),
            await self._audio_ms(pin.tenant, pin.call),
        )

    async def _audio_ms(self, tenant: TenantId, call: str) -> int:
        last = await self._bus.last(AudioSegment, tenant, call)
        if last is None:
            return 0
        return int((last.data.start + len(last.data.caller)) // _SAMPLES_PER_MS)


async def _each(due: Mapping[str, int], end: Callable[[str, int], Awaitable[None]]) -> None:
    """Several at a time: a worker has hundreds of calls, and each takes a dozen round trips.

    Raises what one of them raised, once the others are done; the next look tries it again.
    """
    left = iter(due.items())

    async def hand() -> None:
        for key, revision in left:
            await end(key, revision)

    troubles = await asyncio.gather(*(hand() for _ in range(_AT_ONCE)), return_exceptions=True)
    for trouble in filter(None, troubles):
        raise trouble


def _span(pin: Pin) -> Span:
    """The call's span, which its lost worker cannot tell any more."""
    spec = pin.spec
    return Span(
        name="call",
        context=call_context(spec.traceparent),
        parent=span_id(spec.traceparent),
        start_ns=unix_ns_of(spec.offered_at),
        end_ns=unix_ns(),
        attributes=Attributes(
            tenant=pin.tenant, call=pin.call, channel=spec.channel.value, ended_by="reaper"
        ),
        error="worker_lost",
    )


class _Change:
    """Keeps what the watch needs of each entry, decoded once, when it changes."""

    def __init__(
        self,
        bucket: str,
        pins: dict[str, rules.Held],
        slots: dict[str, rules.Held],
        wake: Callable[[], None],
    ) -> None:
        self._bucket = bucket
        self._pins = pins
        self._slots = slots
        self._wake = wake

    def __call__(self, key: str, entry: Entry | None) -> None:
        if self._bucket == PINS.name:
            pin = _decoded(entry, Pin) if entry else None
            _keep(self._pins, key, rules.held_pin(pin, entry.revision) if pin and entry else None)
        elif self._bucket == SLOTS.name:
            holder = _decoded(entry, SlotHolder) if entry else None
            held = rules.held_slot(holder, entry.revision) if holder and entry else None
            _keep(self._slots, key, held)
        elif entry is not None and entry.revision != entry.epoch:
            return  # a renewal: nobody came or went
        self._wake()


def _keep(known: dict[str, rules.Held], key: str, held: rules.Held | None) -> None:
    if held is None:
        known.pop(key, None)
    else:
        known[key] = held


def _decoded(entry: Entry, kind: type[S]) -> S | None:
    try:
        return msgspec.json.decode(entry.value, type=kind)
    except (ValueError, RecursionError):
        log.error("an unreadable record", extra={"key": entry.key})
        return None


class ReaperFeature:
    """The reaper as a feature of the conductor."""

    name = "reaper"

    def __init__(self, context: Context) -> None:
        self._context = context

    async def start(self) -> None:
        await self._context.run(Reaper(await self._context.bus("conductor")))
