"""Places a call and shows, while it lasts, what the platform tells about it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence

import httpx

from callfunnel.carrier.caller import Manners, Turn
from callfunnel.cli import facts
from callfunnel.cli.carrier import Account, Carrier, Outcome
from callfunnel.cli.output import note
from callfunnel.cli.stack import Running, said_plainly

RETRY_S = 0.2
LAST_FACTS_S = 2.0


def account_of(stack: Running) -> Account:
    """The demo tenant's carrier account, as the running stack knows it."""
    credentials = stack.carrier
    return Account(
        gateway=stack.gateway,
        public=stack.public,
        account=credentials["account_sid"],
        auth_token=credentials["auth_token"],
    )


async def place_and_follow(
    stack: Running,
    numbers: tuple[str, str],
    turns: Sequence[Turn],
    manners: Manners,
    *,
    quiet: bool,
) -> Outcome:
    """The outcome of the call; its facts are printed as they come unless `quiet`."""
    account = account_of(stack)
    watching: list[asyncio.Task[None]] = []
    async with httpx.AsyncClient(timeout=20, trust_env=False) as http:

        def tell(call: str) -> None:
            if not quiet:
                note(f"call      {call}")
                watching.append(asyncio.create_task(_follow(stack, call, http)))

        try:
            with said_plainly(stack):
                outcome = await Carrier(account, tell, http).place(numbers, turns, manners)
            if watching:
                await asyncio.wait(watching, timeout=LAST_FACTS_S)
        finally:
            for task in watching:
                task.cancel()
            await asyncio.gather(*watching, return_exceptions=True)
    return outcome


async def _follow(stack: Running, call: str, http: httpx.AsyncClient) -> None:
    """Prints facts until the call has ended. A feed that breaks off is only a lost view."""
    head = {"Authorization": f"Bearer {stack.token}", "Accept": "text/event-stream"}
    url = f"{stack.gateway}/v1/calls/{call}/events"
    with contextlib.suppress(httpx.HTTPError):
        while True:
            async with http.stream("GET", url, headers=head, timeout=None) as answer:
                if answer.status_code == 200:
                    await _print(answer)
                    return
            await asyncio.sleep(RETRY_S)  # the call is not in the records yet


async def _print(answer: httpx.Response) -> None:
    async for fact in facts.from_feed(answer.aiter_lines()):
        if line := facts.describe(fact):
            note(line)
        if fact["name"] == "ended":
            return
