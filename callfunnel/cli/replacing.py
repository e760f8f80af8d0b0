"""`ps`, `restart`, `drain`: what runs, and how a part of it is replaced or taken away."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from callfunnel.cli import options

if TYPE_CHECKING:
    from callfunnel.cli.stack import Running

Places = Annotated[
    list[str], typer.Argument(metavar="PROCESS... | all", help="As `ps` names them, or all.")
]
Place = Annotated[str, typer.Argument(metavar="PROCESS", help="For example media-1.")]
Rolling = Annotated[
    bool,
    typer.Option(
        "--rolling/--in-place",
        help="The new one starts beside the old, or takes its place once it has ended its calls.",
    ),
]
Wait = Annotated[bool, typer.Option(help="Return when its last call has ended.")]
POLL_S = 0.02
ANNOUNCED_WITHIN_S = 10.0


def ps(*, home: options.Home = None, as_json: options.Json = False) -> None:
    """List the processes: what each does, how often it was started again."""
    from callfunnel.cli.output import show_json, table
    from callfunnel.cli.stack import running

    state = running(home).state
    found = [*state["processes"]]
    found += [
        {"name": name, "pid": 0, "state": "left", "restarts": 0}
        for name in state.get("stopped", [])
    ]
    if as_json:
        show_json(found)
        return
    rows = [(each["name"], each["pid"] or "", each["state"], each["restarts"]) for each in found]
    table(("process", "pid", "state", "restarts"), rows)


def restart(places: Places, *, rolling: Rolling = True, home: options.Home = None) -> None:
    """Restart processes one after the other; calls go on.

    A new one is ready before the old one is told to leave, which ends its calls first. Services
    are stopped and started. Ends at the first process that does not become ready.
    """
    from callfunnel.cli.stack import running
    from callfunnel.local.orders import give

    for told in give(running(home).home, "roll" if rolling else "restart", places):
        print(told["say"], flush=True)


def drain(place: Place, *, wait: Wait = True, home: options.Home = None) -> None:
    """Take a process out of service: no new calls at once, it ends with its last one.

    `restart` brings it back.
    """
    from callfunnel.cli.stack import running
    from callfunnel.local.orders import give

    stack = running(home)
    *warnings, told = give(stack.home, "drain", [place])
    for each in warnings:
        print(each["say"], flush=True)
    print(_said(told, _draining(stack, told)), flush=True)
    if wait:
        _until_left(home, told["pid"])
        print(f"{told['process']} left after {time.monotonic() - told['told_at']:.1f} s")


def _draining(stack: Running, told: Mapping[str, Any]) -> Mapping[str, Any]:
    """What the process says of its draining; {} when it is gone or says nothing."""
    file = stack.home.run / f"{told['process']}.json"
    until = time.monotonic() + ANNOUNCED_WITHIN_S
    while time.monotonic() < until:
        try:
            content = json.loads(file.read_text())
        except (OSError, ValueError):
            return {}
        if "draining" in content:
            draining: Mapping[str, Any] = content["draining"]
            return draining
        time.sleep(POLL_S)
    return {}


def _said(told: Mapping[str, Any], draining: Mapping[str, Any]) -> str:
    if not draining:
        return str(told["say"])
    after = {
        name: (draining[name] - told["told_at"]) * 1000 for name in ("refusing_at", "known_at")
    }
    return (
        f"{told['process']} takes no call since {after['refusing_at']:.1f} ms after the signal, "
        f"the registry says so since {after['known_at']:.1f} ms; "
        f"calls that go on: {draining['calls']}"
    )


def _until_left(home: str | None, pid: int) -> None:
    from callfunnel.cli.stack import running

    while any(at == pid for _, at in running(home).processes):
        time.sleep(POLL_S)
