"""What a process is told from outside: its environment, decoded once at the composition root.

Addresses, folders and switches only; a credential never comes from here but from `Secrets`
(the one exception is the key of the bought model, which its own SDK reads from the same name).
Every field names its variable: `docs/settings.md` is generated from these classes.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from callfunnel.domain.ids import TenantId
from callfunnel.domain.model import MODEL_NAMES, Model, is_model
from callfunnel.infra.origin import is_origin

_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"0", "false", "no", "off", ""})


_HIGHEST_PORT = 65_535
_MOST = 1_000_000_000


class SettingsError(ValueError):
    """What a process was told is no setting; one part per problem, each saying what to set."""


def named(variable: str, meaning: str) -> dict[str, str]:
    """Metadata of a field that is read from this variable of the environment."""
    return {"variable": variable, "meaning": meaning}


def read_from(env: Mapping[str, str], settings: type) -> tuple[dict[str, Any], list[str]]:
    """The values of a settings class that are set, and one line per problem.

    The class is a dataclass whose annotations are text; fields without a variable are left out.
    """
    values: dict[str, Any] = {}
    problems: list[str] = []
    for each in fields(settings):
        variable = each.metadata.get("variable", "")
        text = env.get(variable, "")
        if text == "":
            if variable and each.default is dataclasses.MISSING:
                problems.append(f"{variable} is not set: {each.metadata['meaning']}")
            continue
        try:
            values[each.name] = _decode(str(each.type), text)
        except ValueError as error:
            problems.append(f"{variable}={text!r} {error}: {each.metadata['meaning']}")
    return values, problems


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformSettings:
    """Settings shared by every process of the platform.

    `from_env` raises SettingsError with one line per problem, each saying what to set.
    """

    nats_url: str = field(metadata=named("CALLFUNNEL_NATS_URL", "bus, nats://host:port"))
    postgres_url: str = field(
        metadata=named("CALLFUNNEL_POSTGRES_URL", "database, postgresql://host:port/name")
    )
    objects_url: str = field(
        metadata=named("CALLFUNNEL_OBJECTS_URL", "S3 endpoint, http(s)://host:port")
    )
    secrets: str = field(
        metadata=named("CALLFUNNEL_SECRETS", "secret store, local:<folder> or vault:<url>[#mount]")
    )
    issuer: str = field(
        metadata=named("CALLFUNNEL_ISSUER", "issuer URL as the tokens' `iss` has it")
    )
    public_url: str = field(
        metadata=named("CALLFUNNEL_PUBLIC_URL", "origin that carriers and browsers see")
    )
    spool_dir: Path = field(metadata=named("CALLFUNNEL_SPOOL_DIR", "folder of the spools"))
    run_dir: Path = field(
        metadata=named("CALLFUNNEL_RUN_DIR", "folder where a ready process leaves its file")
    )
    process: str = field(
        metadata=named("CALLFUNNEL_PROCESS", "this process's name, for example media-1")
    )
    clock_dir: Path | None = field(
        default=None,
        metadata=named(
            "CALLFUNNEL_CLOCK_DIR",
            "tests only: <process>.ms there holds by how much this process's clock is off",
        ),
    )
    objects_bucket: str = field(
        default="callfunnel", metadata=named("CALLFUNNEL_OBJECTS_BUCKET", "bucket of recordings")
    )
    audience: str = field(
        default="callfunnel-api", metadata=named("CALLFUNNEL_AUDIENCE", "audience of the tokens")
    )
    media_relay: bool = field(
        default=False, metadata=named("CALLFUNNEL_MEDIA_RELAY", "1 = the gateway relays media")
    )
    http_host: str = field(
        default="127.0.0.1",
        metadata=named("CALLFUNNEL_HTTP_HOST", "address the gateway listens on"),
    )
    http_port: int = field(
        default=0, metadata=named("CALLFUNNEL_HTTP_PORT", "HTTP port of this process, 0 = any")
    )
    http_fd: int = field(
        default=0,
        metadata=named(
            "CALLFUNNEL_HTTP_FD",
            "an open listening socket that the gateway inherits instead of opening a port: one"
            " gateway can follow another without refusing anybody",
        ),
    )
    drain_s: int = field(
        default=600,
        metadata=named("CALLFUNNEL_DRAIN_S", "seconds that live calls may go on after SIGTERM"),
    )
    unknown_number: str = field(
        default="This number is not in service. Goodbye.",
        metadata=named(
            "CALLFUNNEL_UNKNOWN_NUMBER", "said to a caller of a number that is nobody's"
        ),
    )
    media_port: int = field(
        default=0, metadata=named("CALLFUNNEL_MEDIA_PORT", "media socket port, 0 = any")
    )
    media_slots: int = field(
        default=25, metadata=named("CALLFUNNEL_MEDIA_SLOTS", "calls one media worker may hold")
    )
    model: str = field(
        default="demo", metadata=named("CALLFUNNEL_MODEL", "model line: demo or openai")
    )
    openai_api_key: str = field(
        default="", repr=False, metadata=named("OPENAI_API_KEY", "key of the bought model")
    )
    openai_base_url: str = field(
        default="", metadata=named("OPENAI_BASE_URL", "address of the bought model")
    )
    rulebook_dir: Path | None = field(
        default=None, metadata=named("CALLFUNNEL_RULEBOOK_DIR", "folder of rule books to watch")
    )
    rulebook_tenant: str = field(
        default="",
        metadata=named("CALLFUNNEL_RULEBOOK_TENANT", "the one tenant whose rule books they are"),
    )
    demo_session: bool = field(
        default=False,
        metadata=named("CALLFUNNEL_DEMO_SESSION", "1 = a local page may have a demo token"),
    )
    health_host: str = field(
        default="127.0.0.1",
        metadata=named(
            "CALLFUNNEL_HEALTH_HOST", "address of this process's probes and metrics, for no public"
        ),
    )
    otlp_endpoint: str = field(
        default="",
        metadata=named(
            "OTEL_EXPORTER_OTLP_ENDPOINT", "collector that gets the traces, http(s)://host:4318"
        ),
    )
    traced_share: float = field(
        default=1.0,
        metadata=named("OTEL_TRACES_SAMPLER_ARG", "share of the calls that is traced, 0 to 1"),
    )

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> PlatformSettings:
        values, problems = read_from(env, cls)
        problems += _contradictions(values)
        if problems:
            raise SettingsError("; ".join(problems))
        return cls(**values)

    def rulebook_file(self, tenant: TenantId, agent: str) -> Path | None:
        """The file that an agent's rule book is read from, where files are watched for its tenant.

        `agent` was checked where it entered.
        """
        watched = self.rulebook_dir is not None and tenant == self.rulebook_tenant
        return self.rulebook_dir / f"{agent}.yaml" if watched and self.rulebook_dir else None

    def to_env(self) -> dict[str, str]:
        """The environment that decodes to these settings (for starting a process with them)."""
        return {
            each.metadata["variable"]: _encode(getattr(self, each.name))
            for each in fields(self)
            if getattr(self, each.name) is not None
        }


def _decode(kind: str, text: str) -> str | int | float | Path:
    if kind == "bool":
        if text.lower() in _TRUE | _FALSE:
            return text.lower() in _TRUE
        raise ValueError("must be 1 or 0")
    if kind == "int":
        if text.isascii() and text.isdigit() and len(text) <= len(str(_MOST)):
            return int(text)
        raise ValueError("must be a whole number, and not such a large one")
    if kind == "float":
        try:
            return float(text)
        except ValueError:
            raise ValueError("must be a number") from None
    if kind.startswith("Path"):
        return Path(text)
    return text


def _encode(value: object) -> str:
    return str(int(value)) if isinstance(value, bool) else str(value)


def _contradictions(values: Mapping[str, object]) -> list[str]:
    problems = []
    model = str(values.get("model", Model.DEMO))
    if not is_model(model):
        problems.append(f"CALLFUNNEL_MODEL={model!r} must be {MODEL_NAMES}")
    if values.get("rulebook_dir") and not values.get("rulebook_tenant"):
        problems.append("CALLFUNNEL_RULEBOOK_DIR needs CALLFUNNEL_RULEBOOK_TENANT: whose they are")
    if not 0 <= float(str(values.get("traced_share", 1.0))) <= 1:
        problems.append("OTEL_TRACES_SAMPLER_ARG must be from 0 to 1")
    for name in ("http_port", "media_port"):
        if int(str(values.get(name, 0))) > _HIGHEST_PORT:
            problems.append(f"CALLFUNNEL_{name.upper()} must be at most {_HIGHEST_PORT}")
    if values.get("media_slots") == 0:
        problems.append("CALLFUNNEL_MEDIA_SLOTS must be at least 1")
    if not is_origin(origin := str(values.get("public_url", "http://unset"))):
        problems.append(f"CALLFUNNEL_PUBLIC_URL={origin!r} must be like https://phone.example.com")
    for name in ("nats_url", "postgres_url"):
        if "@" in str(values.get(name, "")):
            variable = f"CALLFUNNEL_{name.upper()}"
            problems.append(f"{variable} holds credentials: put them in the secret store instead")
    return problems
