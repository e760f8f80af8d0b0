"""Problems, as the API shows them (RFC 9457)."""

from typing import Any

from pydantic import BaseModel, Field


class Problem(BaseModel):
    """What is wrong, and what to do. `type` is stable; programs may depend on it."""

    type: str = Field(examples=["urn:callfunnel:problem:not-found"])
    title: str
    status: int
    detail: str
    fix: str = Field(description="what the caller can do about it")
    instance: str = Field(description="the request, for whoever looks into the logs")
    errors: list[dict[str, Any]] = Field([], description="where in the document, and what")
