"""Turns as the offline recogniser hears them, one a line, through the demo's own rule book.

A line after `=` is a tool's answer (`=name outcome text`), after `?` a person's decision.
"""

from functools import cache

import msgspec

from callfunnel.domain.rulebook import DemoScript, Rulebook
from callfunnel.local.demo.seed import RULEBOOK
from tests.fuzz.target import Target
from workers.conductor.rulebooks.reading import read
from workers.media.models.demo.dialogue import Dialogue, Finish, Speak, UseTool
from workers.media.models.demo.listener import Listener, Understood
from workers.media.models.demo.sounds import Sounds


@cache
def script() -> DemoScript:
    document = read(RULEBOOK.read_text(encoding="utf-8"))
    made = msgspec.convert(document.value, Rulebook).demo
    assert made is not None
    return made


@cache
def listener() -> Listener:
    return Listener(script(), Sounds({}))


def check(data: bytes) -> None:
    dialogue = Dialogue(script())
    for line in data.decode("utf-8", "replace").split("\n")[:4]:
        if line[:1] in "=?" and line:
            name, _, rest = line[1:].partition(" ")
            outcome, _, text = rest.partition(" ")
            if line[0] == "=":
                dialogue.answered(name, outcome, {"text": text})
            else:
                dialogue.decided(name, outcome)
        else:
            understood = listener().understand(dialogue.state, line)
            assert isinstance(understood, Understood)
            assert 0 <= understood.confidence <= 100
            dialogue.turn(understood)
        for act in dialogue.run():
            assert isinstance(act, Speak | UseTool | Finish)


TARGET = Target(
    check=check,
    seeds=(
        b"why did my bill go up\ni want to cancel\nyes please\ngoodbye",
        b"one two three four\n=bill done text\n?offer approved",
        b"[NOISE] <sil> ++UM++ can you call me tomorrow at five",
    ),
    tokens=("bill", "cancel", "goodbye", "<sil>", "[NOISE]", "=", "?"),
    most_bytes=120,
)
