"""From a carrier's signed webhook to its TwiML: route, slot, reservation, pin.

A real gateway and a real media worker share the core under test; the carrier (this process), NATS,
Postgres and the conductor that published the rule book share the other. Calls come at random
moments at a steady rate (a Poisson process), each a new call of the demo tenant or of one of many,
whose number, account and rule book the gateway may not have seen before; nobody connects its media
socket, so each holds its slot until the worker gives it up after 30 s.
"""

import asyncio
import contextlib
import random
import secrets
import time
from collections.abc import AsyncIterator, Iterator, Sequence

import httpx
import uvloop

from bench import behind, tenants
from bench.harness.cores import CORES
from bench.harness.figures import Plot, percentile
from bench.harness.processes import pss_kb
from bench.harness.run import Run
from bench.tenants import Number
from callfunnel.carrier.signature import signature
from callfunnel.local.private_stack import PrivateStack
from tests.simulators.waiting import until

PATH = "/carriers/twilio/voice"
_RATE = 50
"""Calls a second, of all tenants together, where their number is what grows."""
_WAIT = Plot(name="webhook", title="From a webhook to its TwiML", x="calls/s", y="ms", grows="flat")
_TENANTS = Plot(
    name="webhook-tenants",
    title=f"Webhook to TwiML at {_RATE} calls/s",
    x="tenants",
    y="ms",
    grows="flat",
)


def measure(run: Run) -> None:
    """At 10, 50 and 100 calls a second for one tenant; at 50 for ten, and for a thousand."""
    seconds = run.option("seconds", 12, quick=1)
    many = int(run.option("tenants", 1000, quick=20))
    with behind.services() as (stack, core), _product(stack, core) as (gateway, demo):
        for rate in (10, _RATE, 100):
            _step(run, stack, [demo], rate, seconds)
        calls = (10 + _RATE + 100) * seconds + 3 * _warm_up(seconds)
        spent = gateway.cpu_s / calls * 1e3
        run.figure("the gateway's processor time, all together", spent, "ms a call")
        for count in (10, many):
            numbers = asyncio.run(tenants.settled(stack, count))
            _step(run, stack, numbers, _RATE, seconds)
            held = pss_kb(gateway.pid) / 1024
            run.figure(f"the gateway's memory with {count:,} tenants", held, "MB")


def _step(
    run: Run, stack: PrivateStack, numbers: Sequence[Number], rate: int, seconds: float
) -> None:
    """One rate of calls to some numbers."""
    waits, refused = uvloop.run(_calls(stack, numbers, rate, seconds))
    of = f", {len(numbers):,} tenants" if len(numbers) > 1 else ""
    at, reach = f"at {rate} calls/s{of}", "< 25" if rate == _RATE else ""
    run.figure(f"webhook to TwiML {at}, p50", percentile(waits, 0.5) * 1e3, "ms")
    run.figure(f"webhook to TwiML {at}, p99", percentile(waits, 0.99) * 1e3, "ms", reach=reach)
    run.figure(f"calls refused {at}", refused, reach="<= 0")
    for share in (0.5, 0.99):
        wait, series = percentile(waits, share) * 1e3, f"p{share * 100:.0f}"
        if len(numbers) == 1:
            run.point(_WAIT, rate, wait, series)
        if rate == _RATE:
            run.point(_TENANTS, len(numbers), wait, series)


@contextlib.contextmanager
def _product(stack: PrivateStack, core: int) -> Iterator[tuple[behind.Service, Number]]:
    """Conductor, worker and gateway; yields the gateway, which takes calls already."""
    demo = asyncio.run(tenants.demo(stack))
    slots = {"CALLFUNNEL_MEDIA_SLOTS": str(tenants.CALLS)}
    with contextlib.ExitStack() as running:
        running.enter_context(behind.serving(stack, CORES[0], "offpath", "workers.conductor"))
        running.enter_context(behind.started(stack, core, "media-1", "workers.media", slots))
        gateway = running.enter_context(behind.started(stack, core, "gateway", "gateway", {}))
        asyncio.run(_open(stack, demo))
        yield gateway, demo


class Carrier:
    """Twilio as far as offering calls goes."""

    def __init__(self, url: str, http: httpx.AsyncClient) -> None:
        self._url = url + PATH
        self._http = http
        self.waits: list[float] = []

    async def offer(self, called: Number) -> bool:
        """Whether the call was taken; how long the answer took is kept."""
        form = {
            "CallSid": f"CA{secrets.token_hex(16)}",
            "AccountSid": called.account_sid,
            "From": "+15550102345",
            "To": called.number,
            "CallStatus": "ringing",
        }
        fields = {name: [value] for name, value in form.items()}
        signed = signature(called.auth_token, self._url, fields)
        began = time.perf_counter()
        answer = await self._http.post(self._url, data=form, headers={"X-Twilio-Signature": signed})
        self.waits.append(time.perf_counter() - began)
        return "<Stream" in answer.text


@contextlib.asynccontextmanager
async def _carrier(stack: PrivateStack) -> AsyncIterator[Carrier]:
    async with httpx.AsyncClient(timeout=20) as http:
        yield Carrier(stack.settings("gateway").public_url, http)


async def _open(stack: PrivateStack, demo: Number) -> None:
    async with _carrier(stack) as carrier:

        async def taken() -> bool:
            with contextlib.suppress(httpx.HTTPError):
                return await carrier.offer(demo)
            return False

        await until(taken, "a call is taken", 60)


async def _calls(
    stack: PrivateStack, numbers: Sequence[Number], rate: int, seconds: float
) -> tuple[list[float], int]:
    rng, loop = random.Random(rate), asyncio.get_running_loop()
    async with _carrier(stack) as carrier:
        at, placed = loop.time(), []
        for _ in range(_warm_up(seconds) + int(rate * seconds)):
            at += rng.expovariate(rate)
            await asyncio.sleep(max(0.0, at - loop.time()))
            placed.append(asyncio.create_task(carrier.offer(rng.choice(numbers))))
        taken = await asyncio.gather(*placed)
    return carrier.waits[_warm_up(seconds) :], taken.count(False)


def _warm_up(seconds: float) -> int:
    """Calls before those that count."""
    return min(50, int(seconds * 5))
