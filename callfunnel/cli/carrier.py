"""Acts as a phone carrier towards a running gateway: webhook, media socket, and the verbs after it.

The socket and the clock are here; what a carrier does with them is decided in `callfunnel.carrier`.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit, urlunsplit

import httpx
import websockets

from callfunnel.carrier.caller import Caller, Manners, Turn
from callfunnel.carrier.frames import FRAME_MS, Wire
from callfunnel.carrier.signature import media_url, signature
from callfunnel.carrier.stream import MediaStream
from callfunnel.carrier.twiml import (
    Dial,
    Hangup,
    NotTwiML,
    Pause,
    Redirect,
    Reject,
    Say,
    Stream,
    Verb,
    parse,
)
from callfunnel.domain.errors import UserError

MOST_REDIRECTS = 10
SIGNED_BY = "X-Twilio-Signature"


@dataclass(frozen=True)
class Account:
    """How this carrier reaches and signs to the platform; from the running stack's own state.

    `gateway`: the origin to connect to. `public`: the origin the platform believes it has, which
    is what gets signed.
    """

    gateway: str
    public: str
    account: str
    auth_token: str


@dataclass
class Outcome:
    """What became of one call, as its caller saw it."""

    carrier_call: str
    call: str = ""
    ended_by: str = ""
    """caller, agent, carrier, refused or failed."""
    detail: str = ""
    heard: bytearray = field(default_factory=bytearray)
    """8 kHz u-law, from the first media frame on."""
    said: list[str] = field(default_factory=list)
    """Sentences that the carrier itself spoke."""
    transferred_to: str = ""
    complaints: list[str] = field(default_factory=list)
    """What a real carrier would have logged as an error."""
    placed: float = field(default_factory=time.monotonic)
    """When the caller dialled: seconds of the machine's monotonic clock."""
    answered_ms: int | None = None
    """From dialling to the first sound of the agent."""

    @property
    def connected(self) -> bool:
        return bool(self.heard)


class Carrier:
    """Places calls. `tell` is called with the call's id as soon as it is known."""

    def __init__(
        self, account: Account, tell: Callable[[str], None], http: httpx.AsyncClient
    ) -> None:
        self._account = account
        self._tell = tell
        self._http = http

    async def place(
        self, numbers: tuple[str, str], turns: Sequence[Turn], manners: Manners
    ) -> Outcome:
        """Calls from the first number to the second and talks; returns when the line is down."""
        outcome = Outcome("CA" + secrets.token_hex(16))
        form = self._form(numbers, outcome)
        try:
            verbs = await self._ask("/carriers/twilio/voice", {**form, "CallStatus": "ringing"})
            await self._carry_out(verbs, form, outcome, Caller(turns, manners, now=0))
        except NotTwiML as problem:
            outcome.ended_by, outcome.detail = "failed", f"the answer is not TwiML: {problem}"
        seconds = str(len(outcome.heard) // 8_000)
        ended = {**form, "CallStatus": "completed", "CallDuration": seconds}
        await self._post("/carriers/twilio/status", ended)
        return outcome

    def _form(self, numbers: tuple[str, str], outcome: Outcome) -> dict[str, str]:
        caller, callee = numbers
        return {
            "AccountSid": self._account.account,
            "ApiVersion": "2010-04-01",
            "CallSid": outcome.carrier_call,
            "Called": callee,
            "Caller": caller,
            "Direction": "inbound",
            "From": caller,
            "To": callee,
        }

    async def _carry_out(
        self, verbs: list[Verb], form: dict[str, str], outcome: Outcome, caller: Caller
    ) -> None:
        redirects = 0
        while verbs:
            verb = verbs.pop(0)
            match verb:
                case Stream():
                    await self._talk(verb, outcome, caller)
                    if outcome.ended_by:
                        return
                case Redirect(url=url):
                    redirects += 1
                    if redirects > MOST_REDIRECTS:
                        raise NotTwiML("redirects without end")
                    verbs = await self._ask(self._path(url), {**form, "CallStatus": "in-progress"})
                case Say(text=text):
                    outcome.said.append(text)
                case Pause(seconds=seconds):
                    await asyncio.sleep(seconds)
                case Dial(number=number):
                    outcome.transferred_to = number
                    outcome.ended_by = "agent"
                    return
                case Reject(reason=reason):
                    outcome.ended_by, outcome.detail = "refused", reason
                    return
                case Hangup():
                    break
        outcome.ended_by = "agent" if outcome.connected else "refused"

    async def _talk(self, stream: Stream, outcome: Outcome, caller: Caller) -> None:
        """Until one side ends it; `ended_by` stays empty when that was the agent's side."""
        outcome.call = stream.parameters.get("call", "")
        if outcome.call:
            self._tell(outcome.call)
        signed = {SIGNED_BY: signature(self._account.auth_token, stream.url)}
        address = self._local(stream.url)
        wire = Wire("MZ" + secrets.token_hex(16), outcome.carrier_call, self._account.account)
        media = MediaStream(wire)
        try:
            async with websockets.connect(
                address, additional_headers=signed, max_size=2**20, compression=None, proxy=None
            ) as socket:
                line = _Line(socket, media, caller, outcome)
                await line.run(stream.parameters)
        except (OSError, websockets.WebSocketException, TimeoutError) as problem:
            outcome.complaints.append(f"the media socket failed: {problem}")
        outcome.complaints += [f"error {each.code}: {each.why}" for each in media.refused]

    async def _ask(self, path: str, form: dict[str, str]) -> list[Verb]:
        answer = await self._post(path, form)
        if answer.status_code == 403:
            raise UserError("the gateway refused the signature", "is this the stack of that home?")
        if answer.status_code != 200:
            raise UserError(f"the gateway answered {answer.status_code} to {path}", "see its log")
        return parse(answer.content)

    async def _post(self, path: str, form: dict[str, str]) -> httpx.Response:
        fields = {name: [value] for name, value in form.items()}
        signed = signature(self._account.auth_token, self._account.public + path, fields)
        url = self._account.gateway + path
        return await self._http.post(url, data=form, headers={SIGNED_BY: signed})

    def _path(self, url: str) -> str:
        parts = urlsplit(url)
        return urlunsplit(("", "", parts.path, parts.query, ""))

    def _local(self, url: str) -> str:
        """The socket's address with the public origin replaced by the one that is reachable."""
        public = media_url(self._account.public, "")
        if not url.startswith(public):
            return url
        return media_url(self._account.gateway, url.removeprefix(public))


class _Line:
    """The call while audio flows: a frame each 20 ms on an absolute clock."""

    def __init__(
        self,
        socket: websockets.ClientConnection,
        media: MediaStream,
        caller: Caller,
        outcome: Outcome,
    ) -> None:
        self._socket = socket
        self._media = media
        self._caller = caller
        self._outcome = outcome

    async def run(self, parameters: dict[str, str]) -> None:
        await self._send(self._media.open(parameters))
        listening = asyncio.create_task(self._listen())
        try:
            await self._speak(listening)
        finally:
            listening.cancel()
            (ended,) = await asyncio.gather(listening, return_exceptions=True)
        if isinstance(ended, websockets.ConnectionClosedError):
            raise ended  # the other side vanished or closed in anger

    async def _listen(self) -> None:
        async for message in self._socket:
            await self._send(self._media.receive(message))

    async def _speak(self, listening: asyncio.Task[None]) -> None:
        clock = asyncio.get_running_loop().time
        began, now = clock(), 0
        while not listening.done():
            moment = self._media.hear(now)
            self._outcome.heard += moment.audio
            if moment.speaking and self._outcome.answered_ms is None:
                self._outcome.answered_ms = round((clock() - self._outcome.placed) * 1_000)
            step = self._caller.step(now, moment.speaking)
            if step.hang_up:
                await self._send((*moment.messages, *self._media.close()))
                self._outcome.ended_by = "caller"
                return
            await self._send((*moment.messages, *self._media.say(step.audio, step.digit)))
            now += FRAME_MS
            await asyncio.wait([listening], timeout=max(0.0, began + now / 1_000 - clock()))

    async def _send(self, messages: Sequence[str]) -> None:
        try:
            for message in messages:
                await self._socket.send(message)
        except websockets.ConnectionClosed:
            return
