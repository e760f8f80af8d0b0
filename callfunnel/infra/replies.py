"""Request-reply: how an answer or a failure travels back to whoever asked."""

import logging
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import msgspec
from nats.aio.msg import Msg

from callfunnel.domain.errors import Permanent, Temporary
from callfunnel.events.envelope import encode, from_wire
from callfunnel.events.message import template_of
from callfunnel.infra.settling import Received
from callfunnel.infra.spans import Tracer
from callfunnel.infra.tasks import Tasks
from callfunnel.infra.turns import PRECEDENCE

R = TypeVar("R", bound=msgspec.Struct)
Answer = Callable[[Received[Any]], Awaitable[msgspec.Struct]]
log = logging.getLogger(__name__)

_FAILURE = "cf-failure"
_REASON = "cf-reason"


class Unanswered(Temporary):
    """Nobody answered, or not in time. The request may have been carried out all the same."""


class Replied:
    """Reads an answer."""

    @staticmethod
    def decode(answer: Msg, reply: type[R]) -> R:
        """The reply, or the failure that the other side raised."""
        failure = (answer.headers or {}).get(_FAILURE)
        reason = (answer.headers or {}).get(_REASON, "")
        if failure == "permanent":
            raise Permanent(reason)
        if failure is not None:
            raise Temporary(reason)
        try:
            return msgspec.json.decode(answer.data, type=reply)
        except (ValueError, RecursionError) as error:
            raise Permanent(f"the answer is no {reply.__name__}") from error


class Replying:
    """The requests in hand: each in its own task, so that a slow one holds up no other."""

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer
        self._tasks = Tasks()

    def start(self, request: Msg, answer: Answer) -> None:
        """Answers one request in the background."""
        self._tasks.start(_respond(request, answer, self._tracer))

    async def finish(self, within_s: float = 5.0) -> None:
        """Lets the requests in hand end, then cancels what is left."""
        await self._tasks.finish(within_s)


async def _respond(request: Msg, answer: Answer, tracer: Tracer) -> None:
    headers: dict[str, str] = {}
    body = b""
    try:
        item = from_wire(request.headers, request.data, request.subject)
        where = template_of(request.subject)
        of = item.envelope.traceparent
        span = tracer.span(f"answer {where}", of, "server", destination=where)
        with PRECEDENCE.request(), span:
            body = encode(await answer(Received(item.envelope, item.data, 1)))
    except Permanent as error:
        headers = {_FAILURE: "permanent", _REASON: error.reason}
    except Temporary as error:
        headers = {_FAILURE: "temporary", _REASON: error.reason}
    except Exception as error:
        log.error(
            "request failed", extra={"subject": request.subject, "error": type(error).__name__}
        )
        headers = {_FAILURE: "temporary", _REASON: "the other side failed"}
    if request.reply:
        await request._client.publish(request.reply, body, headers=headers or None)
