"""What must be so while the stack runs: processes, the gateway, identity, and a real operation
each on the bus, the database and the object store. All are looked at together, for whichever is
away keeps several of them waiting."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import httpx

from callfunnel.cli import room_checks
from callfunnel.cli.findings import Finding, bad, ok, warn
from callfunnel.cli.stack import Api, Running
from callfunnel.cli.together import Look, together
from callfunnel.domain.errors import Permanent, Temporary, UserError
from callfunnel.infra.secrets import Secrets, open_secrets

DEADLINE_S = 3.0
"""Of one question; all of them have a little more."""
CLOCK_TOLERANCE_S = 30.0
LOCAL_NAMES = ("127.0.0.1", "localhost", "::1")


def look(stack: Running) -> Iterator[Finding]:
    yield from _processes(stack)
    looks: dict[str, Look] = {
        "gateway": lambda: _gateway(stack),
        "readiness": lambda: room_checks.processes(stack, DEADLINE_S),
        "identity": lambda: _identity(stack),
        **_services(stack),
        "rule books": lambda: [_rulebooks(stack)],
    }
    yield from together(looks, DEADLINE_S + 0.5)
    yield _microphone(stack)


def _get(url: str, token: str = "") -> httpx.Response:
    head = {"Authorization": f"Bearer {token}"} if token else {}
    return httpx.get(url, headers=head, timeout=DEADLINE_S, trust_env=False)


def _processes(stack: Running) -> Iterator[Finding]:
    gone = [name for name, pid in stack.processes if not _alive(pid)]
    if gone:
        logs = stack.home.root / "logs"
        yield bad("processes", f"not running: {', '.join(gone)}", f"read their logs in {logs}")
    else:
        yield found_of(stack.state)


def found_of(state: Mapping[str, Any]) -> Finding:
    """What there is to say of processes that all live: one that was drained waits for somebody."""
    told = "; ".join(doings(state))
    if drained := state.get("stopped"):
        return warn("processes", told, f"`./cf restart {' '.join(drained)}` brings back what left")
    return ok("processes", told)


def doings(state: Mapping[str, Any]) -> Iterator[str]:
    """How many processes run, and which of them do something else than serve."""
    entries = state.get("processes", [])
    yield f"{len(entries)} running"
    for doing, word in (("starting", "starts"), ("leaving", "ends its calls")):
        yield from (f"{each['name']} {word}" for each in entries if each.get("state") == doing)
    yield from (f"{name} was drained" for name in state.get("stopped", []))
    again = [f"{each['name']} {each['restarts']}x" for each in entries if each.get("restarts")]
    if again:
        yield f"started again: {', '.join(again)}"


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _gateway(stack: Running) -> Iterator[Finding]:
    log = stack.home.log("gateway")
    try:
        answer = _get(f"{stack.gateway}/readyz")
    except httpx.HTTPError as problem:
        yield bad("gateway", f"does not answer ({type(problem).__name__})", f"read {log}")
        return
    if answer.status_code == 200:
        yield ok("gateway", stack.gateway)
    else:
        yield bad("gateway", f"is not ready: {answer.text.strip()[:200]}", f"read {log}")
    if "date" in answer.headers:
        yield _clock(parsedate_to_datetime(answer.headers["date"]).timestamp())


def _clock(theirs: float) -> Finding:
    apart = abs(time.time() - theirs)
    if apart > CLOCK_TOLERANCE_S:
        return bad("clock", f"{apart:.0f} s apart from the gateway's", "set the machine's clock")
    return ok("clock", "agrees with the gateway's")


def _identity(stack: Running) -> Iterator[Finding]:
    address = stack.services.get("issuer", "")
    try:
        keys = _get(f"{address}/protocol/openid-connect/certs").json()["keys"]
        token = stack.token
    except (httpx.HTTPError, KeyError, ValueError, UserError) as problem:
        yield bad("identity", f"no token can be had ({problem})", "read the issuer's log")
        return
    yield ok("identity", f"keys: {len(keys)}; a token can be had")
    try:
        status = _get(f"{stack.gateway}/v1/calls?limit=1", token).status_code
    except httpx.HTTPError as problem:
        yield bad("api", f"does not answer ({type(problem).__name__})", "see what else is wrong")
        return
    if status == 200:
        yield ok("api", "takes the token")
    else:
        yield bad("api", f"answers {status}", "see what else is wrong, and the gateway's log")


def _services(stack: Running) -> Mapping[str, Look]:
    """One look for each, for one that hangs must not hide what the others say."""
    try:
        secrets = open_secrets(stack.platform.secrets)
    except (UserError, OSError, ValueError) as problem:
        damaged = bad("secrets", str(problem), "the home is damaged: start with another --home")
        return {"secrets": lambda: [damaged]}
    return {
        "bus": lambda: [_letters(asyncio.run(_ask("bus", _bus, stack, secrets)))],
        "database": lambda: [asyncio.run(_ask("database", _database, stack, secrets))],
        "objects": lambda: [asyncio.run(_ask("objects", _objects, stack, secrets))],
        "streams": lambda: asyncio.run(_streams(stack, secrets)),
    }


async def _streams(stack: Running, secrets: Secrets) -> list[Finding]:
    """How full each stream is."""
    from callfunnel.infra.bus import Bus
    from callfunnel.infra.fill import fills

    try:
        async with asyncio.timeout(DEADLINE_S):
            bus = await Bus.connect(stack.platform, "supervisor", secrets)
            try:
                return list(room_checks.told_of_streams(await fills(bus.client)))
            finally:
                await bus.stop()
    except (Temporary, UserError, OSError, TimeoutError) as problem:
        return [bad("streams", str(problem) or "no answer in time", "see `bus`")]


def _letters(bus: Finding) -> Finding:
    """The bus works, but messages lie there that nobody could handle."""
    if bus.verdict != "ok" or bus.detail.startswith("0 "):
        return bus
    return warn("bus", bus.detail, "`./cf dead list` says why; replay them once it is mended")


Operation = Callable[[Running, Secrets], Awaitable[str]]


async def _ask(name: str, operation: Operation, stack: Running, secrets: Secrets) -> Finding:
    try:
        async with asyncio.timeout(DEADLINE_S):
            return ok(name, await operation(stack, secrets))
    except (Temporary, Permanent, UserError, OSError, TimeoutError) as problem:
        why = str(problem) or "no answer in time"
        return bad(name, why, f"read the logs in {stack.home.root / 'logs'}")


async def _bus(stack: Running, secrets: Secrets) -> str:
    from callfunnel.infra.bus import Bus
    from callfunnel.infra.dead import DeadLetters
    from callfunnel.infra.provision import prove_storage
    from callfunnel.local.services.nats import stores_all

    bus = await Bus.connect(stack.platform, "supervisor", secrets)
    try:
        await prove_storage(bus.client)
        if not await asyncio.to_thread(stores_all, stack.home, stack.services["nats"]):
            raise Temporary(
                "a stream has taken nothing since its disk was full: it starts anew once there is"
                " room; if not, `./cf restart nats`"
            )
        return f"{len(await DeadLetters(bus.client).list())} dead letters"
    finally:
        await bus.stop()


async def _database(stack: Running, secrets: Secrets) -> str:
    from callfunnel.cli.stack import DEMO
    from callfunnel.infra.postgres import connect_pool, tenant_connection

    pool = await connect_pool(stack.platform, "gateway", secrets, size=1, wait=DEADLINE_S - 1)
    try:
        async with tenant_connection(pool, DEMO) as connection:
            row = await (await connection.execute("select count(*) from api.calls")).fetchone()
            return f"calls in the records: {row[0] if row else 0}"
    finally:
        await pool.close()


async def _objects(stack: Running, secrets: Secrets) -> str:
    from callfunnel.infra.objects import Objects

    objects = await Objects.connect(stack.platform, "gateway", secrets)
    if not await objects.present():
        raise Permanent(f"the bucket {stack.platform.objects_bucket} is not there")
    return f"bucket {stack.platform.objects_bucket} is there"


def _rulebooks(stack: Running) -> Finding:
    """An edit that was not taken: the agent goes on as before, and nobody might notice."""
    try:
        api = Api(stack)
        agents = [each["agent"] for each in api.get("/v1/rulebooks")["items"]]
        books = [api.get(f"/v1/rulebooks/{agent}") for agent in agents]
    except UserError as problem:
        return bad("rule books", problem.what, problem.fix)
    return told_of(books)


def told_of(books: Sequence[Mapping[str, Any]]) -> Finding:
    """What is to be said of the rule books, as the API gives them."""
    for book in books:
        for problem in book["problems"]:
            why = f"{book['file'] or book['agent']} line {problem['line']}: {problem['what']}"
            return warn("rule books", why, f"mend it; version {book['version']} stays until then")
    return ok("rule books", ", ".join(f"{each['agent']} {each['version']}" for each in books))


def _microphone(stack: Running) -> Finding:
    """A browser gives its microphone to this machine's own pages and to https alone."""
    origin = urlsplit(stack.public)
    if origin.scheme == "https" or origin.hostname in LOCAL_NAMES:
        return ok("microphone", f"browsers allow it on {stack.public}; the page asks for it")
    return warn(
        "microphone",
        f"browsers refuse it on {stack.public}",
        "open the page as http://localhost, or put https in front",
    )
