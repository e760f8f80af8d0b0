"""`calls`, `show`, `tail`: what the records say about calls."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from callfunnel.cli import options

Limit = Annotated[int, typer.Option(min=0, help="At most so many; 0 = all.")]
CallId = Annotated[str, typer.Argument(metavar="CALL", help="A call's id, c_...")]
OfCall = Annotated[str | None, typer.Option("--call", metavar="CALL", help="Of one call only.")]


def calls(*, limit: Limit = 20, home: options.Home = None, as_json: options.Json = False) -> None:
    """List calls, newest first."""
    from callfunnel.cli.output import money, seconds, show_json, table
    from callfunnel.cli.stack import Api, running

    found = list(Api(running(home)).pages("/v1/calls", limit))
    if as_json:
        show_json(found)
        return
    heads = ("call", "started (UTC)", "state", "from", "agent", "length", "cause", "cost")
    rows = [
        (
            each["call"],
            each["started_at"][:19].replace("T", " "),
            each["state"],
            each["from"],
            each["agent"],
            seconds(each["duration_ms"]),
            each["cause"],
            money(each["amount_micros"], each["currency"]),
        )
        for each in found
    ]
    table(heads, rows)


def show(call: CallId, *, home: options.Home = None, as_json: options.Json = False) -> None:
    """Show one call: its facts, its bill, what its record lacks."""
    from callfunnel.cli.output import show_json
    from callfunnel.cli.stack import Api, running

    named = options.call_id(call)
    api = Api(running(home))
    told = api.get(f"/v1/calls/{named}")
    timeline = api.get(f"/v1/calls/{named}/timeline")["items"]
    bill = api.get(f"/v1/calls/{named}/bill")
    if as_json:
        show_json({"call": told, "timeline": timeline, "bill": bill})
    else:
        _print(told, timeline, bill)


def _print(told: dict[str, Any], timeline: list[dict[str, Any]], bill: dict[str, Any]) -> None:
    from callfunnel.cli.bills import show_bill
    from callfunnel.cli.facts import describe
    from callfunnel.cli.output import plain, seconds

    who = f"{told['from'] or '-'} -> {told['to'] or '-'}"
    print(plain(f"{told['call']}  {told['state']}  {who}"))
    for fact in timeline:
        if line := describe(fact):
            print(f"{fact['at'][11:23]}  {line}")
    print()
    show_bill(bill)
    print(f"recording  {seconds(told['recording_ms'])}")
    if told["settled"]:
        print(f"record     sealed, missing: {', '.join(told['missing']) or 'nothing'}")
    else:
        print("record     not sealed yet")


def tail(*, call: OfCall = None, home: options.Home = None, as_json: options.Json = False) -> None:
    """Show facts of calls as they happen, until Ctrl-C."""
    import json

    from callfunnel.cli import facts
    from callfunnel.cli.stack import Api, running

    path = f"/v1/calls/{options.call_id(call)}/events" if call else "/v1/events"
    for fact in facts.from_lines(Api(running(home)).lines(path)):
        if as_json:
            print(json.dumps(fact), flush=True)
        elif line := facts.describe(fact):
            print(f"{fact['call'][-6:]}  {line}", flush=True)
