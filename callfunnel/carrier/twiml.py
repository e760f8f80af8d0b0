"""What a webhook answers, as the verbs a carrier carries out one after the other."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element, ParseError, XMLParser

MOST_BYTES = 64 * 1024
LONGEST_PAUSE_S = 3600
_NUMBER = re.compile(r"[0-9]+", re.ASCII)


class NotTwiML(ValueError):
    """The answer is no document a carrier could carry out; the text says why."""


@dataclass(frozen=True)
class Stream:
    """`<Connect><Stream>`: two-way audio until the other side closes."""

    url: str
    parameters: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Say:
    text: str


@dataclass(frozen=True)
class Dial:
    number: str
    action: str = ""


@dataclass(frozen=True)
class Redirect:
    url: str
    method: str = "POST"


@dataclass(frozen=True)
class Pause:
    seconds: int


@dataclass(frozen=True)
class Reject:
    reason: str


@dataclass(frozen=True)
class Hangup:
    pass


Verb = Stream | Say | Dial | Redirect | Pause | Reject | Hangup


def parse(document: str | bytes) -> list[Verb]:
    """The verbs in order. Raises NotTwiML."""
    text = document.decode("utf-8", "replace") if isinstance(document, bytes) else document
    if len(text) > MOST_BYTES:
        raise NotTwiML(f"{len(text)} characters, a carrier takes {MOST_BYTES}")
    if "<!" in text:
        raise NotTwiML("a doctype or a comment; no carrier needs one")
    parser = XMLParser()  # noqa: S314 - without a doctype there are no entities to expand
    try:
        parser.feed(text)
        root = parser.close()
    except ParseError as problem:
        raise NotTwiML(f"not XML: {problem}") from None
    if root.tag != "Response":
        raise NotTwiML(f"<{root.tag}> instead of <Response>")
    return [_verb(each) for each in root]


def _verb(element: Element) -> Verb:
    text = (element.text or "").strip()
    match element.tag:
        case "Connect":
            return _stream(element)
        case "Say":
            return Say(text)
        case "Dial":
            number = element.find("Number")
            dialled = text if number is None else (number.text or "").strip()
            return Dial(dialled, element.get("action", ""))
        case "Redirect":
            return Redirect(text, element.get("method", "POST").upper())
        case "Pause":
            length = element.get("length", "1")
            return Pause(min(int(length[:9]), LONGEST_PAUSE_S) if _NUMBER.fullmatch(length) else 1)
        case "Reject":
            return Reject(element.get("reason", "rejected"))
        case "Hangup":
            return Hangup()
        case unknown:
            raise NotTwiML(f"unknown verb <{unknown}>")


def _stream(connect: Element) -> Stream:
    stream = connect.find("Stream")
    if stream is None or not stream.get("url"):
        raise NotTwiML("<Connect> without a <Stream url=..>")
    named = {each.get("name", ""): each.get("value", "") for each in stream.iter("Parameter")}
    return Stream(stream.get("url", ""), named)
