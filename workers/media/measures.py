"""What a worker's calls come to, as metrics: read off the facts as they are told."""

from callfunnel.events import call as facts
from callfunnel.events.message import Message
from callfunnel.infra.telemetry import Telemetry


class Measures:
    """The witness of all calls of a worker."""

    def __init__(self, telemetry: Telemetry) -> None:
        self._ended = telemetry.counter("calls_ended")
        self._turns = telemetry.histogram("turn_seconds")
        self._tools = telemetry.counter("tools")
        self._approvals = telemetry.counter("approvals")
        self._lost = telemetry.counter("model_lost")
        self._interruptions = telemetry.counter("interruptions")

    def fact(self, fact: Message) -> None:
        """See `Witness`."""
        match fact:
            case facts.TurnMeasured():
                self._turn(fact)
            case facts.ToolReturned(outcome=outcome):
                self._tools.add(outcome=outcome)
            case facts.ApprovalDecided(decision=decision):
                self._approvals.add(outcome=decision)
            case facts.ApprovalExpired():
                self._approvals.add(outcome="expired")
            case facts.AgentInterrupted():
                self._interruptions.add()
            case facts.ModelLost(provider=provider):
                self._lost.add(provider=provider or "none")
            case facts.CallEnded(cause=cause):
                self._ended.add(cause=cause.value)

    def _turn(self, turn: facts.TurnMeasured) -> None:
        """Each stage from the mark before it; what never happened is not counted."""
        stages = {
            "endpoint": (turn.speech_end_ms, turn.committed_ms),
            "model": (turn.committed_ms, turn.model_ms),
            "send": (turn.model_ms, turn.sent_ms),
            "play": (turn.sent_ms, turn.played_ms),
            "response": (turn.speech_end_ms, turn.sent_ms),
        }
        for stage, (begun, over) in stages.items():
            if begun is not None and over is not None:
                self._turns.add(max(0, over - begun) / 1000, stage=stage)
