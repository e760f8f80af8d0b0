"""Lines to one model share what is costly to make."""

import asyncio
import ssl
from collections import Counter
from typing import Any

import pytest

from tests.simulators import virtual_time
from tests.simulators.room import rulebook
from workers.media.core.inputs import Input, ModelFailed
from workers.media.models.line import CallContext
from workers.media.models.openai.line import openai_lines


class Sink:
    """Counts the failures in each turn of the virtual loop."""

    def __init__(self) -> None:
        self.failed: Counter[int] = Counter()

    def on_model(self, happened: Input) -> None:
        assert isinstance(happened, ModelFailed)
        self.failed[virtual_time.turn()] += 1

    def on_model_audio(self, response: str, item: str, ulaw: bytes) -> None: ...
    def on_usage(self, meter: str, quantity: int, unit: str, record: str) -> None: ...


async def test_the_authorities_are_read_once_and_not_in_every_call(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made: list[ssl.SSLContext] = []
    read = ssl.create_default_context
    monkeypatch.setattr(ssl, "create_default_context", lambda: made.append(read()) or made[-1])
    open_line = openai_lines("https://model.example/v1", "sk", "gpt-realtime", "gpt-transcribe")
    context = CallContext(call="c", caller="+1", rulebook=rulebook())
    lines = [open_line(context, Sink()) for _ in range(3)]
    assert len(made) == 1
    assert made[0].verify_mode is ssl.CERT_REQUIRED
    assert made[0].check_hostname
    assert len({id(line) for line in lines}) == 3


def lost(calls: int, then_closed: int = 0) -> Counter[int]:
    """A provider lets go of the sessions of so many calls at once; the last of these end then."""

    async def scenario() -> Counter[int]:
        open_line = openai_lines("http://model.example/v1", "sk", "gpt-realtime", "gpt-transcribe")
        context, sink = CallContext(call="c", caller="+1", rulebook=rulebook()), Sink()
        lines: list[Any] = [open_line(context, sink) for _ in range(calls)]
        for line in lines:
            line.on_ws_disconnected(None)
        for line in lines[calls - then_closed :]:
            await line.close()
        await asyncio.sleep(1)
        return sink.failed

    return virtual_time.run(scenario())


def test_of_many_sessions_that_are_lost_at_once_a_few_are_told_in_each_turn() -> None:
    failed = lost(calls=50)
    assert failed.total() == 50
    assert max(failed.values()) == 2


def test_a_call_that_ends_before_its_loss_was_told_is_not_told() -> None:
    assert lost(calls=50, then_closed=10).total() == 40
