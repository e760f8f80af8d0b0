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
    """The edge VAD heard speech begin, `lasted_ms` ago. `level_db` is over the estimated echo.

    Report it as early as the VAD is sure of a frame or two: how long it must last to count
    (`onset_ms`) is the core's to decide.
    """

    level_db: float
    lasted_ms: int = 0


class EdgeSpeechEnded(Struct, frozen=True):
    """The edge VAD heard speech end; the last voiced frame was `silent_ms` ago."""

    silent_ms: int = 0


class ModelSpeechStarted(Struct, frozen=True):
    """The model's own VAD says the caller speaks: a verdict, where the model owns turn-taking.

    `item` is the model's name of the caller's turn, "" where it has none.
    """

    item: str = ""


class ModelSpeechEnded(Struct, frozen=True):
    """The model took the caller's turn as over; a reply follows, if only an empty one."""

    item: str = ""


class CallerTranscript(Struct, frozen=True):
    """Final text of one caller turn; may come before, during or after the reply, or never.

    `item` as in `ModelSpeechStarted`; "" belongs to the newest turn without one.
    """

    item: str
    text: str
    confidence: int = 100


class ReplyStarted(Struct, frozen=True):
    """The model began a reply. Comes before anything else of it; for a `Say` it is optional."""

    response: str


class ReplyItem(Struct, frozen=True):
    """A reply goes on with this item. Optional: `AudioQueued` says the same."""

    response: str
    item: str


class AudioQueued(Struct, frozen=True):
    """`samples` more of `item` were put in the playback queue. Reported batched, per delta.

    Ask `Call.playback.accepts(response)` before putting them there: audio of a reply that was
    stopped, cancelled or never announced is dropped by the audio path, not queued.
    """

    response: str
    item: str
    samples: int


class ReplyText(Struct, frozen=True):
    """All text of an item so far (not the new piece alone).

    `word_ends`: where the synthesizer knows them, the end of each word of the text split at
    white space, in samples from the item's start; else empty.
    """

    item: str
    text: str
    word_ends: tuple[int, ...] = ()


class ReplyDone(Struct, frozen=True):
    """The reply is complete: no more audio, text or tool calls of it. Follows every start.

    `status`: completed, cancelled, incomplete or failed.
    """

    response: str
    status: str


class ToolRequested(Struct, frozen=True):
    """The model calls a tool, and means it: not an unfinished call of a cancelled reply.

    `arguments` is the decoded object, or None when it was no JSON object. The calls of one reply
    come before its `ReplyDone`.
    """

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
    """The carrier confirms a mark whose name `Call.playback.mark()` gave."""

    name: str


class PlayoutStarted(Struct, frozen=True):
    """The audio path sent the first frame after the queue was dry, or of a new generation."""


class QueueDry(Struct, frozen=True):
    """The audio path sent the last queued sample of the current generation (and marked it)."""


class KeyPressed(Struct, frozen=True):
    """A key of the caller's phone."""

    digit: str


class HangUpAsked(Struct, frozen=True):
    """End the call. `by`: agent (once everything it said was heard) or an operator's name (now)."""

    by: str


class LineClosed(Struct, frozen=True):
    """The carrier said stop (`clean`) or the socket broke, or never opened."""

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
    | ReplyDone | ToolRequested | ToolAnswered | ApprovalClosed | MarkPlayed | PlayoutStarted
    | QueueDry | KeyPressed | HangUpAsked | LineClosed | Drain | BadFrame
)  # fmt: skip
