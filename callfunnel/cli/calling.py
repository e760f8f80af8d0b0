"""`call`: acts as a carrier, talks by file or sentence, and tells what became of the call."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from callfunnel.cli import options

if TYPE_CHECKING:
    from callfunnel.cli.carrier import Outcome
    from callfunnel.cli.stack import Api, Running

DEMO_NUMBER = "+15550100001"
SETTLES_WITHIN_S = 30.0

Items = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[FILE.wav | say:TEXT | 3s | key:12# | over:FILE.wav]...",
        help="What the caller does, in order; each waits for the agent to finish.",
        show_default=False,
    ),
]
Said = Annotated[
    list[str] | None, typer.Option("--say", metavar="TEXT", help="A sentence to say; repeatable.")
]
Out = Annotated[Path | None, typer.Option(metavar="FILE.wav", help="Write what the caller heard.")]
From = Annotated[str, typer.Option("--from", metavar="NUMBER", help="The caller's number.")]
To = Annotated[str, typer.Option("--to", metavar="NUMBER", help="The number to call.")]
HangUp = Annotated[
    float, typer.Option(min=0.5, max=600, help="Hang up after so many seconds of silence.")
]
Answer = Annotated[
    float, typer.Option(min=0.1, max=60, help="Silence of the agent that ends its turn, seconds.")
]


def call(
    items: Items = None,
    *,
    say: Said = None,
    out: Out = None,
    caller: From = "+15550109999",
    callee: To = DEMO_NUMBER,
    hangup_after: HangUp = 6.0,
    answer_after: Answer = 1.2,
    home: options.Home = None,
    as_json: options.Json = False,
) -> None:
    """Call the agent as a carrier would and talk to it by file."""
    from callfunnel.carrier.caller import Manners
    from callfunnel.cli import script, sound
    from callfunnel.cli.stack import Api, running

    numbers = (options.number(caller), options.number(callee))
    turns = script.turns(items or [], say or [])
    if out is not None:
        sound.must_be_writable(out)
    stack = running(home)
    manners = Manners(
        answer_after=round(answer_after * 1_000), hangup_after=round(hangup_after * 1_000)
    )
    outcome = _place(stack, numbers, turns, manners, quiet=as_json)
    if out is not None:
        sound.write(out, bytes(outcome.heard))
    report = _report(Api(stack), outcome, as_json)
    _show(report, as_json)
    if not outcome.connected:
        raise typer.Exit(1)


def _place(
    stack: Running, numbers: tuple[str, str], turns: Any, manners: Any, *, quiet: bool
) -> Outcome:
    import asyncio

    from callfunnel.cli.following import place_and_follow

    return asyncio.run(place_and_follow(stack, numbers, turns, manners, quiet=quiet))


def _report(api: Api, outcome: Outcome, as_json: bool) -> dict[str, Any]:
    """Everything that is known about the call; waits for its record to be sealed."""
    from callfunnel.cli import facts

    report: dict[str, Any] = {
        "call": outcome.call or None,
        "carrier_call": outcome.carrier_call,
        "ended_by": outcome.ended_by,
        "detail": outcome.detail,
        "heard_ms": len(outcome.heard) // 8,
        "placed_monotonic": outcome.placed,
        "answered_ms": outcome.answered_ms,
        "carrier_said": outcome.said,
        "transferred_to": outcome.transferred_to or None,
        "complaints": outcome.complaints,
    }
    if not outcome.call:
        return report
    record = _settled(api, outcome.call, as_json)
    told = api.get(f"/v1/calls/{outcome.call}/timeline")["items"]
    return report | {
        "cause": record["cause"],
        "duration_ms": record["duration_ms"],
        "recording_ms": record["recording_ms"],
        "settled": record["settled"],
        "missing": record["missing"],
        "transcript": facts.transcript(told),
        "response_ms": facts.responses(told),
        "bill": api.get(f"/v1/calls/{outcome.call}/bill"),
    }


def _settled(api: Api, call: str, quiet: bool) -> dict[str, Any]:
    from contextlib import nullcontext

    from callfunnel.cli.output import working
    from callfunnel.domain.errors import UserError

    until = time.monotonic() + SETTLES_WITHIN_S
    record: dict[str, Any] | None = None
    with nullcontext() if quiet else working("waiting for the record to be sealed"):
        while time.monotonic() < until and not (record and record["settled"]):
            try:
                record = api.get(f"/v1/calls/{call}")
            except UserError:
                record = None  # the first facts are still on their way
            time.sleep(0.1)
    if record is None:
        raise UserError(f"the call {call} did not arrive in the records", "see `./cf doctor`")
    return record


def _show(report: dict[str, Any], as_json: bool) -> None:
    from callfunnel.cli.bills import show_bill
    from callfunnel.cli.output import plain, seconds, show_json

    if as_json:
        show_json(report)
        return
    for sentence in report["carrier_said"]:
        print(plain(f"the caller heard: {sentence}"))
    for complaint in report["complaints"]:
        print(f"the carrier complains: {complaint}")
    print(f"line      ended by {report['ended_by']} {report['detail']}".rstrip())
    if not report["call"]:
        return
    print(f"outcome   {report['cause']}, {seconds(report['duration_ms'])}")
    if report["settled"]:
        print(f"record    sealed, missing: {', '.join(report['missing']) or 'nothing'}")
    else:
        print("record    not sealed yet: see `./cf show` later")
    print()
    show_bill(report["bill"])
    print(f"\n./cf show {report['call']}")
