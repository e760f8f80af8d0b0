"""What redaction does to each fact of a call, given what was said in the call before.

Digits are read out in groups and secrets are asked for one utterance before they are said, so a
little is remembered per call: the tail of the digits read, and what was just asked. Another
process may have seen the facts in between (`seq` tells); then the context counts as unknown and
the rules are stricter. What is remembered never leaves this process.
"""

import re
from collections import OrderedDict
from functools import cache
from typing import Any, get_type_hints

import msgspec
from msgspec.structs import replace

from callfunnel.domain.redaction.checks import CARD_LENGTHS, is_card
from callfunnel.domain.redaction.finding import Kind
from callfunnel.domain.redaction.glance import may_say
from callfunnel.domain.redaction.redactor import Redacted, redact, redact_time, redact_whole
from callfunnel.domain.redaction.runs import Strictness, digits_of
from callfunnel.domain.redaction.tree import redact_tree
from callfunnel.events.call import AgentSpoke, CallEnded, CallerSpoke, KeyPressed
from callfunnel.events.envelope import Event
from callfunnel.events.message import Message

_CALLS_REMEMBERED = 20_000
_LONGEST_TAIL = 40
_READING_TURNS = 3
_KEYS_SHOWN = 3
_HIDDEN_KEY = "x"
_DIGIT_KINDS = frozenset((Kind.CARD, Kind.SSN, Kind.PHONE, Kind.DIGITS))
_ASKING = re.compile(
    r"\?|\b(?:please|tell me|give me|read|say|enter|type|confirm|provide|need)\b", re.IGNORECASE
)
_NUMBER_ASKED = re.compile(
    r"\b(?:card|account|routing|security|insurance|phone|telephone|mobile|customer|reference)\s+"
    r"(?:number|code)|\bsort code|\biban\b|\bdigits\b|\bthe (?:rest|number|next)\b",
    re.IGNORECASE,
)
_TIME_ASKED = re.compile(
    r"\b(?:what time|which (?:day|time)|what day|when (?:shall|should|can|may|would|do|is)"
    r"|good time|suits you)\b",
    re.IGNORECASE,
)
_WARNING = re.compile(r"\b(?:do not|don't|never|need not)\b", re.IGNORECASE)
_SECRET_ASKED = re.compile(
    r"\b(?:pass\s?-?(?:word|code|phrase)|pin\b|security (?:answer|word|question|code)"
    r"|secret (?:word|answer)|memorable \w+|maiden name|cvv|cvc)",
    re.IGNORECASE,
)
_NO_ANSWER = re.compile(
    r"\W*(?:yes|yeah|no|nope|sure|ok|okay|of course|what|why|sorry|pardon|hello|hold on"
    r"|one moment|just a (?:moment|second)|i (?:don't|do not|can't|cannot) .*|i forgot.*)\W*",
    re.IGNORECASE,
)
_TIME_PARTS = ["time", "day", "when", "suits"]
_NUMBER_PARTS = ["number", "code", "iban", "digits", "rest", "next"]
_SECRET_PARTS = ["pass", "pin", "security", "secret", "memorable", "maiden", "cvv", "cvc"]
"""What each question above holds in any case: it is searched only where that is said."""
_LONGEST_ANSWER = 12


class Context(msgspec.Struct, frozen=True):
    """What was said in a call up to `seq`.

    `said` are the last digits the caller read; `reading` and `secret` count the caller's turns
    for which a number, or a secret, is still expected; `keys` the keys pressed in a row. `time`:
    the agent has just asked for one.
    """

    seq: int = 0
    said: str = ""
    reading: int = 0
    secret: int = 0
    keys: int = 0
    time: bool = False
    known: bool = True


_NOTHING_SAID = Context()


class Memory:
    """The contexts of the calls that were heard last; bounded, the longest unheard goes first."""

    def __init__(self, size: int = _CALLS_REMEMBERED) -> None:
        self._size = size
        self._calls: OrderedDict[tuple[str, str], Context] = OrderedDict()

    def before(self, tenant: str, call: str, seq: int) -> Context:
        """The context for the fact numbered `seq`; not `known` when facts in between are."""
        context = self._calls.get((tenant, call), _NOTHING_SAID)
        return context if seq == context.seq + 1 else replace(context, known=False)

    def keep(self, tenant: str, call: str, context: Context) -> None:
        self._calls[tenant, call] = context
        self._calls.move_to_end((tenant, call))
        while len(self._calls) > self._size:
            self._calls.popitem(last=False)

    def forget(self, tenant: str, call: str) -> None:
        self._calls.pop((tenant, call), None)

    def __len__(self) -> int:
        return len(self._calls)


def redact_event(event: Event[Any], memory: Memory) -> Event[Any]:
    """The same fact, with the same envelope, without what must not be kept."""
    envelope = event.envelope
    if isinstance(event.data, CallEnded):
        memory.forget(envelope.tenant, envelope.key)
        return event
    seq = envelope.seq or 0
    before = memory.before(envelope.tenant, envelope.key, seq)
    data, after = redact_data(event.data, before)
    memory.keep(envelope.tenant, envelope.key, replace(after, seq=seq, known=True))
    return Event(envelope, data)


def redact_data(data: Message, before: Context) -> tuple[Message, Context]:
    """One fact and the context after it."""
    match data:
        case CallerSpoke(text=text):
            redacted, after = _caller(text, before)
            return msgspec.structs.replace(data, text=redacted), after
        case AgentSpoke(text=text):
            redacted, after = _agent(text, before)
            return msgspec.structs.replace(data, text=redacted), after
        case KeyPressed(digit=digit):
            hidden = before.keys >= _KEYS_SHOWN or before.reading > 0 or not before.known
            shown = _HIDDEN_KEY if hidden and digit.isdigit() else digit
            after = replace(before, keys=before.keys + 1)
            return msgspec.structs.replace(data, digit=shown), after
        case _:
            return _marked(data, before), before


@cache
def marked_fields(cls: type[Message]) -> tuple[tuple[str, str], ...]:
    """The fields of a message class that hold what people said, each `text` or `tree`."""
    return tuple(
        (name, meta.extra["redact"])
        for name, hint in get_type_hints(cls, include_extras=True).items()
        for meta in getattr(hint, "__metadata__", ())
        if isinstance(meta, msgspec.Meta) and meta.extra and "redact" in meta.extra
    )


def _marked(data: Message, context: Context) -> Message:
    fields = marked_fields(type(data))
    if not fields:
        return data
    changes = {
        name: redact(getattr(data, name), _usual(context)).text
        if how == "text"
        else redact_tree(getattr(data, name), context.said)
        for name, how in fields
    }
    return msgspec.structs.replace(data, **changes)


def _usual(context: Context) -> Strictness:
    if context.reading:
        return Strictness.EVERY
    return Strictness.USUAL if context.known else Strictness.MOSTLY_DIGITS


def _caller(text: str, before: Context) -> tuple[str, Context]:
    if before.secret and _answers(text):
        return redact_whole(text, Kind.SECRET).text, replace(before, secret=0, keys=0)
    plain = before.time and not before.reading
    redacted = redact_time(text) if plain else redact(text, _usual(before))
    gone = "".join(found.value for found in redacted.found if found.kind in _DIGIT_KINDS)
    digits = gone or ("" if plain else digits_of(text))
    said = (before.said + digits)[-_LONGEST_TAIL:]
    reading = _READING_TURNS if digits else max(0, before.reading - 1)
    after = replace(before, said=said, reading=reading, secret=max(0, before.secret - 1), keys=0)
    return _as_card(redacted, digits, said), after


def _agent(text: str, before: Context) -> tuple[str, Context]:
    redacted = redact(text, _usual(before))
    time = may_say(text, _TIME_PARTS) and _TIME_ASKED.search(text) is not None
    number = may_say(text, _NUMBER_PARTS) and _NUMBER_ASKED.search(text) is not None
    secret = may_say(text, _SECRET_PARTS) and _SECRET_ASKED.search(text) is not None
    asking = (number or secret) and _is_asking(text)
    after = replace(
        before,
        keys=0,
        time=time,
        reading=max(before.reading, 2) if asking and number else before.reading,
        secret=2 if asking and secret else before.secret,
    )
    return redacted.text, after


def _is_asking(text: str) -> bool:
    return _ASKING.search(text) is not None and _WARNING.search(text) is None


def _answers(text: str) -> bool:
    return len(text.split()) <= _LONGEST_ANSWER and _NO_ANSWER.fullmatch(text) is None


def _as_card(redacted: Redacted, digits: str, said: str) -> str:
    """The last group of a card that was read in pieces is called what it completes."""
    alone = len(redacted.found) == 1 and redacted.found[0].kind is Kind.DIGITS
    if not alone or len(said) == len(digits):
        return redacted.text
    complete = any(is_card(said[-length:]) for length in CARD_LENGTHS if length <= len(said))
    return redacted.text.replace("<DIGITS_", "<CARD_") if complete else redacted.text
