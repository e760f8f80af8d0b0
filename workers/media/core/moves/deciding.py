"""A person's decision comes back into the call: told to the model, said at the next gap, once."""

import msgspec

from callfunnel.events.call import ApprovalDecided, ApprovalExpired
from callfunnel.events.message import Message
from workers.media.core import inputs
from workers.media.core.agenda import When
from workers.media.core.moves.tooling import follow
from workers.media.core.outputs import Tell
from workers.media.core.parts import Parts
from workers.media.core.sentences import fill
from workers.media.core.tools import ToolCall


def approval_closed(p: Parts, happened: inputs.ApprovalClosed) -> None:
    """The first decision counts; one the call does not wait for changes nothing."""
    call = p.approvals.close(happened.approval)
    if call is None:
        return
    p.report(_fact(call, happened))
    if p.over():
        return
    sentence = _sentence(call, happened)
    p.agenda.drop("pending", about=happened.approval)
    if p.model_ready():
        p.emit(Tell(_note(call, happened, sentence)))
    approved = happened.decision == "approved"
    if approved and follow(p, call, happened.result, words=sentence):
        return
    if sentence:
        p.agenda.add("decision", sentence, When.GAP, p.now, about=happened.approval)
    else:
        p.agenda.reply_owed = True


def _fact(call: ToolCall, happened: inputs.ApprovalClosed) -> Message:
    if happened.decision == "expired":
        return ApprovalExpired(approval=happened.approval, tool_call=call.id)
    return ApprovalDecided(
        approval=happened.approval,
        tool_call=call.id,
        decision="approved" if happened.decision == "approved" else "refused",
        by=happened.by,
        via=happened.via,
    )


def _sentence(call: ToolCall, happened: inputs.ApprovalClosed) -> str:
    policy = call.tool.approval if call.tool else None
    if policy is None:
        return ""
    sentences = {"approved": policy.approved, "expired": policy.expired}
    template = sentences.get(happened.decision, policy.refused)
    return fill(template, {**call.arguments, **happened.result})


def _note(call: ToolCall, happened: inputs.ApprovalClosed, sentence: str) -> str:
    result = msgspec.json.encode(happened.result).decode() if happened.result else "none"
    said = f' The caller is told: "{sentence}"' if sentence else ""
    return f"The request {call.name} was {happened.decision}. Result: {result}.{said}"
