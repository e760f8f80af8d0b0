"""Frames of a program beside a worker (recogniser, voice): what it asks and what it answers."""

import io
import json

from callfunnel.infra.companion import NoFrame, pack, serve, unpacked
from tests.fuzz.target import Target


def check(data: bytes) -> None:
    try:
        meta, payload = unpacked(data)
    except NoFrame:
        pass
    else:
        assert isinstance(meta, dict)
        assert unpacked(pack(meta, payload)) == (meta, payload)
    replies = io.BytesIO()
    serve(lambda meta, payload: (meta, payload), io.BytesIO(data), replies)
    assert len(replies.getvalue()) >= 10 * bool(replies.getvalue())


TARGET = Target(
    check=check,
    seeds=(
        pack({"corpus": "a"}, b"\xff" * 16),
        pack({}, b"") + pack({"heard": "yes please"}, b""),
        json.dumps([1]).encode(),
    ),
    tokens=("\x00\x00\x00\x02\x00\x00\x00\x00{}", '{"heard":"'),
)
