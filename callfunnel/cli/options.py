"""Options that every command has."""

from typing import Annotated

import typer

from callfunnel.domain import ids
from callfunnel.domain.errors import InvalidToken, UserError

Home = Annotated[
    str | None,
    typer.Option(
        "--home", metavar="DIR", help="Home of the stack; else CALLFUNNEL_HOME, else ~/.callfunnel."
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def call_id(text: str) -> str:
    """`text` itself. Raises UserError for what no call can be called."""
    try:
        return ids.call_id(text)
    except InvalidToken:
        raise UserError(f"{text} is no call's id", "`./cf calls` lists the calls") from None


def approval_id(text: str) -> str:
    """`text` itself. Raises UserError for what no approval can be called."""
    try:
        return ids.approval_id(text)
    except InvalidToken:
        raise UserError(
            f"{text} is no approval's id", "`./cf approvals` lists the approvals"
        ) from None
