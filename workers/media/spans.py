"""The spans of one call: the call itself, and in it each turn, tool and approval. Never a frame.

Read off the facts as they are told, and of them only numbers and words of our own: no text, no
argument, no name of a person. The call's span has an id that follows from its trace, so a worker
that ends its predecessor's call tells the span that the predecessor had begun.
"""

from collections.abc import Callable
from typing import Final

from callfunnel.domain.call import CallSpec
from callfunnel.events import call as facts
from callfunnel.events.message import Message
from callfunnel.infra.spans import MOST_EVENTS, Attributes, Moment, Span, Tracer
from callfunnel.infra.trace import call_context, child_named, span_id

_MS: Final = 1_000_000
MOST_OPEN: Final = 64
"""Tools and approvals that may be open at once and still get their span."""


def tool_span(spec: CallSpec, tool_call: str) -> str:
    """The trace context of one tool call."""
    return child_named(spec.traceparent, f"tool {tool_call}")


class CallSpans:
    """A witness. `now` gives nanoseconds since the epoch; the call began at `began`."""

    def __init__(self, tracer: Tracer, spec: CallSpec, now: Callable[[], int], began: int) -> None:
        self._tracer = tracer
        self._spec = spec
        self._now = now
        self._began = self._connected = began
        self._context = call_context(spec.traceparent)
        self._moments: list[Moment] = []
        self._open: dict[str, int] = {}
        self._about = Attributes(
            tenant=spec.tenant,
            call=spec.call,
            channel=spec.channel.value,
            direction=spec.direction.value,
            turns=0,
            tools=0,
            interruptions=0,
        )

    def fact(self, fact: Message) -> None:
        """See `Witness`."""
        if not self._tracer.wants(self._context):
            return
        match fact:
            case facts.CallConnected():
                self._connected = self._now()
                self._note("connected")
            case facts.ModelConnected(provider=provider, model=model):
                self._about["provider"], self._about["model"] = provider, model
                self._note("model connected")
            case facts.ModelLost():
                self._note("model lost")
            case facts.AgentInterrupted():
                self._about["interruptions"] += 1
                self._note("agent interrupted")
            case facts.TurnMeasured():
                self._about["turns"] += 1
                self._turn(fact)
            case facts.CallEnded():
                self._end(fact)
            case _:
                self._errand(fact)

    def _errand(self, fact: Message) -> None:
        match fact:
            case facts.ToolCalled(tool_call=which):
                self._about["tools"] += 1
                self._begin(f"tool {which}")
            case facts.ToolReturned(tool_call=which, tool=tool, outcome=outcome):
                about = Attributes(tool=tool, outcome=outcome)
                self._close("tool", f"tool {which}", about, failed=outcome == "failed")
            case facts.ApprovalRequested(tool_call=which):
                self._begin(f"approval {which}")
            case facts.ApprovalDecided(tool_call=which, decision=decision):
                self._close("approval", f"approval {which}", Attributes(outcome=decision))
            case facts.ApprovalExpired(tool_call=which):
                self._close("approval", f"approval {which}", Attributes(outcome="expired"))

    def _turn(self, turn: facts.TurnMeasured) -> None:
        """From the caller's last sound to the first of the answer that was heard."""
        marks = {
            "turn taken as over": turn.committed_ms,
            "model spoke": turn.model_ms,
            "first frame sent": turn.sent_ms,
            "played": turn.played_ms,
        }
        at = {name: self._at(ms) for name, ms in marks.items() if ms is not None}
        start = self._at(turn.speech_end_ms)
        about = Attributes(turn=turn.turn)
        if turn.response_ms is not None:
            about["response_ms"] = turn.response_ms
        moments = tuple(Moment(name, ns) for name, ns in at.items())
        end = max([start, *at.values()])
        self._tell("turn", f"turn {turn.turn}", start, end, about=about, moments=moments)

    def _end(self, ended: facts.CallEnded) -> None:
        about = self._about
        about["cause"], about["ended_by"] = ended.cause.value, ended.by.value
        about["answered"], about["duration_ms"] = ended.answered, ended.duration_ms
        span = Span(
            name="call",
            context=self._context,
            parent=span_id(self._spec.traceparent),
            start_ns=self._began,
            end_ns=self._now(),
            attributes=about,
            moments=tuple(self._moments),
        )
        self._tracer.tell(span)

    def _note(self, name: str) -> None:
        if len(self._moments) < MOST_EVENTS:
            self._moments.append(Moment(name, self._now()))

    def _begin(self, which: str) -> None:
        if len(self._open) < MOST_OPEN:
            self._open[which] = self._now()

    def _close(self, name: str, which: str, about: Attributes, *, failed: bool = False) -> None:
        began = self._open.pop(which, None)
        if began is not None:
            error = "failed" if failed else ""
            self._tell(name, which, began, self._now(), about=about, error=error)

    def _tell(
        self,
        name: str,
        which: str,
        start: int,
        end: int,
        *,
        about: Attributes,
        moments: tuple[Moment, ...] = (),
        error: str = "",
    ) -> None:
        about["tenant"], about["call"] = self._spec.tenant, self._spec.call
        span = Span(
            name=name,
            context=child_named(self._context, which),
            parent=span_id(self._context),
            start_ns=start,
            end_ns=end,
            attributes=about,
            moments=moments,
            error=error,
        )
        self._tracer.tell(span)

    def _at(self, position_ms: int) -> int:
        return self._connected + position_ms * _MS
