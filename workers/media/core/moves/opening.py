"""The beginning: the line and the model's session open in either order; then the greeting."""

from callfunnel.events.call import ModelConnected
from workers.media.core import inputs, session
from workers.media.core.agenda import When
from workers.media.core.outputs import Forward
from workers.media.core.parts import Parts


def started(p: Parts) -> None:
    """The line is open: the call's own time begins."""
    if p.started is None:
        p.started = p.now
        p.watch.start(p.now)
        greet(p)


def model_ready(p: Parts, happened: inputs.ModelReady) -> None:
    """The model can hear and speak."""
    if not isinstance(p.session, session.Opening):
        return
    p.session = session.opened(p.session, happened.provider, happened.model)
    setup_ms = max(round((p.now - p.began) * 1000), 0)
    p.report(ModelConnected(provider=happened.provider, model=happened.model, setup_ms=setup_ms))
    p.watch.connected()
    greet(p)


def greet(p: Parts) -> None:
    """Once both are there the caller hears the greeting."""
    if not p.over() and p.started is not None and p.model_ready():
        greeting = p.policy.rulebook.greeting
        p.agenda.add("greeting", greeting, When.PROMPT, p.now, about="greeting")


def listen(p: Parts) -> None:
    """The model hears the caller once the greeting is on its way: it answers no early "hello?"."""
    if p.forwarding or p.over() or p.started is None or not p.model_ready():
        return
    greeting = p.replies.active is not None or not p.agenda.empty()
    if p.playback.queued_total() > 0 or not greeting:
        p.forwarding = True
        p.emit(Forward(True))
