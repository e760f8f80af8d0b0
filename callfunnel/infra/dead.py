"""Dead letters for operators: list them, look at one, put it back where it came from.

Personal data stays out of sight: a list and a look show headers and the reason; the body is shown
only of streams that hold no personal data, or when it is asked for by name.
"""

import contextlib
from collections.abc import Sequence
from typing import cast

import msgspec
import nats.errors
import nats.js.errors
from nats.aio.msg import Msg
from nats.js.api import ConsumerConfig, RawStreamMsg

from callfunnel.domain.digits import number_in
from callfunnel.domain.errors import Temporary, UserError
from callfunnel.events.streams import CALLS, DEAD, STREAMS, USAGE, dead_subject, stream_of_subject
from callfunnel.infra.durables import is_durable_name, reads
from callfunnel.infra.follow import Follower
from callfunnel.infra.lean import LeanClient
from callfunnel.infra.letters import DEAD_PREFIX, LEFT_OUT, size_of
from callfunnel.infra.publishing import REPLAYS

_HARMLESS = frozenset({CALLS.name, USAGE.name})
_ALL = 1_000_000
_LAST = 2**63 - 1
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

    def __init__(self, client: LeanClient) -> None:
        self._client = client

    async def list(self, *, durable: str = "", limit: int = 100) -> list[DeadLetter]:
        """The newest letters first, of one durable or of all. Raises UserError for no durable."""
        if durable and not is_durable_name(durable):
            raise _nobody(durable)
        subject = dead_subject(durable or "*")
        follower = Follower(self._client, DEAD.name, [subject], after=0, headers_only=True)
        try:
            found = await follower.so_far(within_s=30.0)
        except (TimeoutError, nats.errors.Error, nats.js.errors.Error) as error:
            raise Temporary("the bus does not answer") from error
        finally:
            await follower.close()
        if durable and not found and not await self._exists(durable):
            raise _nobody(durable)
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
        letter that its consumer cannot have had, for whoever wrote it wants us to say it, and for
        one whose message is whole nowhere.
        """
        raw = await self._stored(number)
        headers = dict(raw.headers or {})
        durable, subject = _words(raw.subject or "")
        if not await self._reads(durable, subject):
            raise UserError(
                f"{number} is no message of {durable}: {subject}", "see `./cf dead show`"
            )
        body = await self._whole(number, raw, subject)
        again = {k: v for k, v in headers.items() if not k.startswith(DEAD_PREFIX)}
        again["Nats-Msg-Id"] = f"{headers.get('ce-id', 'dead')}-again-{number}"
        again[REPLAYS] = str(_number(headers, REPLAYS) + 1)
        if size_of(again) + len(body) > self._client.max_payload:
            raise UserError(f"{number} is too large to be put back", "see `./cf dead show`")
        stream = self._client.jetstream()
        try:
            await stream.publish(subject, body, headers=again)
            await stream.delete_msg(DEAD.name, number)
        except (TimeoutError, nats.errors.Error, nats.js.errors.Error) as error:
            raise Temporary(f"not replayed: {type(error).__name__}") from error
        return subject

    async def replay_all(self, *, durable: str = "") -> Sequence[DeadLetter]:
        """Puts back every letter there is now, of one durable or of all, the oldest first.

        Those that die again come after these and are left alone, as is what `replay` refuses.
        Returns what was put back.
        """
        back = []
        for letter in reversed(await self.list(durable=durable, limit=_ALL)):
            with contextlib.suppress(UserError):
                await self.replay(letter.number)
                back.append(letter)
        return back

    async def _reads(self, durable: str, subject: str) -> bool:
        """Whether such a message can have come to that consumer."""
        stream = stream_of_subject(subject)
        config = await self._config(stream, durable) if stream else None
        return config is not None and reads(config, subject)

    async def _exists(self, durable: str) -> bool:
        """Whether any stream has such a consumer."""
        for stream in STREAMS:
            if await self._config(stream.name, durable) is not None:
                return True
        return False

    async def _config(self, stream: str, durable: str) -> ConsumerConfig | None:
        """How a consumer reads a stream; None: it does not."""
        if not is_durable_name(durable):
            return None
        try:
            found = await self._client.jetstream().consumer_info(stream, durable)
        except nats.js.errors.NotFoundError:
            return None
        except (TimeoutError, nats.errors.Error, nats.js.errors.Error) as error:
            raise Temporary("the bus does not answer") from error
        return cast("ConsumerConfig", found.config)

    async def _whole(self, number: int, raw: RawStreamMsg, subject: str) -> bytes:
        """The body; where its letter had no room for it, from the stream that may have it still."""
        headers = raw.headers or {}
        if {"body", "subject"}.isdisjoint(headers.get(LEFT_OUT, "").split()):
            return raw.data or b""
        where = _number(headers, f"{DEAD_PREFIX}sequence")
        found = await self._message(stream_of_subject(subject), where)
        if found is None or found.subject != subject:
            raise UserError(
                f"{number} is not whole, and its message is gone", "see `./cf dead show`"
            )
        return found.data or b""

    async def _stored(self, number: int) -> RawStreamMsg:
        found = await self._message(DEAD.name, number)
        if found is None:
            raise UserError(f"there is no dead letter {number}", "`./cf dead list` lists them")
        return found

    async def _message(self, stream: str, sequence: int) -> RawStreamMsg | None:
        if sequence > _LAST:
            return None
        try:
            return await self._client.jetstream().get_msg(stream, sequence)
        except nats.js.errors.NotFoundError:
            return None
        except (TimeoutError, nats.errors.Error, nats.js.errors.Error) as error:
            raise Temporary("the bus does not answer") from error


def _nobody(durable: str) -> UserError:
    return UserError(
        f"there is no consumer {durable!r}", "`./cf dead list` alone lists all letters"
    )


def _listed(message: Msg) -> DeadLetter:
    size = (message.headers or {}).get("Nats-Msg-Size", "0")
    number = message.metadata.sequence.stream
    return _letter(number, message.subject, message.headers or {}, number_in(size) or 0)


def _letter(number: int, subject: str, headers: dict[str, str], size: int) -> DeadLetter:
    durable, original = _words(subject)
    return DeadLetter(
        number=number,
        id=headers.get("ce-id", ""),
        type=headers.get("ce-type", ""),
        durable=durable,
        subject=original,
        stream=headers.get(f"{DEAD_PREFIX}stream", ""),
        reason=headers.get(f"{DEAD_PREFIX}reason", ""),
        at=headers.get(f"{DEAD_PREFIX}at", ""),
        delivered=_number(headers, f"{DEAD_PREFIX}delivered"),
        replays=_number(headers, REPLAYS),
        headers={k: v for k, v in headers.items() if k not in _HIDDEN},
        size=size,
    )


def _words(subject: str) -> tuple[str, str]:
    """The durable and the original subject."""
    durable, _, original = subject.partition(".")[2].partition(".")
    return durable, original


def _number(headers: dict[str, str], name: str) -> int:
    return number_in(headers.get(name, "")) or 0
