"""What the work behind the call costs without any service: facts redacted, recordings assembled.

Sentences are those of `bench.traffic`; facts are whole calls' in the order they happen. Compare
two versions with `./cf bench compare <ref> offpath`.
"""

import time

from bench import traffic
from bench.harness.figures import percentile
from bench.harness.run import Run
from callfunnel.domain.redaction.redactor import redact
from callfunnel.events.audio import AudioSegment
from callfunnel.events.envelope import from_wire, to_wire
from workers.persistence.recordings.assembly import assembled
from workers.persistence.recordings.rules import plan
from workers.persistence.redaction.rules import Memory, redact_event


def measure(run: Run) -> None:
    """Sentences, facts, a recording."""
    sentences(run)
    facts(run)
    assembly(run)


def sentences(run: Run) -> None:
    said = (*traffic.CALLER_SAYS, *traffic.AGENT_SAYS)
    costs = []
    for n in range(20_000):
        began = time.thread_time()
        redact(said[n % len(said)])
        costs.append((time.thread_time() - began) * 1e6)
    run.figure("redacting a sentence, p50", percentile(costs, 0.5), "us")
    run.figure("redacting a sentence, p99", percentile(costs, 0.99), "us")


def facts(run: Run) -> None:
    """Decoded, redacted and encoded again."""
    told = traffic.interleaved([call.facts for call in traffic.calls(20_000, 10)])
    wires = [to_wire(event, raw=True) for event in told]
    memory, began = Memory(), time.process_time()
    for wire in wires:
        to_wire(redact_event(from_wire(wire.headers, wire.body, wire.subject), memory))
    each_us = (time.process_time() - began) / len(wires) * 1e6
    run.figure("redacting a fact of a whole call, on average", each_us, "us")


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
