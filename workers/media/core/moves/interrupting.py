"""The caller over the agent: pause on a suspicion, resume or stop on the verdict."""

from callfunnel.events.call import AgentInterrupted, AgentPaused, AgentResumed
from workers.media.core import floor
from workers.media.core.barge_in import Judgement, is_backchannel
from workers.media.core.moves.hearsay import in_protected_passage, report_finished
from workers.media.core.moves.stopping import anything_to_stop, stop
from workers.media.core.outputs import Feed
from workers.media.core.parts import Parts


def judge(p: Parts) -> None:
    """What the caller's voice means for the agent that is talking."""
    if not p.agent_holds_floor():
        return
    if p.caller.model_since is not None and not in_protected_passage(p):
        take_floor(p, p.caller.model_since)
        return
    match p.barge_in.judge(p.now):
        case Judgement.SUSPECT:
            suspect(p)
        case Judgement.STOP:
            confirm(p)
        case Judgement.RESUME:
            resume(p)
        case Judgement.NONE:
            pass


def suspect(p: Parts) -> None:
    """Pauses the agent, unless it may not be interrupted or was paused too often."""
    if not p.barge_in.may_pause() or in_protected_passage(p):
        return
    match p.floor:
        case floor.AgentTalking(turn, _, _):
            p.floor = floor.agent_pauses(p.floor, p.now)
            p.playback.hold(p.now)
            p.emit(Feed(False))
            p.report(AgentPaused(turn=turn, at_ms=p.position()))


def resume(p: Parts) -> None:
    """It was no interruption: the next unsent sample follows."""
    p.barge_in.drop()
    match p.floor:
        case floor.AgentPaused(turn, _, _, since):
            p.floor = floor.agent_resumes(p.floor)
            p.playback.release(p.now)
            p.emit(Feed(True))
            p.report(AgentResumed(turn=turn, paused_ms=p.position() - p.position(since)))


def confirm(p: Parts) -> None:
    """It is an interruption, by the edge's own judgement."""
    if in_protected_passage(p):
        p.barge_in.drop()
    else:
        take_floor(p, p.now if p.caller.edge_since is None else p.caller.edge_since)


def weigh_words(p: Parts, text: str) -> None:
    """Words came while the agent is under suspicion: go-on words resume it, others stop it."""
    if not isinstance(p.floor, floor.AgentPaused):
        return
    if is_backchannel(text):
        resume(p)
    else:
        confirm(p)


def take_floor(p: Parts, since: float) -> None:
    """The caller takes the floor; what the agent was saying is stopped."""
    match p.floor:
        case floor.AgentTalking(turn, _, _) | floor.AgentPaused(turn, _, _, _):
            _take_from_agent(p, turn)
        case _:
            if anything_to_stop(p):
                stop(p)
    p.floor = floor.caller_takes(p.floor, since)
    if not p.policy.owns_turns:
        p.turns.open("", p.position(since))


def _take_from_agent(p: Parts, turn: int) -> None:
    if anything_to_stop(p):
        stop(p)
        p.report(AgentInterrupted(turn=turn, by="caller", at_ms=p.position()))
        return
    resume(p)
    report_finished(p)
