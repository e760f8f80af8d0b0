"""Request budgets: what may pass, and what the answer says of it."""

from gateway.limits import Limiter, RateLimit

LIMIT = RateLimit("test", quota=3, window_s=6)


def test_the_quota_is_allowed_and_no_more() -> None:
    limiter = Limiter(LIMIT)
    verdicts = [limiter.take("a", 100.0) for _ in range(4)]
    assert [each.allowed for each in verdicts] == [True, True, True, False]
    assert [each.remaining for each in verdicts] == [2, 1, 0, 0]
    assert verdicts[3].retry_after_s == 2


def test_it_refills_evenly() -> None:
    limiter = Limiter(LIMIT)
    for _ in range(3):
        limiter.take("a", 0.0)
    assert not limiter.take("a", 1.9).allowed
    assert limiter.take("a", 2.1).allowed


def test_keys_do_not_share() -> None:
    limiter = Limiter(LIMIT)
    for _ in range(4):
        limiter.take("a", 0.0)
    assert limiter.take("b", 0.0).allowed
    assert not limiter.take("a", 0.0).allowed


def test_the_headers_say_when_to_come_back() -> None:
    limiter = Limiter(RateLimit("test", quota=1, window_s=60))
    first = limiter.limit.headers(limiter.take("a", 0.0))
    assert first == {"RateLimit-Policy": '"test";q=1;w=60', "RateLimit": '"test";r=0;t=60'}
    assert limiter.limit.headers(limiter.take("a", 0.0))["Retry-After"] == "60"
