"""The process behind `cf up`: starts the table, keeps it running, ends all of it.

One thread, one loop: what is due is decided by `watch`, `fleet` and `roll`, this only does it, and
`rounds` look after what serves. It sleeps in sigtimedwait, so an ended child or Ctrl-C wakes it at
once. Imports little on purpose: it lives as long as the stack and its start is part of every start.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import time

from callfunnel.domain.errors import UserError
from callfunnel.infra import core_dumps
from callfunnel.infra.sealed import SealedFolder
from callfunnel.local import announce, orders
from callfunnel.local.desk import Desk
from callfunnel.local.home import folder as home
from callfunnel.local.home import ports
from callfunnel.local.home.credentials import ensure_credentials
from callfunnel.local.options import UpOptions, checked
from callfunnel.local.processes import Stack, abandoned, beside, processes, windup_process
from callfunnel.local.supervision import leftovers
from callfunnel.local.supervision.children import Children
from callfunnel.local.supervision.fleet import Fleet
from callfunnel.local.supervision.probes import is_ready
from callfunnel.local.supervision.process import Process
from callfunnel.local.supervision.rounds import Rounds
from callfunnel.local.supervision.spawn import last_words
from callfunnel.local.supervision.watch import GivenUp, Starting, Watch
from callfunnel.local.targets import targets

_STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_SIGNALS = (*_STOPS, signal.SIGCHLD, orders.WAKE)
_BUSY_S = 0.03
_IDLE_S = 2.0
_START_LIMIT_S = 120.0
_RECHECK_S = 1.0
_PROGRAMS_GRACE_S = 1.8
_SERVICES_GRACE_S = 2.7
_LEAST_FREE_BYTES = 200 * 1024 * 1024


def up(options: UpOptions) -> int:
    """Run the stack until told to stop; returns the exit code.

    Call it from the main thread. Raises UserError when it cannot be started, with nothing left
    running.
    """
    started = time.monotonic()
    core_dumps.forbid()
    signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    checked(options, os.environ)
    try:
        home.prepare(options.home)
        handle = home.lock(options.home)
        try:
            return Supervisor(_stack(options), options, started).run()
        finally:
            os.close(handle)
    except OSError as error:
        raise UserError(
            f"{error.filename or options.home.root}: {error.strerror}",
            "free some space" if error.errno == 28 else "check the home folder and its rights",
        ) from error


def _stack(options: UpOptions) -> Stack:
    at = options.home
    free = shutil.disk_usage(at.root).free
    if free < _LEAST_FREE_BYTES:
        raise UserError(
            f"only {free // 1024**2} MB are free on the disk of {at.root}",
            f"free some: {_LEAST_FREE_BYTES // 1024**2} MB are needed to start",
        )
    leftovers.end_leftovers(at)
    for stale in at.run.iterdir():
        if stale.name != "lock":
            stale.unlink()
    store = SealedFolder.create(at.secrets)
    ensure_credentials(store)
    return Stack(
        home=at,
        ports=ports.settle(at.root / "ports.json", options.port),
        store=store,
        model=options.model,
        scale=options.scale,
        apart=options.apart,
        public_url=os.environ.get("CALLFUNNEL_PUBLIC_URL", ""),
    )


class Supervisor:
    """The children of one home and the loop over them."""

    def __init__(self, stack: Stack, options: UpOptions, started: float) -> None:
        os.environ[leftovers.HOME_VARIABLE] = str(stack.home.root)
        self._stack = stack
        self._options = options
        self._started = started
        self._children = Children()
        self._table = processes(stack, options.patience.drain_s)
        self._fleet = Fleet(self._table, self._beside, self._children.tell, options.patience.hung_s)
        self._desk = Desk(stack.home, self._fleet, self._all_ready)
        self._announced = False
        self._recheck_at = float("inf")
        self._rounds = Rounds(self._fleet, self._children, announce.say)

    def run(self) -> int:
        announce.say(f"CallFunnel starts in {self._stack.home.root}")
        self._children.open_doors(self._table)
        try:
            while not self._told_to_stop():
                self._step(time.monotonic())
        finally:
            self._stop_everything()
        announce.say("CallFunnel has stopped; nothing is left running.")
        return 0

    def _told_to_stop(self) -> bool:
        calm = self._announced and self._fleet.settled and not self._desk.busy
        told = signal.sigtimedwait(_SIGNALS, _IDLE_S if calm else _BUSY_S)
        # One of these and not merely another: a wait that was stopped and continued beyond its time
        # comes back with whatever lay in memory (CPython's sigtimedwait after EINTR).
        return told is not None and told.si_signo in _STOPS

    def _step(self, now: float) -> None:
        changed = self._reap(now)
        changed |= self._spawn_due(now)
        changed |= self._probe(now)
        changed |= self._desk.serve(now)
        self._rounds.go(now)
        if changed:
            self._write_state()
        if not self._announced:
            self._announce_or_give_up(now)
        elif now >= self._recheck_at:
            self._recheck_at = float("inf")
            self._recheck()

    def _reap(self, now: float) -> bool:
        ended = self._children.reap()
        for name, code in ended:
            watch = self._fleet.find(name)
            if watch is None:
                continue
            if news := watch.exited(code, now):
                announce.say(news)
            if isinstance(watch.state, GivenUp):
                self._gave_up(watch.process)
        for process in self._fleet.departed():
            announce.say(f"{process.name} has left")
            if process.spools:  # what it left that nobody will have again soon is told and sent
                self._fleet.adopt(windup_process(self._stack, process.name))
        return bool(ended)

    def _spawn_due(self, now: float) -> bool:
        watches = list(self._fleet.watches)
        fulfilled = [watch.process.name for watch in watches if watch.fulfilled]
        due = [watch for watch in watches if watch.due(now, fulfilled)]
        for watch in due:
            self._spawn(watch, now)
        return bool(due)

    def _spawn(self, watch: Watch, now: float) -> None:
        try:
            watch.spawned(self._children.start(watch.process), now)
        except UserError as error:
            if not self._announced:
                raise
            announce.say(str(error))
            watch.spawned(0, now)
            watch.exited(1, now)

    def _probe(self, now: float) -> bool:
        ready = [
            (watch, watch.state.since)
            for watch in self._fleet.watches
            if isinstance(watch.state, Starting) and is_ready(watch.process.ready, watch.state.pid)
        ]
        for watch, since in ready:
            watch.became_ready(now)
            began = since if self._announced else self._started
            announce.say(f"  {watch.process.name} is ready ({now - began:.1f} s)")
        return bool(ready)

    def _beside(self, process: Process, identity: str) -> Process:
        return beside(self._stack, process, identity)

    def _gave_up(self, process: Process) -> None:
        failure = self._would_not_start(process)
        if not self._announced:
            raise failure
        announce.say(str(failure))

    def _all_ready(self) -> bool:
        return all(is_ready(each.process.ready, each.pid or 0) for each in self._fleet.serving)

    def _announce_or_give_up(self, now: float) -> None:
        if self._fleet.settled:
            self._announced = True
            self._recheck_at = now + _RECHECK_S
            if self._options.ready_file is not None:
                announce.write_ready_file(self._options.ready_file, self._stack, self._snapshot())
            seconds = time.monotonic() - self._started
            print(announce.greeting(self._stack, seconds, self._options.headless), flush=True)
            for identity in abandoned(self._stack, self._table):
                self._fleet.adopt(windup_process(self._stack, identity))
        elif now - self._started > _START_LIMIT_S:
            late = [watch for watch in self._fleet.watches if not watch.settled]
            raise self._would_not_start(late[0].process)

    def _recheck(self) -> None:
        for watch in self._fleet.serving:
            if not is_ready(watch.process.ready, watch.pid or 0):
                name = watch.process.name
                announce.say(f"{name} was ready and does not answer now: see ./cf doctor")

    def _would_not_start(self, process: Process) -> UserError:
        reason = last_words(process) or "it said nothing"
        return UserError(f"{process.name} does not start: {reason}", f"its log is {process.log}")

    def _snapshot(self) -> dict[str, object]:
        return announce.snapshot(self._stack, self._fleet.watches, os.getpid())

    def _write_state(self) -> None:
        """What runs, for `down` and `doctor`; a full disk is no reason to end the calls."""
        try:
            state = self._snapshot()
            home.write_json(self._stack.home.state, state)
            home.write_json(self._stack.home.targets, list(targets(self._stack.home, state)))
        except OSError as error:
            if not self._announced:
                raise
            announce.say(f"{self._stack.home.state} cannot be written: {error.strerror}")

    def _stop_everything(self) -> None:
        announce.say("stopping ...")
        self._children.close_doors()
        table = [watch.process for watch in self._fleet.watches]
        self._children.stop([each for each in table if not each.service], _PROGRAMS_GRACE_S)
        self._children.stop([each for each in table if each.service], _SERVICES_GRACE_S)
        self._stack.home.state.unlink(missing_ok=True)
        self._stack.home.targets.unlink(missing_ok=True)


if __name__ == "__main__":
    from callfunnel.local.arguments import options_from

    try:
        sys.exit(up(options_from(sys.argv[1:])))
    except UserError as error:
        print(f"callfunnel: {error}", file=sys.stderr)
        sys.exit(2)
