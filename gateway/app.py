"""The application: every route, how failures are answered, and the page. Knows no environment."""

from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.responses import FileResponse
from starlette.responses import Response
from starlette.staticfiles import StaticFiles

from callfunnel.infra.telemetry import Telemetry
from gateway.answers import add_answers
from gateway.door import Door
from gateway.entry import entered
from gateway.problems import MEDIA_TYPE
from gateway.routes import (
    approvals,
    calls,
    demo,
    feed,
    health,
    phone,
    recordings,
    rulebooks,
    twilio,
    usage,
)
from gateway.schemas.problem import Problem
from gateway.shell import Note, Shell, protective_headers

CONSOLE = Path(__file__).parents[1] / "console"
API = (calls, recordings, usage, feed, approvals, rulebooks, phone)
OTHER = (demo, health, twilio)
_PROBLEM = {"model": Problem}
_EVERYWHERE: dict[int | str, dict[str, Any]] = {
    400: {"description": "not a request that can be read", **_PROBLEM},
    401: {"description": "no valid token", **_PROBLEM},
    403: {"description": "the token may not do this", **_PROBLEM},
    404: {"description": "not found", **_PROBLEM},
    409: {"description": "too late", **_PROBLEM},
    413: {"description": "the body is too large", **_PROBLEM},
    422: {"description": "the request is not valid", **_PROBLEM},
    429: {"description": "too many requests", **_PROBLEM},
    503: {"description": "a part of the platform is down, or all lines are busy", **_PROBLEM},
}


class Api(FastAPI):
    """Its document says of every problem what it is sent as."""

    def openapi(self) -> dict[str, Any]:
        document = super().openapi()
        for operations in document["paths"].values():
            for operation in operations.values():
                for status, response in operation["responses"].items():
                    content = response.get("content", {})
                    if int(status) >= 400 and "application/json" in content:
                        response["content"] = {MEDIA_TYPE: content["application/json"]}
        return document


class Pages(StaticFiles):
    """The page's files: kept by browsers, but asked about each time, so that none is stale."""

    def file_response(self, *arguments: Any, **named: Any) -> Response:
        response = super().file_response(*arguments, **named)
        response.headers["Cache-Control"] = "no-cache"
        return response


def routes() -> FastAPI:
    """The application without its parts: enough to write the OpenAPI document."""
    app = Api(
        title="CallFunnel",
        version="1",
        description="The tenants' API. Errors are problem+json; lists are newest first.",
        docs_url=None,
        redoc_url=None,
        openapi_url="/v1/openapi.json",
        redirect_slashes=False,  # it would lead to whatever the Host header says
    )
    add_answers(app)
    for module in API:
        app.include_router(module.router, responses=_EVERYWHERE)
    for module in OTHER:
        app.include_router(module.router)
    return app


def application(door: Door) -> Shell:
    """The whole application, ready to be served."""
    app = routes()
    app.state.door = door

    @app.get("/", include_in_schema=False)
    async def page() -> FileResponse:
        return FileResponse(CONSOLE / "index.html", headers={"Cache-Control": "no-cache"})

    app.mount("/console", Pages(directory=CONSOLE), name="console")
    headers = protective_headers(door.settings.public_url)
    return Shell(app, headers, note=_noted(door.telemetry), told=entered(door.tracer))


def _noted(telemetry: Telemetry) -> Note:
    """Counts answers by the class of their status."""
    answers = telemetry.counter("http_answers")

    def note(status: int) -> None:
        answers.add(status=f"{status // 100}xx")

    return note
