"""The offline agent's brain: a state, the steps still to take, and what is known so far. Pure.

`turn` and `run` are called by the line: a turn chooses steps, `run` takes them until a tool must
answer first. Nothing here speaks or waits.
"""

import re
from collections.abc import Mapping
from typing import Any, Final, assert_never

from msgspec import Struct

from callfunnel.domain.rulebook import (
    DemoAgain,
    DemoEnd,
    DemoGoto,
    DemoSay,
    DemoScript,
    DemoStep,
    DemoTool,
)
from workers.media.models.demo.listener import Understood

_VALUE: Final = re.compile(r"\{([a-z][a-z0-9_]*)\.([a-z][a-z0-9_]*)\}")
_MOST_STEPS: Final = 50


class Speak(Struct, frozen=True):
    """Say this sentence."""

    text: str


class UseTool(Struct, frozen=True):
    """Call this tool; nothing follows before its answer."""

    name: str
    arguments: dict[str, Any]


class Finish(Struct, frozen=True):
    """End the call once everything said was heard."""


Act = Speak | UseTool | Finish


class Dialogue:
    """One call's dialogue through a script."""

    def __init__(self, script: DemoScript) -> None:
        self._script = script
        self.state: str = script.start
        self._steps: list[DemoStep] = []
        self._values: dict[str, dict[str, Any]] = {"heard": {}}
        self._said: list[str] = []
        self._asked: dict[str, DemoTool] = {}

    def turn(self, understood: Understood) -> None:
        """The caller said something: what was still to come is given up."""
        here = self._script.states[self.state]
        answers = {**self._script.always, **here.on}
        self._values["heard"].update(understood.slots)
        self._steps = list(answers.get(understood.intent, here.otherwise))

    def repeat(self) -> None:
        """A noise cut the agent off: the last words once more."""
        self._steps = [DemoAgain()]

    def run(self) -> list[Act]:
        """Takes steps until there are none, or until a tool must answer first."""
        acts: list[Act] = []
        for _ in range(_MOST_STEPS):
            if not self._steps:
                break
            act = self._take(self._steps.pop(0))
            acts += act
            if any(isinstance(each, UseTool | Finish) for each in act):
                break
        said = [act.text for act in acts if isinstance(act, Speak)]
        self._said = said or self._said
        return acts

    def answered(self, name: str, outcome: str, result: Mapping[str, Any]) -> None:
        """A tool answered: done, failed, expired or pending; the next `run` goes on from there."""
        step = self._asked.get(name)
        if outcome == "done":
            self._values[name] = dict(result)
        elif outcome == "pending":
            self._steps = []
        else:
            self._steps = [DemoSay(self._script.trouble)]
        if step is not None:
            self._follow(step, outcome)

    def decided(self, name: str, decision: str) -> None:
        """A person decided about a tool; the caller is told by the call itself."""
        step = self._asked.get(name)
        if step is None:
            return
        if decision == "approved":
            self._values[name] = self._filled(step.arguments)
        self._follow(step, decision)

    def _follow(self, step: DemoTool, outcome: str) -> None:
        for known, state in step.then.items():
            if known == outcome:
                self.state = state

    def _take(self, step: DemoStep) -> list[Act]:
        match step:
            case DemoSay(text):
                return [Speak(self._fill(text))]
            case DemoTool(name, arguments):
                self._asked[name] = step
                return [UseTool(name, self._filled(arguments))]
            case DemoGoto(state):
                self.state = state
                return []
            case DemoAgain():
                return [Speak(text) for text in self._said]
            case DemoEnd():
                return [Finish()]
            case _:
                assert_never(step)

    def _filled(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        return {
            name: self._fill(value) if isinstance(value, str) else value
            for name, value in arguments.items()
        }

    def _fill(self, text: str) -> str:
        def value(match: re.Match[str]) -> str:
            return str(self._values.get(match[1], {}).get(match[2], ""))

        return _VALUE.sub(value, text)
