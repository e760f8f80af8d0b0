"""The process table of one home: what runs, with which settings, in which order.

Order is only what `needs` says. The product's processes need nothing: they import while the
services start and wait for the file that `prepare` leaves (see `launch`).
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from callfunnel.infra.sealed import SealedFolder
from callfunnel.local.demo import TENANT
from callfunnel.local.home.folder import Home
from callfunnel.local.home.ports import LOOPBACK
from callfunnel.local.lineup import Instance, lineup
from callfunnel.local.services.nats import nats_process
from callfunnel.local.services.objects import BUCKET, objects_process
from callfunnel.local.services.postgres import initdb_process, postgres_process
from callfunnel.local.services.programs import model_environment, python_environment
from callfunnel.local.supervision.process import AnswersUrl, Exits, LeavesFile, Process

REALM = "callfunnel"
PREPARED = "prepared"
_ISSUER = "callfunnel.local.identity.issuer"
_LAST_WORDS_S = 30.0
"""What a process may take to end besides the time that its calls get."""


@dataclass(frozen=True, slots=True)
class Stack:
    """What the table is made from. `scale` and `apart`: see `lineup`."""

    home: Home
    ports: Mapping[str, int]
    store: SealedFolder
    model: str = "demo"
    scale: Mapping[str, int] = field(default_factory=dict)
    public_url: str = ""
    apart: bool = False

    @property
    def gateway_url(self) -> str:
        return f"http://{LOOPBACK}:{self.ports['gateway']}"

    @property
    def issuer_url(self) -> str:
        return f"http://{LOOPBACK}:{self.ports['issuer']}/realms/{REALM}"


def processes(stack: Stack, drain_s: float = 600.0) -> list[Process]:
    """Every process of the home. Raises UserError for a damaged home.

    `drain_s`: how long the calls of a process that leaves may go on.
    """
    return [*services(stack), *programs(stack, drain_s)]


def beside(stack: Stack, process: Process, identity: str) -> Process:
    """The same process under another name, with a spool and a log of its own."""
    spool = _spool_of(stack, identity)
    named = {"CALLFUNNEL_PROCESS": identity, "CALLFUNNEL_SPOOL_DIR": str(spool)}
    return replace(
        process,
        name=identity,
        env={**process.env, **named},
        ready=LeavesFile(stack.home.run / f"{identity}.json"),
        log=stack.home.log(identity),
    )


def windup_process(stack: Stack, identity: str) -> Process:
    """Tells and sends what the spool of an identity holds that runs no longer."""
    marker = str(stack.home.run / PREPARED)
    module = "workers.media.windup"
    return Process(
        name=f"{identity}-windup",
        argv=(sys.executable, "-P", "-m", "callfunnel.local.launch", marker, module),
        env=environment(stack, identity),
        ready=Exits(),
        log=stack.home.log(identity),
    )


def abandoned(stack: Stack, table: Iterable[Process]) -> list[str]:
    """The identities that have a spool and no place in the table: who was started beside another,
    or on a day with more of them."""
    known = {process.name for process in table}
    return sorted(
        each.name
        for each in stack.home.spool.iterdir()
        if each.name not in known and any(each.iterdir())
    )


def services(stack: Stack) -> list[Process]:
    """NATS, Postgres, the object store, and the steps that make them ready for use."""
    first = initdb_process(stack.home, stack.store)
    needs = (first.name,) if first else ()
    return [
        *([first] if first else []),
        nats_process(stack.home, stack.ports, stack.store),
        postgres_process(stack.home, stack.ports, needs),
        objects_process(stack.home, stack.ports, stack.store),
        _prepare(stack),
    ]


def programs(stack: Stack, drain_s: float = 600.0) -> list[Process]:
    """The issuer and the product's own processes."""
    return [
        issuer_process(stack),
        *(_program(stack, each, drain_s) for each in lineup(stack.scale, apart=stack.apart)),
    ]


def settings(stack: Stack, process: str) -> dict[str, str]:
    """The settings of the process of that name, as environment variables."""
    home, ports = stack.home, stack.ports
    return {
        "CALLFUNNEL_NATS_URL": f"nats://{LOOPBACK}:{ports['nats']}",
        "CALLFUNNEL_POSTGRES_URL": f"postgresql://{LOOPBACK}:{ports['postgres']}/callfunnel",
        "CALLFUNNEL_OBJECTS_URL": f"http://{LOOPBACK}:{ports['s3']}",
        "CALLFUNNEL_OBJECTS_BUCKET": BUCKET,
        "CALLFUNNEL_SECRETS": f"local:{home.secrets}",
        "CALLFUNNEL_ISSUER": stack.issuer_url,
        "CALLFUNNEL_AUDIENCE": "callfunnel-api",
        "CALLFUNNEL_PUBLIC_URL": stack.public_url or stack.gateway_url,
        "CALLFUNNEL_MEDIA_RELAY": "1",
        "CALLFUNNEL_SPOOL_DIR": str(home.spool / process),
        "CALLFUNNEL_RUN_DIR": str(home.run),
        "CALLFUNNEL_PROCESS": process,
        "CALLFUNNEL_HTTP_PORT": str(ports["gateway"]) if process == "gateway" else "0",
        "CALLFUNNEL_MEDIA_PORT": "0",
        "CALLFUNNEL_MODEL": stack.model,
        "CALLFUNNEL_RULEBOOK_DIR": str(home.rulebooks),
        "CALLFUNNEL_RULEBOOK_TENANT": TENANT,
        "CALLFUNNEL_DEMO_SESSION": "1",
    }


ALLOCATOR = {
    "MALLOC_ARENA_MAX": "2",  # a third less memory in programs with a few threads
    # Buffers of connections and recordings go back to the system when they end. glibc would learn
    # to keep them in its heap, which then grows by a third over a few thousand calls.
    "MALLOC_MMAP_THRESHOLD_": "65536",
    "MALLOC_TRIM_THRESHOLD_": "262144",
}


def environment(stack: Stack, process: str) -> dict[str, str]:
    """The whole environment of a child: this one's, the settings, and where the code is.

    The key of the bought model goes to the media workers only.
    """
    return {
        **ALLOCATOR,
        **python_environment(),
        **(model_environment() if process.startswith("media") else {}),
        **settings(stack, process),
        "PYTHONUNBUFFERED": "1",
    }


def _program(stack: Stack, instance: Instance, drain_s: float) -> Process:
    name = instance.name
    _spool_of(stack, name)
    marker = str(stack.home.run / PREPARED)
    gateway, carries_calls = name == "gateway", instance.carries_calls
    return Process(
        name=name,
        argv=(sys.executable, "-P", "-m", "callfunnel.local.launch", marker, *instance.argv),
        env=environment(stack, name),
        ready=LeavesFile(stack.home.run / f"{name}.json"),
        log=stack.home.log(name),
        address=stack.gateway_url if gateway else "",
        listens=stack.ports["gateway"] if gateway else 0,
        leaves_within_s=_LAST_WORDS_S + (drain_s if carries_calls else 0.0),
        beside=True,
        spools=carries_calls,
    )


def _spool_of(stack: Stack, identity: str) -> Path:
    folder = stack.home.spool / identity
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def _prepare(stack: Stack) -> Process:
    return Process(
        name="prepare",
        argv=(sys.executable, "-P", "-m", "callfunnel.local.prepare", str(stack.home.run)),
        env=environment(stack, "prepare"),
        ready=Exits(),
        log=stack.home.log("prepare"),
    )


def issuer_process(stack: Stack) -> Process:
    """The local identity provider."""
    return Process(
        name="issuer",
        argv=(sys.executable, "-P", "-m", _ISSUER, str(stack.ports["issuer"])),
        env=environment(stack, "issuer"),
        ready=AnswersUrl(f"{stack.issuer_url}/.well-known/openid-configuration"),
        log=stack.home.log("issuer"),
        address=stack.issuer_url,
    )
