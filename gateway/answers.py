"""How failures become answers: every error leaves as problem+json."""

import logging
from collections.abc import Mapping
from dataclasses import replace
from http import HTTPStatus
from typing import Any

import msgspec
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.routing import Match

from callfunnel.domain.errors import InvalidToken, Permanent, Temporary
from gateway.problems import (
    INTERNAL,
    INVALID,
    MEDIA_TYPE,
    NOT_FOUND,
    ProblemError,
    of_status,
    unavailable,
)

_METHODS = ("DELETE", "GET", "HEAD", "PATCH", "POST", "PUT")
log = logging.getLogger(__name__)


def add_answers(app: FastAPI) -> None:
    """Registers how each kind of failure is answered."""

    @app.exception_handler(ProblemError)
    async def problem(request: Request, error: ProblemError) -> Response:
        return answer(request, error)

    @app.exception_handler(HTTPException)
    async def refused(request: Request, error: HTTPException) -> Response:
        problem = of_status(error.status_code, str(error.detail), error.headers)
        if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            problem = replace(problem, headers={"Allow": ", ".join(allowed(app, request))})
        return answer(request, problem)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        errors = [_pointed(each) for each in error.errors()]
        return answer(request, ProblemError(INVALID, "The request is not valid.", errors=errors))

    @app.exception_handler(InvalidToken)
    async def unknown(request: Request, error: InvalidToken) -> Response:
        return answer(request, ProblemError(NOT_FOUND, str(error)))

    @app.exception_handler(Temporary)
    async def down(request: Request, error: Temporary) -> Response:
        log.warning("dependency down", extra={"reason": error.reason})
        return answer(request, unavailable("A part of the platform does not answer."))

    @app.exception_handler(ClientDisconnect)
    async def gone(_: Request, __: ClientDisconnect) -> Response:
        """Nobody hears it; whoever hangs up in the middle of a request is no failure of ours."""
        return Response(status_code=HTTPStatus.BAD_REQUEST)

    @app.exception_handler(Exception)
    async def broken(request: Request, error: Exception) -> Response:
        reason = error.reason if isinstance(error, Permanent) else type(error).__name__
        log.error("request failed", extra={"reason": reason})
        return answer(request, ProblemError(INTERNAL, "The request could not be carried out."))


def answer(request: Request, problem: ProblemError) -> Response:
    """The answer for a problem."""
    request_id = getattr(request.state, "request_id", "")
    return Response(
        msgspec.json.encode(problem.document(request_id)),
        status_code=problem.kind.status,
        headers=dict(problem.headers),
        media_type=MEDIA_TYPE,
    )


def allowed(app: FastAPI, request: Request) -> list[str]:
    """The methods that the path takes, from all routes that share it."""
    return [
        method
        for method in _METHODS
        if any(
            route.matches({**request.scope, "method": method})[0] is Match.FULL
            for route in app.routes
        )
    ]


def _pointed(error: Mapping[str, Any]) -> dict[str, Any]:
    """One mistake in the request: where it is, as a JSON pointer, and what is wrong there."""
    where, *path = (str(part) for part in error["loc"])
    pointer = "/" + "/".join(path) if path else ""
    return {"in": where, "pointer": pointer, "what": error["msg"]}
