"""`dead list|show|replay`: messages that no try could help."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from callfunnel.cli import options

if TYPE_CHECKING:
    from callfunnel.infra.dead import DeadLetters
    from callfunnel.infra.settings import PlatformSettings

T = TypeVar("T")
DEADLINE_S = 15.0
app = typer.Typer(
    help="Messages that failed for good.", no_args_is_help=True, rich_markup_mode=None
)
Number = Annotated[
    int, typer.Argument(metavar="NUMBER", help="A letter's number, see `dead list`.")
]
Durable = Annotated[str, typer.Option("--consumer", help="Only letters of this consumer.")]
Limit = Annotated[int, typer.Option("--limit", min=1, help="At most so many, the newest first.")]
Body = Annotated[
    bool, typer.Option("--body", help="Show what it says, also when that may be personal data.")
]


@app.command("list")
def list_letters(
    *,
    consumer: Durable = "",
    limit: Limit = 50,
    home: options.Home = None,
    as_json: options.Json = False,
) -> None:
    """List dead letters, the newest first."""
    import msgspec

    from callfunnel.cli.output import show_json, table

    found = _with(home, lambda letters: letters.list(durable=consumer, limit=limit))
    if as_json:
        show_json(msgspec.to_builtins(found))
        return
    rows = [(each.number, each.at, each.durable, each.type, each.id, each.reason) for each in found]
    table(("number", "at", "consumer", "type", "event", "reason"), rows)


@app.command("show")
def show_letter(
    number: Number,
    *,
    body: Body = False,
    home: options.Home = None,
    as_json: options.Json = False,
) -> None:
    """Show one dead letter: its headers and its reason."""
    import msgspec

    from callfunnel.cli.output import note, show_json

    letter = _with(home, lambda letters: letters.show(number, body=body))
    if as_json:
        show_json(msgspec.to_builtins(letter))
        return
    for name in ("number", "at", "durable", "delivered", "reason", "subject", "size"):
        print(f"{name:10}{getattr(letter, name)}")
    for name, value in sorted(letter.headers.items()):
        print(f"{name}: {value}")
    if letter.body is not None:
        print(f"\n{letter.body}")
    else:
        note("the body may hold personal data: --body shows it")


@app.command("replay")
def replay_letter(
    number: Number, *, home: options.Home = None, as_json: options.Json = False
) -> None:
    """Put a dead letter back onto its subject, once its cause is mended."""
    from callfunnel.cli.output import show_json

    subject = _with(home, lambda letters: letters.replay(number))
    if as_json:
        show_json({"number": number, "subject": subject})
    else:
        print(f"{number} is on {subject} again")


def _with(home: str | None, act: Callable[[DeadLetters], Awaitable[T]]) -> T:
    """Does something with the dead letters of the running stack."""
    import asyncio

    from callfunnel.cli.stack import running

    return asyncio.run(_on_the_bus(running(home).platform, act))


async def _on_the_bus(platform: PlatformSettings, act: Callable[[DeadLetters], Awaitable[T]]) -> T:
    import asyncio

    from callfunnel.domain.errors import Temporary
    from callfunnel.infra.bus import Bus
    from callfunnel.infra.dead import DeadLetters
    from callfunnel.infra.secrets import open_secrets

    try:
        async with asyncio.timeout(DEADLINE_S):
            bus = await Bus.connect(platform, "supervisor", open_secrets(platform.secrets))
            try:
                return await act(DeadLetters(bus.client))
            finally:
                await bus.stop()
    except TimeoutError:
        raise Temporary("the bus does not answer") from None
