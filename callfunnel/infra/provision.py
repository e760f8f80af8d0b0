"""Makes the bus look like the catalogue: every stream and bucket created or brought up to date.

Run by the owner of the installation before anything starts, and safe to run again at any time.
Nothing that holds messages is ever deleted here.
"""

from dataclasses import dataclass
from secrets import token_hex

import nats.errors
import nats.js.errors
from nats.aio.client import Client
from nats.js import JetStreamContext, api

from callfunnel.domain.errors import Temporary
from callfunnel.events.streams import BUCKETS, STREAMS, Bucket, Stream

_MIB = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class BusSize:
    """Disk set aside for the bus, bytes: `streams` is split by each stream's share, an ordinary
    bucket may have `bucket`. The server reserves it all up front, so the sum must fit its limit."""

    streams: int = 4096 * _MIB
    bucket: int = 16 * _MIB
    replicas: int = 1

    @property
    def total(self) -> int:
        """The sum the server must be able to reserve."""
        return self.streams + self.bucket * sum(each.room for each in BUCKETS)


async def provision(client: Client, size: BusSize | None = None) -> list[str]:
    """Creates or updates everything; the names of what was changed. Raises Temporary."""
    size = size or BusSize()
    stream = client.jetstream(timeout=10)
    configs = [_stream(item, size) for item in STREAMS] + [_bucket(item, size) for item in BUCKETS]
    try:
        return [config.name or "" for config in configs if await _ensure(stream, config)]
    except (TimeoutError, nats.errors.Error, nats.js.errors.Error) as error:
        raise Temporary(f"the bus could not be provisioned: {error}") from error


async def prove_storage(client: Client) -> None:
    """Stores one message and takes it away again. Raises Temporary when it is not stored.

    A stream that met a full disk takes no message until its server is started again, also when
    there is room (nats-server 2.15): that, only the server's own health of all streams tells.
    """
    stream, name = client.jetstream(timeout=3), f"PROOF_{token_hex(4)}"
    try:
        await stream.add_stream(api.StreamConfig(name=name, subjects=[f"proof.{name}"]))
        try:
            await stream.publish(f"proof.{name}", b"", timeout=3)
        finally:
            await stream.delete_stream(name)
    except (TimeoutError, nats.errors.Error, nats.js.errors.Error) as error:
        raise Temporary(
            "stores no message: see that its disk has room, then `./cf restart nats`"
        ) from error


async def _ensure(stream: JetStreamContext, config: api.StreamConfig) -> bool:
    try:
        current = (await stream.stream_info(config.name or "")).config
    except nats.js.errors.NotFoundError:
        await stream.add_stream(config)
        return True
    wanted = {k: v for k, v in config.as_dict().items() if v is not None}
    actual = current.as_dict()
    if all((actual.get(key) or False) == (value or False) for key, value in wanted.items()):
        return False  # the server leaves out what is zero or false
    await stream.update_stream(config)
    return True


def _stream(item: Stream, size: BusSize) -> api.StreamConfig:
    return api.StreamConfig(
        name=item.name,
        description=item.meaning,
        subjects=list(item.subjects),
        retention=api.RetentionPolicy.LIMITS,
        discard=api.DiscardPolicy.NEW if item.discard_new else api.DiscardPolicy.OLD,
        max_age=item.max_age_s,
        max_bytes=size.streams * item.share // 100,
        duplicate_window=item.duplicate_window_s,
        storage=api.StorageType.FILE,
        num_replicas=size.replicas,
        allow_direct=False,
    )


def _bucket(item: Bucket, size: BusSize) -> api.StreamConfig:
    """History 1; expiry per key, with markers that live long enough for every watcher to see."""
    return api.StreamConfig(
        name=f"KV_{item.name}",
        description=item.meaning,
        subjects=[f"$KV.{item.name}.>"],
        retention=api.RetentionPolicy.LIMITS,
        discard=api.DiscardPolicy.OLD if item.gives_way else api.DiscardPolicy.NEW,
        max_age=item.max_age_s,
        max_msgs_per_subject=1,
        max_bytes=size.bucket * item.room,
        duplicate_window=120,
        storage=api.StorageType.FILE,
        num_replicas=size.replicas,
        allow_direct=False,
        allow_rollup_hdrs=True,
        deny_delete=True,
        allow_msg_ttl=True,
        subject_delete_marker_ttl=300,
    )
