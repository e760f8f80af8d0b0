"""The database of one home: Postgres with pgvector from its wheel's own programs.

Passwords are SCRAM, the socket is loopback TCP, and neither statements nor row values reach its
log. Postgres refuses to run as root: root runs it in a user namespace of its own, which keeps
the 0700 home readable to it.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from callfunnel.domain.errors import UserError
from callfunnel.infra.sealed import SealedFolder, write_private
from callfunnel.local.home.credentials import credential
from callfunnel.local.home.folder import Home
from callfunnel.local.home.ports import LOOPBACK
from callfunnel.local.services.programs import (
    postgres_program,
    python_environment,
    service_environment,
)
from callfunnel.local.supervision.process import AcceptsLogins, Exits, Process

_SETTINGS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "max_connections": "60",
    "shared_buffers": "32MB",
    "max_worker_processes": "4",
    "max_parallel_workers": "0",
    "io_method": "sync",
    "jit": "off",
    "fsync": "on",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "min_wal_size": "32MB",
    "max_wal_size": "256MB",
    "autovacuum_worker_slots": "2",
    "autovacuum_max_workers": "2",
    "password_encryption": "scram-sha-256",
    "log_min_messages": "warning",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "log_timezone": "UTC",
    "timezone": "UTC",
}


def data_folder(home: Home) -> Path:
    return home.root / "postgres"


def initdb_process(home: Home, store: SealedFolder) -> Process | None:
    """The step that makes the database's files, or None when they are there."""
    if (data_folder(home) / "PG_VERSION").exists():
        return None
    if data_folder(home).exists():
        raise UserError(
            f"{data_folder(home)} is no database folder",
            "restore it from a backup, or start with a new home",
        )
    password = home.run / "initdb.password"
    write_private(password, credential(store, "postgres/superuser")["password"].encode() + b"\n")
    return Process(
        name="initdb",
        argv=(sys.executable, "-P", "-m", "callfunnel.local.services.postgres", str(home.root)),
        env=python_environment(),
        ready=Exits(),
        log=home.log("initdb"),
        service=True,
    )


def postgres_process(home: Home, ports: Mapping[str, int], needs: tuple[str, ...]) -> Process:
    """How to run the server; `needs` names the initdb step at the first start."""
    settings = {**_SETTINGS, "port": str(ports["postgres"])}
    words = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    server = (postgres_program("postgres"), "-D", str(data_folder(home)), *words)
    return Process(
        name="postgres",
        argv=(*as_ordinary_user(), *server),
        env=service_environment(),
        ready=AcceptsLogins(ports["postgres"]),
        log=home.log("postgres"),
        needs=needs,
        service=True,
        stop=signal.SIGINT,  # "fast": ends sessions instead of waiting for them
        orphan=signal.SIGINT,
        address=f"postgresql://{LOOPBACK}:{ports['postgres']}/callfunnel",
    )


def as_ordinary_user() -> tuple[str, ...]:
    """The words before a Postgres command that let root run it; none for anybody else.

    Raises UserError when this root has no way to become somebody else.
    """
    if os.geteuid() != 0:
        return ()
    unshare = shutil.which("unshare")
    words = ("--user", "--map-user=1000", "--map-group=1000", "--")
    if unshare:
        trial = subprocess.run([unshare, *words, "true"], capture_output=True, check=False)
        if trial.returncode == 0:
            return (unshare, *words)
    raise UserError(
        "Postgres does not run as root, and this root may not make a user namespace",
        "run ./cf up as an ordinary user",
    )


def initdb(home: Home) -> int:
    """Make the database's files beside their place and move them there when they are whole."""
    new = home.root / "postgres.new"
    shutil.rmtree(new, ignore_errors=True)
    password = home.run / "initdb.password"
    command = (
        *as_ordinary_user(),
        postgres_program("initdb"),
        "-D",
        str(new),
        "-U",
        "postgres",
        "--auth=scram-sha-256",
        f"--pwfile={password}",
        "--encoding=UTF8",
        "--locale-provider=builtin",
        "--locale=C.UTF-8",
        "--wal-segsize=4",
        "--set",
        "shared_buffers=32MB",
        "--set",
        "max_connections=60",
        "--no-instructions",
        "--no-sync",
    )
    code = subprocess.run(command, check=False).returncode
    password.unlink(missing_ok=True)
    if code == 0:
        os.sync()
        new.rename(data_folder(home))
    return code


if __name__ == "__main__":
    sys.exit(initdb(Home(Path(sys.argv[1]))))
