"""One sequence of a call's facts, whatever order they come in and wherever a reader left off."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.ordering import CallFact, Numbered, Ordering

CALL = "c_" + "a" * 26


def fact(tag: str, seq: int | None, name: str = "caller_spoke", **data: object) -> CallFact:
    return CallFact(f"{CALL}-{tag}", seq, f"callfunnel.call.{name}.v1", "", data)


def whole_call(length: int) -> list[CallFact]:
    """Facts 1 to `length`, the end, and what the workers behind the call say."""
    told = [fact(str(n), n) for n in range(1, length + 1)]
    end = fact("end", length + 1, "ended", last_seq=length)
    after = [fact(tag, None, tag) for tag in ("timeline", "recording", "rated")]
    return [*told, end, *after, fact("settled", None, "settled")]


def sent(ordering: Ordering, facts: list[CallFact]) -> list[Numbered]:
    return [due for each in facts for due in ordering.take(each)]


@pytest.mark.parametrize("tags", ["", "end+", "x y", "a+B", "1" * 11, "²", "+".join(["a"] * 21)])
def test_an_id_that_no_event_has_is_refused_and_never_echoed(tags: str) -> None:
    with pytest.raises(ValueError, match="not an event"):
        Ordering(CALL, f"{CALL}-{tags}")


def test_facts_in_order_go_out_as_they_come() -> None:
    facts = whole_call(3)
    out = sent(Ordering(CALL), facts)
    assert [each.fact for each in out] == facts
    assert out[0].id == f"{CALL}-1"
    assert out[3].id == f"{CALL}-end"
    assert out[6].id == f"{CALL}-rated+recording+timeline"


def test_a_fact_that_comes_early_waits_for_those_before_it() -> None:
    ordering = Ordering(CALL)
    assert ordering.take(fact("2", 2)) == []
    assert ordering.stuck
    assert [each.fact.seq for each in ordering.take(fact("1", 1))] == [1, 2]


def test_what_never_comes_is_skipped_when_asked() -> None:
    ordering = Ordering(CALL)
    ordering.take(fact("3", 3))
    assert [each.fact.seq for each in ordering.skip()] == [3]
    assert ordering.skip() == []
    ordering.take(fact("end", 6, "ended", last_seq=5))
    assert [each.fact.name for each in ordering.skip()] == ["ended"]


def test_a_fact_told_after_the_end_goes_out_behind_it() -> None:
    ordering = Ordering(CALL)
    sent(ordering, [fact("1", 1), fact("end", 2, "ended", last_seq=1)])
    (late,) = ordering.take(fact("2", 2))
    assert late.fact.id == f"{CALL}-2"
    facts = [fact("end", 2, "ended", last_seq=1), fact("2", 2), fact("rated", None, "rated")]
    assert [each.fact.name for each in sent(Ordering(CALL, late.id), facts)] == ["rated"]


def test_every_id_resumes_however_many_facts_come_after_the_end() -> None:
    end = [fact("end", 2, "ended", last_seq=1), fact("settled", None, "settled")]
    late = [fact(str(n), n) for n in range(2, 60)]
    out = sent(Ordering(CALL), [fact("1", 1), *end, *late])
    assert len(out) == 1 + 2 + 58
    assert all(Ordering(CALL, due.id).finished for due in out[2:])


@given(st.integers(0, 8), st.randoms(use_true_random=False), st.integers(0, 40))
def test_every_order_with_repetitions_gives_each_fact_once(
    length: int, rng: random.Random, extra: int
) -> None:
    facts = whole_call(length)
    mixed = facts + [rng.choice(facts) for _ in range(extra)]
    rng.shuffle(mixed)
    out = sent(Ordering(CALL), mixed)
    assert sorted(each.fact.id for each in out) == sorted(each.id for each in facts)
    seqs = [each.fact.seq for each in out if each.fact.seq]
    assert seqs == sorted(seqs)


@given(st.integers(0, 6), st.integers(0, 10), st.randoms(use_true_random=False))
def test_a_reader_who_comes_back_gets_exactly_the_rest(
    length: int, cut: int, rng: random.Random
) -> None:
    facts = whole_call(length)
    after = facts[length + 1 : -1]
    rng.shuffle(after)
    told = [*facts[: length + 1], *after, facts[-1]]
    first = sent(Ordering(CALL), told)[: cut + 1]
    if len(first) > len(told):
        return
    again = sent(Ordering(CALL, first[-1].id), facts)
    ids = [each.fact.id for each in first + again]
    assert sorted(ids) == sorted(each.id for each in facts)


@pytest.mark.parametrize(
    ("last", "known", "may"),
    [
        ("", True, True), ("-1", True, True), ("-2", True, True), ("-3", True, False),
        ("-9999999999", True, False), ("-end", True, True), ("-3+end", True, True),
        ("-3", False, True),
    ],
)  # fmt: skip
def test_an_id_behind_the_end_is_none_of_the_call_s(last: str, known: bool, may: bool) -> None:
    facts = [fact("1", 1), fact("2", 2), *([fact("end", 3, "ended", last_seq=2)] if known else [])]
    assert Ordering(CALL, CALL + last if last else "").is_of(facts) is may


@pytest.mark.parametrize("last", ["c_other-1", "nonsense", CALL, f"{CALL}-"])
def test_an_id_of_no_fact_of_this_call_is_refused(last: str) -> None:
    with pytest.raises(ValueError, match="not an event"):
        Ordering(CALL, last)


@pytest.mark.parametrize(
    "odd",
    [
        "", "-", "--5", "-5 ", "-1e9", "-0x1", "-+1", "-1++2", "-end+", "-END", "-\u0663", "-../1",
        "-99999999999", "-end+" + "a" * 41, "-end" + "+settled" * 100,
    ],
)  # fmt: skip
def test_what_is_no_id_of_a_call_is_refused(odd: str) -> None:
    with pytest.raises(ValueError, match="not an event"):
        Ordering(CALL, CALL + odd if odd else "c_" + "b" * 26 + "-1")
