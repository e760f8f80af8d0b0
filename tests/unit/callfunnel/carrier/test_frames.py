"""What goes over the wire is what the carrier documents; what comes back never raises."""

import base64
import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from callfunnel.carrier.frames import Clear, Mark, Media, Refused, Wire, decode


def wire() -> Wire:
    return Wire("MZ1", "CA1", "AC1")


def test_every_number_is_a_string_and_messages_after_connected_are_counted() -> None:
    line = wire()
    assert "sequenceNumber" not in json.loads(line.connected())
    start = json.loads(line.start({"call": "c_1"}))
    media = json.loads(line.media(b"\xff" * 160))
    assert (start["sequenceNumber"], media["sequenceNumber"]) == ("1", "2")
    assert start["start"]["customParameters"] == {"call": "c_1"}
    assert start["start"]["mediaFormat"]["sampleRate"] == 8000


def test_media_is_stamped_with_the_time_since_the_stream_began() -> None:
    line = wire()
    stamps = [json.loads(line.media(b"\xff" * 160))["media"]["timestamp"] for _ in range(3)]
    assert stamps == ["0", "20", "40"]


def test_audio_marks_and_clears_are_understood() -> None:
    def of(**body: Any) -> Any:
        return decode(json.dumps({"streamSid": "MZ1", **body}), "MZ1")

    payload = base64.b64encode(b"abc").decode()
    assert of(event="media", media={"payload": payload}) == Media(b"abc")
    assert of(event="mark", mark={"name": "m"}) == Mark("m")
    assert of(event="clear") == Clear()


def test_a_foreign_stream_and_an_unknown_event_are_refused() -> None:
    assert decode('{"event":"clear","streamSid":"MZ2"}', "MZ1") == Refused(
        31924, "no or a foreign streamSid"
    )
    assert isinstance(decode('{"event":"say","streamSid":"MZ1"}', "MZ1"), Refused)


def test_a_binary_frame_is_refused() -> None:
    assert decode(b"\x00", "MZ1") == Refused(31950, "a binary frame")


@given(st.text() | st.binary() | st.from_regex(r'\{"streamSid":"MZ1",.{0,60}\}'))
def test_nothing_that_arrives_raises(message: str | bytes) -> None:
    assert decode(message, "MZ1") is not None
