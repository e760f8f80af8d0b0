"""What the user and other programs are told: progress lines, the ready file, the state file."""

from __future__ import annotations

import http.client
import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from urllib.parse import urlencode, urlsplit

from callfunnel.domain.errors import UserError
from callfunnel.infra.sealed import SealedFolder
from callfunnel.local.demo import CARRIER, NUMBER, TENANT
from callfunnel.local.home.credentials import DEMO_CLIENT, PAGE, credential
from callfunnel.local.home.folder import write_json
from callfunnel.local.processes import Stack
from callfunnel.local.supervision.watch import Left, Watch

_WAIT_S = 5.0


def say(line: str) -> None:
    """One line of progress, at once."""
    print(line, file=sys.stderr, flush=True)


def snapshot(stack: Stack, watches: Iterable[Watch], supervisor: int) -> dict[str, object]:
    """What runs now, without secrets."""
    all_of_them = list(watches)
    return {
        "pid": supervisor,
        "gateway": stack.gateway_url,
        "public": stack.public_url or stack.gateway_url,
        "processes": [
            {
                "name": watch.process.name,
                "pid": watch.pid,
                "state": watch.word,
                "restarts": watch.restarts,
            }
            for watch in all_of_them
            if watch.pid
        ],
        "stopped": [w.process.name for w in all_of_them if isinstance(w.state, Left)],
        "services": {
            watch.process.name: watch.process.address
            for watch in all_of_them
            if watch.process.address
        },
    }


def write_ready_file(file: Path, stack: Stack, now: Mapping[str, object]) -> None:
    """The file that `--ready-file` asks for: everything a program needs to place a call."""
    carrier = stack.store.get(TENANT, CARRIER)
    content = {
        "gateway": now["gateway"],
        "page": page_address(stack),
        "api_token": demo_token(stack.issuer_url, stack.store),
        "carrier": {**carrier, "number": NUMBER},
        "processes": now["processes"],
        "services": now["services"],
    }
    write_json(file.absolute(), content)


def demo_token(issuer_url: str, store: SealedFolder) -> str:
    """A fresh token of the demo tenant's admin. Raises UserError when the issuer refuses."""
    form = {"grant_type": "client_credentials", **credential(store, f"oidc/{DEMO_CLIENT}")}
    parts = urlsplit(issuer_url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=_WAIT_S)
    try:
        connection.request(
            "POST",
            f"{parts.path}/protocol/openid-connect/token",
            urlencode(form),
            {"Content-Type": "application/x-www-form-urlencoded"},
        )
        response = connection.getresponse()
        answer = json.loads(response.read())
        return str(answer["access_token"])
    except (OSError, http.client.HTTPException, ValueError, KeyError) as error:
        raise UserError(
            f"the issuer gave no token ({type(error).__name__})", "look at its log"
        ) from error
    finally:
        connection.close()


def page_address(stack: Stack) -> str:
    """What opens the page with its session. Browsers send no fragment: it is in no log."""
    return f"{stack.gateway_url}/#{credential(stack.store, PAGE)['key']}"


def greeting(stack: Stack, seconds: float, headless: bool) -> str:
    lines = [f"CallFunnel is ready after {seconds:.1f} s: {page_address(stack)}"]
    if not headless:
        lines.append("Open it in a browser, press the button and talk. Ctrl-C stops everything.")
    if stack.model == "demo":
        lines.append("The agent is a local demo; `--model openai` uses a bought model.")
    return "\n".join(lines)
