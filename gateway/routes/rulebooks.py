"""Rule books: read, and replaced as a whole; an invalid one is refused line by line."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request

from callfunnel.auth.permissions import Permission
from gateway.door import Door, TheDoor
from gateway.guard import Access, allow
from gateway.problems import MEDIA, NOT_FOUND, RULEBOOK, ProblemError
from gateway.routes.demo import rulebook_file
from gateway.schemas.problem import Problem
from gateway.schemas.rulebooks import (
    Rulebook,
    RulebookList,
    RulebookPublished,
    RulebookSummary,
)

router = APIRouter(prefix="/v1/rulebooks", tags=["rulebooks"])
Reader = Annotated[Access, Depends(allow(Permission.READ_RULEBOOKS))]
TheAgent = Annotated[str, Path(alias="agent", pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]
_TYPES = ("application/yaml", "text/yaml", "application/x-yaml", "application/json", "text/plain")


@router.get("")
async def list_rulebooks(door: TheDoor, access: Reader) -> RulebookList:
    """The published rule book of every agent."""
    rows = await door.views.rulebooks(access.tenant)
    items = [
        RulebookSummary.model_validate({**row, "file": _file(door, access, row["agent"])})
        for row in rows
    ]
    return RulebookList(items=items)


@router.get("/{agent}")
async def get_rulebook(door: TheDoor, access: Reader, agent: TheAgent) -> Rulebook:
    """The rule book that the next call uses, as it was written."""
    row = await door.views.rulebook(access.tenant, agent)
    if row is None:
        raise ProblemError(NOT_FOUND, f"There is no agent {agent} with a rule book.")
    return Rulebook.model_validate({**row, "file": _file(door, access, agent)})


@router.put(
    "/{agent}",
    responses={415: {"description": "neither YAML nor JSON, or no UTF-8", "model": Problem}},
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {kind: {"schema": {"type": "string"}} for kind in _TYPES[::3]},
        }
    },
)
async def put_rulebook(
    request: Request,
    door: TheDoor,
    access: Annotated[Access, Depends(allow(Permission.PUBLISH_RULEBOOKS))],
    agent: TheAgent,
) -> RulebookPublished:
    """Validates and publishes a new version; the next call uses it.

    422 names every mistake with its line and pointer, and the old version stays.
    """
    door.guard.count_expensive(access.tenant)
    kind = request.headers.get("content-type", "text/plain").partition(";")[0].strip().lower()
    document = await _text(request, kind)
    stored = await door.requests.put_rulebook(access.tenant, agent, document, access.principal.name)
    if not stored.ok:
        raise ProblemError(RULEBOOK, f"The rule book of {agent} was refused.", errors=stored.errors)
    return RulebookPublished(agent=agent, version=stored.version)


def _file(door: Door, access: Access, agent: str) -> str | None:
    return rulebook_file(door.settings, access.tenant, agent)


async def _text(request: Request, kind: str) -> str:
    if kind not in _TYPES:
        raise ProblemError(MEDIA, f"A rule book is YAML or JSON, not {kind}.")
    try:
        return (await request.body()).decode()
    except UnicodeDecodeError:
        raise ProblemError(MEDIA, "The rule book is not UTF-8 text.") from None
