"""Rule books, as the API shows them."""

from datetime import datetime
from typing import Any

from gateway.schemas.calls import Shown


class RulebookSummary(Shown):
    """The published version of one agent's rule book. `file`: where to edit it, when it is one."""

    agent: str
    version: int
    digest: str
    published_at: datetime
    published_by: str | None = None
    file: str | None = None


class RulebookList(Shown):
    items: list[RulebookSummary]


class Rulebook(RulebookSummary):
    """`document` is what was written, comments included; `rulebook` is what it means.

    `problems` says what is wrong with an edit of the file that was not taken.
    """

    document: str
    problems: list[dict[str, Any]]


class RulebookPublished(Shown):
    """The next call uses it."""

    agent: str
    version: int
