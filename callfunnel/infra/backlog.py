"""How far each durable is behind: asked of the server every few seconds, shown as metrics.

It is the server's word, so it holds for all processes that share a durable, also when this one
hangs. The age is that of the oldest message that is not done with; it costs a look into the stream
only while there is one.
"""

import contextlib
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Final

import msgspec
import nats.errors
import nats.js.errors
from nats.aio.client import Client
from nats.js.api import ConsumerInfo

from callfunnel.events.streams import DEAD
from callfunnel.infra.background import Background
from callfunnel.infra.clock import unix_ns
from callfunnel.infra.telemetry import Telemetry

EVERY_S: Final = 5.0


class Behind(msgspec.Struct):
    """Of one durable."""

    backlog: int = 0
    oldest_seconds: float = 0.0


class Letters(msgspec.Struct):
    """Of the stream of dead letters."""

    letters: int = 0


class Backlog:
    """Watches the durables of a process, each through the connection that reads it."""

    def __init__(self, telemetry: Telemetry) -> None:
        self._telemetry = telemetry
        self._durables: dict[str, tuple[Client, str, Behind]] = {}
        self._letters = Letters()
        self._looking = Background("backlog", self._look, after_trouble_s=EVERY_S)

    def watch(self, client: Client, streams: Mapping[str, str]) -> None:
        """Adds durables; `streams` says where each reads. The first ones begin the looking."""
        if streams and not self._durables:
            self._telemetry.watch("dead", lambda: self._letters)
            self._looking.start()
        for name, stream in streams.items():
            behind = Behind()
            self._durables[name] = (client, stream, behind)
            read = partial(msgspec.structs.asdict, behind)
            self._telemetry.watch("consumer", read, durable=name)

    async def stop(self) -> None:
        """Looks no more."""
        await self._looking.stop()

    async def _look(self) -> float:
        """What does not answer now keeps its last figure; its outage has metrics of its own."""
        with contextlib.suppress(TimeoutError, nats.errors.Error, nats.js.errors.Error):
            for name, (client, stream, behind) in tuple(self._durables.items()):
                info = await client.jetstream().consumer_info(stream, name)
                behind.backlog = (info.num_pending or 0) + (info.num_ack_pending or 0)
                behind.oldest_seconds = await _age(client, info) if behind.backlog else 0.0
            client = next(iter(self._durables.values()))[0]
            dead = await client.jetstream().stream_info(DEAD.name)
            self._letters.letters = dead.state.messages
        return EVERY_S


async def _age(client: Client, info: ConsumerInfo) -> float:
    """0 when it is gone by now."""
    done = info.ack_floor.stream_seq if info.ack_floor else 0
    filters = info.config.filter_subjects or [info.config.filter_subject or ">"]
    try:
        found = await client.jetstream().get_msg(
            info.stream_name, seq=done + 1, subject=_joined(filters), next=True
        )
    except nats.js.errors.NotFoundError:
        return 0.0
    stored = found.time if isinstance(found.time, datetime) else datetime.now(UTC)
    return max(0.0, unix_ns() / 1e9 - stored.timestamp())


def _joined(filters: list[str]) -> str:
    """One filter that matches whatever any of these does."""
    columns = zip(*(each.split(".") for each in filters), strict=False)
    return ".".join(column[0] if len(set(column)) == 1 else "*" for column in columns)
