import asyncio
import secrets as randomness
import ssl

import pytest
import urllib3

from callfunnel.domain.errors import Permanent, Temporary
from callfunnel.domain.ids import PLATFORM, TenantId
from callfunnel.infra.objects import Objects
from callfunnel.infra.sealed import SealedSecrets
from callfunnel.infra.settings import PlatformSettings
from callfunnel.local.private_stack import PrivateStack

SOUND = bytes(range(256)) * 1000


async def test_an_object_comes_back_whole_and_in_parts(objects: Objects, tenant: TenantId) -> None:
    await objects.put(tenant, "recordings/c_1.flac", SOUND, "audio/flac")
    assert await objects.get(tenant, "recordings/c_1.flac") == SOUND
    assert await objects.get_range(tenant, "recordings/c_1.flac", 1000, 10) == SOUND[1000:1010]
    found = await objects.stat(tenant, "recordings/c_1.flac")
    assert found is not None
    assert (found.size, found.content_type) == (len(SOUND), "audio/flac")


async def test_what_is_not_there_is_none_and_may_be_deleted(
    objects: Objects, tenant: TenantId
) -> None:
    assert await objects.get(tenant, "recordings/none.flac") is None
    assert await objects.stat(tenant, "recordings/none.flac") is None
    await objects.delete(tenant, "recordings/none.flac")


@pytest.mark.parametrize("name", ["../other/x", "a/../../x", "/etc/passwd", ""])
async def test_a_name_stays_under_its_tenant(objects: Objects, tenant: TenantId, name: str) -> None:
    with pytest.raises(ValueError, match="tenant's folder"):
        await objects.put(tenant, name, b"x", "text/plain")


async def test_the_gateway_may_read_and_not_write(
    platform: PlatformSettings, platform_secrets: SealedSecrets, objects: Objects, tenant: TenantId
) -> None:
    await objects.put(tenant, "recordings/c_2.flac", b"sound", "audio/flac")
    gateway = await Objects.connect(platform, "gateway", platform_secrets)
    assert await gateway.get(tenant, "recordings/c_2.flac") == b"sound"
    with pytest.raises(Permanent):
        await gateway.put(tenant, "recordings/c_2.flac", b"forged", "audio/flac")
    with pytest.raises(Permanent):
        await gateway.delete(tenant, "recordings/c_2.flac")


async def test_without_credentials_there_is_nothing(
    platform: PlatformSettings, stack: PrivateStack, objects: Objects, tenant: TenantId
) -> None:
    await objects.put(tenant, "recordings/c_3.flac", b"sound", "audio/flac")
    path = f"/callfunnel/{tenant}/recordings/c_3.flac"
    with urllib3.PoolManager() as http:
        assert http.request("GET", f"{platform.objects_url}{path}").status == 403
        filer = f"http://127.0.0.1:{stack.ports['filer']}/buckets{path}"
        assert http.request("GET", filer).status == 404


async def test_a_user_of_this_machine_cannot_throw_all_recordings_away(
    stack: PrivateStack, objects: Objects, tenant: TenantId
) -> None:
    await objects.put(tenant, "recordings/c_6.flac", SOUND, "audio/flac")
    master = f"http://127.0.0.1:{stack.ports['master']}"
    with urllib3.PoolManager() as http:
        for order in ("/col/delete?collection=callfunnel", "/vol/vacuum", "/dir/assign"):
            assert http.request("GET", master + order).status == 404
    assert await objects.get(tenant, "recordings/c_6.flac") == SOUND


@pytest.mark.parametrize("part", ["master_grpc", "filer_grpc", "volume_grpc", "s3_grpc"])
async def test_a_part_of_the_store_talks_to_its_other_parts_alone(
    stack: PrivateStack, part: str
) -> None:
    stranger = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    stranger.check_hostname, stranger.verify_mode = False, ssl.CERT_NONE
    stranger.set_alpn_protocols(["h2"])
    reader, writer = await asyncio.open_connection("127.0.0.1", stack.ports[part], ssl=stranger)
    with pytest.raises(ssl.SSLError, match="CERTIFICATE_REQUIRED"):
        await reader.read(1)
    writer.close()


async def test_the_disk_holds_no_object_in_the_clear(
    stack: PrivateStack, objects: Objects, tenant: TenantId
) -> None:
    marked = randomness.token_hex(32).encode()
    await objects.put(tenant, "recordings/c_4.flac", marked * 100, "audio/flac")
    files = [file for file in (stack.home.root / "objects").rglob("*") if file.is_file()]
    assert files
    assert not [file for file in files if marked in file.read_bytes()]


async def test_a_store_that_is_down_is_a_temporary_trouble(
    stack: PrivateStack, objects: Objects, tenant: TenantId
) -> None:
    await objects.put(tenant, "recordings/c_5.flac", b"sound", "audio/flac")
    stack.kill("objects")
    try:
        with pytest.raises(Temporary):
            await objects.get(tenant, "recordings/c_5.flac")
    finally:
        stack.restart("objects")
    assert await objects.get(tenant, "recordings/c_5.flac") == b"sound"


async def test_credentials_are_made_once(platform_secrets: SealedSecrets) -> None:
    first = await platform_secrets.get(PLATFORM, "objects/owner")
    assert first == await platform_secrets.get(PLATFORM, "objects/owner")
