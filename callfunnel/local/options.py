"""What `up` may be asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from callfunnel.domain.errors import UserError
from callfunnel.domain.model import MODEL_NAMES, Model, is_model
from callfunnel.infra.origin import is_origin
from callfunnel.infra.settings import named, read_from
from callfunnel.local.home.folder import Home


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long the supervisor waits, whole seconds."""

    hung_s: int = field(
        default=12,
        metadata=named(
            "CALLFUNNEL_HUNG_S",
            "seconds without any answer after which `up` ends a process and starts it again",
        ),
    )
    drain_s: int = field(
        default=600,
        metadata=named("CALLFUNNEL_DRAIN_S", "as above; half a minute later it is ended by force"),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class UpOptions:
    """`port`: None = the home's own, 0 = any free one. `scale`: how many of a program run.
    `apart`: each feature beside the call in a process of its own."""

    home: Home
    port: int | None = None
    headless: bool = False
    ready_file: Path | None = None
    model: str = Model.DEMO
    scale: Mapping[str, int] = field(default_factory=dict)
    apart: bool = False
    patience: Patience = field(default_factory=Patience)


def checked(options: UpOptions, environment: Mapping[str, str]) -> UpOptions:
    """`options` themselves. Raises UserError for what cannot work, before anything is started."""
    if options.port is not None and not 0 <= options.port <= 65535:
        raise UserError(f"--port {options.port} is no port", "use 0 (any free one) to 65535")
    if not is_model(options.model):
        raise UserError(f"--model {options.model} is unknown", f"use {MODEL_NAMES}")
    key = Model(options.model).key_variable
    if key and not environment.get(key):
        raise UserError(f"--model {options.model} needs a key", f"set {key} and start again")
    public = environment.get("CALLFUNNEL_PUBLIC_URL")
    if public and not is_origin(public):
        raise UserError(
            f"CALLFUNNEL_PUBLIC_URL={public!r} is nothing that a carrier could be told",
            "set scheme and host, like https://phone.example.com",
        )
    if options.ready_file is not None and not options.ready_file.absolute().parent.is_dir():
        raise UserError(f"the folder of --ready-file {options.ready_file} does not exist")
    return options


def patience_from(environment: Mapping[str, str]) -> Patience:
    """What the environment says of it. Raises UserError for what is no number."""
    values, problems = read_from(environment, Patience)
    if problems:
        raise UserError("; ".join(problems))
    return Patience(**values)
