"""The lease in virtual time: two holders never act at once, whatever the bus does to them."""

import asyncio
from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from callfunnel.domain.errors import Temporary
from callfunnel.infra.kv import Entry
from callfunnel.infra.lease import Lease

TTL_S = 2


@dataclass
class VirtualBucket:
    """One bucket in virtual time: entries expire, writes may be slow and answers may be lost."""

    now: float = 0.0
    sequence: int = 0
    entry: Entry | None = None
    expires: float = 0.0
    delay: float = 0.0
    lose: bool = False
    history: list[str] = field(default_factory=list)

    async def get(self, key: str) -> Entry | None:
        return self.entry if self.entry is not None and self.now < self.expires else None

    async def create(self, key: str, value: bytes, *, ttl_s: int = 0, epoch: int = 0) -> int | None:
        return self._write(key, value, None, ttl_s, epoch)

    async def replace(
        self, key: str, value: bytes, revision: int, *, ttl_s: int = 0, epoch: int = 0
    ) -> int | None:
        return self._write(key, value, revision, ttl_s, epoch)

    async def delete(self, key: str, revision: int | None = None) -> bool:
        self.entry = None
        return True

    def _write(
        self, key: str, value: bytes, expected: int | None, ttl_s: int, epoch: int
    ) -> int | None:
        self.now += self.delay
        live = self.entry if self.entry is not None and self.now < self.expires else None
        if (live.revision if live else None) != expected:
            return None
        self.sequence += 1
        self.entry = Entry(key, value, self.sequence, epoch or self.sequence)
        self.expires = self.now + ttl_s
        self.now += self.delay
        if self.lose:
            raise Temporary("the answer is lost")
        return self.sequence


Action = tuple[int, str, float, float, bool]
ACTIONS = st.lists(
    st.tuples(
        st.integers(0, 2),
        st.sampled_from(["acquire", "renew", "release"]),
        st.floats(0, 3, allow_nan=False),
        st.floats(0, 1.5, allow_nan=False),
        st.booleans(),
    ),
    max_size=40,
)


@given(ACTIONS)
@settings(max_examples=300, deadline=None)
def test_at_no_time_do_two_holders_act(actions: list[Action]) -> None:
    asyncio.run(_play(actions))


async def _play(actions: list[Action]) -> None:
    bucket = VirtualBucket()
    holders = [
        Lease(bucket, "k", ttl_s=TTL_S, margin_s=0.5, clock=lambda: bucket.now) for _ in range(3)
    ]
    for who, what, wait, delay, lose in actions:
        bucket.now += wait
        bucket.delay, bucket.lose = delay, lose
        lease = holders[who]
        try:
            if what == "acquire" and not lease.holds:
                await lease.acquire(b"%d" % who)
            elif what == "renew" and lease.epoch:
                await lease.renew(b"%d" % who)
            elif what == "release" and lease.holds:
                await lease.release()
        except Temporary:
            pass
        assert sum(lease.holds for lease in holders) <= 1


async def test_a_holder_counts_from_when_it_sent_not_from_when_it_heard() -> None:
    bucket = VirtualBucket(delay=0.4)
    lease = Lease(bucket, "k", ttl_s=2, margin_s=0.5, clock=lambda: bucket.now)
    assert await lease.acquire(b"x")

    bucket.now = 1.45
    assert lease.holds
    bucket.now = 1.55
    assert not lease.holds
    assert bucket.now < bucket.expires


async def test_a_renewal_whose_answer_was_lost_is_still_ours() -> None:
    bucket = VirtualBucket()
    lease = Lease(bucket, "k", ttl_s=2, margin_s=0.5, clock=lambda: bucket.now)
    await lease.acquire(b"x")
    epoch = lease.epoch
    bucket.lose = True
    try:
        await lease.renew(b"y")
    except Temporary:
        bucket.lose = False

    assert await lease.renew(b"z")
    assert lease.epoch == epoch
