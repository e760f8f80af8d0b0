"""Every parser keeps its contract: on what fuzzing has kept, and on changes of what is valid."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.target import kept, load, names

PIECE = st.binary(max_size=8) | st.sampled_from(
    [b"\0", b"\xff\xff\xff\xff", b"[" * 600, b"9" * 600]
)


@pytest.mark.parametrize("name", names())
def test_what_was_kept_breaks_nothing(name: str) -> None:
    target = load(name)
    for seed in target.seeds:
        target.check(seed)
    for path in kept(name):
        target.check(path.read_bytes())


@pytest.mark.parametrize("name", names())
def test_no_change_of_a_valid_input_breaks_the_contract(name: str) -> None:
    target = load(name)
    words = st.sampled_from([word.encode() for word in target.tokens]) if target.tokens else PIECE

    @settings(max_examples=60, deadline=None, database=None)
    @given(data=st.data())
    def changed(data: st.DataObject) -> None:
        text = data.draw(st.sampled_from(target.seeds))
        for _ in range(data.draw(st.integers(1, 3))):
            at = data.draw(st.integers(0, len(text)))
            gone = data.draw(st.sampled_from([0, 0, 1, 2, 8]))
            text = text[:at] + data.draw(PIECE | words) + text[at + gone :]
        target.check(text)

    changed()


@pytest.mark.parametrize("name", names())
def test_a_kept_corpus_is_there_and_small(name: str) -> None:
    sizes = [path.stat().st_size for path in kept(name)]
    assert sizes
    assert len(sizes) <= 64
    assert sum(sizes) <= 96 * 1024
