"""What the peers of the worker see in one window of time."""

from msgspec import Struct

from bench.harness.figures import percentile

LATE_US = 60_000
"""A frame that is later than half of what is sent ahead of the caller's ear."""


class Seen(Struct):
    """Latencies in microseconds, as they come; `window` empties it."""

    to_model: list[int] = []
    to_caller: list[int] = []
    to_clear: list[int] = []
    own_lag: list[int] = []
    setup: list[int] = []
    gone: int = 0
    uncleared: int = 0

    def told(self) -> dict[str, float]:
        """Figures of the window, in milliseconds."""
        figures: dict[str, float] = {
            "late": sum(us > LATE_US for us in (*self.to_model, *self.to_caller)),
            "gone": self.gone,
            "uncleared": self.uncleared,
        }
        for name in ("to_model", "to_caller", "to_clear", "own_lag", "setup"):
            values: list[int] = getattr(self, name)
            values.sort()  # once: sorting what is sorted takes no time
            figures[f"{name}_count"] = len(values)
            for label, share in (("p50", 0.5), ("p99", 0.99), ("max", 1.0)):
                figures[f"{name}_{label}"] = percentile(values, share) / 1000 if values else 0.0
        return figures
