"""Lines to one model share what is costly to make."""

import ssl

import pytest

from tests.simulators.room import rulebook
from workers.media.core.inputs import Input
from workers.media.models.line import CallContext
from workers.media.models.openai.line import openai_lines


class Sink:
    """Hears nothing: no line is opened."""

    def on_model(self, happened: Input) -> None: ...
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
