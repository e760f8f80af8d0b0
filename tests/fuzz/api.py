"""The whole API of a running stack against its own OpenAPI document, with a real token.

Every operation, with data that fits its schema and data that does not, and sequences in which an
id from one answer is asked for in the next request. What answers must be what the document says:
status, media type, headers and schema. Streams never end and are left to the other tests.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from tests.simulators.running_stack import RunningStack

CONFIG = Path(__file__).parent / "api.toml"
STREAMS = ("/v1/events", "/v1/calls/{call}/events")
EXAMPLES = 100
"""Of each operation at most; the time ends it sooner."""


def attack(seconds: int) -> int:
    """The exit status: 0 when everything is as the document says."""
    with tempfile.TemporaryDirectory() as folder:
        stack = RunningStack.start(Path(folder))
        try:
            stack.call("say:goodbye", "--hangup-after", "3")
            return subprocess.run(command(stack, seconds), cwd=folder, check=False).returncode
        finally:
            stack.stop()


def command(stack: RunningStack, seconds: int) -> list[str]:
    """Schemathesis as its own command line is used."""
    words = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(CONFIG), "--no-color"]
    words += ["run", f"{stack.ready['gateway']}/v1/openapi.json"]
    words += ["--header", f"Authorization: Bearer {stack.ready['api_token']}"]
    words += ["--phases", "examples,coverage,fuzzing,stateful", "--generation-allow-x00", "true"]
    words += ["--max-examples", str(EXAMPLES), "--max-time", str(seconds), "--warnings", "off"]
    words += ["--request-timeout", "10", "--continue-on-failure"]
    for path in STREAMS:
        words += ["--exclude-path", path]
    return words
