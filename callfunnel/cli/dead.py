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
DEADLINE_S = 60.0
app = typer.Typer(
    help="Messages that failed for good.", no_args_is_help=True, rich_markup_mode=None
)
Number = Annotated[
    int, typer.Argument(min=1, metavar="NUMBER", help="A letter's number, see `./cf dead list`.")
]
Only = Annotated[
    int | None,
    typer.Argument(min=1, metavar="[NUMBER]", help="A letter's number, see `./cf dead list`."),
]
Every = Annotated[bool, typer.Option("--all", help="All there are, the oldest first.")]
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
    heads = ("number", "at", "consumer", "type", "event", "replays", "reason")
    table(heads, [(x.number, x.at, x.durable, x.type, x.id, x.replays, x.reason) for x in found])


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

    from callfunnel.cli.output import note, plain, show_json

    letter = _with(home, lambda letters: letters.show(number, body=body))
    if as_json:
        show_json(msgspec.to_builtins(letter))
        return
    for name in ("number", "at", "durable", "delivered", "replays", "reason", "subject", "size"):
        print(plain(f"{name:10}{getattr(letter, name)}"))
    for name, value in sorted(letter.headers.items()):
        print(plain(f"{name}: {value}"))
    if letter.body is not None:
        print(plain(f"\n{letter.body}"))
    else:
        note("the body may hold personal data: --body shows it")


@app.command("replay")
def replay_letters(
    number: Only = None,
    *,
    every: Every = False,
    consumer: Durable = "",
    home: options.Home = None,
    as_json: options.Json = False,
) -> None:
    """Put dead letters back onto their subjects, once their cause is mended.

    One by its NUMBER, or all there are with --all (--consumer: of that consumer).
    """
    from callfunnel.cli.output import show_json
    from callfunnel.domain.errors import UserError

    if (number is None) != every or (consumer and not every):
        raise UserError(
            "it is not said which letters", "give a NUMBER, or --all, maybe with --consumer NAME"
        )
    if number is None:
        back = _with(home, lambda letters: letters.replay_all(durable=consumer))
        told = [{"number": each.number, "subject": each.subject} for each in back]
    else:
        told = [{"number": number, "subject": _with(home, lambda them: them.replay(number))}]
    if as_json:
        show_json(told if every else told[0])
        return
    for each in told:
        print(f"{each['number']} is on {each['subject']} again")
    if every:
        print(f"{len(told)} put back; `./cf dead list` shows what dies again")


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
