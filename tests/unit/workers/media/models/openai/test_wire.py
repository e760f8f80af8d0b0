"""What is read of the server's events, and what is ignored."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.contract.models.suite import Sink, context
from workers.media.models.openai import wire
from workers.media.models.openai.address import realtime_url
from workers.media.models.openai.conversation import Conversation


@pytest.mark.parametrize(
    ("base", "url"),
    [
        ("", "wss://api.openai.com/v1/realtime?model=m"),
        ("http://127.0.0.1:81/v1/", "ws://127.0.0.1:81/v1/realtime?model=m"),
        ("wss://proxy.example.com/a?k=1", "wss://proxy.example.com/a/realtime?k=1&model=m"),
    ],
)
def test_the_address_of_a_session(base: str, url: str) -> None:
    assert realtime_url(base, "m") == url


@pytest.mark.parametrize("base", ["nonsense", "ftp://host/v1", "https://"])
def test_an_address_that_is_none_is_refused(base: str) -> None:
    with pytest.raises(ValueError, match="OPENAI_BASE_URL"):
        realtime_url(base, "m")


def test_an_unknown_event_is_ignored_whatever_its_fields_are() -> None:
    event = {"type": "response.new", "delta": {"a": 1}, "response": 5, "error": []}
    assert wire.read(json.dumps(event).encode()) is None


def test_a_known_event_with_wrong_fields_is_unreadable() -> None:
    with pytest.raises(ValueError, match="Expected"):
        wire.read(b'{"type":"response.created","response":5}')


def session() -> tuple[Conversation, Sink]:
    sink = Sink()
    made = Conversation(context().rulebook, sink, lambda _: None, model="m", transcription="t")
    return made, sink


KINDS = [*wire.READS, "conversation.item.added", "x"]
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(["id", "audio", "response", "code", "type", "status", "output"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)
FIELDS = st.dictionaries(
    st.sampled_from(
        ["session", "response", "response_id", "item_id", "delta", "transcript", "error", "usage"]
    ),
    VALUES,
    max_size=5,
)


@given(events=st.lists(st.tuples(st.sampled_from(KINDS), FIELDS), max_size=6))
def test_no_event_of_known_names_and_wrong_shapes_raises(
    events: list[tuple[str, dict[str, object]]],
) -> None:
    made, _ = session()
    for kind, fields in events:
        made.arrived(json.dumps({"type": kind, **fields}).encode())


@given(data=st.binary(max_size=200))
def test_no_bytes_raise(data: bytes) -> None:
    session()[0].arrived(data)
