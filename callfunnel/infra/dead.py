"""Dead letters for operators: list them, look at one, put it back where it came from.

Personal data stays out of sight: a list and a look show headers and the reason; the body is shown
only of streams that hold no personal data, or when it is asked for by name.
"""

from collections.abc import Sequence

import msgspec
import nats.errors
import nats.js.errors
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js.api import RawStreamMsg

from callfunnel.domain.errors import Temporary, UserError
from callfunnel.events.streams import CALLS, DEAD, USAGE, dead_subject, stream_of_subject
from callfunnel.infra.durables import is_durable_name
from callfunnel.infra.follow import Follower
from callfunnel.infra.publishing import DEAD_PREFIX, REPLAYS

_HARMLESS = frozenset({CALLS.name, USAGE.name})
_ALL = 1_000_000
_HIDDEN = frozenset({"Nats-Msg-Id", "Nats-Msg-Size"})


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    """One dead letter. `number` is its place in DEAD; `body` is None when it is not shown.

    `delivered` counts how often its consumer had it, `replays` how often it was put back.
    """

    number: int
    id: str
    type: str
    durable: str
    subject: str
    stream: str
    reason: str
    at: str
    delivered: int
    replays: int
    headers: dict[str, str]
    size: int = 0
    body: str | None = None


class DeadLetters:
    """The DEAD stream. Every method raises Temporary when the bus does not answer."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def list(self, *, durable: str = "", limit: int = 100) -> list[DeadLetter]:
        """The newest letters first, of one durable or of all. Raises UserError for no durable."""
        if durable and not is_durable_name(durable):
            raise UserError(f"{durable!r} is no name of a consumer", "see `dead list` without it")
        subject = dead_subject(durable or "*")
        follower = Follower(self._client, DEAD.name, [subject], after=0, headers_only=True)
        try:
            found = await follower.so_far(within_s=30.0)
        except (TimeoutError, nats.errors.Error, nats.js.errors.Error) as error:
            raise Temporary("the bus does not answer") from error
        finally:
            await follower.close()
        return [_listed(message) for message in reversed(found[-limit:])]

    async def show(self, number: int, *, body: bool = False) -> DeadLetter:
        """One letter; with `body`, what it says, also when that may be personal data."""
        raw = await self._stored(number)
        letter = _letter(number, raw.subject or "", raw.headers or {}, len(raw.data or b""))
        if body or letter.stream in _HARMLESS:
            text = (raw.data or b"").decode(errors="replace")
            return msgspec.structs.replace(letter, body=text)
        return letter

    async def replay(self, number: int) -> str:
        """Puts a letter back onto its subject and out of DEAD; the subject.

        Every reader of the stream gets it again, under its old event id. If this is cut short it
        is still in DEAD, and replaying it twice changes nothing more. Raises UserError for a
        letter whose subject no stream of messages has: whoever buried it wants us to say it.
        """
        raw = await self._stored(number)
        headers = dict(raw.headers or {})
        subject = (raw.subject or "").split(".", 2)[2]
        if not stream_of_subject(subject):
            raise UserError(f"{number} is no message of ours: {subject}", "see `dead show`")
        again = {k: v for k, v in headers.items() if not k.startswith(DEAD_PREFIX)}
        again["Nats-Msg-Id"] = f"{headers.get('ce-id', 'dead')}-again-{number}"
        again[REPLAYS] = str(_number(headers, REPLAYS) + 1)
        stream = self._client.jetstream()
        try:
            await stream.publish(subject, raw.data or b"", headers=again)
            await stream.delete_msg(DEAD.name, number)
        except (TimeoutError, nats.errors.Error, nats.js.errors.Error) as error:
            raise Temporary(f"not replayed: {type(error).__name__}") from error
        return subject

    async def replay_all(self, *, durable: str = "") -> Sequence[DeadLetter]:
        """Puts back every letter there is now, of one durable or of all, the oldest first.

        Those that die again come after these and are left alone, as is what `replay` refuses.
        Returns what was put back.
        """
        found = await self.list(durable=durable, limit=_ALL)
        letters = [letter for letter in found if stream_of_subject(letter.subject)]
        for letter in reversed(letters):
            await self.replay(letter.number)
        return letters[::-1]

    async def _stored(self, number: int) -> RawStreamMsg:
        try:
            return await self._client.jetstream().get_msg(DEAD.name, number)
        except nats.js.errors.NotFoundError as error:
            raise UserError(f"there is no dead letter {number}", "see `dead list`") from error
        except (TimeoutError, nats.errors.Error, nats.js.errors.Error) as error:
            raise Temporary("the bus does not answer") from error


def _listed(message: Msg) -> DeadLetter:
    size = (message.headers or {}).get("Nats-Msg-Size", "0")
    number = message.metadata.sequence.stream
    return _letter(number, message.subject, message.headers or {}, int(size))


def _letter(number: int, subject: str, headers: dict[str, str], size: int) -> DeadLetter:
    parts = subject.split(".", 2)
    return DeadLetter(
        number=number,
        id=headers.get("ce-id", ""),
        type=headers.get("ce-type", ""),
        durable=parts[1],
        subject=parts[2],
        stream=headers.get(f"{DEAD_PREFIX}stream", ""),
        reason=headers.get(f"{DEAD_PREFIX}reason", ""),
        at=headers.get(f"{DEAD_PREFIX}at", ""),
        delivered=_number(headers, f"{DEAD_PREFIX}delivered"),
        replays=_number(headers, REPLAYS),
        headers={k: v for k, v in headers.items() if k not in _HIDDEN},
        size=size,
    )


def _number(headers: dict[str, str], name: str) -> int:
    text = headers.get(name, "")
    return int(text) if text.isascii() and text.isdigit() else 0
