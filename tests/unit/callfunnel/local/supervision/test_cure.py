from callfunnel.local.supervision.cure import AGAIN_S, Advice, Cure


def test_one_that_stores_is_left_alone() -> None:
    cure = Cure()
    assert {cure.look(n, stores=True, room=True) for n in range(9)} == {Advice.NOTHING}


def test_one_that_stores_nothing_is_started_anew_at_the_second_look() -> None:
    cure = Cure()
    looks = [cure.look(n, stores=False, room=True) for n in range(2)]
    assert looks == [Advice.NOTHING, Advice.START_ANEW]


def test_a_moment_is_none() -> None:
    cure = Cure()
    for n in range(9):
        assert cure.look(n, stores=bool(n % 2), room=True) is Advice.NOTHING


def test_without_room_it_is_said_once_and_room_starts_it_anew() -> None:
    cure = Cure()
    looks = [cure.look(n, stores=False, room=n > 5) for n in range(7)]
    assert looks == [
        Advice.NOTHING, Advice.SAY_FULL, *[Advice.NOTHING] * 4, Advice.START_ANEW,
    ]  # fmt: skip


def test_what_a_start_does_not_mend_is_not_started_again_and_again() -> None:
    cure = Cure()
    looks = [cure.look(n, stores=False, room=True) for n in range(int(AGAIN_S) + 3)]
    assert [n for n, each in enumerate(looks) if each is Advice.START_ANEW] == [1, 61]
