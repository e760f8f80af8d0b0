"""A real NATS server for bus tests: started on a free port, killed and started again at will."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

SERVER = Path(sys.executable).parent / "nats-server"


class NatsProcess:
    """One server with its own store. After a kill it comes back on the same port and store."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = -1
        self.process: subprocess.Popen[bytes] | None = None
        self.users: list[dict[str, str]] = []

    @property
    def url(self) -> str:
        return f"nats://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Returns once the server takes connections with JetStream enabled."""
        ports = self.folder / "ports"
        ports.mkdir(exist_ok=True)
        for stale in ports.iterdir():
            stale.unlink()
        config = self.folder / "nats.conf"
        users = f"authorization {{ users: {json.dumps(self.users)} }}\n" if self.users else ""
        config.write_text(
            users + f'listen: "127.0.0.1:{self.port}"\n'
            f'ports_file_dir: "{ports}"\n'
            f'jetstream {{ store_dir: "{self.folder / "store"}", max_file_store: 2GB }}\n'
        )
        with (self.folder / "nats.log").open("ab") as log:
            self.process = subprocess.Popen([SERVER, "-c", config], stdout=log, stderr=log)
        self.port = self._read_port(ports)

    def kill(self) -> None:
        """SIGKILL, as a crash."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            self.process.wait()

    def _read_port(self, ports: Path) -> int:
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            assert self.process is not None
            assert self.process.poll() is None, (self.folder / "nats.log").read_text()
            for file in ports.glob("*.ports"):
                text = file.read_text()
                if text.strip().endswith("}"):
                    return int(json.loads(text)["nats"][0].rpartition(":")[2])
            os.sched_yield()
        raise AssertionError("nats-server wrote no ports file")
