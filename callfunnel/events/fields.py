"""Field types of messages: what a number counts, and which text must be redacted.

A field typed `Spoken` or `Personal` is rewritten by the redaction consumer before anything
downstream sees it; everything else passes unchanged and therefore must never hold free text.
"""

from typing import Annotated, Any

from msgspec import Meta

Milliseconds = Annotated[int, Meta(ge=0, description="milliseconds")]
PositionMs = Annotated[int, Meta(ge=0, description="milliseconds since the first media frame")]
Micros = Annotated[int, Meta(description="micro-units of the currency")]
Count = Annotated[int, Meta(ge=0, description="how many")]
Turn = Annotated[int, Meta(ge=0, description="number of the turn; 0 is the greeting")]
Spoken = Annotated[str, Meta(description="words of a person or agent", extra={"redact": "text"})]
Personal = Annotated[
    dict[str, Any],
    Meta(description="free-form values, redacted leaf by leaf", extra={"redact": "tree"}),
]
Phone = Annotated[str, Meta(description="E.164 number, or a name of the browser phone")]
"""Kept: a call record without its numbers is of no use. Access to it is the tenant's alone."""
