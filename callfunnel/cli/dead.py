"""`dead list|show|replay`: messages that no try could help."""

from __future__ import annotations

import typer

app = typer.Typer(
    help="Messages that failed for good.", no_args_is_help=True, rich_markup_mode=None
)
