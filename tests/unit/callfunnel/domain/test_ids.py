"""Ids: what they look like, and that their order is the order of time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callfunnel.domain.errors import InvalidToken
from callfunnel.domain.ids import call_id, new_id, tenant_id

MOMENTS = st.integers(0, 2**47)


@given(MOMENTS, MOMENTS, st.binary(min_size=10, max_size=10), st.binary(min_size=10, max_size=10))
def test_ids_made_later_sort_later(first: int, second: int, one: bytes, other: bytes) -> None:
    if first == second:
        return
    ids = [new_id("c", first, one), new_id("c", second, other)]
    assert (ids[0] < ids[1]) == (first < second)


@given(MOMENTS, st.binary(min_size=10, max_size=10))
def test_a_new_id_is_one(moment: int, randomness: bytes) -> None:
    assert call_id(new_id("c", moment, randomness))


@pytest.mark.parametrize("text", ["", "A", "-a", "a.b", "a" * 41, "a\n", "ä"])
def test_what_is_no_slug_is_no_tenant(text: str) -> None:
    with pytest.raises(InvalidToken):
        tenant_id(text)
