"""The process table of one home: what runs, with which settings, in which order.

Order is only what `needs` says. The product's processes need nothing: they import while the
services start and wait for the file that `prepare` leaves (see `launch`).
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field

from callfunnel.infra.sealed import SealedFolder
from callfunnel.local.demo import TENANT
from callfunnel.local.home import Home
from callfunnel.local.lineup import Instance, lineup
from callfunnel.local.nats import nats_process
from callfunnel.local.objects import BUCKET, objects_process
from callfunnel.local.ports import LOOPBACK
from callfunnel.local.postgres import initdb_process, postgres_process
from callfunnel.local.process import AnswersUrl, Exits, LeavesFile, Process
from callfunnel.local.programs import model_environment, python_environment

REALM = "callfunnel"
PREPARED = "prepared"


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


def processes(stack: Stack) -> list[Process]:
    """Every process of the home. Raises UserError for a damaged home."""
    return [*services(stack), *programs(stack)]


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


def programs(stack: Stack) -> list[Process]:
    """The issuer and the product's own processes."""
    return [
        issuer_process(stack),
        *(_program(stack, each) for each in lineup(stack.scale, apart=stack.apart)),
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


def environment(stack: Stack, process: str) -> dict[str, str]:
    """The whole environment of a child: this one's, the settings, and where the code is.

    The key of the bought model goes to the media workers only.
    """
    return {
        "MALLOC_ARENA_MAX": "2",  # a third less memory in programs with a few threads
        **python_environment(),
        **(model_environment() if process.startswith("media") else {}),
        **settings(stack, process),
        "PYTHONUNBUFFERED": "1",
    }


def _program(stack: Stack, instance: Instance) -> Process:
    name = instance.name
    (stack.home.spool / name).mkdir(mode=0o700, exist_ok=True)
    marker = str(stack.home.run / PREPARED)
    return Process(
        name=name,
        argv=(sys.executable, "-P", "-m", "callfunnel.local.launch", marker, *instance.argv),
        env=environment(stack, name),
        ready=LeavesFile(stack.home.run / f"{name}.json"),
        log=stack.home.log(name),
        address=stack.gateway_url if name == "gateway" else "",
    )


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
        argv=(sys.executable, "-P", "-m", "callfunnel.local.issuer", str(stack.ports["issuer"])),
        env=environment(stack, "issuer"),
        ready=AnswersUrl(f"{stack.issuer_url}/.well-known/openid-configuration"),
        log=stack.home.log("issuer"),
        address=stack.issuer_url,
    )
