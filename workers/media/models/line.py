"""The model's line: what the session needs of any model, bought or local.

A line turns the provider's wire into `core.inputs` and the core's outputs into the wire. Audio
takes a way of its own, straight from socket to queue, u-law 8 kHz both ways.
"""

from collections.abc import Callable
from typing import Any, Protocol

from msgspec import Struct

from callfunnel.domain.rulebook import Rulebook
from workers.media.core.inputs import Input


class Capabilities(Struct, frozen=True, kw_only=True):
    """What a model can do. `owns_turns`: its own VAD ends the caller's turns."""

    owns_turns: bool
    truncates: bool
    speaks_text: bool
    max_session_s: int


class ModelSink(Protocol):
    """What a line calls back into (the session). All calls are on the event loop's thread."""

    def on_model(self, happened: Input) -> None:
        """A transition, in order with the audio."""

    def on_model_audio(self, response: str, item: str, ulaw: bytes) -> None:
        """Audio of an item, any length, as it arrives (faster than real time)."""

    def on_usage(self, meter: str, quantity: int, unit: str, record: str) -> None:
        """The provider's own usage record; `record` is its id."""


class ModelLine(Protocol):
    """One model session. No method blocks or raises; failures come as `ModelFailed`."""

    capabilities: Capabilities
    provider: str
    model: str

    async def open(self, timeout_s: float) -> None:
        """Opens the session; ends with `ModelReady` or `ModelFailed` on the sink."""

    def append(self, payload: bytes, ulaw: bytes) -> None:
        """20 ms of the caller, as base64 and as bytes (each line uses what is cheaper)."""

    def say(self, key: str, text: str) -> bool:
        """Speaks exactly `text` as response and item `key`; False where the model cannot."""

    def create_reply(self, instructions: str) -> None: ...
    def cancel(self, response: str) -> None: ...
    def truncate(self, item: str, heard_ms: int) -> None: ...
    def answer_tool(self, model_call: str, output: dict[str, Any]) -> None: ...
    def tell(self, text: str) -> None: ...
    async def close(self) -> None: ...


class CallContext(Struct, frozen=True, kw_only=True):
    """What a line may know of the call."""

    call: str
    caller: str
    rulebook: Rulebook


OpenLine = Callable[[CallContext, ModelSink], ModelLine]
