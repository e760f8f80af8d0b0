"""Tool calls on their way: asked of the conductor, told to the model, with their consequences."""

import re
from typing import Any, Final

from callfunnel.domain.call import Cause, EndedBy
from callfunnel.events.call import ApprovalRequested, ToolCalled, ToolReturned
from workers.media.core import inputs
from workers.media.core.agenda import When
from workers.media.core.moves.closing import close
from workers.media.core.outputs import AnswerTool, RunTool, WatchApproval
from workers.media.core.parts import Parts
from workers.media.core.sentences import fill, spoken
from workers.media.core.tools import ToolCall

_E164: Final = re.compile(r"\+[1-9][0-9]{1,14}", re.ASCII)


def requested(p: Parts, happened: inputs.ToolRequested) -> None:
    """Has a tool run, or answers at once why it cannot be."""
    arguments = happened.arguments
    tool = p.policy.tool(happened.name)
    call = p.tools.ask(
        happened.model_call, tool.name if tool else "unknown", arguments or {}, p.now
    )
    if call is None:
        return
    p.watch.progress(p.now)
    p.report(ToolCalled(tool_call=call.id, tool=call.name, arguments=call.arguments))
    if p.over():
        settle_call(p, call, "fenced")
    elif tool is None:
        settle_call(p, call, "failed", error="there is no such tool")
    elif arguments is None:
        settle_call(p, call, "failed", error="the arguments are no JSON object")
    else:
        p.tools.run(call, tool)
        p.emit(RunTool(call.id, tool.name, arguments, tool.deadline_ms))


def settle_call(p: Parts, call: ToolCall, status: str, **more: Any) -> None:
    """The one answer to a tool call: kept for the model, told as a fact."""
    p.tools.answer(call, status, **more)
    result = more.get("result", {})
    p.report(
        ToolReturned(
            tool_call=call.id,
            tool=call.name,
            outcome=status,
            result=result if isinstance(result, dict) else {},
            duration_ms=p.position() - p.position(call.asked_at),
        )
    )


def answered(p: Parts, happened: inputs.ToolAnswered) -> None:
    """The conductor's word. Late, it is told to nobody, but an approval is still watched."""
    call = p.tools.find(happened.tool_call)
    if call is None or call.tool is None:
        return
    pending = happened.outcome == "pending" and bool(happened.approval)
    late = call.output is not None
    if pending and not late:
        note = "A person was asked and the caller knows. Go on; the decision will be told."
        settle_call(p, call, "pending", approval=happened.approval, note=note)
    elif happened.outcome == "done" and not late:
        settle_call(p, call, "done", result=happened.result)
        follow(p, call, happened.result)
    elif not late:
        settle_call(p, call, "failed", result=happened.result)
    if pending:
        watch_approval(p, call, happened)


def watch_approval(p: Parts, call: ToolCall, happened: inputs.ToolAnswered) -> None:
    """A person was asked: told, watched, and said to the caller."""
    if not p.approvals.open(happened.approval, call, p.now):
        return
    policy = call.tool.approval if call.tool else None
    asked = spoken(call.arguments.get(policy.field)) if policy else ""
    p.report(
        ApprovalRequested(
            approval=happened.approval,
            tool_call=call.id,
            what=happened.what,
            limit=happened.limit,
            asked=asked,
            expires_at=happened.expires_at,
        )
    )
    if p.over():
        return
    p.emit(WatchApproval(happened.approval, happened.expires_at))
    if policy is not None:
        sentence = fill(policy.pending, call.arguments)
        p.agenda.add("pending", sentence, When.PROMPT, p.now, about=happened.approval)


def follow(p: Parts, call: ToolCall, result: dict[str, Any], words: str = "") -> bool:
    """What a result means for the call itself: a transfer or its end. `words` are said before."""
    kind = call.tool.kind if call.tool else ""
    number = result.get("transfer")
    if kind == "transfer" and isinstance(number, str) and _E164.fullmatch(number):
        close(p, Cause.TRANSFERRED, EndedBy.AGENT, words=words, gently=True, number=number)
        return True
    if result.get("end") is True:
        close(p, Cause.AGENT_HANGUP, EndedBy.AGENT, words=words, gently=True)
        return True
    return False


def expire(p: Parts) -> None:
    """Answers for the conductor what it did not answer in time."""
    for call in p.tools.expired(p.now):
        settle_call(p, call, "expired")


def tell_model(p: Parts) -> None:
    """Gives the model the answers of a batch, together and in order; then it owes a reply.

    A pending approval's own sentence is said instead of a reply.
    """
    if p.over() or not p.model_ready():
        return
    for call in p.tools.collect():
        p.emit(AnswerTool(call.model_call, call.output or {}))
        speaks_itself = call.tool is not None and call.tool.approval is not None
        if (call.output or {}).get("status") != "pending" or not speaks_itself:
            p.agenda.reply_owed = True
        p.agenda.drop("filler")
