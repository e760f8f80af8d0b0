"""What every channel's dialect must do, whoever the carrier is. Subclass it once per carrier."""

import base64
import json
from pathlib import Path
from typing import Any, ClassVar

import pytest

from callfunnel.domain.call import Channel
from tests.simulators.room import spec
from workers.media.channels.dialect import Broken, Dialect, Frame, LineStarted
from workers.media.channels.registry import CHANNELS

FIXTURES = Path(__file__).parents[2] / "fixtures" / "channels"
ULAW = bytes(range(160))


class ChannelSuite:
    """`channel` names it; `read_back` is the carrier's reading of a frame: (what, value)."""

    channel: ClassVar[Channel]
    bad_starts: ClassVar[tuple[Any, ...]]

    def read_back(self, frame: Frame) -> tuple[str, Any]:
        raise NotImplementedError

    def dialect(self) -> Dialect:
        return CHANNELS[self.channel].dialect(spec(channel=self.channel))

    def started(self) -> Dialect:
        made = self.dialect()
        for binary, data, reads in self.transcript():
            made.decode(binary, data)
            if reads == "LineStarted":
                return made
        raise AssertionError("the transcript has no start")

    def transcript(self) -> list[tuple[bool, bytes, str]]:
        return transcript(self.channel)

    def test_the_transcript_is_understood(self) -> None:
        made = self.dialect()
        understood = [made.decode(binary, data) for binary, data, _ in self.transcript()]
        names = ["audio" if type(each) is tuple else type(each).__name__ for each in understood]
        assert names == [reads for _, _, reads in self.transcript()]

    def test_caller_audio_comes_as_base64_and_as_the_same_bytes(self) -> None:
        made = self.dialect()
        for binary, data, reads in self.transcript():
            arrived = made.decode(binary, data)
            if reads == "audio":
                assert isinstance(arrived, tuple)
                assert base64.b64decode(arrived[0], validate=True) == arrived[1] == ULAW

    def test_media_before_the_start_is_broken(self) -> None:
        audio = next((b, d) for b, d, reads in self.transcript() if reads == "audio")
        assert isinstance(self.dialect().decode(*audio), Broken)

    def test_a_second_start_is_broken(self) -> None:
        start = next((b, d) for b, d, reads in self.transcript() if reads == "LineStarted")
        assert isinstance(self.started().decode(*start), Broken)

    def test_a_start_of_another_kind_is_broken(self) -> None:
        for bad in self.bad_starts:
            assert isinstance(self.dialect().decode(False, json.dumps(bad).encode()), Broken)

    def test_a_frame_that_is_too_large_is_broken(self) -> None:
        for binary in (False, True):
            assert isinstance(self.started().decode(binary, b"x" * 70_000), Broken)

    @pytest.mark.parametrize("length", [1, 160, 1600])
    def test_media_arrives_as_it_was_sent(self, length: int) -> None:
        ulaw = ULAW * 10
        assert self.read_back(self.started().media(ulaw[:length])) == ("media", ulaw[:length])

    def test_a_mark_and_a_clear_are_read_as_such(self) -> None:
        made = self.started()
        assert self.read_back(made.mark("g3-4800")) == ("mark", "g3-4800")
        assert self.read_back(made.clear()) == ("clear", None)

    def test_what_passes_as_base64_can_be_spliced_into_json(self) -> None:
        made = self.dialect()
        for binary, data, _ in self.transcript():
            arrived = made.decode(binary, data)
            if isinstance(arrived, tuple):
                assert json.loads(b'{"audio":"' + arrived[0] + b'"}')["audio"]

    def test_a_started_line_names_its_stream(self) -> None:
        made = self.dialect()
        arrived = [made.decode(binary, data) for binary, data, _ in self.transcript()]
        (start,) = [each for each in arrived if isinstance(each, LineStarted)]
        assert start.stream


def transcript(channel: Channel) -> list[tuple[bool, bytes, str]]:
    """The recorded messages: binary or not, data, what must be read."""
    lines = (FIXTURES / f"{channel.value}.jsonl").read_text().splitlines()
    return [_message(json.loads(line)) for line in lines]


def _message(line: dict[str, str]) -> tuple[bool, bytes, str]:
    if "binary" in line:
        return True, base64.b64decode(line["binary"]), line["reads"]
    return False, line["text"].encode(), line["reads"]
