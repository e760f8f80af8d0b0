"""The model's replies: at most one is active, asked for one at a time, cancelled only while active.

A sentence (`Say`) counts as a reply from the moment it is asked for. A reply is active until its
`ReplyDone`; a cancelled one fades for a moment, in which no other is asked for.
"""

from typing import Final

FADE_S: Final = 1.0
"""How long a cancelled reply's end is waited for before the next one is asked for anyway."""

EXPECT_S: Final = 3.0
"""How long the reply of a model that replies by itself is waited for before it is asked for."""


class Replies:
    """Which reply the model is at."""

    def __init__(self) -> None:
        self.active: str | None = None
        self.sentence = False
        self.asked = False
        self.expected = False
        self.failures = 0
        self._expected_until = 0.0
        self._fading: str | None = None
        self._faded_at = 0.0

    def awaited(self) -> bool:
        """A reply was asked for, or a turn was taken as over, and none has begun yet."""
        return self.asked or self.expected

    def free(self, now: float) -> bool:
        """May a reply be asked for?"""
        fading = self._fading is not None and now < self._faded_at
        return self.active is None and not self.awaited() and not fading

    def ask(self) -> None:
        """`CreateReply` was sent."""
        self.asked = True

    def expect(self, now: float) -> None:
        """The model took a turn as over and will reply by itself."""
        self.expected, self._expected_until = True, now + EXPECT_S

    def lapse(self, now: float) -> bool:
        """Gives up expecting a reply that did not come by itself. True once."""
        late = self.expected and now >= self._expected_until
        if late:
            self.expected = False
        return late

    def say(self, key: str) -> None:
        """`Say` was sent."""
        self._begin(key, sentence=True)

    def start(self, response: str) -> bool:
        """The model began a reply. False if another one is active: this one must not go on."""
        if self.active is not None:
            return self.active == response
        if self._fading == response:
            return False
        self.asked = self.expected = False
        self._begin(response, sentence=False)
        return True

    def _begin(self, response: str, sentence: bool) -> None:
        self.active, self.sentence = response, sentence

    def done(self, response: str, status: str) -> bool:
        """A reply is complete. True if it was the active one."""
        if response == self._fading:
            self._fading = None
        if response != self.active:
            return False
        if not self.sentence:
            self.failures = self.failures + 1 if status == "failed" else 0
        self.active = None
        return True

    def cancel(self, now: float) -> str | None:
        """Gives up the active reply and returns it, or None when there is none to cancel."""
        response, self.active = self.active, None
        if response is not None:
            self._fading, self._faded_at = response, now + FADE_S
        return response

    def give_up(self, now: float) -> None:
        """What was asked for is not wanted any more; should it begin, it will be cancelled."""
        if self.asked:
            self._fading, self._faded_at = "", now + FADE_S
        self.asked = self.expected = False

    def forget(self) -> None:
        """Nothing more will come of the model: its session is gone."""
        self.active = self._fading = None
        self.asked = self.expected = False

    def deadline(self) -> float | None:
        """When a fading reply no longer stands in the way, or an expected one is overdue."""
        fade = self._faded_at if self._fading is not None else None
        lapse = self._expected_until if self.expected else None
        return min((at for at in (fade, lapse) if at is not None), default=None)

    def tire(self, now: float) -> None:
        """Gives up waiting for the end of a cancelled reply once its time is over."""
        if self._fading is not None and now >= self._faded_at:
            self._fading = None
