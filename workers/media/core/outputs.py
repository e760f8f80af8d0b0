"""What the core wants done. The shell does it at once and in order; none of it answers back."""

from typing import Any

from msgspec import Struct

from callfunnel.domain.call import Cause, EndedBy
from callfunnel.events.message import Message


class Feed(Struct, frozen=True):
    """Switch: may queued audio go to the carrier? Off = paused; nothing is cleared."""

    on: bool


class Forward(Struct, frozen=True):
    """Switch: does caller audio go to the model?"""

    on: bool


class NewGeneration(Struct, frozen=True):
    """Audio and marks belong to this generation from now on; the local queue is emptied."""

    generation: int


class ClearLine(Struct, frozen=True):
    """Tell the carrier to drop what it has buffered."""


class CancelReply(Struct, frozen=True):
    """Cancel the model's active reply. Only ever sent while one is active."""

    response: str


class Truncate(Struct, frozen=True):
    """Cut the model's history of `item` to what was heard; 0 = nothing of it was."""

    item: str
    heard_ms: int


class AnswerTool(Struct, frozen=True):
    """Give the model the result of one of its calls.

    `output`: `status` (done, failed, expired, pending), with `result` of the tool when done or
    failed, `error` when it could not be run, `approval` when a person is asked (pending).
    """

    model_call: str
    output: dict[str, Any]


class CreateReply(Struct, frozen=True):
    """Ask the model to speak now. `instructions` for this reply only, "" for none.

    Follows the `AnswerTool`s of a reply once, when all of them are given and no reply is active;
    not after a pending approval (its own sentence is said instead), nor when the call ends.
    """

    instructions: str = ""


class Tell(Struct, frozen=True):
    """Put a note into the model's history, without asking for speech.

    Of an approval it begins `The request <tool> was <approved|refused|expired>.`; what the
    caller is told about it is said by the core, as a `Say`.
    """

    text: str


class Say(Struct, frozen=True):
    """Have exactly this sentence spoken (greeting, filler, farewell, apology).

    It enters the playback like a reply, with `response` and `item` named by `key`: then come
    `AudioQueued`, `ReplyText` (optional: the text is known) and exactly one `ReplyDone`. The
    shell uses the model's own voice where it can, else (and after `CloseModel`) the local
    synthesizer; if neither can, it reports `ReplyDone(key, "failed")`.
    """

    key: str
    text: str


class RunTool(Struct, frozen=True):
    """Ask the conductor to run a tool within `deadline_ms`."""

    tool_call: str
    name: str
    arguments: dict[str, Any]
    deadline_ms: int


class WatchApproval(Struct, frozen=True):
    """Listen for the decision of this approval; re-read it after a reconnect and at expiry."""

    approval: str
    expires_at: str


class Report(Struct, frozen=True):
    """A fact of the call; the shell numbers it (`seq`) and hands it to the spool.

    Every fact between `CallConnected` (the shell's own: it knows the codec) and the end comes
    this way, `ModelConnected` and `ModelLost` too; `CallEnded` comes as `End`.
    """

    fact: Message


class Dial(Struct, frozen=True):
    """After the media socket closes the carrier shall dial this number (a transfer)."""

    number: str


class CloseModel(Struct, frozen=True):
    """End the model's session."""


class End(Struct, frozen=True):
    """The call is over, told exactly once. The shell finishes the recording and the usage, and
    tells `CallEnded` with these values and its own `last_seq`, `segments` and `usage_records`.
    """

    cause: Cause
    by: EndedBy
    duration_ms: int
    answered: bool
    note: str = ""


class CloseLine(Struct, frozen=True):
    """Close the media socket and free the call's capacity: the last output, right after `End`."""


Output = (
    Feed | Forward | NewGeneration | ClearLine | CancelReply | Truncate | AnswerTool | CreateReply
    | Tell | Say | RunTool | WatchApproval | Report | Dial | CloseModel | End | CloseLine
)  # fmt: skip
