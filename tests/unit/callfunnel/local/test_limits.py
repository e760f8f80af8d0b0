from callfunnel.local.limits import RateLimit


def test_a_burst_is_allowed_and_then_one_waits() -> None:
    limit = RateLimit(per_second=0.5, burst=3)
    for _ in range(3):
        assert limit.wait("peer", 0.0) == 0
        limit.take("peer", 0.0)
    assert limit.wait("peer", 0.0) == 2
    assert limit.wait("peer", 2.0) == 0


def test_one_peer_does_not_use_up_anothers() -> None:
    limit = RateLimit(per_second=1, burst=1)
    limit.take("a", 0.0)
    assert limit.wait("a", 0.0) == 1
    assert limit.wait("b", 0.0) == 0


def test_the_table_does_not_grow_with_its_enemies() -> None:
    limit = RateLimit(per_second=1, burst=1, keys=100)
    for number in range(1000):
        limit.take(f"peer-{number}", 0.0)
    assert len(limit._buckets) == 100
    assert limit.wait("peer-999", 0.0) == 1
