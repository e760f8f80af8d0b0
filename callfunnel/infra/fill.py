"""How full the streams are, and who of their readers is furthest behind: for operators."""

import msgspec
import nats.errors
import nats.js.errors
from nats.aio.client import Client

from callfunnel.domain.errors import Temporary
from callfunnel.events.streams import BUCKETS, STREAMS
from callfunnel.infra.durables import is_durable_name


class Fill(msgspec.Struct, frozen=True, kw_only=True):
    """A stream: bytes it holds and may hold, and the durable that is furthest behind."""

    name: str
    held: int
    room: int
    slowest: str = ""
    behind: int = 0

    @property
    def percent(self) -> int:
        return self.held * 100 // self.room if self.room > 0 else 0


async def fills(client: Client) -> list[Fill]:
    """Every stream of the catalogue, and those under the buckets. Raises Temporary."""
    try:
        names = [stream.name for stream in STREAMS] + [f"KV_{each.name}" for each in BUCKETS]
        return [await _fill(client, name) for name in names]
    except (TimeoutError, nats.errors.Error, nats.js.errors.Error) as error:
        raise Temporary("the bus does not answer") from error


async def _fill(client: Client, stream: str) -> Fill:
    about = client.jetstream()
    info = await about.stream_info(stream)
    behind = {
        reader.name: (reader.num_pending or 0) + (reader.num_ack_pending or 0)
        for reader in await about.consumers_info(stream)
        if is_durable_name(reader.name) and not reader.name.startswith("follow-")
    }
    slowest = max(behind, key=lambda name: behind[name], default="")
    return Fill(
        name=stream,
        held=info.state.bytes,
        room=info.config.max_bytes or 0,
        slowest=slowest,
        behind=behind.get(slowest, 0),
    )
