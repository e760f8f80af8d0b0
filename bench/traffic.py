"""Facts as real calls tell them: the traffic that the benchmarks of what is behind a call share.

A call has 14 turns: words of both sides, the latency marks of each turn, an interruption every
fourth turn, a tool every fifth, one approval, a few keys. About six facts in ten hold free text;
a fifth of what callers say holds something that must go. Seeded, so every run tells the same.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from callfunnel.domain.call import Channel, Direction
from callfunnel.domain.ids import TenantId, tenant_id
from callfunnel.events import call as facts
from callfunnel.events.audio import AudioSegment
from callfunnel.events.envelope import Event
from callfunnel.events.message import Message
from tests.simulators.made_up_call import SEGMENT, MadeUpCall

TURNS = 14
CALLER_SAYS: Sequence[str] = (
    "hello I am calling because my bill went up and nobody told me about it",
    "yes please",
    "well it used to be thirty nine ninety nine and now it says fifty nine ninety nine",
    "no I did not change anything, the router is the same one you sent us back in spring",
    "can you tell me what the new items on the bill are for",
    "my card is four one one one one one one one one one one one one one one one",
    "that sounds fair, but I would still like to know who decided that",
    "you can write to jane dot doe at example dot com or call 212 555 0147",
    "I have been a customer since twenty nineteen and I pay every month on time",
    "okay",
    "honestly I am thinking about leaving, the other company offers more for less",
    "and what happens if I do not take the discount today, does the offer go away",
    "the account number is 8 8 4 1 2 0 9 7 3",
    "let me think about it for a moment, my husband usually takes care of these things",
    "all right then, thank you very much, goodbye",
)
AGENT_SAYS: Sequence[str] = (
    "Hello, this is the assistant of Home Internet. How can I help you today?",
    "I can see that the introductory discount ended last month, and that is why it went up.",
    "Let me look that up for you, one moment please.",
    "The new amount is 59.99 dollars a month, and it includes the router and the installation.",
    "I can offer you a discount of fifteen percent for the next twelve months if you stay.",
    "For that I have to ask a colleague, because it is above what I may decide on my own.",
    "Could you please tell me the account number so that I can find the right contract?",
    "Thank you for waiting. My colleague has agreed, and the discount is on your account now.",
)


@dataclass
class Call(MadeUpCall):
    """What one call tells; `facts` end with `CallEnded`."""

    def tells(self, *told: Message) -> None:
        """Facts, in order."""
        for data in told:
            self.fact(data)

    def uses(self, meter: str, quantity: int, unit: str, record: str) -> None:
        """A usage record of the bought model."""
        model = "gpt-realtime"
        self.used(meter, quantity, unit, record, provider="openai", model=model, source="provider")

    def ends(self, segments: int = 0) -> None:
        """The end, which counts what came before it."""
        self.facts.append(self.ended(segments=segments, duration_ms=segments * 1000))

    def segments(self, count: int) -> Iterator[Event[Any]]:
        """Seconds of audio, both sides, made when they are asked for."""
        voice = random.Random(count).randbytes(SEGMENT)
        for n in range(count):
            data = AudioSegment(n=n, start=n * SEGMENT, caller=voice, agent=voice)
            yield self.event(f"{self.call}-a-{n}", data)


def tenants(count: int) -> list[TenantId]:
    """So many tenants."""
    return [tenant_id(f"bench-{n}") for n in range(count)]


def call_of(tenant: TenantId, rng: random.Random, *, segments: int = 0) -> Call:
    """An ordinary call, from the offer to the end, with its usage."""
    call = Call(tenant)
    _opens(call)
    for turn in range(TURNS):
        _turn(call, turn, rng)
    call.uses("call.ms", 1000 * max(1, segments), "ms", "total")
    call.ends(segments)
    return call


def calls(facts_wanted: int, among: int, seed: int = 4) -> list[Call]:
    """Whole calls of `among` tenants, in turns, with at least so many facts together."""
    rng, who = random.Random(seed), tenants(among)
    made: list[Call] = []
    told = 0
    while told < facts_wanted:
        made.append(call_of(who[len(made) % among], rng))
        told += len(made[-1].facts)
    return made


def interleaved(told: Sequence[Sequence[Event[Any]]], at_once: int = 200) -> list[Event[Any]]:
    """The facts of calls of which `at_once` go on at any time, in the order they happen.

    Calls begin one after another and so end one after another, none in step with another.
    """
    rng = random.Random(len(told))
    length = max(map(len, told), default=1)
    timed: list[tuple[float, int, Event[Any]]] = []
    for number, facts_ in enumerate(told):
        at = (number + rng.random()) * length / at_once
        for event in facts_:
            timed.append((at, number, event))
            at += rng.uniform(0.5, 1.5)
    timed.sort(key=lambda each: each[:2])
    return [event for _, _, event in timed]


def _opens(call: Call) -> None:
    call.tells(
        facts.CallOffered(
            direction=Direction.INBOUND,
            channel=Channel.TWILIO,
            carrier_call_id="CA" + call.call[2:].lower(),
            caller="+15550102345",
            callee="+15550100001",
            agent="home-internet",
        ),
        facts.CallAdmitted(slot=f"{call.tenant}.3", worker="media-1"),
        facts.CallPinned(worker="media-1", epoch=17),
        facts.CallConnected(
            codec="ulaw", rulebook="home-internet", rulebook_version=3, recorded=True
        ),
        facts.ModelConnected(provider="openai", model="gpt-realtime", setup_ms=240),
    )


def _turn(call: Call, turn: int, rng: random.Random) -> None:
    at = turn * 6000
    if turn:
        call.tells(
            facts.CallerSpoke(
                turn=turn, text=rng.choice(CALLER_SAYS), start_ms=at, end_ms=at + 2300
            )
        )
    if turn % 5 == 2:
        _tool(call, turn)
    if turn % 4 == 3:
        call.tells(
            facts.AgentPaused(turn=turn, at_ms=at + 900),
            facts.AgentInterrupted(turn=turn, by="caller", at_ms=at + 1200),
        )
    spoke = facts.AgentSpoke(
        turn=turn,
        text=rng.choice(AGENT_SAYS),
        start_ms=at + 2700,
        heard_ms=2900,
        generated_ms=3300,
        interrupted=turn % 4 == 3,
    )
    call.tells(spoke, _marks(turn, at))
    for meter in ("tokens.audio.in", "tokens.audio.out", "tokens.text.in"):
        call.uses(meter, rng.randrange(1000), "tokens", f"resp_{turn}")
    if turn == 9:
        call.tells(*(facts.KeyPressed(digit=str(n), at_ms=at + n) for n in range(4)))


def _marks(turn: int, at: int) -> facts.TurnMeasured:
    return facts.TurnMeasured(
        turn=turn,
        speech_end_ms=at + 2300,
        committed_ms=at + 2500,
        model_ms=at + 2650,
        sent_ms=at + 2700,
        played_ms=at + 2740,
        response_ms=400,
    )


def _tool(call: Call, turn: int) -> None:
    tool_call = f"tc_{turn}"
    call.tells(
        facts.ToolCalled(
            tool_call=tool_call,
            tool="offer_discount",
            arguments={"percent": 15, "months": 12, "reason": "caller wants to leave"},
        )
    )
    if turn == 7:
        call.tells(
            facts.ApprovalRequested(
                approval="apr_1",
                tool_call=tool_call,
                what="a discount of 15 percent for 12 months",
                limit="10",
                asked="15",
                expires_at="2026-01-01T10:00:00Z",
            ),
            facts.ApprovalDecided(
                approval="apr_1", tool_call=tool_call, decision="approved", by="u_1", via="api"
            ),
        )
    call.tells(
        facts.ToolReturned(
            tool_call=tool_call,
            tool="offer_discount",
            outcome="done",
            result={"accepted": True, "monthly": "50.99", "note": "valid from the next bill on"},
            duration_ms=180,
        )
    )
    call.uses("tool.calls", 1, "count", tool_call)
