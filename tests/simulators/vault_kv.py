"""The part of Vault's KV v2 that the secret store uses, over real HTTP: shapes from its API docs.

It checks the token, keeps versions, and can be sealed. It is no Vault: policies, soft deletion and
leases are absent.
"""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

TOKEN = "test-token"
_PREFIX = "/v1/kv/"


class VaultSimulator:
    """Serves until closed; `sealed` makes every answer 503, `token` is what it accepts."""

    def __init__(self) -> None:
        self.values: dict[str, list[dict[str, Any]]] = {}
        self.sealed = False
        self.token = TOKEN
        simulator = self

        class Handler(_Handler):
            vault = simulator

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def answer(self, method: str, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        kind, _, name = path.removeprefix(_PREFIX).partition("/")
        match method, kind:
            case "GET", "data" if name in self.values:
                versions = self.values[name]
                return 200, {"data": {"data": versions[-1], "metadata": {"version": len(versions)}}}
            case (("POST" | "PUT"), "data"):
                versions = self.values.setdefault(name, [])
                versions.append(body["data"])
                return 200, {"data": {"version": len(versions)}}
            case "LIST", "metadata":
                keys = self._keys(name.rstrip("/") + "/")
                return (200, {"data": {"keys": keys}}) if keys else (404, {"errors": []})
            case "DELETE", "metadata":
                self.values.pop(name, None)
                return 204, {}
            case _:
                return 404, {"errors": []}

    def _keys(self, folder: str) -> list[str]:
        below = [name.removeprefix(folder) for name in self.values if name.startswith(folder)]
        heads = {f"{rest.split('/')[0]}/" if "/" in rest else rest for rest in below}
        return sorted(heads)


class _Handler(BaseHTTPRequestHandler):
    vault: VaultSimulator
    protocol_version = "HTTP/1.1"

    def _serve(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length) or b"{}")
        if self.vault.sealed:
            self._send(503, {"errors": ["Vault is sealed"]})
        elif self.headers.get("X-Vault-Token") != self.vault.token:
            self._send(403, {"errors": ["permission denied"]})
        else:
            self._send(*self.vault.answer(self.command, self.path.split("?")[0], body))

    def _send(self, status: int, content: dict[str, Any]) -> None:
        data = json.dumps(content).encode() if status != 204 else b""
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_PUT = do_LIST = do_DELETE = _serve  # noqa: N815 - http.server's names

    def log_message(self, *_: object) -> None:
        """Nothing: a test's output is its own."""
