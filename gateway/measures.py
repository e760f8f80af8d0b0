"""What admission comes to, as metrics."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from callfunnel.infra.telemetry import Telemetry


@dataclass
class Outcome:
    """What became of one offer: a word of the metric `admissions`."""

    word: str = "unavailable"


class Measures:
    """Counts offers by outcome, and how long each took."""

    def __init__(self, telemetry: Telemetry) -> None:
        self._outcomes = telemetry.counter("admissions")
        self._seconds = telemetry.histogram("admission_seconds")

    @contextmanager
    def admission(self) -> Iterator[Outcome]:
        """The block admits one offer and says what became of it."""
        outcome, began = Outcome(), time.perf_counter()
        try:
            yield outcome
        finally:
            self._seconds.add(time.perf_counter() - began)
            self._outcomes.add(outcome=outcome.word)
