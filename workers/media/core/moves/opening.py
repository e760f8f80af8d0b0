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
    """Once both are there: the model hears the caller, the caller hears the greeting."""
    if p.over() or p.started is None or not p.model_ready():
        return
    p.forwarding = True
    p.emit(Forward(True))
    p.agenda.add("greeting", p.policy.rulebook.greeting, When.PROMPT, p.now)
