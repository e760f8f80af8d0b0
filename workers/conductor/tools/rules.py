"""What a tool call may do, decided without I/O: its arguments, its limit, what is asked of whom."""

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import jsonschema
import msgspec

from callfunnel.domain.rulebook import ApprovalPolicy, Rulebook, Tool

_NAME = re.compile(r"\{([a-z][a-z0-9_]*)\}")


class Refused(Exception):
    """The tool does not do that; the text is for the model, in plain words."""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """One tool call. `arguments` fit the tool's schema; `caller` is the number they call from."""

    call: str
    tool_call: str
    tool: Tool
    arguments: dict[str, Any]
    caller: str


class Kind(msgspec.Struct, frozen=True):
    """What a kind of tool does, and the JSON Schema of its `settings` in a rule book.

    `dials` names the fields of its result with a number that somebody will dial: it is kept.
    """

    run: Callable[[Asked], dict[str, Any]]
    settings: dict[str, Any]
    dials: tuple[str, ...] = ()


def tool_of(book: Rulebook | None, name: str) -> Tool:
    """The tool of that name. Raises Refused when the rule book gives the agent none."""
    for tool in book.tools if book else ():
        if tool.name == name:
            return tool
    raise Refused(f"there is no tool {name}")


def check(tool: Tool, arguments: Mapping[str, Any]) -> None:
    """Raises Refused unless the arguments fit the tool's schema; says where, never the value."""
    found = next(_validator(msgspec.json.encode(tool.parameters)).iter_errors(arguments), None)
    if found is not None:
        where = "/".join(str(part) for part in found.absolute_path) or "arguments"
        raise Refused(f"{where}: does not fit the schema ({found.validator})")


def policy_for(tool: Tool, arguments: Mapping[str, Any]) -> ApprovalPolicy | None:
    """The policy that makes this call need a person, or None when the agent may do it alone.

    A value that is no number cannot be compared, so it needs a person.
    """
    policy = tool.approval
    if policy is None:
        return None
    value = arguments.get(policy.field)
    if isinstance(value, int | float) and not isinstance(value, bool) and value <= policy.above:
        return None
    return policy


def question(policy: ApprovalPolicy, arguments: Mapping[str, Any]) -> str:
    """What the approver reads."""
    return _NAME.sub(lambda match: str(arguments.get(match[1], "")), policy.ask)


def limit(policy: ApprovalPolicy) -> str:
    """The agent's own limit, as the approver reads it."""
    return f"{policy.field} up to {policy.above}"


@lru_cache(maxsize=256)
def _validator(schema: bytes) -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(msgspec.json.decode(schema))
