"""The object store in the hands of each role of the product, of who has none, and of a link."""

from contextlib import suppress
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
import urllib3
from minio import Minio
from minio.error import S3Error

from callfunnel.domain.errors import InvalidToken
from callfunnel.domain.ids import PLATFORM, TenantId
from callfunnel.infra.objects import Objects
from tests.security.two_tenants import A, B, TwoTenants

ROLES = ("gateway", "persistence")


def store_of(attacked: TwoTenants, role: str) -> Minio:
    """The store as a process with this role's keys could ask it; "" = without any."""
    where = urlsplit(attacked.settings.objects_url).netloc
    pool = urllib3.PoolManager(timeout=5.0, retries=False)
    keys = attacked.store.get(PLATFORM, f"objects/{role}") if role else {}
    return Minio(where, secure=False, region="us-east-1", http_client=pool, **keys)


def recording(attacked: TwoTenants, tenant: str = A) -> str:
    owned = attacked.theirs if tenant == A else attacked.mine
    return f"{tenant}/recordings/{owned.call}.flac"


def status(url: str, method: str = "GET", **more: Any) -> int:
    return urllib3.PoolManager(timeout=5.0, retries=False).request(method, url, **more).status


@pytest.mark.parametrize("role", [*ROLES, ""])
@pytest.mark.parametrize("prefix", ["", f"{A}/", f"{A}", "_probe/"])
def test_nobody_lists_what_there_is(attacked: TwoTenants, role: str, prefix: str) -> None:
    """A name holds a call's id: who may read what a row names needs no list of all that is."""
    store, bucket = store_of(attacked, role), attacked.settings.objects_bucket
    assert not role or store.bucket_exists(bucket), "readiness asks that"
    with pytest.raises(S3Error, match="AccessDenied"):
        list(store.list_objects(bucket, prefix=prefix, recursive=True))
    with pytest.raises(S3Error, match="AccessDenied"):
        store.remove_bucket(bucket)


@pytest.mark.parametrize("role", [*ROLES, ""])
def test_nobody_sees_or_makes_another_bucket(attacked: TwoTenants, role: str) -> None:
    store = store_of(attacked, role)
    with pytest.raises(S3Error, match="AccessDenied"):
        store.make_bucket("elsewhere")
    with suppress(S3Error):
        assert {each.name for each in store.list_buckets()} <= {attacked.settings.objects_bucket}


def test_without_keys_nothing_is_read_written_or_deleted(attacked: TwoTenants) -> None:
    base = f"{attacked.settings.objects_url}/{attacked.settings.objects_bucket}"
    for method in ("GET", "HEAD", "PUT", "DELETE", "POST"):
        assert status(f"{base}/{recording(attacked)}", method, body=b"") in (400, 403, 405)
    for odd in ("?list-type=2", f"?prefix={A}/", "?uploads", "?policy", "?acl", ""):
        assert status(f"{base}{odd}") == 403, odd
    assert status(f"{base}?policy", "PUT", body=b"{}") in (400, 403)


@pytest.mark.parametrize("tenant", [f"{A}/../{B}", "..", f"../{A}", "", "*", f"{A}/", "A", "a b"])
async def test_only_a_tenants_name_is_a_folder(attacked: TwoTenants, tenant: str) -> None:
    objects = await Objects.connect(attacked.settings, "gateway", attacked.secrets)
    with pytest.raises(InvalidToken):
        await objects.get(TenantId(tenant), recording(attacked))


def test_a_link_is_for_one_object_one_deed_and_a_while(attacked: TwoTenants) -> None:
    store, bucket = store_of(attacked, "gateway"), attacked.settings.objects_bucket
    link = store.presigned_get_object(bucket, recording(attacked, B), timedelta(seconds=60))
    assert status(link) == 200
    mine, theirs = recording(attacked, B), recording(attacked)
    for odd in (
        link.replace(mine, theirs),
        link.replace(mine, f"{B}/../{theirs}"),
        link.replace(mine, f"{B}/%2e%2e/{theirs}"),
        link.replace("Expires=60", "Expires=600000"),
        link.partition("X-Amz-Signature")[0],
        link.partition("?")[0],
    ):
        assert status(odd) in (400, 403), odd
    assert status(link, "DELETE") == 403
    assert status(link, "PUT", body=b"forged") == 403
    put = store.presigned_put_object(bucket, mine, timedelta(seconds=60))
    assert status(put, "PUT", body=b"forged") == 403
    assert status(link) == 200
