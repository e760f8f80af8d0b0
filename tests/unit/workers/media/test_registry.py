"""The worker's side of the registry, over buckets in memory that also go away."""

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from callfunnel.domain.call import CallSpec, Cause, Pin, PinState, WorkerRecord
from callfunnel.domain.errors import Temporary
from callfunnel.domain.ids import WorkerId
from callfunnel.domain.rulebook import PublishedRulebook
from callfunnel.infra.kv import Entry
from tests.simulators import virtual_time
from tests.simulators.room import TENANT, WORKER, rulebook, spec
from workers.media.registry import Registry, pin_key

EPOCH = 7


class Bucket:
    """Compare-and-set on a dict; revisions count up."""

    def __init__(self) -> None:
        self.entries: dict[str, Entry] = {}
        self.revision = EPOCH - 1
        self.down_for = 0
        self.asked: Counter[int] = Counter()
        self.before_write: Callable[[], None] | None = None

    async def get(self, key: str) -> Entry | None:
        self._answer()
        self.asked[virtual_time.turn()] += 1
        return self.entries.get(key)

    async def create(self, key: str, value: bytes, **_: Any) -> int | None:
        self._answer()
        return None if key in self.entries else self.put(key, value)

    async def replace(self, key: str, value: bytes, revision: int, **_: Any) -> int | None:
        self._answer()
        if self.before_write is not None:
            self.before_write()
        found = self.entries.get(key)
        return self.put(key, value) if found and found.revision == revision else None

    async def delete(self, key: str, revision: int | None = None) -> bool:
        self._answer()
        found = self.entries.get(key)
        if found is None or revision not in (None, found.revision):
            return False
        del self.entries[key]
        return True

    def put(self, key: str, value: bytes) -> int:
        self.revision += 1
        self.entries[key] = Entry(key, value, self.revision, self.revision)
        return self.revision

    def _answer(self) -> None:
        if self.down_for > 0:
            self.down_for -= 1
            raise Temporary("the bus does not answer")


class Buckets:
    def __init__(self) -> None:
        self.made: dict[str, Bucket] = {}

    def kv(self, bucket: str) -> Any:
        return self.made.setdefault(bucket, Bucket())

    @property
    def pins(self) -> Bucket:
        return self.made["cf_pins"]

    @property
    def slots(self) -> Bucket:
        return self.made["cf_slots"]

    def pin(self, **changes: Any) -> CallSpec:
        """Puts slot and pin; the spec that names them."""
        revision = self.slots.put("demo.0", b"{}")
        offered = spec(slot="demo.0", slot_revision=revision)
        fields: dict[str, Any] = {
            "tenant": offered.tenant,
            "call": offered.call,
            "worker": WORKER,
            "epoch": EPOCH,
            "token": "t",
            "media_path": "/media/m/t",
            "spec": offered,
        }
        pin = Pin(**{**fields, **changes})
        self.pins.put(pin_key(offered), msgspec.json.encode(pin))
        return offered

    def pinned(self, offered: CallSpec) -> Pin:
        return msgspec.json.decode(self.pins.entries[pin_key(offered)].value, type=Pin)


def record() -> WorkerRecord:
    return WorkerRecord(
        worker=WORKER, url="ws://x", slots=1, used=0, draining=False, model="demo", at=""
    )


async def conclude(buckets: Buckets, offered: CallSpec) -> bool:
    registry = Registry(buckets, WORKER, record)
    return await registry.conclude(offered, EPOCH, Cause.TRANSFERRED, "+15550100009")


def registry_over(buckets: Buckets) -> Registry:
    return Registry(buckets, WORKER, record)


def test_the_end_is_in_the_pin_and_the_slot_is_free() -> None:
    async def scenario() -> None:
        buckets = Buckets()
        registry_over(buckets)
        offered = buckets.pin()
        assert await conclude(buckets, offered)
        pin = buckets.pinned(offered)
        assert (pin.state, pin.cause, pin.next_dial) == (
            PinState.ENDED,
            "transferred",
            "+15550100009",
        )
        assert buckets.slots.entries == {}

    virtual_time.run(scenario())


@pytest.mark.parametrize(
    "changes",
    [
        {"worker": WorkerId("media-2")},
        {"epoch": EPOCH + 1},
        {"call": "c_" + "z" * 26},
        {"state": PinState.ENDED},
        {"state": PinState.REAPING},
    ],
)
def test_a_pin_that_is_not_ours_any_more_is_left_alone(changes: dict[str, Any]) -> None:
    async def scenario() -> None:
        buckets = Buckets()
        registry_over(buckets)
        offered = buckets.pin(**changes)
        before = buckets.pinned(offered)
        assert not await conclude(buckets, offered)
        assert buckets.pinned(offered) == before

    virtual_time.run(scenario())


def test_a_pin_that_changes_under_the_hand_is_read_again() -> None:
    async def scenario() -> None:
        buckets = Buckets()
        registry_over(buckets)
        offered = buckets.pin()

        def meanwhile() -> None:
            buckets.pins.before_write = None
            entry = buckets.pins.entries[pin_key(offered)]
            buckets.pins.put(entry.key, entry.value)

        buckets.pins.before_write = meanwhile
        assert await conclude(buckets, offered)
        assert buckets.pinned(offered).state is PinState.ENDED

    virtual_time.run(scenario())


def test_an_outage_is_waited_out() -> None:
    async def scenario() -> float:
        buckets = Buckets()
        registry_over(buckets)
        offered = buckets.pin()
        buckets.pins.down_for = 20
        began = asyncio.get_running_loop().time()
        assert await conclude(buckets, offered)
        assert buckets.slots.entries == {}
        return asyncio.get_running_loop().time() - began

    assert virtual_time.run(scenario()) >= 9


def test_a_slot_that_others_have_taken_over_is_theirs() -> None:
    async def scenario() -> None:
        buckets = Buckets()
        registry_over(buckets)
        offered = buckets.pin()
        buckets.slots.put("demo.0", b"another call")
        await conclude(buckets, offered)
        assert buckets.slots.entries["demo.0"].value == b"another call"

    virtual_time.run(scenario())


def test_what_cannot_be_read_is_nobodys() -> None:
    async def scenario() -> None:
        buckets = Buckets()
        registry = registry_over(buckets)
        offered = buckets.pin()
        buckets.pins.put(pin_key(offered), b"{}")
        assert not await conclude(buckets, offered)
        buckets.kv("cf_rulebooks").put(f"{TENANT}.home-internet", b"nonsense")
        assert await registry.rulebook(TENANT, "home-internet", 1) is None
        assert await registry.rulebook(TENANT, "unknown", 1) is None

    virtual_time.run(scenario())


def test_a_published_rule_book_is_read() -> None:
    async def scenario() -> None:
        buckets = Buckets()
        registry = registry_over(buckets)
        book = PublishedRulebook(version=3, digest="d", published_at="", rulebook=rulebook())
        buckets.kv("cf_rulebooks").put(f"{TENANT}.home-internet", msgspec.json.encode(book))
        assert await registry.rulebook(TENANT, "home-internet", 3) == book

    virtual_time.run(scenario())


def test_a_version_is_read_once_and_the_next_one_as_soon_as_a_call_has_it() -> None:
    async def scenario() -> None:
        buckets = Buckets()
        registry = registry_over(buckets)
        books = buckets.kv("cf_rulebooks")
        for version in (3, 4):
            book = PublishedRulebook(
                version=version, digest="d", published_at="", rulebook=rulebook()
            )
            books.put(f"{TENANT}.home-internet", msgspec.json.encode(book))
            assert await registry.rulebook(TENANT, "home-internet", version) == book
        books.put(f"{TENANT}.home-internet", b"never asked for")
        assert await registry.rulebook(TENANT, "home-internet", 4) == book

    virtual_time.run(scenario())


def test_the_record_is_held_written_and_given_up() -> None:
    async def scenario() -> None:
        buckets = Buckets()
        registry = registry_over(buckets)
        assert not registry.holds
        await registry.write()
        assert buckets.made["cf_workers"].entries == {}
        await registry.enter()
        assert (registry.holds, registry.epoch) == (True, EPOCH)
        await asyncio.sleep(60)
        assert registry.holds
        await registry.write()
        await registry.leave()
        assert not registry.holds
        assert buckets.made["cf_workers"].entries == {}

    virtual_time.run(scenario())


@pytest.mark.parametrize("down_for", [0, 50])
def test_of_many_calls_that_end_at_once_a_few_are_concluded_in_each_turn(down_for: int) -> None:
    async def scenario() -> Counter[int]:
        buckets = Buckets()
        registry = registry_over(buckets)
        offered = buckets.pin()
        buckets.pins.down_for = down_for
        each = [registry.conclude(offered, EPOCH, Cause.MEDIA_LOST, "") for _ in range(50)]
        assert sorted(await asyncio.gather(*each)) == [False] * 49 + [True]
        return buckets.pins.asked

    asked = virtual_time.run(scenario())
    assert asked.total() == 50
    assert max(asked.values()) == 2
