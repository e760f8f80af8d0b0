"""A full bucket at first, refilled evenly, one per key, bounded in number."""

from callfunnel.domain.allowances import Allowances


def test_a_burst_is_allowed_and_then_one_waits() -> None:
    allowances = Allowances(burst=3, per_s=0.5)
    for _ in range(3):
        assert allowances.wait_s("peer", 0.0) == 0
        allowances.take("peer", 0.0)
    assert allowances.wait_s("peer", 0.0) == 2
    assert allowances.wait_s("peer", 2.0) == 0


def test_it_refills_evenly_and_never_beyond_the_burst() -> None:
    allowances = Allowances(burst=3, per_s=0.5)
    for _ in range(3):
        allowances.take("peer", 0.0)
    assert [allowances.left("peer", now) for now in (0.0, 1.0, 4.0, 99.0)] == [0.0, 0.5, 2.0, 3.0]


def test_one_peer_does_not_use_up_anothers() -> None:
    allowances = Allowances(burst=1, per_s=1)
    allowances.take("a", 0.0)
    assert allowances.wait_s("a", 0.0) == 1
    assert allowances.wait_s("b", 0.0) == 0


def test_the_table_does_not_grow_with_its_enemies() -> None:
    allowances = Allowances(burst=1, per_s=1, most_keys=100)
    for number in range(1000):
        allowances.take(f"peer-{number}", 0.0)
    assert allowances.wait_s("peer-999", 0.0) == 1
    assert allowances.wait_s("peer-900", 0.0) == 1
    assert allowances.wait_s("peer-899", 0.0) == 0


def test_who_goes_on_asking_is_not_forgotten_before_who_is_gone() -> None:
    allowances = Allowances(burst=1, per_s=1, most_keys=2)
    allowances.take("asks", 0.0)
    allowances.take("gone", 0.0)
    assert allowances.wait_s("asks", 0.0) == 1
    allowances.take("new", 0.0)
    assert allowances.wait_s("asks", 0.0) == 1
    assert allowances.wait_s("gone", 0.0) == 0
