"""`up` and `down`: the stack itself is `callfunnel.local`'s; here are only its options."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from callfunnel.cli import options

Port = Annotated[int | None, typer.Option(help="Port of the page; 0 = any free one; else 8420.")]
Headless = Annotated[bool, typer.Option("--headless", help="Do not speak of a browser.")]
ReadyFile = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Written (0600) once everything is ready.")
]
Model = Annotated[str, typer.Option(metavar="NAME", help="demo, or openai (reads OPENAI_API_KEY).")]
Apart = Annotated[
    bool, typer.Option("--apart", help="Each feature beside the call in a process of its own.")
]
Scale = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME=N", help="Run so many, for example media=2,redaction=2; 0 = none; repeatable."
    ),
]


def up(
    *,
    home: options.Home = None,
    port: Port = None,
    headless: Headless = False,
    ready_file: ReadyFile = None,
    model: Model = "demo",
    scale: Scale = None,
    apart: Apart = False,
) -> None:
    """Start everything and keep it running; Ctrl-C stops it."""
    given: list[tuple[str, object]] = [("--home", home), ("--port", port), ("--model", model)]
    given += [("--ready-file", ready_file), *(("--scale", each) for each in scale or [])]
    words = [str(word) for pair in given if pair[1] is not None for word in pair]
    # The supervisor lives as long as the stack: it takes this process over, and its memory.
    program = [sys.executable, "-P", "-m", "callfunnel.local.supervisor", *words]
    program += ["--headless"] * headless + ["--apart"] * apart
    os.execv(sys.executable, program)


def down(*, home: options.Home = None, as_json: options.Json = False) -> None:
    """Stop the stack of this home."""
    from callfunnel.cli.output import show_json
    from callfunnel.local.home.folder import home_from
    from callfunnel.local.orders import down as stop

    at = home_from(home, os.environ)
    stopped = stop(at)
    if as_json:
        show_json({"stopped": stopped, "home": str(at.root)})
    else:
        print(f"stopped what ran in {at.root}" if stopped else f"nothing ran in {at.root}")
