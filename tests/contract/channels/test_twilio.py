"""Media Streams in the Twilio dialect."""

import json
from typing import Any, ClassVar

import pytest

from callfunnel.carrier.frames import Clear, Mark, Media, decode
from callfunnel.domain.call import Channel
from tests.contract.channels.suite import ChannelSuite
from tests.simulators.room import ACCOUNT, CARRIER_CALL
from workers.media.channels.dialect import Broken, DigitPressed, Frame

STREAM = "MZ" + "2" * 32
FORMAT = {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1}


def start(**changes: Any) -> dict[str, Any]:
    fields = {
        "streamSid": STREAM,
        "accountSid": ACCOUNT,
        "callSid": CARRIER_CALL,
        "mediaFormat": FORMAT,
    }
    return {"event": "start", "streamSid": STREAM, "start": {**fields, **changes}}


class TestTwilio(ChannelSuite):
    channel = Channel.TWILIO
    bad_starts: ClassVar[tuple[Any, ...]] = (
        start(callSid="CAother"),
        start(accountSid="ACother"),
        start(streamSid=""),
        start(mediaFormat={**FORMAT, "encoding": "audio/l16"}),
        start(mediaFormat={**FORMAT, "sampleRate": 16000}),
        {"event": "start"},
    )

    def read_back(self, frame: Frame) -> tuple[str, Any]:
        assert not frame.binary
        match decode(frame.data.decode(), STREAM):
            case Media(audio=audio):
                return "media", audio
            case Mark(name=name):
                return "mark", name
            case Clear():
                return "clear", None
            case refused:
                raise AssertionError(refused)

    @pytest.mark.parametrize(
        "payload", ["", "@@@@", "AAA", "AA AA", 'A\\"A=', "A" * 20_000, "////\n"]
    )
    def test_a_payload_that_is_no_short_strict_base64_is_broken(self, payload: str) -> None:
        made = self.started()
        fast = '{"event":"media","streamSid":"x","media":{"payload":"' + payload + '"}}'
        slow = json.dumps({"media": {"payload": payload}, "event": "media"})
        assert isinstance(made.decode(False, fast.encode()), Broken)
        assert isinstance(made.decode(False, slow.encode()), Broken)

    def test_the_other_track_is_not_the_caller(self) -> None:
        message = {"sequenceNumber": "1", "event": "media"} | {
            "media": {"track": "outbound", "payload": "AAAA"}
        }
        arrived = self.started().decode(False, json.dumps(message).encode())
        assert not isinstance(arrived, tuple)

    def test_keys_are_the_sixteen_of_a_telephone(self) -> None:
        made = self.started()
        for digit in "0123456789*#ABCD":
            message = {"event": "dtmf", "dtmf": {"digit": digit}}
            arrived = made.decode(False, json.dumps(message).encode())
            assert arrived == DigitPressed(digit)
        unknown = {"event": "dtmf", "dtmf": {"digit": "55"}}
        assert isinstance(made.decode(False, json.dumps(unknown).encode()), Broken)

    def test_nothing_is_said_before_the_socket_closes(self) -> None:
        assert self.started().bye("caller_hangup") is None
