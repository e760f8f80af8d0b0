"""Options that every command has."""

from typing import Annotated

import typer

Home = Annotated[
    str | None,
    typer.Option(
        "--home", metavar="DIR", help="Home of the stack; else CALLFUNNEL_HOME, else ~/.callfunnel."
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
