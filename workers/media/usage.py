"""What a call used, as integers: told when it happens, and the measured times at the end."""

from callfunnel.events.usage import UsageMeasured
from workers.media.report import TOTAL, Reporter

_PLATFORM = "callfunnel"


class Meters:
    """One call's meters."""

    def __init__(self, reporter: Reporter, provider: str, model: str) -> None:
        self._reporter = reporter
        self._provider = provider
        self._model = model
        self._opened = 0.0

    def opened(self, now: float) -> None:
        """The media socket was accepted."""
        self._opened = now

    def provider(self, meter: str, quantity: int, unit: str, record: str) -> None:
        """The model provider's own record."""
        self._tell(meter, quantity, unit, record, source="provider")

    def tool(self, tool_call: str) -> None:
        """A tool is called."""
        self._tell("tool.calls", 1, "count", tool_call)

    def close(self, now: float, duration_ms: int, *, heard: int, sent: int) -> None:
        """The call is over: its lengths. `heard` and `sent` are samples."""
        self._tell("call.ms", duration_ms, "ms", TOTAL)
        self._tell("stream.ms", round((now - self._opened) * 1000), "ms", TOTAL)
        self._tell("audio.in.ms", heard // 8, "ms", TOTAL)
        self._tell("audio.out.ms", sent // 8, "ms", TOTAL)

    def estimate(self, duration_ms: int) -> None:
        """The lengths of a call whose worker died: what is known of them."""
        self._tell("call.ms", duration_ms, "ms", TOTAL, source="estimated")
        self._tell("stream.ms", duration_ms, "ms", TOTAL, source="estimated")

    def _tell(
        self, meter: str, quantity: int, unit: str, record: str, *, source: str = "measured"
    ) -> None:
        theirs = source == "provider"
        self._reporter.usage(
            UsageMeasured(
                meter=meter,
                quantity=quantity,
                unit=unit,
                provider=self._provider if theirs else _PLATFORM,
                model=self._model if theirs else "",
                source=source,
                record=record,
            )
        )
