"""When a failed message is tried again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callfunnel.domain.errors import Permanent, Temporary
from callfunnel.infra import retry_rules as rules


@given(st.floats(0, 100), st.integers(1, 10_000), st.floats(0, 1, exclude_max=True))
def test_a_wait_is_never_zero_and_never_longer_than_the_cap_and_its_jitter(
    first: float, delivered: int, random: float
) -> None:
    assert 0 < rules.retry_delay(first, delivered, random) <= rules.CAP_S * 1.25


def test_each_try_waits_twice_as_long() -> None:
    waits = [rules.retry_delay(0.5, n, 0.0) for n in range(1, 10)]
    assert waits[:4] == [0.5, 1.0, 2.0, 4.0]
    assert waits[-1] == rules.CAP_S


@pytest.mark.parametrize(
    ("error", "delivered", "hopeless"),
    [
        (Permanent("unknown type"), 1, True),
        (Temporary("database is away"), 1, False),
        (Temporary("database is away"), 10_000, False),
        (ValueError("a bug"), 1, False),
        (ValueError("a bug"), rules.GIVE_UP_AFTER, True),
    ],
)
def test_only_what_no_try_will_help_is_given_up(
    error: Exception, delivered: int, hopeless: bool
) -> None:
    assert rules.is_hopeless(error, delivered) is hopeless


def test_the_reason_of_an_unexplained_failure_does_not_quote_it() -> None:
    assert "4111" not in rules.reason_of(ValueError("my card is 4111"))
