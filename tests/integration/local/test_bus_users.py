"""What each role may do on the bus, attacked with a plain client."""

import asyncio
import socket

import nats
import nats.errors
import pytest
from nats.aio.client import Client

from callfunnel.domain.ids import PLATFORM
from callfunnel.infra.connection import inbox_of
from callfunnel.infra.sealed import SealedSecrets
from callfunnel.local.home.credentials import NATS_ROLES, SYSTEM_USER
from callfunnel.local.private_stack import PrivateStack
from callfunnel.local.supervision.bus_probe import health


async def as_role(url: str, secrets: SealedSecrets, role: str) -> Client:
    user = await secrets.get(PLATFORM, f"nats/{role}")

    async def ignore(_: Exception) -> None:
        """Refusals are looked for by the tests themselves."""

    return await nats.connect(
        url,
        user=user["user"],
        password=user["password"],
        inbox_prefix=inbox_of(user["user"]),
        error_cb=ignore,
        allow_reconnect=False,
    )


@pytest.mark.parametrize(
    "greeting", [b"{}", b'{"user":"gateway","pass":"guess"}', b'{"user":"supervisor"}']
)
def test_nobody_comes_in_without_a_password(nats_url: str, greeting: bytes) -> None:
    host, port = nats_url.removeprefix("nats://").split(":")
    with socket.create_connection((host, int(port)), timeout=5) as connection:
        connection.sendall(b"CONNECT " + greeting + b"\r\nPING\r\n")
        said = b""
        while chunk := connection.recv(4096):
            said += chunk
    assert b"Authorization Violation" in said
    assert b"PONG" not in said


async def test_the_servers_health_is_told_to_its_own_user_alone(
    nats_url: str, platform_secrets: SealedSecrets
) -> None:
    port = int(nats_url.rpartition(":")[2])
    told = {}
    for role in (*NATS_ROLES, SYSTEM_USER):
        user = await platform_secrets.get(PLATFORM, f"nats/{role}")
        told[role] = health(port, user["user"], user["password"], all_streams=True).ready
    assert [role for role, is_told in told.items() if is_told] == [SYSTEM_USER]
    assert not health(port, SYSTEM_USER, "guess").ready


async def test_the_servers_own_user_hears_no_message(
    nats_url: str, platform_secrets: SealedSecrets
) -> None:
    system = await as_role(nats_url, platform_secrets, SYSTEM_USER)
    sender = await as_role(nats_url, platform_secrets, "supervisor")
    heard = await system.subscribe("cf.>")
    await system.flush()
    await sender.jetstream().publish("cf.demo.usage.c_1.measured", b"{}")
    await system.flush()
    assert heard.pending_msgs == 0
    for client in (system, sender):
        await client.close()


@pytest.mark.parametrize("role", [role for role in NATS_ROLES if role != "supervisor"])
async def test_only_the_supervisor_changes_streams(
    nats_url: str, platform_secrets: SealedSecrets, role: str
) -> None:
    client = await as_role(nats_url, platform_secrets, role)
    streams = client.jetstream(timeout=0.3)
    try:
        with pytest.raises((nats.errors.Error, asyncio.TimeoutError)):
            await streams.add_stream(name="MINE", subjects=["x.>"])
        with pytest.raises((nats.errors.Error, asyncio.TimeoutError)):
            await streams.delete_stream("CALLS")
    finally:
        await client.close()


@pytest.mark.parametrize("role", ["gateway", "billing"])
async def test_facts_before_redaction_are_not_for_everybody(
    nats_url: str, platform_secrets: SealedSecrets, role: str
) -> None:
    writer = await as_role(nats_url, platform_secrets, "media")
    reader = await as_role(nats_url, platform_secrets, role)
    try:
        await writer.jetstream().publish("cf.t-x.raw.c_1.caller_spoke", b"my card is 4111")
        listening = await reader.subscribe("cf.*.raw.>")
        stream = reader.jetstream(timeout=0.3)
        with pytest.raises((nats.errors.Error, asyncio.TimeoutError)):
            await stream.get_last_msg("RAW", "cf.t-x.raw.c_1.caller_spoke")
        with pytest.raises((nats.errors.Error, asyncio.TimeoutError)):
            await stream.pull_subscribe("cf.*.raw.>", stream="RAW")
        await writer.publish("cf.t-x.raw.c_1.caller_spoke", b"and the code is 123")
        with pytest.raises(nats.errors.TimeoutError):
            await listening.next_msg(timeout=0.3)
    finally:
        await reader.close()
        await writer.close()


async def test_the_disk_holds_no_message_in_the_clear(
    nats_url: str, platform_secrets: SealedSecrets, stack: PrivateStack
) -> None:
    client = await as_role(nats_url, platform_secrets, "media")
    try:
        spoken = b"a sentence that must not be found on the disk"
        await client.jetstream().publish("cf.t-x.raw.c_2.caller_spoke", spoken)
    finally:
        await client.close()
    files = [file for file in (stack.home.root / "nats").rglob("*") if file.is_file()]
    assert files
    assert not [file for file in files if spoken in file.read_bytes()]
