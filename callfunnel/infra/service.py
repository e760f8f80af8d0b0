"""Hosts features: one process runs any set of them, from one deployable or from several.

    python -m callfunnel.infra.service workers.persistence workers.billing [--only redaction,...]

Each deployable lists its features in `<package>.service: FEATURES`. This module is a composition
root: it loads deployables by name and imports none of them.
"""

import asyncio
import importlib
import logging
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from typing import Any, Protocol

import msgspec

from callfunnel.domain.errors import UserError
from callfunnel.infra import core_dumps
from callfunnel.infra.context import Context
from callfunnel.infra.health import Health
from callfunnel.infra.logs import write_json_lines
from callfunnel.infra.settings import PlatformSettings
from callfunnel.infra.strain import all_loaded

__all__ = ["Context", "Feature", "announce", "main", "run", "run_until_signal", "withdraw"]

SWITCH_S = 0.0005
"""Python's own 5 ms are waited for at every step of the loop: a tool's answer takes several."""
log = logging.getLogger("callfunnel.infra.service")  # also when it is run as __main__


class Feature(Protocol):
    """One feature of a deployable.

    `start` opens what it needs from the context and registers its consumers and responders; the
    host starts the buses once every feature has. `stop` comes after the buses have stopped, so
    nothing is delivered to a stopped feature.
    """

    @property
    def name(self) -> str: ...

    async def start(self) -> None: ...

    async def stop(self) -> None: ...


Factory = Callable[[Context], Feature]


def main(packages: Sequence[str] | None = None, only: Sequence[str] = ()) -> int:
    """Runs features until SIGTERM; the exit code. Without arguments: as `sys.argv` says."""
    if packages is None:
        packages, only = _arguments(sys.argv[1:])
    try:
        settings = PlatformSettings.from_env(os.environ)
        factories = _chosen(packages, only)
    except (UserError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    write_json_lines(settings.process)
    return run(host(settings, factories))


def run(program: Coroutine[Any, Any, int]) -> int:
    """Runs a process's main coroutine on uvloop where there is one; its exit code.

    Such a process leaves no core dump, and a thread that computes (a rule book is read in one)
    hands the interpreter back to the loop after half a millisecond.
    """
    core_dumps.forbid()
    sys.setswitchinterval(SWITCH_S)
    try:
        import uvloop
    except ImportError:
        return asyncio.run(program)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(program)


async def host(settings: PlatformSettings, factories: Mapping[str, Factory]) -> int:
    """Runs the features until a signal (0) or until the bus closes for good (1)."""
    context = Context(settings)
    features = [make(context) for make in factories.values()]
    started: list[Feature] = []
    health = Health(
        lambda: {**context.checks(), "features": len(started) == len(features)}, context.telemetry
    )
    port = await health.start(settings.http_port, settings.health_host)

    async def serve() -> None:
        for feature in features:
            await feature.start()
            started.append(feature)
        all_loaded()
        await context.start()
        announce(settings, http_port=port, features=[feature.name for feature in features])
        log.info("ready", extra={"features": [feature.name for feature in features]})

    async def end() -> None:
        withdraw(settings)
        await context.stop_buses()
        for feature in reversed(started):
            await feature.stop()
        await context.close()
        await health.stop()

    return await run_until_signal(serve, end, context.closed_for_good)


async def run_until_signal(
    start: Callable[[], Awaitable[None]],
    end: Callable[[], Awaitable[None]],
    broken: asyncio.Event,
) -> int:
    """`start`, wait for SIGTERM or SIGINT (0) or for `broken` (1), `end`."""
    loop = asyncio.get_running_loop()
    told = asyncio.Event()
    for sign in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(sign, told.set)
    starting = asyncio.ensure_future(start())
    waits = [asyncio.ensure_future(event.wait()) for event in (told, broken)]
    try:
        done, _ = await asyncio.wait([starting, *waits], return_when=asyncio.FIRST_COMPLETED)
        if starting in done:
            starting.result()
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (starting, *waits):
            task.cancel()
        await asyncio.gather(starting, *waits, return_exceptions=True)
        await end()
    return 0 if told.is_set() else 1


def announce(settings: PlatformSettings, **facts: object) -> None:
    """Leaves `<run dir>/<process>.json` with the pid and `facts`: this process is ready."""
    target = settings.run_dir / f"{settings.process}.json"
    scratch = target.with_suffix(f".{os.getpid()}.new")
    scratch.write_bytes(msgspec.json.encode({"pid": os.getpid(), **facts}))
    scratch.chmod(0o600)
    scratch.replace(target)


def withdraw(settings: PlatformSettings) -> None:
    """Removes what `announce` left: this process takes nothing more."""
    (settings.run_dir / f"{settings.process}.json").unlink(missing_ok=True)


def _arguments(words: Sequence[str]) -> tuple[list[str], list[str]]:
    packages, only = [], []
    rest = iter(words)
    for word in rest:
        if word == "--only":
            only = [name for name in next(rest, "").split(",") if name]
        else:
            packages.append(word)
    return packages, only


def _chosen(packages: Sequence[str], only: Sequence[str]) -> dict[str, Factory]:
    """The features to run. Raises UserError for a name that is none."""
    factories: dict[str, Factory] = {}
    for package in packages:
        factories |= importlib.import_module(f"{package}.service").FEATURES
    if not packages:
        raise UserError("no deployable named", "give one or more, such as workers.persistence")
    unknown = sorted(set(only) - set(factories))
    if unknown:
        known = ", ".join(sorted(factories))
        raise UserError(f"no feature named {', '.join(unknown)}", f"there are: {known}")
    return {name: make for name, make in factories.items() if not only or name in only}


if __name__ == "__main__":
    sys.exit(main())
