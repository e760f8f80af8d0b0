"""`doctor`: what is wrong with the machine, the home and the running stack, and what to do."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import typer

from callfunnel.cli import options

if TYPE_CHECKING:
    from callfunnel.cli.findings import Finding


def doctor(*, home: options.Home = None, as_json: options.Json = False) -> None:
    """Say what is wrong with the running stack and what to do."""
    from contextlib import nullcontext

    from callfunnel.cli import findings
    from callfunnel.cli.output import working

    with nullcontext() if as_json else working("looking at everything"):
        found = list(_findings(home))
    if not findings.show(found, as_json):
        raise typer.Exit(1)


def _findings(home: str | None) -> Iterator[Finding]:
    from callfunnel.cli import machine_checks, stack_checks
    from callfunnel.cli.findings import bad
    from callfunnel.cli.stack import running
    from callfunnel.domain.errors import UserError
    from callfunnel.local.home.folder import home_from

    at = home_from(home, os.environ)
    yield from machine_checks.look(at)
    try:
        stack = running(home)
    except UserError as nothing:
        yield bad("stack", nothing.what, nothing.fix)
        return
    yield from stack_checks.look(stack)
