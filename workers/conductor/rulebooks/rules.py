"""When a document is a rule book: the types, and what types cannot say. Pure."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import jsonschema
import msgspec

from callfunnel.domain import phrases
from callfunnel.domain.rulebook import DemoGoto, DemoScript, DemoStep, DemoTool, Rulebook, Tool
from workers.conductor.rulebooks.reading import Document, Path, Problem

_AT = re.compile(r"^(?P<what>.*?)(?: - at `(?P<where>\$.*)`)?$", re.DOTALL)
_UNKNOWN = re.compile(r"unknown field `(?P<name>[^`]*)`")
_STEP = re.compile(r"\.(?P<name>[A-Za-z_][A-Za-z0-9_]*)|\[(?P<index>\d+|\.\.\.)\]")
_VALUE = re.compile(r"\{([a-z][a-z0-9_]*)\}")
_LONGEST = 200
_NOT_IN_PARAMETERS = frozenset(
    ("pattern", "patternProperties", "$ref", "$dynamicRef", "$id", "$schema", "$anchor")
)
"""Keywords that make a check cost what its author likes, or fetch what they name."""
Kinds = Mapping[str, Mapping[str, Any]]
Unknown = Callable[[Iterable[str]], set[str]]


def rulebook_of(document: Document) -> tuple[Rulebook | None, list[Problem]]:
    """The rule book, or None and what is wrong with the types of the document."""
    try:
        return msgspec.convert(document.value, Rulebook), []
    except msgspec.ValidationError as error:
        what, path = _where(str(error), document.value)
        fix = "see the comments of the demo's rule book for the form"
        return None, [document.problem(path, what, fix)]


def problems(document: Document, book: Rulebook, kinds: Kinds, unknown: Unknown) -> list[Problem]:
    """What is wrong with a well-formed rule book; [] when it can be published.

    `kinds` are the kinds of tools there are, each with the JSON Schema of its settings; `unknown`
    says which words cannot be recognised.
    """
    found = [*_tools(book.tools, kinds)]
    if book.demo is not None:
        found += _script(book.demo, {tool.name for tool in book.tools})
        found += _intents(book.demo, unknown)
    return [document.problem(path, what, fix) for path, what, fix in found]


Finding = tuple[Path, str, str]


def _tools(tools: tuple[Tool, ...], kinds: Kinds) -> Iterator[Finding]:
    names: set[str] = set()
    for n, tool in enumerate(tools):
        at: Path = ("tools", n)
        if tool.name in names:
            yield (*at, "name"), f"the tool {tool.name} is there twice", "give it another name"
        names.add(tool.name)
        if tool.kind not in kinds:
            known = ", ".join(sorted(kinds))
            yield (*at, "kind"), f"there is no kind {tool.kind}", f"use one of: {known}"
        else:
            yield from _settings(tool, kinds[tool.kind], at)
        yield from _parameters(tool, at)


def _settings(tool: Tool, schema: Mapping[str, Any], at: Path) -> Iterator[Finding]:
    for error in jsonschema.Draft202012Validator(schema).iter_errors(tool.settings):
        fix = f"see the settings of the kind {tool.kind}"
        yield (*at, "settings", *error.absolute_path), error.message[:_LONGEST], fix


def _parameters(tool: Tool, at: Path) -> Iterator[Finding]:
    try:
        jsonschema.Draft202012Validator.check_schema(tool.parameters)
    except jsonschema.SchemaError as error:
        where: Path = (*at, "parameters", *error.absolute_path)
        yield where, "this is no JSON Schema", "see json-schema.org, draft 2020-12"
        return
    yield from _costly(tool.parameters, (*at, "parameters"))
    known = tool.parameters.get("properties", {})
    policy = tool.approval
    if policy is None:
        return
    if policy.field not in known:
        fix = "name one of the tool's parameters"
        yield (*at, "approval", "field"), f"{policy.field} is no parameter of {tool.name}", fix
    for name in ("ask", "pending", "approved", "refused", "expired"):
        for value in _VALUE.findall(getattr(policy, name)):
            if value not in known:
                fix = "use a name from the tool's parameters"
                yield (*at, "approval", name), f"{{{value}}} is no parameter", fix


def _costly(schema: Any, at: Path) -> Iterator[Finding]:
    """Keywords a tool's parameters may not have; under `properties` the same words are names."""
    if isinstance(schema, list):
        for n, each in enumerate(schema):
            yield from _costly(each, (*at, n))
    for key, each in schema.items() if isinstance(schema, dict) else ():
        if key in _NOT_IN_PARAMETERS:
            yield (*at, key), f"{key} has no place here", "use enum, minLength and maxLength"
        elif key in ("properties", "$defs", "dependentSchemas") and isinstance(each, dict):
            for name, inner in each.items():
                yield from _costly(inner, (*at, key, name))
        elif key not in ("enum", "const", "default", "examples"):
            yield from _costly(each, (*at, key))


def _script(script: DemoScript, tools: set[str]) -> Iterator[Finding]:
    if script.start not in script.states:
        yield ("demo", "start"), f"there is no state {script.start}", "name one of the states"
    places: list[tuple[Path, dict[str, list[DemoStep]]]] = [(("demo", "always"), script.always)]
    for name, state in script.states.items():
        places.append((("demo", "states", name, "on"), state.on))
        places.append((("demo", "states", name), {"otherwise": state.otherwise}))
    for at, answers in places:
        for intent, steps in answers.items():
            if intent != "otherwise" and intent not in script.intents:
                yield (*at, intent), f"there is no intent {intent}", "add it under `intents`"
            yield from _steps(script, tools, (*at, intent), steps)


def _steps(
    script: DemoScript, tools: set[str], at: Path, steps: list[DemoStep]
) -> Iterator[Finding]:
    for n, step in enumerate(steps):
        match step:
            case DemoGoto(state) if state not in script.states:
                yield (*at, n, "state"), f"there is no state {state}", "name one of the states"
            case DemoTool(name) if name not in tools:
                yield (*at, n, "name"), f"there is no tool {name}", "add it under `tools`"
            case DemoTool(then=then):
                for outcome, state in then.items():
                    if state not in script.states:
                        fix = "name one of the states"
                        yield (*at, n, "then", outcome), f"there is no state {state}", fix
            case _:
                pass


def _intents(script: DemoScript, unknown: Unknown) -> Iterator[Finding]:
    words: dict[str, Path] = {}
    for name, texts in script.intents.items():
        for n, text in enumerate(texts):
            at: Path = ("demo", "intents", name, n)
            try:
                for word in phrases.words(phrases.parse(text)):
                    words.setdefault(word, at)
            except phrases.PhraseError as error:
                yield at, str(error), "write words, [optional words], (one | other) and <slots>"
    for word in sorted(unknown(words)):
        fix = "write it in other words, or numbers as words"
        yield words[word], f"the offline recogniser does not know {word!r}", fix


def _where(message: str, value: Any) -> tuple[str, Path]:
    """The text and path of a validation error; keys of mappings are found by trying."""
    found = _AT.match(message)
    what, where = (found["what"], found["where"] or "$") if found else (message, "$")
    steps = [step["name"] or step["index"] for step in _STEP.finditer(where)]
    path = _resolved(message, steps, value)
    extra = _UNKNOWN.search(what)
    return what, (*path, extra["name"]) if extra else path


def _resolved(message: str, steps: list[str], value: Any) -> Path:
    path: Path = ()
    inside = value
    for step in steps:
        part: str | int = int(step) if step.isdigit() else step
        if step == "...":
            part = _guilty(message, path, inside, value)
        path = (*path, part)
        try:
            inside = inside[part]
        except (KeyError, IndexError, TypeError):
            break
    return path


def _guilty(message: str, path: Path, mapping: Any, value: Any) -> str:
    """Which key of the mapping at `path` the message is about: the one that alone still fails."""
    for key in mapping if isinstance(mapping, dict) else ():
        try:
            msgspec.convert(_replaced(value, path, {key: mapping[key]}), Rulebook)
        except msgspec.ValidationError as error:
            if str(error) == message:
                return str(key)
    return "..."


def _replaced(value: Any, path: Path, part: Any) -> Any:
    if not path:
        return part
    copy: Any = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = _replaced(value[path[0]], path[1:], part)
    return copy
