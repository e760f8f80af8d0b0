"""The running stack of one home, and its HTTP API as the command line uses it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from callfunnel.domain.errors import UserError
from callfunnel.domain.ids import TenantId
from callfunnel.local.home.folder import Home, home_from, is_running, read_state

if TYPE_CHECKING:
    import httpx

    from callfunnel.infra.settings import PlatformSettings

DEMO = TenantId("demo")
DEADLINE_S = 20.0


@dataclass(frozen=True)
class Running:
    """What `up` left about itself. `state` is the content of `run/up.json`."""

    home: Home
    state: Mapping[str, Any]

    @property
    def gateway(self) -> str:
        return str(self.state["gateway"])

    @property
    def public(self) -> str:
        """The origin that carriers are told, which is what they sign."""
        return str(self.state["public"])

    @property
    def services(self) -> Mapping[str, str]:
        services: Mapping[str, str] = self.state.get("services", {})
        return services

    @property
    def processes(self) -> list[tuple[str, int]]:
        return [(each["name"], each["pid"]) for each in self.state.get("processes", [])]

    @cached_property
    def platform(self) -> PlatformSettings:
        """What the stack's own processes are told, for asking a service directly."""
        from callfunnel.infra.sealed import SealedFolder
        from callfunnel.infra.settings import PlatformSettings
        from callfunnel.local.processes import Stack, settings

        ports = json.loads((self.home.root / "ports.json").read_text())
        stack = Stack(home=self.home, ports=ports, store=SealedFolder.open(self.home.secrets))
        return PlatformSettings.from_env(settings(stack, "cli"))

    @cached_property
    def carrier(self) -> dict[str, str]:
        """The demo tenant's carrier account: `account_sid` and `auth_token`."""
        from callfunnel.carrier.signature import SECRET_PATH
        from callfunnel.infra.sealed import SealedFolder

        return SealedFolder.open(self.home.secrets).get(DEMO, SECRET_PATH)

    @cached_property
    def token(self) -> str:
        """A fresh access token of the demo tenant's admin."""
        from callfunnel.infra.sealed import SealedFolder
        from callfunnel.local.announce import demo_token

        return demo_token(self.services["issuer"], SealedFolder.open(self.home.secrets))


def running(home: str | None) -> Running:
    """The stack of that home. Raises UserError when none runs there."""
    at = home_from(home, os.environ)
    state = read_state(at)
    if not is_running(at) or "gateway" not in state:
        raise UserError(f"nothing runs in {at.root}", "start it with `./cf up`, or give --home DIR")
    return Running(at, state)


class Api:
    """The gateway's /v1. Every problem becomes a UserError that says what to do."""

    def __init__(self, stack: Running) -> None:
        import httpx

        self._stack = stack
        self._http = httpx.Client(
            base_url=stack.gateway,
            headers={"Authorization": f"Bearer {stack.token}"},
            timeout=DEADLINE_S,
            trust_env=False,
        )

    def get(self, path: str, **query: str | int | None) -> Any:
        asked = {name: value for name, value in query.items() if value is not None}
        return self._answer("GET", path, params=asked)

    def post(self, path: str, body: Mapping[str, Any] | None = None) -> Any:
        return self._answer("POST", path, json=body or {})

    def put_text(self, path: str, text: str, content_type: str) -> Any:
        return self._answer("PUT", path, content=text, headers={"Content-Type": content_type})

    def text(self, path: str, accept: str) -> str:
        return self._request("GET", path, headers={"Accept": accept}).text

    def pages(self, path: str, limit: int) -> Iterator[dict[str, Any]]:
        """Items of a list, newest first, at most `limit`; 0 = all."""
        cursor: str | None = None
        left = limit or 2**31
        while left:
            page = self.get(path, limit=min(left, 100), cursor=cursor)
            yield from page["items"]
            left -= len(page["items"])
            cursor = page.get("next")
            if not cursor:
                return

    def lines(self, path: str, last: str | None = None) -> Iterator[str]:
        """The lines of a stream of server-sent events, until it ends."""
        head = {"Accept": "text/event-stream"} | ({"Last-Event-ID": last} if last else {})
        with (
            said_plainly(self._stack),
            self._http.stream("GET", path, headers=head, timeout=None) as answer,
        ):
            if answer.is_error:
                answer.read()
                raise problem(answer)
            yield from answer.iter_lines()

    def _answer(self, method: str, path: str, **arguments: Any) -> Any:
        answer = self._request(method, path, **arguments)
        return answer.json() if answer.content else None

    def _request(self, method: str, path: str, **arguments: Any) -> httpx.Response:
        with said_plainly(self._stack):
            answer = self._http.request(method, path, **arguments)
        if answer.is_error:
            raise problem(answer)
        return answer


@contextmanager
def said_plainly(stack: Running) -> Iterator[None]:
    """A gateway that does not answer is a UserError."""
    import httpx

    try:
        yield
    except httpx.HTTPError as error:
        raise UserError(
            f"the gateway at {stack.gateway} does not answer ({type(error).__name__})",
            "see `./cf doctor`",
        ) from None


def problem(answer: httpx.Response) -> UserError:
    """A problem document in one line: what is wrong, where, and what to do."""
    try:
        document = answer.json()
    except json.JSONDecodeError:
        return UserError(f"the gateway answered {answer.status_code}", "see `./cf doctor`")
    what = str(document.get("detail") or document.get("title") or answer.status_code)
    told = "; ".join([what.rstrip("."), *map(_place, document.get("errors", []))])
    fix = str(document.get("fix", "")).rstrip(".")
    return UserError(told, fix[:1].lower() + fix[1:])


def _place(error: Mapping[str, Any]) -> str:
    """One mistake in what was sent: its line, its place in the document, what is wrong there."""
    line = f"line {error['line']}" if error.get("line") else ""
    where = " ".join(each for each in (line, error.get("pointer", "")) if each)
    return f"{where}: {error.get('what') or error.get('detail', '')}".removeprefix(": ")
