"""Whatever a carrier sends, a dialect answers with one of its types and never raises."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callfunnel.domain.call import Channel
from tests.contract.channels.suite import transcript
from tests.simulators.room import spec
from workers.media.channels import dialect
from workers.media.channels.dialect import Dialect
from workers.media.channels.registry import CHANNELS

KINDS = (
    tuple,
    dialect.LineStarted,
    dialect.MarkEchoed,
    dialect.DigitPressed,
    dialect.LineStopped,
    dialect.Ignored,
    dialect.Broken,
)
WORDS = ["media", "mark", "start", "dtmf", "stop", "name", "payload", "event", "type", "digit"]
VALUES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
NESTED = st.recursive(
    VALUES | st.sampled_from(WORDS),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=5)
    ),
    max_leaves=12,
)
each_channel = pytest.mark.parametrize("channel", list(Channel))


def dialects(channel: Channel) -> list[Dialect]:
    """One before its start, one after it."""
    fresh, started = (CHANNELS[channel].dialect(spec(channel=channel)) for _ in range(2))
    for binary, data, reads in transcript(channel):
        if reads in ("Ignored", "LineStarted"):
            started.decode(binary, data)
        if reads == "LineStarted":
            break
    return [fresh, started]


@each_channel
@given(binary=st.booleans(), data=st.binary(max_size=400))
def test_no_bytes_raise(channel: Channel, binary: bool, data: bytes) -> None:
    for each in dialects(channel):
        assert isinstance(each.decode(binary, data), KINDS)


@each_channel
@given(data=st.data())
def test_no_mutation_of_a_transcript_raises(channel: Channel, data: st.DataObject) -> None:
    made = CHANNELS[channel].dialect(spec(channel=channel))
    for binary, message, _ in transcript(channel):
        at = data.draw(st.integers(0, len(message) - 1))
        length = data.draw(st.integers(0, 6))
        changed = message[:at] + data.draw(st.binary(max_size=6)) + message[at + length :]
        assert isinstance(made.decode(binary, changed), KINDS)


@each_channel
@given(message=NESTED)
def test_no_json_of_wrong_types_raises(channel: Channel, message: Any) -> None:
    for each in dialects(channel):
        assert isinstance(each.decode(False, json.dumps(message).encode()), KINDS)
