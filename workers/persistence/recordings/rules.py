"""When a recording is put together, and of what: segments in order, silence where one is gone."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from callfunnel.events.audio import AudioSegment

SAMPLES_PER_MS: Final = 8
SEGMENT_MS: Final = 1000
LONGEST_MS: Final = 15_000_000
"""No call lasts longer (a rule book allows 4 hours): audio beyond is of no call, and dropped."""
GRACE_S: Final = 900.0
"""How long segments that must exist are waited for, once the call's end is told: they are on the
worker's disk or on the bus, and come once what holds them up is mended."""
UNKNOWN_GRACE_S: Final = 3.0
"""How long for more, when nobody knows how many there are: the call's worker was lost."""
LEASE_S: Final = 12.0
"""How long a claimed call is left alone: a process that dies delays it by that, not for ever."""
LONG_CALL: Final = 450
"""Segments (7 minutes, 7 MB) beyond which a recording is put together alone among the long ones of
its process: together with as many short ones as are made at once, some 60 MB."""
_LOOK_AGAIN_S: Final = 0.5
_LONGEST_LOOK_S: Final = 10.0
_LONGEST_BACKOFF_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class Waiting:
    """A call whose recording is to be made. `segments` -1: unknown. `waited_s` since its end."""

    call: str
    segments: int
    duration_ms: int
    traceparent: str
    waited_s: float
    tries: int


@dataclass(frozen=True, slots=True)
class Plan:
    """The recording: parts in order, each at its position; gaps are silence.

    `samples` is the length of either side; `missing` counts segments that never came.
    """

    parts: tuple[AudioSegment, ...]
    samples: int
    missing: int

    @property
    def duration_ms(self) -> int:
        return self.samples // SAMPLES_PER_MS


def wait_for_more(waiting: Waiting, numbers: Sequence[int]) -> float:
    """Seconds to wait before looking again; 0 when it is time to put together what is there."""
    if waiting.segments < 0:
        return max(0.0, UNKNOWN_GRACE_S - waiting.waited_s)
    return wait_for_count(waiting, len(set(numbers)))


def wait_for_count(waiting: Waiting, count: int) -> float:
    """The same while only the number of stored segments is known: 0 says that a look may help."""
    if count >= waiting.segments or waiting.waited_s >= GRACE_S:
        return 0.0
    return min(_LONGEST_LOOK_S, max(_LOOK_AGAIN_S, waiting.waited_s / 8))


def backoff(tries: int) -> float:
    """Seconds until the next try after the object store failed `tries` times."""
    return min(_LONGEST_BACKOFF_S, 0.5 * 2.0 ** min(tries, 10))


def plan(segments: Sequence[AudioSegment], expected: int, duration_ms: int) -> Plan:
    """Puts segments in order. `expected` < 0: as many as the highest number says.

    Where the last ones are missing, silence fills up to the call's duration. Segments that the
    worker's disk refused are missing, too, though nobody expects them: numbers and length tell.
    """
    known = [each for each in segments if _is_of_a_call(each)]
    parts = {segment.n: segment for segment in reversed(known)}
    ordered = tuple(parts[n] for n in sorted(parts))
    duration_ms = min(duration_ms, LONGEST_MS)
    samples = max((_end(part) for part in ordered), default=0)
    due = max(expected, max(parts, default=-1) + 1)
    short_ms = duration_ms - samples // SAMPLES_PER_MS
    if expected > 0 and short_ms >= SEGMENT_MS:
        samples = duration_ms * SAMPLES_PER_MS
        due = max(due, -(-duration_ms // SEGMENT_MS))
    missing = max(0, due - len(ordered))
    if missing and (not ordered or ordered[-1].n < due - 1):
        samples = max(samples, duration_ms * SAMPLES_PER_MS)
    return Plan(ordered, samples, missing)


def _is_of_a_call(segment: AudioSegment) -> bool:
    return segment.n <= LONGEST_MS // 20 and _end(segment) <= LONGEST_MS * SAMPLES_PER_MS


def _end(segment: AudioSegment) -> int:
    return segment.start + max(len(segment.caller), len(segment.agent))
