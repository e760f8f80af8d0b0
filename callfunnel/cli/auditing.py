"""`audit`: proves that nothing was lost and nothing doubled, call by call."""

from __future__ import annotations

from typing import Annotated

import typer

from callfunnel.cli import options

Last = Annotated[int, typer.Option(min=0, help="Only the newest so many calls; 0 = all.")]


def audit(*, last: Last = 0, home: options.Home = None, as_json: options.Json = False) -> None:
    """Check that no call lost anything and nothing was doubled.

    Every call has one end, a gap-free timeline, its recording and its exact usage.
    """
    from datetime import UTC, datetime

    from callfunnel.cli.audit_rules import Evidence, problems
    from callfunnel.cli.output import show_json, working
    from callfunnel.cli.stack import Api, running

    api = Api(running(home))
    found: list[str] = []
    count = 0
    with working("checking every call"):
        for call in api.pages("/v1/calls", last):
            count += 1
            path = f"/v1/calls/{call['call']}"
            facts = api.get(f"{path}/timeline")["items"]
            evidence = Evidence(call, facts, api.get(f"{path}/bill"))
            found += problems(evidence, datetime.now(UTC))
    if as_json:
        show_json({"calls": count, "problems": found})
    else:
        for line in found:
            print(line)
        print(f"{count} calls checked, {len(found)} problems")
    if found:
        raise typer.Exit(1)
