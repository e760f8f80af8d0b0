"""`callfunnel ...`: which commands there are, and how their failures are told."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Sequence

import typer
from typer.exceptions import TyperException

from callfunnel.cli import (
    approvals,
    auditing,
    calling,
    calls,
    dead,
    doctoring,
    observing,
    replacing,
    rulebooks,
    running,
    tokens,
)
from callfunnel.domain.errors import Permanent, Temporary, UserError

USER_MISTAKE = 2
INTERRUPTED = 130

COMMANDS: tuple[Callable[..., None], ...] = (
    running.up,
    running.down,
    replacing.ps,
    replacing.restart,
    replacing.drain,
    calling.call,
    calls.calls,
    calls.show,
    calls.tail,
    approvals.approvals,
    approvals.approve,
    approvals.refuse,
    tokens.token,
    doctoring.doctor,
    observing.targets,
    auditing.audit,
)
GROUPS = {"rulebook": rulebooks.app, "dead": dead.app}


def application() -> typer.Typer:
    app = typer.Typer(
        name="callfunnel",
        help="AI phone agents: run the stack, place calls, see what became of them.",
        epilog="In a clone also: ./cf test, check, fuzz, bench and chaos.",
        context_settings={"help_option_names": ["--help", "-h"]},
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
    )
    for command in COMMANDS:
        app.command()(command)
    for name, group in GROUPS.items():
        app.add_typer(group, name=name)
    return app


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command. Returns its exit status: 2 is a user's mistake, said in one line."""
    logging.getLogger().addHandler(logging.NullHandler())  # failures are told below
    words = list(sys.argv[1:] if arguments is None else arguments)
    if " ".join(words) in ("", *GROUPS):
        words.append("--help")
    try:
        status = application()(words, prog_name="callfunnel", standalone_mode=False)
        sys.stdout.flush()
    except UserError as mistake:
        return _said(str(mistake))
    except TyperException as mistake:
        return _said(mistake.format_message())
    except (Temporary, Permanent) as failure:
        return _said(f"{failure}; see `./cf doctor`", status=1)
    except (KeyboardInterrupt, typer.Abort):
        return INTERRUPTED
    except BrokenPipeError:
        # Who read us has enough: say nothing more, also not at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return status if isinstance(status, int) else 0


def _said(text: str, status: int = USER_MISTAKE) -> int:
    from callfunnel.cli.output import plain

    print(plain(f"callfunnel: {text}"), file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main())
