"""Usage: what was consumed, in integers, told when it happens."""

from callfunnel.events import fields as f
from callfunnel.events.message import Message, message
from callfunnel.events.streams import USAGE


@message(
    kind="event",
    family="usage",
    name="measured",
    key="call",
    stream=USAGE,
    sender="media",
    handlers=("metering",),
    meaning="a quantity of something billable was used",
)
class UsageMeasured(Message, frozen=True, kw_only=True):
    """`record` is the source's own id (a model's response id), unique per (call, meter).

    `source`: provider, measured or estimated. `unit`: ms, tokens, count, chars.
    Event id: `<call>-u-<meter>-<record>`.

    Meters: `call.ms`, `stream.ms`, `audio.in.ms`, `audio.out.ms`, `tool.calls`,
    `tokens.{text,audio}.{in,in_cached,out}`; `in` does not hold what `in_cached` counts.
    `recording.ms` is metered from `RecordingStored` itself.
    """

    meter: str
    quantity: f.Count
    unit: str
    provider: str
    model: str
    source: str
    record: str
