"""A few strikes of the kill matrix on every run: the whole is `./cf chaos`.

One running product for the module, every phase of a call struck at once, a test a square.
"""

from collections.abc import Iterator

import pytest

from tests.chaos import evidence, matrix, page
from tests.chaos.__main__ import main
from tests.chaos.cells import VICTIMS, Cell, Fate, Harm, Phase, all_cells, expected, why_not
from tests.chaos.matrix import Result
from tests.chaos.stage import Stage

STRIKES = (("media", Harm.KILL), ("postgres", Harm.KILL))
CELLS = [Cell(victim, phase, harm) for victim, harm in STRIKES for phase in Phase]
SEED = 1


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """One stack for the module; every strike leaves it whole again."""
    opened = Stage.open(tmp_path_factory.mktemp("stage"))
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def results(stage: Stage) -> dict[str, Result]:
    """All strikes, and then a look at the whole."""
    found = [
        result
        for victim, harm in STRIKES
        for result in matrix.run(stage, victim, harm, set(Phase), SEED)
    ]
    assert evidence.of_the_whole(stage) == []
    return {result.cell: result for result in found}


@pytest.mark.parametrize("cell", CELLS, ids=str)
def test_nothing_is_lost_doubled_or_held_and_no_caller_hears_more_than_they_may(
    results: dict[str, Result], cell: Cell
) -> None:
    assert results[str(cell)].wrong == []


def test_every_square_of_the_table_has_its_place() -> None:
    assert len({str(cell) for cell in all_cells()}) == len(VICTIMS) * len(Phase) * len(Harm)
    assert all(Cell.named(str(cell)) == cell for cell in all_cells())


@pytest.mark.parametrize(
    "words", [["--cell", "nobody/turn/kill"], ["--cell", "media/turn/kil"], ["--cell", ""]]
)
def test_a_square_that_is_none_is_refused_before_anything_starts(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2
    assert "no square" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["rolling", "many"], ["pressure", "nobody"]])
def test_a_wrong_word_is_a_mistake_and_nothing_starts(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_the_page_shows_what_was_found() -> None:
    assert page.PAGE.read_text() == "\n".join(page.page(page.stored())) + "\n"
    assert {each.cell for each in page.stored().values() if each.wrong} == set()


@pytest.mark.parametrize("victim", [each for each in VICTIMS if each not in ("media", "gateway")])
def test_no_death_beside_the_call_may_be_heard(victim: str) -> None:
    talking = (Phase.TURN, Phase.TOOL, Phase.APPROVAL, Phase.DRAINING)
    for harm in Harm:
        if why_not(victim, harm) or (victim, harm) == ("supervisor", Harm.KILL):
            continue
        assert {expected(Cell(victim, phase, harm)) for phase in talking} == {Fate.UNHEARD}
