"""The sealed record: what it lacks, and that anyone can check it."""

import hashlib
import json

import pytest

from callfunnel.domain.ids import TenantId
from workers.persistence.settlement.rules import Parts, missing, sealed

TENANT = TenantId("acme")
ALL = Parts(
    TENANT,
    "c_1",
    {"cause": "caller_hangup"},
    {"last_seq": 3},
    {"object_key": "x"},
    {"complete": True},
)


def without(**changes: object) -> Parts:
    names = ("tenant", "call", "ended", "timeline", "recording", "rated")
    return Parts(**({name: getattr(ALL, name) for name in names} | changes))  # type: ignore[arg-type]


def test_a_whole_record_lacks_nothing() -> None:
    assert missing(ALL) == ()


@pytest.mark.parametrize(
    ("parts", "lacks"),
    [
        (without(timeline=None), ("timeline",)),
        (without(recording=None), ("recording",)),
        (without(rated=None), ("usage",)),
        (without(rated={"complete": False}), ("usage",)),
        (without(rated=None, timeline=None, recording=None), ("timeline", "recording", "usage")),
    ],
)
def test_what_never_came_is_named(parts: Parts, lacks: tuple[str, ...]) -> None:
    assert missing(parts) == lacks
    assert json.loads(sealed(parts, "now").canonical)["missing"] == list(lacks)


def test_the_digest_is_the_sha256_of_the_canonical_text() -> None:
    record = sealed(ALL, "2026-01-01T00:00:00.000000Z")
    again = json.dumps(
        json.loads(record.canonical), sort_keys=True, separators=(",", ":"), ensure_ascii=False
    )
    assert record.canonical == again
    assert record.digest == hashlib.sha256(again.encode()).hexdigest()


def test_the_order_in_which_parts_were_stored_does_not_matter() -> None:
    other = without(timeline=dict(reversed(list({"last_seq": 3, "a": 1}.items()))))
    same = without(timeline={"last_seq": 3, "a": 1})
    assert sealed(other, "now") == sealed(same, "now")
