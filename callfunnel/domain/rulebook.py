"""The rule book: how a tenant's agent behaves, as one validated, versioned document.

A rule book is pinned by version when a call is admitted; nothing in it changes during a call.
Reading YAML and naming line numbers is `workers/conductor/rulebooks`; this is the meaning.
"""

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

Ms = Annotated[int, Meta(ge=0, le=3_600_000, description="milliseconds")]
Sentence = Annotated[str, Meta(min_length=1, max_length=600, description="said to the caller")]
Name = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{0,39}$")]


class Persona(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who the agent is. `instructions` go to a bought model; the demo model follows `demo`."""

    name: str
    company: str
    instructions: str = ""
    language: str = "en"
    voice: str = ""


class BargeIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When the agent stops for the caller (see the call core)."""

    onset_ms: Ms = 80
    early_onset_ms: Ms = 160
    early_ms: Ms = 500
    talk_ms: Ms = 350
    confirm_ms: Ms = 600
    max_suspicions: int = 4
    echo_margin_db: int = 6


class Endpointing(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long a silence ends the caller's turn when the edge decides it."""

    min_ms: Ms = 450
    unfinished_ms: Ms = 1100


class Silence(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What happens when nobody speaks: each prompt once, then the farewell and the end."""

    after_ms: Ms = 10_000
    prompts: tuple[Sentence, ...] = ("Are you still there?",)
    farewell: Sentence = "I cannot hear you, so I will end the call. Goodbye."


class Fillers(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the caller hears while a tool takes longer than `after_ms`."""

    after_ms: Ms = 900
    lines: tuple[Sentence, ...] = ("One moment, please.",)


class Limits(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Bounds of one call."""

    max_duration_ms: Annotated[int, Meta(ge=1_000, le=14_400_000)] = 900_000
    model_connect_ms: Ms = 6_000
    model_stall_ms: Ms = 8_000


class Busy(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a caller hears who cannot be taken."""

    say: Sentence = "All our lines are busy. Please call again in a few minutes. Goodbye."


class ApprovalPolicy(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When a tool call needs a person: `field` of its arguments is above `above`.

    `pending`, `approved`, `refused` and `expired` are what the agent says at each moment; in
    them, and in `ask` (what the approver reads), `{name}` stands for an argument of that name.
    """

    field: Name
    above: int
    ask: Sentence
    pending: Sentence
    approved: Sentence
    refused: Sentence
    expired: Sentence
    expires_ms: Annotated[int, Meta(ge=1_000, le=3_600_000)] = 90_000


class Tool(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One tool the model may call. `kind` names its implementation in the conductor.

    `parameters` is the JSON Schema of its arguments; `settings` belong to the kind.
    """

    name: Name
    kind: str
    description: str
    parameters: dict[str, Any]
    deadline_ms: Annotated[int, Meta(ge=100, le=60_000)] = 5_000
    approval: ApprovalPolicy | None = None
    settings: dict[str, Any] = {}


class DemoSay(Struct, frozen=True, tag_field="do", tag="say", forbid_unknown_fields=True):
    """Say `text`; `{tool.field}` is filled from the results of tools."""

    text: Sentence


class DemoTool(Struct, frozen=True, tag_field="do", tag="tool", forbid_unknown_fields=True):
    """Call a tool; `{...}` in argument strings is filled like in sentences.

    `then` names the state that follows an outcome: done, failed, pending (a person is asked), and
    approved, refused or expired, whenever that comes.
    """

    name: Name
    arguments: dict[str, Any] = {}
    then: dict[Literal["done", "failed", "pending", "approved", "refused", "expired"], Name] = {}


class DemoGoto(Struct, frozen=True, tag_field="do", tag="goto", forbid_unknown_fields=True):
    """Go on in another state."""

    state: Name


class DemoAgain(Struct, frozen=True, tag_field="do", tag="again", forbid_unknown_fields=True):
    """Say the last sentence once more."""


class DemoEnd(Struct, frozen=True, tag_field="do", tag="end", forbid_unknown_fields=True):
    """End the call once everything said was heard."""


DemoStep = DemoSay | DemoTool | DemoGoto | DemoAgain | DemoEnd


class DemoState(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One state of the offline dialogue: which intents are heard, and what follows each."""

    on: dict[str, list[DemoStep]]
    otherwise: list[DemoStep] = []


class DemoScript(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The offline demo agent: intents as phrases (see `domain/phrases`), states, and a start.

    What `always` answers is heard in every state that has no answer of its own for it; `trouble`
    is said when a tool failed.
    """

    intents: dict[Name, list[str]]
    states: dict[Name, DemoState]
    start: Name
    always: dict[Name, list[DemoStep]] = {}
    trouble: Sentence = "I am sorry, that did not work. What else can I do for you?"


class Rulebook(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole document."""

    agent: Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]
    persona: Persona
    greeting: Sentence
    uninterruptible: tuple[Sentence, ...] = ()
    barge_in: BargeIn = BargeIn()
    endpointing: Endpointing = Endpointing()
    silence: Silence = Silence()
    fillers: Fillers = Fillers()
    limits: Limits = Limits()
    busy: Busy = Busy()
    apology: Sentence = "I am sorry, something went wrong on our side. Please call again. Goodbye."
    farewell: Sentence = "Thank you for calling. Goodbye."
    record: bool = True
    tools: tuple[Tool, ...] = ()
    demo: DemoScript | None = None


class PublishedRulebook(Struct, frozen=True, kw_only=True):
    """A version as it lies in the registry: immutable, addressed by (tenant, agent, version)."""

    version: int
    digest: str
    published_at: str
    rulebook: Rulebook
