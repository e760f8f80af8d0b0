"""Recording audio on its way to storage."""

from callfunnel.events import fields as f
from callfunnel.events.message import Message, message
from callfunnel.events.streams import AUDIO


@message(
    kind="event",
    family="audio",
    name="segment",
    key="call",
    stream=AUDIO,
    codec="msgpack",
    sender="media",
    handlers=("recordings",),
    meaning="about a second of both sides of a call, before storage",
)
class AudioSegment(Message, frozen=True, kw_only=True):
    """u-law, 8000 samples a second; both sides have the same number of bytes (= samples).

    `n` counts from 0; `start` is the position of the first sample. Event id: `<call>-a-<n>`.
    """

    n: f.Count
    start: f.Count
    caller: bytes
    agent: bytes
