"""`approvals`, `approve`, `refuse`: a person's decision from the command line."""

from __future__ import annotations

from typing import Annotated

import typer

from callfunnel.cli import options

Id = Annotated[str, typer.Argument(metavar="APPROVAL", help="An approval's id, apr_...")]


def approvals(*, home: options.Home = None, as_json: options.Json = False) -> None:
    """List approvals, the open ones first."""
    from callfunnel.cli.output import show_json, table
    from callfunnel.cli.stack import Api, running

    found = list(Api(running(home)).pages("/v1/approvals", 50))
    if as_json:
        show_json(found)
        return
    found.sort(key=lambda each: each["state"] != "open")
    rows = [(each["approval"], each["state"], each["tool"], each["what"]) for each in found]
    table(("approval", "state", "tool", "what"), rows)


def approve(approval: Id, *, home: options.Home = None, as_json: options.Json = False) -> None:
    """Approve what the agent asks."""
    _decide(approval, "approved", home, as_json)


def refuse(approval: Id, *, home: options.Home = None, as_json: options.Json = False) -> None:
    """Refuse what the agent asks."""
    _decide(approval, "refused", home, as_json)


def _decide(approval: str, decision: str, home: str | None, as_json: bool) -> None:
    from callfunnel.cli.output import show_json
    from callfunnel.cli.stack import Api, running

    path = f"/v1/approvals/{options.approval_id(approval)}/decision"
    answer = Api(running(home)).post(path, {"decision": decision})
    if as_json:
        show_json(answer)
    else:
        print(f"{approval} is {decision}")
