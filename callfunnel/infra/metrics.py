"""The metrics of every process: what each means, and which values its labels may take. Pure data.

No label ever holds a tenant, a call, a caller or a subject: what one tenant did is in the records
and bills, what one call did in its trace. So the number of series is known before anything runs.
"""

from collections.abc import Mapping
from typing import Final, Literal

import msgspec

from callfunnel.domain.call import Cause
from callfunnel.domain.model import Model

Kind = Literal["counter", "gauge", "histogram"]
OF_CODE: Final = ("*",)
"""As many values as the code has such things (durables, roles); no message can add one."""
_QUICK: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0)
_SPOKEN: Final = (0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0)
_REFUSALS: Final = ("no_rulebook", "no_worker", "tenant_limit", "unavailable", "not_theirs")


class Metric(msgspec.Struct, frozen=True, kw_only=True):
    """`callfunnel_<name>`, with `_total` behind a counter's. `who`: the processes that have it."""

    name: str
    who: str
    kind: Kind
    meaning: str
    labels: Mapping[str, tuple[str, ...]] = {}
    bounds: tuple[float, ...] = ()

    @property
    def shown(self) -> str:
        """The name as Prometheus has it."""
        return f"callfunnel_{self.name}{'_total' if self.kind == 'counter' else ''}"


METRICS: Final[dict[str, Metric]] = {}


def _metric(name: str, who: str, kind: Kind, meaning: str, **labels: tuple[str, ...]) -> None:
    METRICS[name] = Metric(name=name, who=who, kind=kind, meaning=meaning, labels=labels)


def _histogram(
    name: str, who: str, bounds: tuple[float, ...], meaning: str, **labels: tuple[str, ...]
) -> None:
    METRICS[name] = Metric(
        name=name, who=who, kind="histogram", meaning=meaning, labels=labels, bounds=bounds
    )


_EVERY, _GATEWAY, _MEDIA = "every process but the issuer", "gateway", "media worker"
_CONSUMER, _SPOOLS = "consumers", "gateway, media worker"

_histogram("loop_lag_seconds", _EVERY, _QUICK, "how late the event loop was, ten times a second")
_histogram("gc_pause_seconds", _EVERY, _QUICK, "how long a garbage collection stopped everything")
_metric("loop_late_beats", _EVERY, "counter", "times the event loop was more than 60 ms late")
_metric("loop_longest_lag_ms", _EVERY, "gauge", "the longest lag since the start")
_metric("loop_collections", _EVERY, "counter", "garbage collections")
_metric("loop_longest_pause_ms", _EVERY, "gauge", "the longest collection since the start")
_metric("loop_tasks", _EVERY, "gauge", "tasks of the event loop now")
_metric("loop_blocks", _EVERY, "gauge", "blocks of memory that the interpreter holds now")
_metric(
    "bus_ready", _EVERY, "gauge", "1: connected, with every durable, as that role", role=OF_CODE
)
_metric("spans_exported", _EVERY, "counter", "spans that the collector took")
_metric("spans_dropped", _EVERY, "counter", "spans dropped because too many waited")
_metric("spans_refused", _EVERY, "counter", "spans that the collector did not take")

_metric(
    "admissions",
    _GATEWAY,
    "counter",
    "offered calls by outcome; `repeated` is the same offer once more",
    outcome=("admitted", "repeated", *_REFUSALS),
)
_histogram(
    "admission_seconds", _GATEWAY, _QUICK, "from a verified offer to the pin, or the refusal"
)
_metric(
    "http_answers",
    _GATEWAY,
    "counter",
    "answers by class of status",
    status=("1xx", "2xx", "3xx", "4xx", "5xx"),
)
_metric("gateway_relayed_calls", _GATEWAY, "gauge", "media sockets relayed now")
_metric("gateway_open_streams", _GATEWAY, "gauge", "event streams open now")
_metric("media_workers", _GATEWAY, "gauge", "live media workers that this gateway sees")
_metric("media_headroom", _GATEWAY, "gauge", "free slots of workers that take calls")

_metric("media_live", _MEDIA, "gauge", "calls with a socket now")
_metric("media_used", _MEDIA, "gauge", "slots taken now, reserved ones included")
_metric("media_slots", _MEDIA, "gauge", "slots there are")
_metric("media_open", _MEDIA, "gauge", "1: takes calls; 0: starting, draining, fenced or no room")
_metric("media_door_refused", _MEDIA, "counter", "media sockets turned away at the handshake")
_metric("media_lost_segments", _MEDIA, "counter", "segments of recordings that found no room")
_metric("media_owed_messages", _MEDIA, "gauge", "messages that wait in memory for a full disk")
_metric("media_owed_bytes", _MEDIA, "gauge", "their size; at 16 MB what comes is lost")
_metric("media_lost_messages", _MEDIA, "counter", "other messages that found no room")
_metric(
    "calls_ended",
    _MEDIA,
    "counter",
    "ended calls by cause",
    cause=tuple(cause.value for cause in Cause),
)
_metric("interruptions", _MEDIA, "counter", "times a caller talked over the agent and it stopped")
_histogram(
    "turn_seconds",
    _MEDIA,
    _SPOKEN,
    "a turn, from the caller's last sound: until it was taken as over (`endpoint`), from there to "
    "the model's first audio (`model`), to the first frame sent (`send`), to its being played "
    "(`play`); `response` is from the last sound to the first frame",
    stage=("endpoint", "model", "send", "play", "response"),
)
_metric(
    "tools",
    _MEDIA,
    "counter",
    "tool calls by outcome",
    outcome=("done", "failed", "expired", "pending", "fenced"),
)
_metric(
    "approvals",
    _MEDIA,
    "counter",
    "decisions that came back into a call",
    outcome=("approved", "refused", "expired"),
)
_metric(
    "model_lost",
    _MEDIA,
    "counter",
    "sessions of the model that were refused, stalled or broke; `none`: never was ready",
    provider=(*Model, "none"),
)

_metric("spool_emitted", _SPOOLS, "counter", "messages accepted")
_metric("spool_refused", _SPOOLS, "counter", "messages refused: no room")
_metric("spool_commits", _SPOOLS, "counter", "groups written to disk")
_metric("spool_failed_commits", _SPOOLS, "counter", "groups that the disk did not take")
_metric("spool_backlog", _SPOOLS, "gauge", "messages that wait for the bus")
_metric("spool_backlog_bytes", _SPOOLS, "gauge", "their size")
_metric("spool_sender_acked", _SPOOLS, "counter", "messages that the bus has stored")
_metric("spool_sender_duplicates", _SPOOLS, "counter", "of these, those it had already")
_metric("spool_sender_resent", _SPOOLS, "counter", "messages sent again")
_metric("spool_sender_refused_by_bus", _SPOOLS, "counter", "messages that a stream refused")

_metric("consumer_acknowledged", _CONSUMER, "counter", "messages done with", durable=OF_CODE)
_metric("consumer_retried", _CONSUMER, "counter", "messages put back for later", durable=OF_CODE)
_metric("consumer_buried", _CONSUMER, "counter", "messages put into DEAD", durable=OF_CODE)
_metric(
    "consumer_backlog",
    _CONSUMER,
    "gauge",
    "messages not done with, of all processes",
    durable=OF_CODE,
)
_metric(
    "consumer_oldest_seconds", _CONSUMER, "gauge", "age of the oldest of these", durable=OF_CODE
)
_metric("dead_letters", _CONSUMER, "gauge", "messages in DEAD")

_metric(
    "issuer_requests",
    "local issuer",
    "counter",
    "requests with a form, by outcome",
    outcome=("granted", "refused", "too_often"),
)
