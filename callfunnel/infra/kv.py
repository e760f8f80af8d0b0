"""Key-value buckets with compare-and-set and expiry, straight on their streams.

nats-py's own KeyValue drops the expiry on update, returns a phantom after expiry, and cannot
create a key while its expiry marker lives; so a write here is a publish with the expected
sequence, and a marker counts as absence. The revision of an entry is the fencing token of
whoever wrote it. A bucket holds small things: a read is a round trip, a `Mirror` is a dict.
"""

import re

import msgspec
import nats.errors
import nats.js.errors

from callfunnel.domain.digits import number_in
from callfunnel.domain.errors import Temporary
from callfunnel.infra.lean import LeanClient

_KEY = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*", re.ASCII)
_WRONG_SEQUENCE = frozenset({10071, 10164})
EPOCH = "cf-epoch"


class Entry(msgspec.Struct, frozen=True):
    """One key's value. `epoch` is the revision of the holder's first write, where it leases."""

    key: str
    value: bytes
    revision: int
    epoch: int


class KeyValue:
    """One bucket. Every method raises Temporary when the bus does not answer: then a write may
    have happened or not, and the caller reads again before it decides."""

    def __init__(self, client: LeanClient, bucket: str) -> None:
        self._client = client
        self.bucket = bucket
        self.stream = f"KV_{bucket}"

    async def get(self, key: str) -> Entry | None:
        """The current entry, or None when there is none (never written, deleted or expired)."""
        found = await self._newest(key)
        return None if found is None or isinstance(found, int) else found

    async def create(self, key: str, value: bytes, *, ttl_s: int = 0, epoch: int = 0) -> int | None:
        """Writes the first entry of a key; its revision, or None when the key is taken."""
        revision = await self._write(key, value, 0, ttl_s=ttl_s, epoch=epoch)
        if revision is None:
            found = await self._newest(key)
            if isinstance(found, int):  # a marker: what was there is deleted or expired
                return await self._write(key, value, found, ttl_s=ttl_s, epoch=epoch)
        return revision

    async def replace(
        self, key: str, value: bytes, revision: int, *, ttl_s: int = 0, epoch: int = 0
    ) -> int | None:
        """Writes over exactly `revision`; the new one, or None when someone was first.

        With `ttl_s` the key expires that many seconds from now; without, it no longer expires.
        """
        return await self._write(key, value, revision, ttl_s=ttl_s, epoch=epoch)

    async def put(self, key: str, value: bytes) -> int:
        """Writes whatever is there; for a key with one writer."""
        revision = await self._publish(key, value, {})
        if revision is None:
            raise Temporary(f"{self.bucket}: a plain write was refused")
        return revision

    async def delete(self, key: str, revision: int | None = None) -> bool:
        """Deletes the key, or only exactly `revision`; False when someone was first."""
        headers = {"KV-Operation": "DEL"}
        if revision is not None:
            headers["Nats-Expected-Last-Subject-Sequence"] = str(revision)
        return await self._publish(key, b"", headers) is not None

    async def _write(
        self, key: str, value: bytes, expected: int, *, ttl_s: int, epoch: int
    ) -> int | None:
        headers = {"Nats-Expected-Last-Subject-Sequence": str(expected)}
        if ttl_s:
            headers["Nats-TTL"] = f"{ttl_s}s"
        if epoch:
            headers[EPOCH] = str(epoch)
        return await self._publish(key, value, headers)

    async def _publish(self, key: str, value: bytes, headers: dict[str, str]) -> int | None:
        subject = f"$KV.{self.bucket}.{checked_key(key)}"
        try:
            ack = await self._client.jetstream().publish(subject, value, headers=headers or None)
        except nats.js.errors.APIError as error:
            if error.err_code in _WRONG_SEQUENCE:
                return None
            raise Temporary(f"{self.bucket}: {error.description}") from error
        except (TimeoutError, nats.errors.Error, nats.js.errors.Error) as error:
            raise Temporary(f"{self.bucket} does not answer") from error
        return ack.seq

    async def _newest(self, key: str) -> Entry | int | None:
        """The entry; the sequence of a marker that says it is gone; or None: never there."""
        subject = f"$KV.{self.bucket}.{checked_key(key)}"
        try:
            found = await self._client.jetstream().get_last_msg(self.stream, subject)
        except nats.js.errors.NotFoundError:
            return None
        except (TimeoutError, nats.errors.Error, nats.js.errors.Error) as error:
            raise Temporary(f"{self.bucket} does not answer") from error
        sequence = found.seq or 0
        if is_marker(found.headers):
            return sequence
        return entry_of(key, found.data or b"", sequence, found.headers)


def checked_key(key: str) -> str:
    """`key`, once it is known to name one key. Raises ValueError."""
    if not _KEY.fullmatch(key):
        raise ValueError("a key is words of [A-Za-z0-9_-] joined by dots")
    return key


def is_marker(headers: dict[str, str] | None) -> bool:
    """Whether a stored message says that its key is gone: deleted, purged or expired."""
    return headers is not None and ("KV-Operation" in headers or "Nats-Marker-Reason" in headers)


def entry_of(key: str, value: bytes, revision: int, headers: dict[str, str] | None) -> Entry:
    """An entry of a stored message."""
    epoch = number_in((headers or {}).get(EPOCH, ""))
    return Entry(key, value, revision, revision if epoch is None else epoch)
