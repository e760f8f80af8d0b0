"""Which reply the model is at."""

from workers.media.core.replies import EXPECT_S, FADE_S, Replies


def test_a_cancelled_reply_fades_before_the_next_is_asked_for() -> None:
    replies = Replies()
    replies.start("r1")
    assert replies.cancel(5.0) == "r1"
    assert replies.cancel(5.0) is None
    assert not replies.free(5.0 + FADE_S / 2)
    assert replies.free(5.0 + FADE_S)
    replies.done("r1", "cancelled")
    assert replies.free(5.0)


def test_a_second_reply_does_not_begin_beside_the_first() -> None:
    replies = Replies()
    assert replies.start("r1")
    assert not replies.start("r2")
    assert replies.active == "r1"


def test_failures_are_counted_until_one_succeeds() -> None:
    replies = Replies()
    for name, status in (("a", "failed"), ("b", "completed"), ("c", "failed"), ("d", "failed")):
        replies.start(name)
        replies.done(name, status)
    assert replies.failures == 2


def test_an_expected_reply_that_does_not_begin_lapses_once() -> None:
    replies = Replies()
    replies.expect(1.0)
    assert not replies.free(1.0)
    assert replies.deadline() == 1.0 + EXPECT_S
    assert replies.lapse(1.0 + EXPECT_S)
    assert not replies.lapse(99.0)
    assert replies.free(1.0 + EXPECT_S)


def test_what_was_asked_for_and_given_up_may_still_begin_and_is_waited_for() -> None:
    replies = Replies()
    replies.ask()
    replies.give_up(5.0)
    assert not replies.free(5.0)
    assert replies.start("r1")
    assert replies.active == "r1"
