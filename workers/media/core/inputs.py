"""What can happen to a call, as the core sees it: a few times a second, never once per frame.

Positions and lengths of audio are samples (8000 a second); times are the `now` given to
`Call.handle`, in seconds on a monotonic clock.
"""

from typing import Any

from msgspec import Struct


class Started(Struct, frozen=True):
    """The media socket is open and the carrier said what it carries."""


class ModelReady(Struct, frozen=True):
    """The model's session is up and its formats are the asked ones."""

    provider: str
    model: str


class ModelFailed(Struct, frozen=True):
    """The session was refused, broke, or spoke a wrong format. `reason` is a stable short text."""

    reason: str


class EdgeSpeechStarted(Struct, frozen=True):
    """The edge VAD heard speech begin. `level_db` is over the estimated line echo."""

    level_db: float


class EdgeSpeechEnded(Struct, frozen=True):
    """The edge VAD heard speech end."""


class ModelSpeechStarted(Struct, frozen=True):
    """The model's own VAD says the caller speaks (it owns turn-taking)."""


class ModelSpeechEnded(Struct, frozen=True):
    """The model took the caller's turn as over."""


class CallerTranscript(Struct, frozen=True):
    """Final text of one caller turn; may come before, during or after the reply."""

    item: str
    text: str
    confidence: int = 100


class ReplyStarted(Struct, frozen=True):
    """The model began a reply."""

    response: str


class ReplyItem(Struct, frozen=True):
    """First audio of an item of a reply reached the playback queue (then `AudioQueued`)."""

    response: str
    item: str


class AudioQueued(Struct, frozen=True):
    """`samples` more of `item` were put in the playback queue. Reported batched, per delta."""

    response: str
    item: str
    samples: int


class ReplyText(Struct, frozen=True):
    """Text of an item so far, with word ends where the synthesizer knows them (samples)."""

    item: str
    text: str
    word_ends: tuple[int, ...] = ()


class ReplyDone(Struct, frozen=True):
    """The model's reply is complete (or cancelled, failed). `status` as the model said."""

    response: str
    status: str


class ToolRequested(Struct, frozen=True):
    """The model calls a tool. `arguments` is the decoded object, or None when it was no JSON."""

    model_call: str
    name: str
    arguments: dict[str, Any] | None


class ToolAnswered(Struct, frozen=True):
    """The conductor answered a `RunTool`. `outcome`: done, failed or pending (an approval)."""

    tool_call: str
    outcome: str
    result: dict[str, Any]
    approval: str = ""
    expires_at: str = ""
    limit: str = ""
    what: str = ""


class ApprovalClosed(Struct, frozen=True):
    """A person decided, or nobody did. `decision`: approved, refused or expired."""

    approval: str
    decision: str
    by: str
    via: str
    result: dict[str, Any]


class MarkPlayed(Struct, frozen=True):
    """The carrier confirms a mark. The name carries the generation (see `core/playback`)."""

    name: str


class QueueDry(Struct, frozen=True):
    """The audio path sent the last queued sample of the current generation."""


class KeyPressed(Struct, frozen=True):
    """A key of the caller's phone."""

    digit: str


class HangUpAsked(Struct, frozen=True):
    """An operator, or the agent through its tool, wants the call to end."""

    by: str


class LineClosed(Struct, frozen=True):
    """The carrier said stop (`clean`) or the socket broke."""

    clean: bool


class Drain(Struct, frozen=True):
    """The worker's drain deadline passed."""


class BadFrame(Struct, frozen=True):
    """The peer broke the protocol beyond repair. `peer`: carrier or model."""

    peer: str
    reason: str


Input = (
    Started | ModelReady | ModelFailed | EdgeSpeechStarted | EdgeSpeechEnded | ModelSpeechStarted
    | ModelSpeechEnded | CallerTranscript | ReplyStarted | ReplyItem | AudioQueued | ReplyText
    | ReplyDone | ToolRequested | ToolAnswered | ApprovalClosed | MarkPlayed | QueueDry
    | KeyPressed | HangUpAsked | LineClosed | Drain | BadFrame
)  # fmt: skip
