"""What a call goes by: the rule book and the few numbers of its line and model, fixed at the start.

Values only. Everything here was validated before the call; nothing changes during it.
"""

from msgspec import Struct

from callfunnel.domain.rulebook import Rulebook, Tool

RATE = 8000
"""Samples a second, everywhere in the core."""


class Policy(Struct, frozen=True, kw_only=True):
    """The rule book of one call, with what the carrier and the model add to it.

    `owns_turns`: the model ends the caller's turns (`Capabilities.owns_turns`); otherwise the
    core does. `window_ms`: how far ahead of real time the audio path sends. `mark_grace_ms`: how
    long a missing mark is waited for. `last_words_ms`: how long the
    end may wait for what is still to be heard.
    """

    rulebook: Rulebook
    owns_turns: bool = True
    window_ms: int = 120
    mark_grace_ms: int = 600
    last_words_ms: int = 20_000

    def tool(self, name: str) -> Tool | None:
        """The tool of that name, if the rule book has it."""
        return next((tool for tool in self.rulebook.tools if tool.name == name), None)


def seconds(ms: float) -> float:
    """Milliseconds as the seconds the core's clock counts."""
    return ms / 1000


def samples(ms: int) -> int:
    """Milliseconds of audio in samples."""
    return ms * RATE // 1000


def milliseconds(count: int) -> int:
    """Samples in whole milliseconds, rounded down: never more than there was."""
    return count * 1000 // RATE
