"""The replies of one session: wished for, asked for, active, done. Names and order, no wire.

A reply that says a given sentence is known to the call by its key; any other by the server's id.
"""

from collections import deque
from collections.abc import Mapping
from typing import Any, Final

from msgspec import Struct

_TRIES: Final = 5
"""How often a request is repeated that met a reply the server had begun on its own."""
_REMEMBERED: Final = 32
"""Replies whose items can still be cut: what is older was heard long ago."""


LONGEST_TEXT: Final = 20_000
"""Characters of one item or turn that count: half an hour of speech."""
_MOST_ITEMS: Final = 32
"""Items of one reply that are kept; a reply has one or two."""


class Create(Struct):
    """A reply wished for. `key` is "" unless it has a name of the call's own."""

    key: str
    fields: Mapping[str, Any]
    tries: int = 0
    cancelled: bool = False


class Reply(Struct):
    """A reply the server has begun."""

    id: str
    key: str
    cancelled: bool = False
    samples: dict[str, int] = {}
    texts: dict[str, str] = {}

    @property
    def name(self) -> str:
        """What the call knows it by."""
        return self.key or self.id

    def has_room(self, item_id: str) -> bool:
        """Whether more of this item counts: a reply has few items."""
        known = self.samples.keys() | self.texts.keys()
        return item_id in known or len(known) < _MOST_ITEMS

    def grow(self, item_id: str, samples: int) -> str:
        """More audio of an item; its name."""
        self.samples[item_id] = self.samples.get(item_id, 0) + samples
        return self._item(item_id)

    def say(self, item_id: str, text: str) -> tuple[str, str]:
        """More text of an item; its name and all of its text so far."""
        before = self.texts.get(item_id, "")
        self.texts[item_id] = before + text[: LONGEST_TEXT - len(before)]
        return self._item(item_id), self.texts[item_id]

    def named(self, item: str) -> str | None:
        """The server's id of the item that the call names `item`."""
        ids = (*self.samples, *self.texts)
        return next((each for each in ids if self._item(each) == item), None)

    def _item(self, item_id: str) -> str:
        first = next(iter((*self.samples, *self.texts)))
        return self.key if self.key and item_id == first else item_id


class Replies:
    """At most one is active, at most one is asked for."""

    def __init__(self) -> None:
        self._wanted: deque[Create] = deque()
        self._asked: tuple[str, Create] | None = None
        self._active: Reply | None = None
        self._done: deque[Reply] = deque(maxlen=_REMEMBERED)
        self._requests = 0

    @property
    def active(self) -> bool:
        """Whether the server has a reply that is not done."""
        return self._active is not None

    def want(self, create: Create) -> None:
        """Wishes for a reply; two plain wishes that wait are one."""
        if create.key or create.fields or not any(_plain(each) for each in self._wanted):
            self._wanted.append(create)

    def next_request(self) -> tuple[str, Mapping[str, Any]] | None:
        """The request to send now, if one may be: its event id and its fields."""
        if self._active or self._asked or not self._wanted:
            return None
        self._requests += 1
        create = self._wanted.popleft()
        self._asked = (f"reply-{self._requests}", create)
        return self._asked[0], create.fields

    def created(self, response_id: str, request: str) -> Reply:
        """The server began a reply, ours or (`request` names none of ours) its own."""
        key, cancelled = "", False
        if self._asked and self._asked[0] == request:
            key, cancelled = self._asked[1].key, self._asked[1].cancelled
            self._asked = None
        self._active = Reply(response_id, key, cancelled)
        return self._active

    def refused(self, event_id: str, *, again: bool) -> Create | None:
        """The server refused a request: wished for `again`, or returned as failed."""
        if not self._asked or self._asked[0] != event_id:
            return None
        create = self._asked[1]
        self._asked = None
        create.tries += 1
        if again and create.tries < _TRIES and not create.cancelled:
            self._wanted.appendleft(create)
            return None
        return create

    def speaking(self, response_id: str) -> Reply | None:
        """The active reply, if it is that one and was not cancelled."""
        active = self._active
        return active if active and active.id == response_id and not active.cancelled else None

    def done(self, response_id: str) -> Reply | None:
        """The reply is complete; None when it was never begun."""
        reply = self._active
        if reply is None or reply.id != response_id:
            return None
        self._active = None
        self._done.append(reply)
        return reply

    def cancel(self, name: str) -> Reply | Create | None:
        """Cancels by name. A `Reply` must be cancelled at the server; a `Create` never left."""
        active = self._active
        if active and active.name == name and not active.cancelled:
            active.cancelled = True
            return active
        if self._asked and name and self._asked[1].key == name:
            self._asked[1].cancelled = True
            return None
        waiting = next((each for each in self._wanted if name and each.key == name), None)
        if waiting is not None:
            self._wanted.remove(waiting)
        return waiting

    def generated(self, item: str) -> tuple[str, int] | None:
        """The server's id of an item and the samples received of it."""
        for reply in (*((self._active,) if self._active else ()), *reversed(self._done)):
            item_id = reply.named(item)
            if item_id is not None:
                return item_id, reply.samples.get(item_id, 0)
        return None


def _plain(create: Create) -> bool:
    return not create.key and not create.fields
