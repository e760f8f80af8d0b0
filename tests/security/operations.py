"""Every operation of the API and what an attacker finds there. A new route needs a line here."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import Any

from callfunnel.auth.permissions import Permission
from gateway.app import routes


class Shape(Enum):
    """What an operation names."""

    THING = "one thing by its id: a foreign one is answered as one that never was"
    OWN = "the asker's own things, whatever ids the request holds"
    STREAM = "the asker's own things for as long as it listens"
    NOBODY = "nothing of any tenant, and it asks for no token"


@dataclass(frozen=True)
class Case:
    """`body` is sent with the id of a thing in place of `{agent}` and the like."""

    shape: Shape
    permission: Permission | None
    json: dict[str, str] | None = None
    text: str | None = None

    def sent(self, ids: dict[str, str]) -> dict[str, Any]:
        """The body as httpx takes it."""
        if self.json is not None:
            return {"json": {name: value.format(**ids) for name, value in self.json.items()}}
        if self.text is not None:
            return {"content": self.text, "headers": {"Content-Type": "application/yaml"}}
        return {}


CASES: dict[str, Case] = {
    "GET /v1/calls": Case(Shape.OWN, Permission.READ_CALLS),
    "GET /v1/calls/{call}": Case(Shape.THING, Permission.READ_CALLS),
    "GET /v1/calls/{call}/timeline": Case(Shape.THING, Permission.READ_CALLS),
    "GET /v1/calls/{call}/events": Case(Shape.THING, Permission.READ_CALLS),
    "GET /v1/calls/{call}/record": Case(Shape.THING, Permission.READ_CALLS),
    "POST /v1/calls/{call}/hangup": Case(Shape.THING, Permission.CONTROL_CALLS),
    "GET /v1/calls/{call}/recording": Case(Shape.THING, Permission.PLAY_RECORDINGS),
    "GET /v1/calls/{call}/bill": Case(Shape.THING, Permission.READ_USAGE),
    "GET /v1/usage": Case(Shape.OWN, Permission.READ_USAGE),
    "GET /v1/events": Case(Shape.STREAM, Permission.READ_CALLS),
    "GET /v1/approvals": Case(Shape.OWN, Permission.READ_APPROVALS),
    "GET /v1/approvals/{approval}": Case(Shape.THING, Permission.READ_APPROVALS),
    "POST /v1/approvals/{approval}/decision": Case(
        Shape.THING, Permission.DECIDE_APPROVALS, json={"decision": "approved"}
    ),
    "GET /v1/rulebooks": Case(Shape.OWN, Permission.READ_RULEBOOKS),
    "GET /v1/rulebooks/{agent}": Case(Shape.THING, Permission.READ_RULEBOOKS),
    "PUT /v1/rulebooks/{agent}": Case(
        Shape.OWN, Permission.PUBLISH_RULEBOOKS, text="agent: [broken"
    ),
    "POST /v1/phone-tokens": Case(Shape.THING, Permission.PLACE_CALLS, json={"agent": "{agent}"}),
    "POST /demo/session": Case(Shape.NOBODY, None),
}


def documented() -> set[str]:
    """The operations that the OpenAPI document lists."""
    paths = routes().openapi()["paths"]
    return {f"{method.upper()} {path}" for path, methods in paths.items() for method in methods}


def of_shape(*shapes: Shape) -> list[str]:
    return [name for name, case in CASES.items() if case.shape in shapes]


def parameters(operation: str) -> list[str]:
    """The names in the path: `call` of `/v1/calls/{call}`."""
    return re.findall(r"{(\w+)}", operation)
