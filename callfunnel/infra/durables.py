"""What a durable consumer of some classes looks like: its stream, filters and limits."""

import re
from collections.abc import Sequence

from nats.js import api

from callfunnel.events.message import CATALOGUE, Message, definition_of, family_filter, filter_of
from callfunnel.events.streams import RAW

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")


def stream_of(message: type[Message], *, raw: bool = False) -> str:
    """The stream that keeps a class of messages. Raises ValueError when none does."""
    row = definition_of(message)
    if raw and not row.raw:
        raise ValueError(f"{row.type_name} has no form before redaction")
    if row.stream is None:
        raise ValueError(f"{row.type_name} is kept by no stream")
    return RAW.name if raw else row.stream.name


def filters_of(messages: Sequence[type[Message]], *, raw: bool = False) -> list[str]:
    """The filters that match exactly these classes: one for a whole family, else one for each."""
    wanted = set(messages)
    family = definition_of(messages[0]).family
    whole = {cls for cls, row in CATALOGUE.items() if row.family == family and (row.raw or not raw)}
    if wanted == whole:
        return [family_filter("raw" if raw else family)]
    return [filter_of(cls, raw=raw) for cls in dict.fromkeys(messages)]


def is_durable_name(name: str) -> bool:
    """Whether a durable may be called so."""
    return _NAME.fullmatch(name) is not None


def durable_of(
    name: str, messages: Sequence[type[Message]], *, raw: bool, batch: int, ack_wait_s: float
) -> tuple[str, api.ConsumerConfig]:
    """The stream and the configuration of a durable. Raises ValueError for an impossible one.

    Deliveries are unlimited: `Settling` counts them and decides. `max_ack_pending` leaves room
    for many processes; the server's default of 1000 would silently stop a second reader.
    """
    if not is_durable_name(name):
        raise ValueError(f"{name!r} is no name for a durable")
    streams = {stream_of(cls, raw=raw) for cls in messages}
    if len(streams) != 1:
        raise ValueError(f"{name}: the messages of a durable come from one stream")
    config = api.ConsumerConfig(
        name=name,
        durable_name=name,
        deliver_policy=api.DeliverPolicy.ALL,
        ack_policy=api.AckPolicy.EXPLICIT,
        ack_wait=ack_wait_s,
        max_deliver=-1,
        max_ack_pending=max(2000, 16 * batch),
        filter_subjects=filters_of(messages, raw=raw),
    )
    return streams.pop(), config


def reads(config: api.ConsumerConfig, subject: str) -> bool:
    """Whether a consumer of the stream that takes `subject` has such a message delivered to it."""
    filters = config.filter_subjects or [config.filter_subject or ">"]
    return any(_matches(each.split("."), subject.split(".")) for each in filters)


def _matches(pattern: Sequence[str], subject: Sequence[str]) -> bool:
    if pattern[-1] == ">":
        if len(subject) < len(pattern):
            return False
        pattern, subject = pattern[:-1], subject[: len(pattern) - 1]
    if len(pattern) != len(subject):
        return False
    return all(want in ("*", word) for want, word in zip(pattern, subject, strict=True))
