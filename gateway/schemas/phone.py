"""The browser phone, and the session of the demo page."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from gateway.schemas.calls import Shown


class PhoneTokenRequest(BaseModel):
    """Which agent the browser wants to talk to."""

    model_config = ConfigDict(extra="forbid")
    agent: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$", examples=["home-internet"])


class PhoneToken(Shown):
    """A call that is admitted and waits at `media_url` for `expires_s` seconds.

    `token` is the last part of the URL and is good for one connection.
    """

    call: str
    media_url: str
    token: str
    expires_s: int


class DemoSession(Shown):
    """A short-lived access token of the demo tenant, for a page on this machine."""

    access_token: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105 - a word of OAuth, not a secret
    expires_in: int
    tenant: str
    agents: list[str]
    model: str = Field(description="which model line answers; `demo` is a small offline one")
    rulebook_file: str | None = Field(None, description="the file to edit; the next call uses it")
