"""A rule book is refused with the line of every mistake; the demo's own is accepted."""

import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import callfunnel.local.demo
from workers.conductor.rulebooks.reading import MOST_BYTES, Problem, Unreadable, read
from workers.conductor.rulebooks.rules import problems, rulebook_of

DEMO = (Path(callfunnel.local.demo.__file__).parent / "home-internet.yaml").read_text()
OPENING = DEMO[: DEMO.index("  - name: offer_discount")]
NUMBER = {"properties": {"number": {"pattern": "^[+][0-9]+$"}}, "required": ["number"]}
KINDS = {"customer_lookup": {}, "offer": {}, "callback": {}, "transfer": NUMBER}


def mistakes(text: str, unheard: frozenset[str] = frozenset()) -> list[Problem]:
    document = read(text)
    book, found = rulebook_of(document)
    if book is None:
        return found
    return problems(document, book, KINDS, lambda words: set(words) & unheard)


def edited(old: str, new: str) -> tuple[str, int]:
    """The demo's rule book with one edit, and the line it is on."""
    assert old in DEMO
    return DEMO.replace(old, new, 1), DEMO[: DEMO.index(old)].count("\n") + 1


def test_the_demo_rule_book_has_no_mistake():
    assert mistakes(DEMO) == []


@pytest.mark.parametrize(
    ("old", "new", "pointer", "what"),
    [
        ("    kind: offer", "    kind: ofer", "/tools/1/kind", "no kind ofer"),
        ("      field: percent", "      field: percnt", "/tools/1/approval/field", "no parameter"),
        (
            '      number: "+15550100900"',
            '      number: "front desk"',
            "/tools/3/settings/number",
            "does not match",
        ),
        ("  start: main", "  start: mein", "/demo/start", "no state mein"),
        ("greeting: >-", "greting: >-", "/greting", "unknown field"),
        (
            "      - {do: tool, name: transfer_to_person}",
            "      - {do: tool, name: transfer}",
            "/demo/always/person/1/name",
            "no tool transfer",
        ),
        (
            '      - "about my bill"',
            '      - "about (my bill"',
            "/demo/intents/bill_question/",
            "never closed",
        ),
    ],
)
def test_a_mistake_is_named_with_its_line_and_place(old, new, pointer, what):
    text, line = edited(old, new)
    found = mistakes(text)
    assert found, "the mistake was not seen"
    assert found[0].line == line
    assert found[0].pointer.startswith(pointer)
    assert what in found[0].what
    assert found[0].fix


def test_a_wrong_type_deep_in_a_mapping_is_found_under_its_own_key():
    text, line = edited("      - {do: again}", "      - {do: agian}")
    (found,) = mistakes(text)
    assert (found.line, found.pointer) == (line, "/demo/always/again/0/do")


def test_a_word_that_cannot_be_recognised_is_refused_where_it_is_written():
    text, line = edited('      - "about my bill"', '      - "about my xyzzy"')
    (found,) = mistakes(text, frozenset({"xyzzy"}))
    assert (found.line, "xyzzy" in found.what) == (line, True)


@pytest.mark.parametrize(
    ("keyword", "pointer"),
    [
        ('pattern: "^(a+)+$"', "/tools/2/parameters/properties/day/pattern"),
        ('$ref: "http://192.0.2.1/schema"', "/tools/2/parameters/properties/day/$ref"),
        ('anyOf: [{pattern: "x"}]', "/tools/2/parameters/properties/day/anyOf/0/pattern"),
    ],
)
def test_parameters_cost_no_more_to_check_than_they_are_long(keyword, pointer):
    day = "        day: {type: string, minLength: 3, maxLength: 40"
    text, line = edited(day, f"{day}, {keyword}")
    (found,) = mistakes(text)
    assert (found.line, found.pointer) == (line, pointer)


def test_a_parameter_may_be_called_like_a_keyword():
    text, _ = edited("        day: {type", "        pattern: {type: string}\n        day: {type")
    assert mistakes(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        "just text",
        "- a list",
        "a: [1, 2",
        "1: number as key",
        "a: 2026-01-01",
        "x" * (MOST_BYTES + 1),
        "a: &a [x, x]\nb: &b [*a, *a, *a, *a, *a, *a, *a, *a]\n"
        + "".join(
            f"{name}: &{name} [{', '.join(['*' + before] * 8)}]\n"
            for before, name in zip("bcdefgh", "cdefghi", strict=True)
        ),
        "a: " + "[" * 60 + "]" * 60,
        "a: " + "[" * 50_000 + "]" * 50_000,
        "a: " + "{b: " * 20_000,
        "a: &a {<<: *a}",
    ],
)
def test_what_is_no_document_is_refused_in_one_sentence(text):
    with pytest.raises(Unreadable) as refused:
        read(text)
    assert refused.value.problem.what
    assert refused.value.problem.fix


@settings(deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 12))
def test_no_damaged_document_raises_anything_but_a_refusal(seed, edits):
    chance = random.Random(seed)
    text = list(OPENING)
    for _ in range(edits):
        at = chance.randrange(len(text))
        text[at : at + chance.randrange(3)] = chance.choice(
            ["{", "}", "[", ":", "\t", "*x", "&", "é"]
        )
    try:
        found = mistakes("".join(text))
    except Unreadable as refused:
        found = [refused.problem]
    assert all(problem.line >= 1 and problem.what for problem in found)
