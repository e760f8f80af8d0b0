"""What a stream keeps of one subject: read all of it now, or delete it for good."""

import nats.errors
import nats.js.errors
from nats.aio.msg import Msg

from callfunnel.domain.errors import Permanent, Temporary
from callfunnel.domain.ids import TenantId
from callfunnel.events.message import Message, subject_of
from callfunnel.infra.bus import Bus, Received
from callfunnel.infra.durables import stream_of
from callfunnel.infra.follow import Follower
from callfunnel.infra.settling import received

_LIMIT_S = 30.0


async def stored(
    bus: Bus, message: type[Message], tenant: TenantId, key: str
) -> list[Received[Message]]:
    """All messages of a class and key that are stored now, in stream order. Raises Temporary.

    What cannot be decoded is left out.
    """
    subject = subject_of(message, tenant, key)
    follower = Follower(bus.client, stream_of(message), [subject], after=0)
    found: list[Received[Message]] = []
    try:
        await follower.take_so_far(lambda each: found.extend(_decoded(each)), _LIMIT_S)
    except (TimeoutError, nats.errors.Error, nats.js.errors.Error) as error:
        raise Temporary("the bus does not hand out what it keeps", delay=1.0) from error
    finally:
        await follower.close()
    return found


async def count(bus: Bus, message: type[Message], tenant: TenantId, key: str) -> int:
    """How many messages of a class and key are stored now, without reading them. Raises Temporary.

    The same message told twice counts twice.
    """
    subject = subject_of(message, tenant, key)
    follower = Follower(bus.client, stream_of(message), [subject], after=0, headers_only=True)
    try:
        await follower.open()
        return follower.pending_at_start
    except (TimeoutError, nats.errors.Error, nats.js.errors.Error) as error:
        raise Temporary("the bus does not say what it keeps", delay=1.0) from error
    finally:
        await follower.close()


async def purge(bus: Bus, message: type[Message], tenant: TenantId, key: str) -> None:
    """Deletes all messages of a class and key from their stream. Raises Temporary."""
    try:
        await bus.client.jetstream().purge_stream(
            stream_of(message), subject=subject_of(message, tenant, key)
        )
    except (TimeoutError, nats.errors.Error, nats.js.errors.Error) as error:
        raise Temporary("the bus does not purge", delay=1.0) from error


def _decoded(message: Msg) -> list[Received[Message]]:
    try:
        return [received(message)]
    except Permanent:
        return []
