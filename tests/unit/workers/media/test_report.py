"""The single writer: numbers, ids, the end, and a spool that refuses."""

from typing import Any

import pytest

from callfunnel.domain.call import Cause, EndedBy
from callfunnel.domain.errors import Temporary
from callfunnel.events.audio import AudioSegment
from callfunnel.events.call import CallEnded, CallerSpoke, KeyPressed
from callfunnel.events.usage import UsageMeasured
from callfunnel.infra.clock import utc_now
from callfunnel.infra.spool import UnfinishedCall
from tests.simulators.room import CALL, WORKER, Told, spec
from workers.media.debts import MOST_OWED_BYTES, Debts
from workers.media.report import LARGEST, MOST_OWED, Reporter


def ended() -> CallEnded:
    return CallEnded(
        cause=Cause.CALLER_HANGUP,
        by=EndedBy.CALLER,
        duration_ms=10,
        last_seq=0,
        segments=0,
        usage_records=0,
        answered=True,
    )


def used(meter: str, quantity: int, record: str = "total") -> UsageMeasured:
    return UsageMeasured(
        meter=meter,
        quantity=quantity,
        unit="ms",
        provider="p",
        model="",
        source="measured",
        record=record,
    )


def test_facts_have_the_calls_id_and_their_number() -> None:
    told = Told()
    reporter = Reporter(spec(), told, utc_now)
    reporter.begin(WORKER, 7, "demo.0")
    reporter.fact(KeyPressed(digit="1", at_ms=5))
    assert [each.envelope.id for each in told.events] == [f"{CALL}-{n}" for n in (1, 2, 3, 4)]
    assert all(".raw." in subject for subject in told.subjects)
    assert told.journal == ["opened"]


def test_the_end_has_one_id_and_counts_what_was_accepted() -> None:
    told = Told()
    reporter = Reporter(spec(), told, utc_now)
    reporter.begin(WORKER, 7, "demo.0")
    reporter.audio(AudioSegment(n=0, start=0, caller=b"", agent=b""))
    reporter.usage(used("call.ms", 5))
    reporter.usage(used("audio.in.ms", 0))
    reporter.end(ended())
    reporter.end(ended())
    reporter.fact(KeyPressed(digit="1", at_ms=5))
    assert told.events[-1].envelope.id == f"{CALL}-end"
    assert (told.end.last_seq, told.end.segments, told.end.usage_records) == (3, 1, 1)
    assert told.journal == ["opened", "closed"]


def test_usage_and_audio_have_ids_that_count_once() -> None:
    told = Told()
    reporter = Reporter(spec(), told, utc_now)
    reporter.audio(AudioSegment(n=4, start=0, caller=b"", agent=b""))
    reporter.usage(used("tokens.text.in", 5, "resp_1"))
    assert [each.envelope.id for each in told.events] == [
        f"{CALL}-a-4",
        f"{CALL}-u-tokens.text.in-resp_1",
    ]


def test_the_journal_knows_which_usage_tells_about_the_whole_call() -> None:
    class Tallying(Told):
        def emit(self, *message: Any, tally: Any = None) -> None:
            tallies.append((message[-1].usage_records, message[-1].totals))

    tallies: list[tuple[int, int]] = []
    reporter = Reporter(spec(), Tallying(), utc_now)
    reporter.usage(used("tokens.text.in", 5, "resp_1"))
    reporter.usage(used("call.ms", 5))
    assert tallies == [(1, 0), (1, 1)]


class Full(Told):
    """Refuses while `full`."""

    full = True

    def emit(
        self, id: str, subject: str, headers: dict[str, str], body: bytes, tally: Any = None
    ) -> None:
        if len(body) > LARGEST:
            raise ValueError("a message is larger than any may be")
        if self.full:
            raise Temporary("the spool is full")
        super().emit(id, subject, headers, body, tally)


def test_what_the_spool_refuses_is_owed_and_told_in_order_before_the_end() -> None:
    told = Full()
    reporter = Reporter(spec(), told, utc_now)
    reporter.fact(KeyPressed(digit="1", at_ms=5))
    reporter.usage(used("call.ms", 5))
    assert not reporter.end(ended())
    told.full = False
    reporter.fact(KeyPressed(digit="2", at_ms=6))
    assert reporter.end(ended())
    assert [each.envelope.id for each in told.events] == [
        f"{CALL}-1",
        f"{CALL}-u-call.ms-total",
        f"{CALL}-2",
        f"{CALL}-end",
    ]
    assert (told.end.last_seq, told.end.usage_records) == (2, 1)


def test_audio_that_finds_no_room_is_gone_and_the_end_says_how_much() -> None:
    told, debts = Full(), Debts()
    reporter = Reporter(spec(), told, utc_now, debts)
    reporter.audio(AudioSegment(n=0, start=0, caller=b"", agent=b""))
    told.full = False
    reporter.audio(AudioSegment(n=1, start=0, caller=b"", agent=b""))
    assert reporter.end(ended())
    assert (told.end.segments, told.end.refused_segments) == (1, 1)
    assert debts.lost.segments == 1


def test_what_is_owed_is_bounded_and_what_is_beyond_leaves_no_gap(
    caplog: pytest.LogCaptureFixture,
) -> None:
    told, debts = Full(), Debts()
    reporter = Reporter(spec(), told, utc_now, debts)
    for n in range(MOST_OWED + 7):
        reporter.fact(KeyPressed(digit="1", at_ms=n))
    told.full = False
    assert reporter.end(ended())
    assert [each.envelope.seq for each in told.events] == list(range(1, MOST_OWED + 2))
    assert debts.lost.messages == 7
    said = [record.message for record in caplog.records]
    assert said == ["the spool refuses", "facts are lost", "the spool takes again"], (
        "said once, not for each"
    )


def test_a_message_that_no_spool_takes_holds_up_nothing_behind_it() -> None:
    told, debts = Full(), Debts()
    reporter = Reporter(spec(), told, utc_now, debts)
    reporter.fact(KeyPressed(digit="1", at_ms=5))
    reporter.fact(CallerSpoke(turn=1, text="x" * (LARGEST + 1), start_ms=0, end_ms=1))
    reporter.fact(KeyPressed(digit="2", at_ms=6))
    told.full = False
    assert reporter.end(ended())
    assert [each.envelope.seq for each in told.events] == [1, 2, 3]
    assert debts.lost.messages == 1


def test_what_all_calls_owe_together_is_bounded_in_bytes_and_forgotten_once_told() -> None:
    told, debts = Full(), Debts()
    reporters = [Reporter(spec(), told, utc_now, debts) for _ in range(60)]
    long = CallerSpoke(turn=1, text="x" * 100_000, start_ms=0, end_ms=1)
    owed = debts.owed
    for reporter in reporters * 5:
        reporter.fact(long)
    assert owed.bytes <= MOST_OWED_BYTES
    assert owed.messages + debts.lost.messages == 5 * len(reporters)
    assert owed.messages > 100

    reporters[0].fall_silent()
    told.full = False
    for reporter in reporters[1:]:
        assert reporter.end(ended())
    assert (owed.messages, owed.bytes) == (0, 0)


def test_a_successor_goes_on_where_its_predecessor_was_cut_off() -> None:
    told = Told()
    reporter = Reporter(spec(), told, utc_now)
    reporter.resume(UnfinishedCall(CALL, b"", last_seq=9, segments=4, usage_records=2))
    reporter.end(ended())
    assert (told.end.last_seq, told.end.segments, told.end.usage_records) == (9, 4, 2)
    assert told.events[-1].envelope.seq == 10
