"""Looks at several things at once, for so long and no longer.

Each in a thread that nobody waits for when its time is over: what hangs must not make the doctor
hang, and a thread that waits for a socket cannot be ended.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping

from callfunnel.cli.findings import Finding, bad

Look = Callable[[], Iterable[Finding]]


def together(looks: Mapping[str, Look], within_s: float) -> Iterator[Finding]:
    """What each found, in the order given; of one that takes longer, that it does not answer."""
    found: dict[str, list[Finding]] = {}
    failed: dict[str, Exception] = {}

    def look(name: str) -> None:
        try:
            found[name] = list(looks[name]())
        except Exception as error:
            failed[name] = error

    threads = {name: threading.Thread(target=look, args=(name,), daemon=True) for name in looks}
    deadline = time.monotonic() + within_s
    for thread in threads.values():
        thread.start()
    for name, thread in threads.items():
        thread.join(max(0.0, deadline - time.monotonic()))
        if name in failed:
            raise failed[name]
        late = [bad(name, "no answer in time", "see what else is wrong, and the logs")]
        yield from found.get(name, late)
