"""The caller's voice, as the edge hears it and as the model says: when it began, when it ended."""

from typing import Final

from workers.media.core.policy import seconds

UNCLAIMED_S: Final = 1.0
"""Silence after a voice that only the edge heard: by then the model would have heard it too."""

UNENDED_S: Final = 8.0
"""Silence after which a model that never ended the turn is taken to have missed its end."""


class Caller:
    """What is known of the caller's voice. Times are the core's clock."""

    def __init__(self) -> None:
        self.edge_since: float | None = None
        self.model_since: float | None = None
        self.level_db = 0.0
        self.last_voiced: float | None = None

    def edge_started(self, now: float, level_db: float, lasted_ms: int) -> float:
        """The edge hears speech; returns when it began. Repeated starts change nothing."""
        if self.edge_since is None:
            self.edge_since = now - seconds(max(lasted_ms, 0))
        self.level_db = level_db
        return self.edge_since

    def edge_ended(self, now: float, silent_ms: int) -> float:
        """The edge hears no more speech; returns the moment of the last voiced frame."""
        began = now if self.edge_since is None else self.edge_since
        self.last_voiced = max(now - seconds(max(silent_ms, 0)), began)
        self.edge_since = None
        return self.last_voiced

    def model_started(self, now: float) -> float:
        """The model hears speech; returns when it began, by the edge if it hears it too."""
        if self.model_since is None:
            self.model_since = now if self.edge_since is None else self.edge_since
        return self.model_since

    def model_ended(self, now: float) -> float:
        """The model took the turn as over; returns the moment of the last voiced frame."""
        began, self.model_since = self.model_since, None
        voiced = self.last_voiced
        if self.edge_since is None and voiced is not None and voiced >= (began or voiced):
            return voiced
        return now

    def speaking(self) -> bool:
        """Either of the two hears speech."""
        return self.edge_since is not None or self.model_since is not None

    def silent_from(self, since: float) -> float | None:
        """When a caller who has the floor `since` then counts as silent without the model's word.

        None while the edge hears a voice.
        """
        if self.edge_since is not None:
            return None
        last = max(since, self.last_voiced or since, self.model_since or since)
        return last + (UNCLAIMED_S if self.model_since is None else UNENDED_S)
