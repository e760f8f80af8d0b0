"""What fills the silence while tools work."""

from callfunnel.domain.rulebook import Fillers as Rules
from workers.media.core.fillers import Fillers


def test_each_filler_is_used_once_until_the_tools_rest() -> None:
    fillers = Fillers(Rules(after_ms=900, lines=("One.", "Two.")))
    fillers.quiet(0.0)
    assert fillers.due(0.8) == ""
    assert fillers.due(0.9) == "One."
    fillers.quiet(2.0)
    assert fillers.due(6.0) == "Two."
    fillers.quiet(7.0)
    assert fillers.deadline() is None
    fillers.rest()
    fillers.quiet(20.0)
    assert fillers.due(21.0) == "One."
