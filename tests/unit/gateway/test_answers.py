"""Failures that are nobody's but the client's own."""

from typing import Any

import pytest
from fastapi import FastAPI, Request

from gateway.answers import add_answers


async def test_who_hangs_up_in_the_middle_of_a_request_is_no_failure_of_ours(
    caplog: pytest.LogCaptureFixture,
) -> None:
    app, sent = FastAPI(), []
    add_answers(app)

    @app.post("/")
    async def reads(request: Request) -> None:
        await request.body()

    async def hung_up() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    about = {"type": "http", "method": "POST", "path": "/", "query_string": b"", "headers": []}
    await app(about, hung_up, send)
    assert sent[0]["status"] == 400
    assert not caplog.records
