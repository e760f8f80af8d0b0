import signal
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from callfunnel.local.supervision.process import AnswersUrl, Exits, Process
from callfunnel.local.supervision.watch import (
    LONGEST_PAUSE_S,
    STARTS_WITHIN_S,
    Done,
    GivenUp,
    Left,
    Serving,
    Starting,
    Waiting,
    Watch,
)


def server(needs: tuple[str, ...] = ()) -> Watch:
    return Watch(
        Process(
            name="media-1",
            argv=("true",),
            env={},
            ready=AnswersUrl("http://127.0.0.1:1/"),
            log=Path("log"),
            needs=needs,
        )
    )


def step() -> Watch:
    return Watch(Process(name="initdb", argv=("true",), env={}, ready=Exits(), log=Path("log")))


def test_it_starts_when_what_it_needs_is_there() -> None:
    watch = server(needs=("initdb",))
    assert not watch.due(0.0, [])
    assert watch.due(0.0, ["nats", "initdb"])


def test_it_is_started_once() -> None:
    watch = server()
    watch.spawned(7, 0.0)
    assert watch.state == Starting(7, 0.0)
    assert not watch.due(1.0, [])


def test_a_server_that_died_is_started_again_after_a_pause_and_said_so() -> None:
    watch = server()
    watch.spawned(7, 0.0)
    watch.became_ready(1.0)
    said = watch.exited(-signal.SIGKILL, 2.0)
    assert said == "media-1 was killed by signal 9; starting it again in 0.2 s"
    assert not watch.due(2.1, [])
    assert watch.due(2.2, [])


def test_pauses_grow_and_stop_growing() -> None:
    watch = server()
    watch.spawned(7, 0.0)
    watch.became_ready(0.0)
    pauses = []
    for _ in range(10):
        watch.exited(1, 0.0)
        assert isinstance(watch.state, Waiting)
        pauses.append(watch.state.since)
        watch.spawned(7, 0.0)
    assert pauses == sorted(pauses)
    assert pauses[-1] == LONGEST_PAUSE_S


def test_a_long_steady_life_makes_the_next_pause_short() -> None:
    watch = server()
    for _ in range(6):
        watch.spawned(7, 0.0)
        watch.became_ready(0.0)
        watch.exited(1, 1.0)
    watch.spawned(7, 10.0)
    watch.became_ready(10.0)
    watch.exited(1, 100.0)
    assert watch.state == Waiting(100.2)


def test_one_that_never_served_is_given_up() -> None:
    watch = server()
    for _ in range(3):
        watch.spawned(7, 0.0)
        watch.exited(2, 0.1)
    assert watch.state == GivenUp(2)


def test_one_that_served_once_is_never_given_up() -> None:
    watch = server()
    watch.spawned(7, 0.0)
    watch.became_ready(0.0)
    for _ in range(50):
        watch.exited(1, 0.0)
        assert isinstance(watch.state, Waiting)
        watch.spawned(7, 0.0)


def test_those_who_need_it_need_not_wait_for_its_second_life() -> None:
    watch = server()
    watch.spawned(7, 0.0)
    watch.became_ready(0.0)
    watch.exited(1, 0.0)
    assert watch.fulfilled
    assert not watch.settled


def test_a_step_is_done_when_it_has_ended_well() -> None:
    watch = step()
    watch.spawned(7, 0.0)
    assert watch.exited(0, 1.0) == ""
    assert watch.state == Done()
    assert watch.fulfilled
    assert watch.settled


def test_a_step_that_failed_is_not_tried_again() -> None:
    watch = step()
    watch.spawned(7, 0.0)
    watch.exited(1, 1.0)
    assert watch.state == GivenUp(1)


def test_a_server_that_ends_well_is_started_again_too() -> None:
    watch = server()
    watch.spawned(7, 0.0)
    watch.became_ready(0.0)
    assert "exited with 0" in watch.exited(0, 1.0)


@given(st.lists(st.sampled_from(["spawn", "ready", "die", "wait"]), max_size=60))
def test_whatever_happens_there_is_at_most_one_life_at_a_time(story: list[str]) -> None:
    watch, now, alive = server(), 0.0, False
    for event in story:
        now += 0.5
        match event:
            case "spawn" if watch.due(now, []):
                assert not alive
                watch.spawned(7, now)
                alive = True
            case "ready":
                watch.became_ready(now)
            case "die" if alive:
                watch.exited(1, now)
                alive = False
            case _:
                now += 20.0
        assert (watch.pid is not None) == alive
        assert not isinstance(watch.state, Serving) or alive


def serving(now: float = 0.0) -> Watch:
    watch = server()
    watch.spawned(7, now)
    watch.became_ready(now)
    return watch


def test_one_that_was_told_to_leave_is_not_started_again() -> None:
    watch = serving()
    assert watch.leave(1.0, again=False) == 7
    assert watch.exited(0, 5.0) == ""
    assert watch.state == Left(0)
    assert not watch.due(100.0, [])


def test_one_that_is_restarted_starts_at_once_whatever_it_went_through_before() -> None:
    watch = serving()
    for _ in range(6):
        watch.exited(1, 1.0)
        watch.spawned(7, 1.0)
        watch.became_ready(1.0)
    watch.leave(2.0, again=True)
    watch.exited(-signal.SIGTERM, 3.0)
    assert watch.due(3.0, [])


def test_dying_while_leaving_is_said() -> None:
    watch = serving()
    watch.leave(1.0, again=False)
    assert watch.exited(-signal.SIGKILL, 2.0) == "media-1 was killed by signal 9 as it left"


def test_one_that_does_not_leave_in_its_time_is_overdue() -> None:
    watch = serving()
    watch.leave(1.0, again=False)
    assert not watch.overdue(10.0)
    assert watch.overdue(11.0) == 7


def test_one_that_leaves_is_asked_for_a_sign_of_life_like_one_that_serves() -> None:
    watch = serving()
    watch.leave(1.0, again=False)
    assert watch.to_ask(5.0) == 7


def test_one_that_is_down_leaves_by_staying_down() -> None:
    watch = serving()
    watch.exited(1, 1.0)
    assert watch.leave(1.1, again=False) == 0
    assert not watch.due(100.0, [])


def test_one_that_hangs_as_it_starts_again_is_overdue_but_never_at_its_first_start() -> None:
    watch = server()
    watch.spawned(7, 0.0)
    assert not watch.overdue(STARTS_WITHIN_S)
    watch.became_ready(STARTS_WITHIN_S)
    watch.exited(1, STARTS_WITHIN_S)
    watch.spawned(8, 200.0)
    assert not watch.overdue(200.0 + STARTS_WITHIN_S - 1)
    assert watch.overdue(200.0 + STARTS_WITHIN_S) == 8
