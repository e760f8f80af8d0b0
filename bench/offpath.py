"""What happens to facts behind the call: redacted, written, counted, recorded.

Every service and consumer shares this machine; single figures are noisy.
"""

import asyncio
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.harness.figures import percentile
from bench.harness.run import Run
from callfunnel.domain.ids import TenantId
from callfunnel.domain.redaction.redactor import redact
from callfunnel.events.audio import AudioSegment
from callfunnel.infra.bus import Bus
from callfunnel.infra.context import Context
from callfunnel.infra.postgres import tenant_connection
from callfunnel.local.private_stack import PrivateStack
from tests.integration.persistence.made_up_call import MadeUpCall, running, whole_call
from workers.billing.service import FEATURES as BILLING
from workers.persistence.recordings.assembly import assembled
from workers.persistence.recordings.rules import plan
from workers.persistence.service import FEATURES as PERSISTENCE

SENTENCES = (
    "hello, I am calling because my bill went up from thirty nine ninety nine to fifty nine",
    "my card is four one one one one one one one one one one one one one one one",
    "you can write to jane dot doe at example dot com or call 212 555 0147",
    "yes please",
    "I have been a customer since twenty nineteen and I pay 39.99 dollars a month",
)
COUNT_USAGE = "select count(*) from metering.usage"
COUNT_FACTS = "select count(*) from timeline.events"
DEMO = TenantId("demo")


def redaction(run: Run) -> None:
    costs = []
    for n in range(20_000):
        began = time.perf_counter()
        redact(SENTENCES[n % len(SENTENCES)])
        costs.append((time.perf_counter() - began) * 1e6)
    run.figure("redacting a sentence, p50", percentile(costs, 0.5), "us")
    run.figure("redacting a sentence, p99", percentile(costs, 0.99), "us")


def assembly(run: Run, minutes: int = 10) -> None:
    speech = bytes(range(256)) * 31 + b"\x00" * 64
    parts = [
        AudioSegment(n=n, start=n * 8000, caller=speech, agent=speech) for n in range(60 * minutes)
    ]
    began = time.perf_counter()
    body = assembled(plan(parts, len(parts), 0))
    took = time.perf_counter() - began
    run.figure(f"a recording of {minutes} min assembled", took * 1000, "ms")
    run.figure("its size", len(body) / 1e6, "MB")


async def drained(context: Context, role: str, query: str, wanted: int) -> float:
    """Seconds until the query says `wanted`."""
    began = time.perf_counter()
    pool = await context.pool(role)
    while True:
        async with tenant_connection(pool, DEMO) as connection:
            row = await (await connection.execute(query)).fetchone()
        if row and row[0] >= wanted:
            return time.perf_counter() - began
        await asyncio.sleep(0.02)


def talk(count: int) -> list[MadeUpCall]:
    calls = [whole_call(DEMO, seconds=0, facts=50) for _ in range(count)]
    for call in calls:
        for n in range(30):
            call.used("tool.calls", 1, "count", f"bench_{n}")
    return calls


async def consumers(run: Run, stack: PrivateStack, count: int) -> None:
    bus = await Bus.connect(stack.settings("bench"), "media", stack.secrets())
    calls = talk(count)
    facts = [fact for call in calls for fact in (*call.facts, call.ended())]
    usage = [record for call in calls for record in call.usage]
    for start in range(0, len(facts), 5000):
        await bus.publish(*facts[start : start + 5000], raw=True, within_s=60)
    for start in range(0, len(usage), 5000):
        await bus.publish(*usage[start : start + 5000], within_s=60)
    await committed(run, stack, ("redaction", "timeline"), len(facts))
    await committed(run, stack, ("metering",), len(usage))
    await bus.stop()


async def committed(run: Run, stack: PrivateStack, features: tuple[str, ...], count: int) -> None:
    context = Context(stack.settings("bench"), stack.secrets())
    made: list[Any] = [(PERSISTENCE | BILLING)[feature](context) for feature in features]
    metering = "metering" in features
    query = COUNT_USAGE if metering else COUNT_FACTS
    worked = time.process_time()
    async with running(*made):
        took = await drained(context, "billing" if metering else "persistence", query, count)
    each_us = (time.process_time() - worked) / count * 1e6
    run.figure(f"{' and '.join(features)}, a backlog committed", count / took, "/s")
    run.figure(f"{' and '.join(features)}, CPU of the consumers each", each_us, "us")


def measure(run: Run) -> None:
    """`--calls`: how many calls' facts are the backlog."""
    redaction(run)
    assembly(run)
    with tempfile.TemporaryDirectory() as folder:
        stack = PrivateStack.start(Path(folder) / "home")
        try:
            asyncio.run(consumers(run, stack, int(run.option("calls", 400, quick=20))))
        finally:
            stack.stop()
