"""Turn numbers, texts and marks."""

from workers.media.core.turns import Turns


def test_a_turn_is_opened_once_and_ends_with_its_last_voiced_moment() -> None:
    turns = Turns()
    assert turns.open("i1", 1000) is turns.open("", 1200)
    turn = turns.commit("i1", 1500, 1900)
    assert (turn.number, turn.start_ms, turn.end_ms, turn.committed_ms) == (1, 1000, 1500, 1900)
    assert turns.answering == 1


def test_positions_of_a_turn_never_run_back() -> None:
    turn = Turns().commit("", 500, 100)
    assert turn.start_ms <= turn.end_ms <= (turn.committed_ms or 0)


def test_a_text_without_a_name_belongs_to_the_newest_turn_without_one() -> None:
    turns = Turns()
    for _ in range(2):
        turns.open("", 0)
        turns.commit("", 1, 2)
    claimed = turns.claim("")
    assert claimed is not None
    assert claimed.number == 2
    assert not turns.owes_text()


def test_marks_count_once_and_only_in_their_order() -> None:
    turns = Turns()
    turns.commit("", 1000, 1400)
    turns.played(1450)
    turns.model_spoke(1500)
    turns.model_spoke(1700)
    turns.sent(1520)
    assert turns.measured(final=False) is None
    turns.played(1600)
    marks = turns.measured(final=False)
    assert marks is not None
    assert (marks.model_ms, marks.sent_ms, marks.played_ms) == (1500, 1520, 1600)
    assert marks.response_ms == 520
    assert turns.measured(final=True) is None


def test_the_greeting_has_no_latency() -> None:
    turns = Turns()
    turns.sent(100)
    assert turns.measured(final=True) is None
