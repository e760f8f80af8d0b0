"""One text in, the same text without what must not be kept out.

What is cut out becomes a typed placeholder, numbered per text: `<CARD_1>`. The same value in the
same text gets the same number. Placeholders that are there already stay as they are.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from callfunnel.domain.redaction.addresses import email_findings
from callfunnel.domain.redaction.finding import Finding, Kind
from callfunnel.domain.redaction.glance import Glance, glance
from callfunnel.domain.redaction.runs import Strictness, digit_findings
from callfunnel.domain.redaction.secrets import secret_findings
from callfunnel.domain.redaction.spelled import code_findings
from callfunnel.domain.redaction.tokens import numbers, tokens

_LEAD = "at "
_PLACEHOLDER = re.compile(r"<(CARD|IBAN|EMAIL|SSN|NINO|SECRET|PHONE|DIGITS)_(\d+)>")


@dataclass(frozen=True, slots=True)
class Redacted:
    """`text` may be kept; `found` says what was cut out, in order, with its values."""

    text: str
    found: tuple[Finding, ...] = ()


def redact(text: str, strictness: Strictness = Strictness.USUAL) -> Redacted:
    """`text` without cards, IBANs, addresses, phones, national ids, secrets and long numbers."""
    text = text.replace("\0", "")  # no database takes it, and nobody can say it
    there = glance(text)
    if not (there.numbers or there.addresses or there.secrets):
        return Redacted(text)
    found = _disjoint(_findings(text, there, strictness), _placeholders(text))
    return Redacted(_replaced(text, found), tuple(found)) if found else Redacted(text)


def redact_time(text: str) -> Redacted:
    """As `redact`, of a text that names a time or date: `ten thirty` stays."""
    done = redact(_LEAD + text)
    return (
        Redacted(done.text[len(_LEAD) :], done.found)
        if done.text.startswith(_LEAD)
        else redact(text)
    )


def redact_whole(text: str, kind: Kind) -> Redacted:
    """All of `text` as one finding: what a person answered to a question for a secret."""
    finding = Finding(0, len(text), kind, text.lower())
    return Redacted(_replaced(text, [finding]), (finding,))


def _findings(text: str, there: Glance, strictness: Strictness) -> Iterator[Finding]:
    words = tokens(text) if there.numbers or there.addresses else []
    found = list(numbers(words)) if there.numbers else []
    if found:
        yield from digit_findings(text, words, found, strictness)
    if there.codes:
        yield from code_findings(text, words, found)
    if there.addresses:
        yield from email_findings(text, words)
    if there.secrets:
        yield from secret_findings(text)


def _placeholders(text: str) -> list[tuple[int, int]]:
    return [match.span() for match in _PLACEHOLDER.finditer(text)] if "<" in text else []


def _disjoint(findings: Iterator[Finding], taken: list[tuple[int, int]]) -> list[Finding]:
    """Overlapping findings become one that covers all of them and is named after the gravest."""
    result: list[Finding] = []
    for found in sorted(findings, key=lambda each: (each.start, each.kind)):
        if any(start < found.end and found.start < end for start, end in taken):
            continue
        if result and found.start < result[-1].end:
            last = result[-1]
            gravest = min(last, found, key=lambda each: each.kind)
            end = max(last.end, found.end)
            result[-1] = Finding(last.start, end, gravest.kind, gravest.value)
        else:
            result.append(found)
    return result


def _replaced(text: str, found: list[Finding]) -> str:
    counters: dict[str, int] = {}
    for match in _PLACEHOLDER.finditer(text):
        counters[match.group(1)] = max(counters.get(match.group(1), 0), int(match.group(2)))
    names: dict[tuple[Kind, str], str] = {}
    pieces, at = [], 0
    for each in found:
        kind = each.kind.name
        if (each.kind, each.value) not in names:
            counters[kind] = counters.get(kind, 0) + 1
            names[each.kind, each.value] = f"<{kind}_{counters[kind]}>"
        pieces += [text[at : each.start], names[each.kind, each.value]]
        at = each.end
    return "".join([*pieces, text[at:]])
