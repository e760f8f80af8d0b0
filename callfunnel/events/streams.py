"""The streams: what each keeps, for how long, and what it does when full. Pure data."""

import msgspec

HOUR = 3600
DAY = 24 * HOUR


class Stream(msgspec.Struct, frozen=True, kw_only=True):
    """One JetStream stream. `share` is its part of the disk set aside for the bus, in percent.

    `discard_new` pushes back into the producers' spools when full instead of dropping unread
    events. `duplicate_window_s` must exceed the longest resend delay of the spool.
    """

    name: str
    subjects: tuple[str, ...]
    meaning: str
    max_age_s: int
    share: int
    discard_new: bool = True
    duplicate_window_s: int = 600


RAW = Stream(
    name="RAW",
    subjects=("cf.*.raw.*.*",),
    max_age_s=6 * HOUR,
    share=20,
    meaning="call facts before redaction; only the redaction consumer reads them",
)
CALLS = Stream(
    name="CALLS",
    subjects=("cf.*.call.*.*",),
    max_age_s=7 * DAY,
    share=25,
    meaning="the same facts, redacted: for timeline, settlement and downstream systems",
)
AUDIO = Stream(
    name="AUDIO",
    subjects=("cf.*.audio.*.*",),
    max_age_s=2 * DAY,
    share=35,
    meaning="recording segments; purged per call once the recording is stored",
)
USAGE = Stream(
    name="USAGE",
    subjects=("cf.*.usage.*.*",),
    max_age_s=7 * DAY,
    share=10,
    meaning="metered usage, integers only",
)
APPROVALS = Stream(
    name="APPROVALS",
    subjects=("cf.*.approval.*.*",),
    max_age_s=7 * DAY,
    share=5,
    meaning="approval requests and decisions",
)
DEAD = Stream(
    name="DEAD",
    subjects=("dead.>",),
    max_age_s=28 * DAY,
    share=5,
    meaning="messages no try will help, with their reason; an operator can replay them",
)


def dead_subject(durable: str = "*", subject: str = ">") -> str:
    """Where a message of `subject` goes that the consumer `durable` could not handle."""
    return f"dead.{durable}.{subject}"


STREAMS: tuple[Stream, ...] = (RAW, CALLS, AUDIO, USAGE, APPROVALS, DEAD)
_OF_FAMILY = {each.subjects[0].split(".")[2]: each.name for each in STREAMS if each is not DEAD}


def stream_of_subject(subject: str) -> str:
    """The name of the stream that takes a subject of the catalogue; "" for any other."""
    parts = subject.split(".", 3)
    return _OF_FAMILY.get(parts[2], "") if len(parts) == 4 and parts[0] == "cf" else ""


class Bucket(msgspec.Struct, frozen=True, kw_only=True):
    """One key-value bucket (history 1). `max_age_s` 0 keeps keys until they are deleted.

    `room` is how many times the room of an ordinary bucket it has. When full it refuses new keys;
    with `gives_way` the oldest go instead.
    """

    name: str
    key: str
    meaning: str
    max_age_s: int = 0
    room: int = 1
    gives_way: bool = False


WORKERS = Bucket(name="cf_workers", key="<worker>", meaning="leased records of live media workers")
PINS = Bucket(
    name="cf_pins",
    key="<channel>-<carrier call id>",
    max_age_s=6 * HOUR,
    room=8,
    gives_way=True,
    meaning="which worker holds which call; changed by compare-and-set only",
)
PIN_KEPT_S = 600
"""How long the pin of a call that is over is kept, for what its carrier still asks. A pin has about
1 kB: at 50 calls a second that is 30 MB, where a day of them would be 4 GB and no call taken."""
SLOTS = Bucket(name="cf_slots", key="<tenant>.<n>", meaning="a tenant's concurrent-call slots")
RULEBOOKS = Bucket(
    name="cf_rulebooks", key="<tenant>.<agent>", meaning="the published rule book of each agent"
)
BUCKETS: tuple[Bucket, ...] = (WORKERS, PINS, SLOTS, RULEBOOKS)
