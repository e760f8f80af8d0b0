"""The bus goes away and comes back: callers hear a sentence, refusals are told, nothing hangs."""

import asyncio

import pytest

from callfunnel.domain.ids import TenantId
from callfunnel.events.call import CallEnded, CallOffered, CallRefused
from callfunnel.infra.bus import Bus
from callfunnel.infra.sealed import SealedSecrets
from gateway.patience import PatientHttp
from tests.integration.gateway.conftest import BUSY, Running
from tests.integration.gateway.test_voice import said, voice
from tests.simulators.waiting import until


async def test_while_the_bus_is_down_callers_hear_busy_and_the_refusals_are_told_later(
    gateway: Running, platform_secrets: SealedSecrets
) -> None:
    await gateway.worker()
    warm = await voice(gateway, CallSid="CA-before")
    assert "<Connect>" in warm.text
    gateway.stack.kill("nats")
    try:
        answer = await asyncio.wait_for(voice(gateway, CallSid="CA-during"), 14)
        assert said(answer) == BUSY
    finally:
        gateway.stack.restart("nats")
    kinds = await raw_facts(gateway, platform_secrets, gateway.tenant, 3)
    assert kinds == [CallOffered, CallRefused, CallEnded]
    await until(lambda: gateway.door.registry.workers() != {}, "the registry is back")


async def raw_facts(
    gateway: Running, secrets: SealedSecrets, tenant: TenantId, count: int
) -> list[type]:
    """The kinds of the first facts before redaction that belong to the tenant."""
    reader = await Bus.connect(gateway.settings, "persistence", secrets)
    kinds: list[type] = []
    try:
        async with asyncio.timeout(20):
            async for _, event in reader.follow("RAW", f"cf.{tenant}.raw.*.*", after=0):
                kinds.append(type(event.data))
                if len(kinds) == count:
                    break
    finally:
        await reader.stop()
    return kinds


@pytest.mark.parametrize(
    "parts",
    [
        [b""],
        [b"POST /carriers/twilio/voice HTTP/1.1\r\n", b"Host: x\r\n", b"X: "],
        [
            b"PUT /v1/rulebooks/x HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n",
            b"agent",
            b": x",
        ],
    ],
    ids=["no word", "a head", "a body"],
)
async def test_who_never_ends_a_request_holds_no_connection(
    gateway: Running, monkeypatch: pytest.MonkeyPatch, parts: list[bytes]
) -> None:
    monkeypatch.setattr(PatientHttp, "patience_s", 0.5)
    host, port = gateway.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        for part in parts:
            writer.write(part)
            await writer.drain()
        async with asyncio.timeout(10):
            assert b" 2" not in (await reader.read())[:12]
    finally:
        writer.close()
