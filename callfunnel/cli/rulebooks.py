"""`rulebook get|put`: how an agent behaves, as one file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from callfunnel.cli import options

app = typer.Typer(help="Read and replace rule books.", no_args_is_help=True, rich_markup_mode=None)

Agent = Annotated[
    str, typer.Argument(metavar="AGENT", help="The agent, for example home-internet.")
]
Out = Annotated[Path | None, typer.Option(help="Write it to this file.")]
File = Annotated[Path, typer.Argument(metavar="FILE", help="A rule book, YAML or JSON.")]
BIGGEST = 1_000_000


@app.command()
def get(
    agent: Agent,
    *,
    out: Out = None,
    home: options.Home = None,
    as_json: options.Json = False,
) -> None:
    """Print the rule book that the next call uses."""
    from callfunnel.cli.output import note, plain, show_json
    from callfunnel.cli.stack import Api, running

    found = Api(running(home)).get(f"/v1/rulebooks/{agent}")
    if as_json:
        show_json(found)
        return
    if out is None:
        print(plain(found["document"]), end="")
    else:
        _write(out, found["document"])
        note(f"version {found['version']} is in {out}")
    for each in found["problems"]:
        note(f"an edit was not taken: line {each['line']}: {each['what']}")


@app.command()
def put(
    agent: Agent, file: File, *, home: options.Home = None, as_json: options.Json = False
) -> None:
    """Replace the rule book; the next call uses it. An invalid one is refused, line by line."""
    from callfunnel.cli.output import show_json
    from callfunnel.cli.stack import Api, running

    body = _read(file)
    answer = Api(running(home)).put_text(f"/v1/rulebooks/{agent}", body, "application/yaml")
    if as_json:
        show_json(answer)
    else:
        print(f"{agent} is now version {answer['version']}")


def _write(file: Path, document: str) -> None:
    from callfunnel.domain.errors import UserError

    try:
        file.write_text(document, encoding="utf-8")
    except OSError as problem:
        raise UserError(
            f"{file} cannot be written ({problem.strerror})", "choose another --out"
        ) from None


def _read(file: Path) -> str:
    from callfunnel.domain.errors import UserError

    try:
        with file.open("rb") as source:  # it may be a device without end
            body = source.read(BIGGEST + 1)
        if len(body) > BIGGEST:
            raise UserError(f"{file} is larger than a rule book may be", "check the name")
        return body.decode()
    except OSError as problem:
        raise UserError(f"{file} cannot be read ({problem.strerror})", "check the name") from None
    except UnicodeDecodeError:
        raise UserError(f"{file} is no text", "a rule book is YAML or JSON in UTF-8") from None
