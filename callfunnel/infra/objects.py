"""S3 objects: recordings and exports, always under their tenant, always encrypted at rest.

One bucket; a key is `<tenant>/<rest>`. The client blocks, so every operation runs in a thread of
this module's own, with a deadline, and at most `_PARALLEL` of them at once. A missing object is a
value (None), a store that is down is Temporary, a refusal is Permanent.
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

from callfunnel.domain.errors import Permanent, Temporary
from callfunnel.domain.ids import PLATFORM, TenantId, tenant_id
from callfunnel.infra.secrets import Secrets
from callfunnel.infra.settings import PlatformSettings

if TYPE_CHECKING:
    from minio import Minio
    from minio.error import S3Error

_PARALLEL = 8
_DEADLINE_S = 60.0
_GONE = frozenset({"NoSuchKey", "NoSuchObject", "NotFound"})
_BUSY = frozenset({"SlowDown", "InternalError", "ServiceUnavailable", "RequestTimeout"})
_PROBE = "_probe/sealed"
_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class ObjectStat:
    """What the store knows of one object: `size` in bytes, `etag` without quotes."""

    size: int
    etag: str
    content_type: str


@dataclass(frozen=True, slots=True)
class ObjectAccess:
    """Where the store is and who asks."""

    url: str
    bucket: str
    access_key: str
    secret_key: str


class Objects:
    """Objects of one bucket, reached with one role's credentials."""

    def __init__(self, access: ObjectAccess) -> None:
        self._access = access
        self._bucket = access.bucket
        self._threads = ThreadPoolExecutor(_PARALLEL, thread_name_prefix="objects")

    @classmethod
    async def connect(cls, settings: PlatformSettings, role: str, secrets: Secrets) -> Objects:
        """The store as `role` sees it. Makes no request yet."""
        keys = await secrets.get(PLATFORM, f"objects/{role}")
        return cls(
            ObjectAccess(
                url=settings.objects_url,
                bucket=settings.objects_bucket,
                access_key=keys["access_key"],
                secret_key=keys["secret_key"],
            )
        )

    @classmethod
    async def prepare(cls, settings: PlatformSettings, secrets: Secrets) -> None:
        """Make the bucket, and prove that an encrypted object can be stored and read back."""
        store = await cls.connect(settings, "owner", secrets)
        await store._run(store._prepare)

    async def put(self, tenant: TenantId, name: str, body: bytes, content_type: str) -> str:
        """Store `body` under `<tenant>/<name>`, replacing what was there; returns the etag."""
        key = _key(tenant, name)
        return await self._run(lambda: self._write(key, body, content_type))

    async def get(self, tenant: TenantId, name: str) -> bytes | None:
        """The whole object, or None when there is none."""
        return await self.get_range(tenant, name, 0, 0)

    async def get_range(
        self, tenant: TenantId, name: str, offset: int, length: int
    ) -> bytes | None:
        """`length` bytes from `offset` (0 = to the end), or None when there is no such object."""
        key = _key(tenant, name)
        return await self._run_or_none(lambda: self._read(key, offset, length))

    async def stat(self, tenant: TenantId, name: str) -> ObjectStat | None:
        """Size and etag, or None when there is no such object."""
        key = _key(tenant, name)
        found = await self._run_or_none(lambda: self._client.stat_object(self._bucket, key))
        if found is None:
            return None
        return ObjectStat(found.size or 0, (found.etag or "").strip('"'), found.content_type or "")

    async def delete(self, tenant: TenantId, name: str) -> None:
        """Remove the object; no error when there is none."""
        key = _key(tenant, name)
        await self._run_or_none(lambda: self._client.remove_object(self._bucket, key))

    async def present(self) -> bool:
        """Whether the bucket is there and answers: for readiness."""
        return bool(await self._run(lambda: self._client.bucket_exists(self._bucket)))

    @cached_property
    def _client(self) -> Minio:
        """Made when first used, in a worker thread: its import takes a third of a second."""
        return _minio(self._access)

    def _prepare(self) -> None:
        if not self._client.bucket_exists(self._bucket):
            self._client.make_bucket(self._bucket)
        self._write(_PROBE, b"sealed", "text/plain")
        if self._read(_PROBE, 0, 0) != b"sealed":
            raise Permanent("object store: it returned something else than was stored")
        self._client.remove_object(self._bucket, _PROBE)

    def _write(self, key: str, body: bytes, content_type: str) -> str:
        from minio.sse import SseS3

        result = self._client.put_object(
            self._bucket, key, io.BytesIO(body), len(body), content_type, sse=SseS3()
        )
        return str(result.etag)

    def _read(self, key: str, offset: int, length: int) -> bytes:
        response = self._client.get_object(self._bucket, key, offset, length)
        try:
            return bytes(response.data)
        finally:
            response.close()
            response.release_conn()

    async def _run_or_none(self, work: Callable[[], _Result]) -> _Result | None:
        try:
            return await self._run(work)
        except ObjectMissing:
            return None

    async def _run(self, work: Callable[[], _Result]) -> _Result:
        """In a thread of the store's own: while it hangs, nobody else waits for a thread."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(_DEADLINE_S):
                return await loop.run_in_executor(self._threads, _translated, work)
        except TimeoutError as error:
            raise Temporary("object store: no answer in time", delay=2.0) from error


class ObjectMissing(Permanent):
    """There is no object of that name. Stays inside this module: callers see None."""


def _minio(access: ObjectAccess) -> Minio:
    """A client that fails within seconds, so that a caller can say so instead of hanging."""
    import urllib3
    from minio import Minio

    parts = urlsplit(access.url)
    pool = urllib3.PoolManager(
        timeout=urllib3.Timeout(connect=2.0, read=20.0),
        retries=urllib3.Retry(total=1, backoff_factor=0.2, status_forcelist=[502, 503, 504]),
        maxsize=_PARALLEL,
    )
    return Minio(
        parts.netloc,
        access_key=access.access_key,
        secret_key=access.secret_key,
        secure=parts.scheme == "https",
        region="us-east-1",  # saves the client a location request per bucket
        http_client=pool,
    )


def _key(tenant: TenantId, name: str) -> str:
    if not name or name.startswith("/") or ".." in name.split("/"):
        raise ValueError(f"object name {name!r} would leave its tenant's folder")
    return f"{tenant_id(tenant)}/{name}"


def _translated(work: Callable[[], _Result]) -> _Result:
    """`work()`, with the vendor's exceptions turned into ours."""
    import urllib3
    from minio.error import InvalidResponseError, MinioException, S3Error, ServerError

    try:
        return work()
    except S3Error as error:
        raise _refusal(error) from error
    except (urllib3.exceptions.HTTPError, ServerError, InvalidResponseError) as error:
        raise Temporary(f"object store: {type(error).__name__}") from error
    except MinioException as error:
        raise Permanent(f"object store: {type(error).__name__}") from error


def _refusal(error: S3Error) -> Exception:
    if error.code in _GONE:
        return ObjectMissing(f"object store: {error.code}")
    if error.code in _BUSY:
        return Temporary(f"object store: {error.code}", delay=1.0)
    return Permanent(f"object store: {error.code}")
