"""Looks after those that are ready: whether they answer and store what they are told, and that no
log of theirs fills the disk.

What to think of a look is decided by `pulse` and `cure`; this looks, says it, and acts.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from callfunnel.local.supervision.children import Children
from callfunnel.local.supervision.cure import Advice, Cure
from callfunnel.local.supervision.fleet import Fleet
from callfunnel.local.supervision.probes import has_room, is_alive, stores
from callfunnel.local.supervision.spawn import keep_log_short
from callfunnel.local.supervision.watch import Serving, Watch

_LOGS_S = 3.0


class Rounds:
    """Over one fleet. What is ended here is started again like what died."""

    def __init__(self, fleet: Fleet, children: Children, say: Callable[[str], None]) -> None:
        self._fleet = fleet
        self._children = children
        self._say = say
        self._cures: dict[str, Cure] = {}
        self._logs_at = 0.0

    def go(self, now: float) -> None:
        """Looks at whom it is time to look at."""
        for watch in list(self._fleet.watches):
            if pid := watch.to_ask(now):
                self._look(watch, pid, now)
            if pid := watch.overdue(now):
                self._say(f"{watch.process.name} takes too long while {watch.word}: it is ended")
                self._children.kill(pid)
        if now >= self._logs_at:
            self._logs_at = now + _LOGS_S
            for watch in self._fleet.watches:
                keep_log_short(watch.process)

    def _look(self, watch: Watch, pid: int, now: float) -> None:
        """Ends what serves no longer and does not know it."""
        if is_alive(watch.process.ready, pid):
            watch.pulse.heard(time.monotonic())
            self._see_that_it_stores(watch, now)
        elif watch.pulse.missed(time.monotonic()):
            name, silent = watch.process.name, watch.pulse.silent_s(time.monotonic())
            self._say(f"{name} has not answered for {silent:.0f} s: it hangs and is ended")
            self._children.kill(pid)

    def _see_that_it_stores(self, watch: Watch, now: float) -> None:
        """Starts anew what lives and takes no write, once its disk has room."""
        name, folder = watch.process.name, watch.process.stores_in
        if folder is None or not isinstance(watch.state, Serving):
            return
        cure = self._cures.setdefault(name, Cure())
        match cure.look(now, stores=stores(watch.process), room=has_room(folder)):
            case Advice.SAY_FULL:
                self._say(f"{name} stores nothing, for its disk is full: free some of {folder}")
            case Advice.START_ANEW:
                self._say(f"{name} has stored nothing since its disk was full: starting it anew")
                self._fleet.renew(name, now)
