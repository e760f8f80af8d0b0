"""From a carrier's signed webhook to its TwiML: route, slot, reservation, pin.

A real gateway and a real media worker share the core under test; the carrier (this process), NATS,
Postgres and the conductor that published the rule book share the other. Calls come at random
moments at a steady rate (a Poisson process), each a new call of the demo tenant; nobody connects
its media socket, so each holds its slot until the worker gives it up after 30 s.
"""

import asyncio
import contextlib
import random
import secrets
import time
from collections.abc import AsyncIterator, Iterator

import httpx
import psycopg
import uvloop

from bench import behind
from bench.harness.cores import CORES
from bench.harness.figures import Plot, percentile
from bench.harness.run import Run
from callfunnel.carrier.signature import SECRET_PATH, signature
from callfunnel.domain.ids import TenantId
from callfunnel.infra.postgres import conninfo
from callfunnel.local.demo import NUMBER, TENANT
from callfunnel.local.private_stack import PrivateStack
from tests.simulators.waiting import until

PATH = "/carriers/twilio/voice"
_SLOTS = 10_000
_WARM_UP = 50
_WAIT = Plot(name="webhook", title="From a webhook to its TwiML", x="calls/s", y="ms", grows="flat")


def measure(run: Run) -> None:
    """At 10, 50 and 100 calls a second."""
    seconds = run.option("seconds", 12, quick=2)
    with behind.services() as (stack, core), _product(stack, core) as gateway:
        for rate in (10, 50, 100):
            waits, refused = uvloop.run(_calls(stack, rate, seconds))
            spent = gateway.cpu_s
            reach = "< 25" if rate == 50 else ""
            what = f"webhook to TwiML at {rate} calls/s"
            run.figure(f"{what}, p50", percentile(waits, 0.5) * 1e3, "ms")
            run.figure(f"{what}, p99", percentile(waits, 0.99) * 1e3, "ms", reach=reach)
            run.figure(f"calls refused at {rate} calls/s", refused, reach="<= 0")
            for share in (0.5, 0.99):
                run.point(_WAIT, rate, percentile(waits, share) * 1e3, f"p{share * 100:.0f}")
        calls = (10 + 50 + 100) * seconds + 3 * _WARM_UP
        run.figure("the gateway's processor time, all together", spent / calls * 1e3, "ms a call")


@contextlib.contextmanager
def _product(stack: PrivateStack, core: int) -> Iterator[behind.Service]:
    """Conductor, worker and gateway; yields the gateway, which takes calls already."""
    asyncio.run(_allow(stack))
    slots = {"CALLFUNNEL_MEDIA_SLOTS": str(_SLOTS)}
    with contextlib.ExitStack() as running:
        running.enter_context(behind.serving(stack, CORES[0], "offpath", "workers.conductor"))
        running.enter_context(behind.started(stack, core, "media-1", "workers.media", slots))
        gateway = running.enter_context(behind.started(stack, core, "gateway", "gateway", {}))
        asyncio.run(_open(stack))
        yield gateway


async def _allow(stack: PrivateStack) -> None:
    """The demo tenant may have as many calls as the bench places."""
    owner = await conninfo(stack.settings("bench"), "owner", stack.secrets())
    async with await psycopg.AsyncConnection.connect(owner) as connection:
        await connection.execute(
            "update platform.tenants set call_limit = %s where tenant = %s", (_SLOTS, TENANT)
        )


class Carrier:
    """Twilio as far as offering calls goes."""

    def __init__(self, url: str, account: dict[str, str], http: httpx.AsyncClient) -> None:
        self._url = url + PATH
        self._account = account
        self._http = http
        self.waits: list[float] = []

    async def offer(self) -> bool:
        """Whether the call was taken; how long the answer took is kept."""
        form = {
            "CallSid": f"CA{secrets.token_hex(16)}",
            "AccountSid": self._account["account_sid"],
            "From": "+15550102345",
            "To": NUMBER,
            "CallStatus": "ringing",
        }
        fields = {name: [value] for name, value in form.items()}
        signed = signature(self._account["auth_token"], self._url, fields)
        began = time.perf_counter()
        answer = await self._http.post(self._url, data=form, headers={"X-Twilio-Signature": signed})
        self.waits.append(time.perf_counter() - began)
        return "<Stream" in answer.text


@contextlib.asynccontextmanager
async def _carrier(stack: PrivateStack) -> AsyncIterator[Carrier]:
    account = await stack.secrets().get(TenantId(TENANT), SECRET_PATH)
    url = stack.settings("gateway").public_url
    async with httpx.AsyncClient(timeout=20) as http:
        yield Carrier(url, account, http)


async def _open(stack: PrivateStack) -> None:
    async with _carrier(stack) as carrier:

        async def taken() -> bool:
            with contextlib.suppress(httpx.HTTPError):
                return await carrier.offer()
            return False

        await until(taken, "a call is taken", 60)


async def _calls(stack: PrivateStack, rate: int, seconds: float) -> tuple[list[float], int]:
    rng, loop = random.Random(rate), asyncio.get_running_loop()
    async with _carrier(stack) as carrier:
        at, placed = loop.time(), []
        for _ in range(_WARM_UP + int(rate * seconds)):
            at += rng.expovariate(rate)
            await asyncio.sleep(max(0.0, at - loop.time()))
            placed.append(asyncio.create_task(carrier.offer()))
        taken = await asyncio.gather(*placed)
    return carrier.waits[_WARM_UP:], taken.count(False)
