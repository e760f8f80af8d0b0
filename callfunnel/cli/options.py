"""Options that every command has."""

import re
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
_E164 = re.compile(r"\+[1-9][0-9]{6,14}", re.ASCII)
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def number(text: str) -> str:
    """`text` itself. Raises UserError for what no carrier would call a number."""
    if not _E164.fullmatch(text):
        raise UserError(f"{text} is no telephone number", "write it like +15550109999")
    return text


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
