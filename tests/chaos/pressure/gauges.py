"""What the stack shows under pressure: memory of every process, and what waits where."""

from __future__ import annotations

import json
import threading
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from bench.harness.processes import descendants, pss_kb
from callfunnel.domain.ids import PLATFORM
from callfunnel.infra.sealed import SealedFolder
from callfunnel.local.home.credentials import SYSTEM_USER
from callfunnel.local.supervision.bus_probe import ask
from callfunnel.local.supervision.probes import status_of
from tests.simulators.running_stack import RunningStack

EVERY_S = 0.5
LOUD = (
    "the bus refuses",
    "the spool refuses",
    "the spool takes again",
    "no room to record another call",
    "a worker refuses",
    "dead letter not stored",
    "dependency down",
    "recording",
    "step failed",
)
_LOOPBACK = "http://127.0.0.1"


@dataclass(frozen=True)
class Waiting:
    """Messages that wait: for their consumers on the bus, and in the worker's spool."""

    bus: int = 0
    spool: int = 0


@dataclass
class Gauges:
    """Reads the stack again and again from `start` to `stop`, in a thread of its own.

    `peak` and `now` are kB of PSS by the name of the process, its children included.
    """

    stack: RunningStack
    now: dict[str, int] = field(default_factory=dict)
    peak: dict[str, int] = field(default_factory=dict)
    most: Waiting = Waiting()
    _done: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        """Begins to watch; what is read now is the state before."""
        self._look()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Watches no more."""
        self._done.set()
        if self._thread is not None:
            self._thread.join()

    def forget_peaks(self) -> None:
        """What was highest so far is of no interest: the trouble begins now."""
        self.peak, self.most = {}, Waiting()

    def highest(self) -> list[tuple[str, int]]:
        """Each process and its peak."""
        return sorted(self.peak.items())

    def waiting(self) -> Waiting:
        """What waits now; a part that does not answer has nothing to say."""
        return Waiting(_on_the_bus(self.stack.home), int(self.media("spool_backlog")))

    def media(self, name: str) -> float:
        """A metric of the media worker; 0 while it does not answer."""
        return metric(self.stack.home, "media-1", name)

    def _run(self) -> None:
        while not self._done.wait(EVERY_S):
            self._look()

    def _look(self) -> None:
        self.now = memory_kb(self.stack)
        for name, size in self.now.items():
            self.peak[name] = max(size, self.peak.get(name, 0))
        waits = self.waiting()
        self.most = Waiting(max(waits.bus, self.most.bus), max(waits.spool, self.most.spool))


def said(stack: RunningStack) -> Counter[str]:
    """How often each of the loud lines stands in the logs of the product's processes."""
    found: Counter[str] = Counter()
    for log in (stack.home / "logs").glob("*.log"):
        text = log.read_text(errors="replace")
        found += Counter({line: text.count(f'"message":"{line}"') for line in LOUD})
    return found


def memory_kb(stack: RunningStack) -> dict[str, int]:
    """PSS of every process of the stack, each with its children, in kB."""
    state = json.loads((stack.home / "run" / "up.json").read_text())
    pids = {each["name"]: int(each["pid"]) for each in state["processes"]}
    sizes = {name: sum(map(pss_kb, (pid, *descendants(pid)))) for name, pid in pids.items()}
    return {name: size for name, size in sizes.items() if size}


def metric(home: Path, process: str, name: str) -> float:
    """A number that a process shows at /metrics; 0 while it does not answer."""
    try:
        port = json.loads((home / "run" / f"{process}.json").read_text())["http_port"]
        text = httpx.get(f"{_LOOPBACK}:{port}/metrics", timeout=2, trust_env=False).text
    except (OSError, httpx.HTTPError, KeyError):
        return 0.0
    wanted = f"callfunnel_{name} "
    return next((float(s.split()[1]) for s in text.splitlines() if s.startswith(wanted)), 0.0)


def _on_the_bus(home: Path) -> int:
    """Messages that durables have not acknowledged, of all streams together."""
    port = json.loads((home / "ports.json").read_text())["nats"]
    login = SealedFolder.open(home / "secrets").get(PLATFORM, f"nats/{SYSTEM_USER}")
    told = {"accounts": True, "streams": True, "consumer": True}
    shown = ask(port, (login["user"], login["password"]), "JSZ", told) or {}
    streams = [s for a in shown.get("account_details", []) for s in a.get("stream_detail", [])]
    durables = [c for s in streams for c in s.get("consumer_detail") or [] if _is_ours(c)]
    return sum(c["num_pending"] + c["num_ack_pending"] for c in durables)


def _is_ours(consumer: dict[str, Any]) -> bool:
    return not str(consumer["name"]).startswith("follow-")


def takes_calls(stack: RunningStack) -> bool:
    """What the worker says of itself."""
    left = json.loads((stack.home / "run" / "media-1.json").read_text())
    return status_of(f"{_LOOPBACK}:{left['health_port']}/readyz") == 200
