"""The browser phone."""

import json
from typing import Any, ClassVar

from callfunnel.domain.call import Channel
from tests.contract.channels.suite import ChannelSuite
from workers.media.channels.dialect import Broken, Frame


class TestBrowser(ChannelSuite):
    channel = Channel.BROWSER
    bad_starts: ClassVar[tuple[Any, ...]] = (
        {"type": "start", "rate": 48000},
        {"type": "start"},
        {"type": "start", "rate": "8000"},
    )

    def read_back(self, frame: Frame) -> tuple[str, Any]:
        if frame.binary:
            return "media", frame.data
        message = json.loads(frame.data)
        return message["type"], message.get("name")

    def test_the_page_is_told_why_the_call_is_over(self) -> None:
        bye = self.started().bye("silence")
        assert bye is not None
        assert json.loads(bye.data) == {"type": "bye", "cause": "silence"}

    def test_an_empty_or_endless_frame_is_broken(self) -> None:
        made = self.started()
        assert isinstance(made.decode(True, b""), Broken)
        assert isinstance(made.decode(True, b"\xff" * 8001), Broken)
