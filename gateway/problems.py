"""Every error of the API as problem+json (RFC 9457): what is wrong, and what to do about it.

A `type` is a stable URN that programs may depend on; `title` belongs to the type, `detail` to this
one occurrence, `fix` says what the caller can do. `errors` point into the document that was sent.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

MEDIA_TYPE = "application/problem+json"


@dataclass(frozen=True)
class Kind:
    """One type of problem. The URN is made of `name`."""

    name: str
    status: int
    title: str
    fix: str

    @property
    def urn(self) -> str:
        return f"urn:callfunnel:problem:{self.name}"


MALFORMED = Kind(
    "malformed", 400, "Not a request that can be read", "Send what the OpenAPI document says."
)
UNAUTHENTICATED = Kind(
    "unauthenticated", 401, "No valid token", "Send `Authorization: Bearer <access token>`."
)
FORBIDDEN = Kind(
    "forbidden", 403, "Not allowed", "Ask an admin of the tenant for a role that may do this."
)
NOT_FOUND = Kind("not-found", 404, "Not found", "Check the id and which tenant it belongs to.")
METHOD = Kind("method-not-allowed", 405, "Method not allowed", "See `Allow` for what is.")
CONFLICT = Kind("conflict", 409, "Too late", "Read it again to see what it is now.")
TOO_LARGE = Kind("too-large", 413, "The body is too large", "Send less.")
MEDIA = Kind("unsupported-media-type", 415, "Not a body that can be read", "See the OpenAPI.")
RANGE = Kind("range", 416, "No such range", "Ask for a range within `Content-Range`.")
INVALID = Kind("invalid", 422, "The request is not valid", "Mend what `errors` names.")
RULEBOOK = Kind(
    "rulebook-invalid", 422, "The rule book is not valid", "Mend the lines; the old one stays."
)
RATE = Kind("rate-limited", 429, "Too many requests", "Wait as long as `Retry-After` says.")
INTERNAL = Kind(
    "internal", 500, "Something went wrong on our side", "Try again; name the request id if not."
)
BUSY = Kind("lines-busy", 503, "No line is free", "Try again in a moment.")
UNAVAILABLE = Kind("unavailable", 503, "A part of the platform is down", "Try again shortly.")

KINDS = (
    MALFORMED,
    UNAUTHENTICATED, FORBIDDEN, NOT_FOUND, METHOD, CONFLICT, TOO_LARGE, MEDIA, RANGE, INVALID,
    RULEBOOK, RATE, INTERNAL, BUSY, UNAVAILABLE,
)  # fmt: skip
_OF_STATUS = {kind.status: kind for kind in reversed(KINDS) if kind not in (BUSY, RULEBOOK)}


@dataclass(eq=False)  # not frozen: whoever passes an exception on sets its traceback
class ProblemError(Exception):
    """Raised anywhere below a route; the application answers with it."""

    kind: Kind
    detail: str
    fix: str = ""
    errors: Sequence[Mapping[str, Any]] = ()
    headers: Mapping[str, str] = field(default_factory=dict)

    def document(self, instance: str) -> dict[str, Any]:
        """The body; `instance` is the request id."""
        body: dict[str, Any] = {
            "type": self.kind.urn,
            "title": self.kind.title,
            "status": self.kind.status,
            "detail": self.detail,
            "fix": self.fix or self.kind.fix,
            "instance": f"urn:callfunnel:request:{instance}",
        }
        return body | ({"errors": list(self.errors)} if self.errors else {})


def of_status(
    status: int, detail: str = "", headers: Mapping[str, str] | None = None
) -> ProblemError:
    """The problem behind a bare status, for what the framework itself refuses."""
    kind = _OF_STATUS.get(status)
    if kind is None:
        title = HTTPStatus(status).phrase
        kind = Kind(title.lower().replace(" ", "-"), status, title, "See the OpenAPI document.")
    return ProblemError(kind, detail or kind.title, headers=headers or {})


def unavailable(what: str, retry_s: int = 2) -> ProblemError:
    """A dependency does not answer. `what` names it without addresses."""
    return ProblemError(UNAVAILABLE, what, headers={"Retry-After": str(retry_s)})
