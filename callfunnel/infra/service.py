"""Hosts features: one process runs any set of them, from one deployable or from several.

    python -m callfunnel.infra.service workers.persistence workers.billing [--only redaction,...]

Each deployable lists its features in `<package>.service: FEATURES`. This module is a composition
root: it loads deployables by name and imports none of them.
"""

import importlib
import logging
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Protocol

from callfunnel.domain.errors import UserError
from callfunnel.infra import process
from callfunnel.infra.context import Context
from callfunnel.infra.drain import Drain
from callfunnel.infra.host import Facts, Host
from callfunnel.infra.process import Job
from callfunnel.infra.settings import PlatformSettings

log = logging.getLogger("callfunnel.infra.service")  # also when it is run as __main__


class Feature(Protocol):
    """One feature of a deployable.

    `start` opens what it needs from the context and registers its consumers and responders; the
    host starts the buses once every feature has. What is to run beside them is the context's to
    run: it stops after the buses, so that nothing is delivered to what has stopped.
    """

    @property
    def name(self) -> str: ...

    async def start(self) -> None: ...


Factory = Callable[[Context], Feature]


class Features:
    """The program that features make up; see `Program`."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names

    def checks(self) -> dict[str, bool]:
        """Features have no probe beside the bus's."""
        return {}

    async def serve(self) -> Facts:
        """They are at work since the buses have started."""
        log.info("ready", extra={"features": self._names})
        return {"features": self._names}

    async def refuse(self) -> Facts:
        """What is given to them is what the buses give."""
        return {}

    async def leave(self, drain: Drain) -> None:
        """The buses, which stop next, finish what is in hand."""


async def open_features(factories: Mapping[str, Factory], context: Context) -> Features:
    """Every feature started."""
    features = [make(context) for make in factories.values()]
    for feature in features:
        await feature.start()
    return Features([feature.name for feature in features])


def main(packages: Sequence[str] | None = None, only: Sequence[str] = ()) -> int:
    """Runs features until SIGTERM; the exit code. Without arguments: as `sys.argv` says."""
    if packages is None:
        packages, only = _arguments(sys.argv[1:])
    return process.main(lambda env: _job(env, packages, only))


def _job(env: Mapping[str, str], packages: Sequence[str], only: Sequence[str]) -> Job:
    settings = PlatformSettings.from_env(env)
    factories = _chosen(packages, only)

    async def opens(context: Context, _opened: AsyncExitStack) -> Features:
        return await open_features(factories, context)

    return Job(settings, lambda: Host(settings, opens, settings.http_port).run())


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
