"""One live call: two lines, one timer, and the outputs of the core carried out.

The shell decides nothing. Audio takes the short ways, `inbound` and `outbound`, 50 times a second;
everything else becomes an input of the core, and what the core wants is done at once and in order.
All methods run on the event loop that made the session.
"""

import asyncio
import logging
from collections import deque
from typing import Final, assert_never

from callfunnel.domain.call import CallSpec
from callfunnel.events.call import CallConnected
from callfunnel.infra.tasks import Tasks
from workers.media.audio.recorder import Recorder
from workers.media.channels import dialect as wire
from workers.media.channels.registry import CHANNELS
from workers.media.core import inputs, outputs
from workers.media.core.call import Call
from workers.media.core.policy import Policy
from workers.media.inbound import Inbound
from workers.media.models.line import CallContext, ModelLine
from workers.media.outbound import Outbound
from workers.media.parting import Parting
from workers.media.setting import LineSocket, Setting
from workers.media.usage import Meters

_log: Final = logging.getLogger(__name__)

START_WITHIN_S: Final = 10.0
"""How long an accepted socket may take to say which call it is."""
_MODEL_CLOSES_S: Final = 0.35
"""How long the end waits for the model's line to close with its last usage."""


class Session:
    """The shell of one call, from the accepted socket to the closed one."""

    def __init__(self, setting: Setting, socket: LineSocket) -> None:
        self._loop = asyncio.get_running_loop()
        self._spec = setting.spec
        self._rulebook = setting.rulebook
        self._reporter = setting.reporter
        self._errands = setting.errands
        self._speaker = setting.speaker
        self._dialect = CHANNELS[setting.spec.channel].dialect(setting.spec)
        self._tasks = Tasks(call=setting.spec.call)
        self._parting = Parting(setting, socket, self._dialect, self._tasks)
        self._timer: asyncio.TimerHandle | None = None
        self._model_up = True
        self._closing: asyncio.Task[None] | None = None
        self._inbox: deque[inputs.Input | None] = deque()
        self._busy = False
        self.done: asyncio.Future[None] = self._loop.create_future()

        rulebook = setting.rulebook.rulebook
        context = CallContext(call=setting.spec.call, caller=setting.spec.caller, rulebook=rulebook)
        self._model: ModelLine = setting.open_line(context, self)
        owns_turns = self._model.capabilities.owns_turns
        self._meters = Meters(setting.reporter, self._model.provider, self._model.model)
        self._call = Call(Policy(rulebook=rulebook, owns_turns=owns_turns), self._loop.time())
        self._in = Inbound(self._model.append, self.tell)
        self._out = Outbound(
            self._dialect, socket.send, self._call.playback, self._in.echo, self.tell
        )

    def begin(self) -> None:
        """The socket is open: the model is called while the carrier still introduces itself."""
        limit = self._rulebook.rulebook.limits.model_connect_ms / 1000
        self._meters.opened(self._loop.time())
        self._tasks.start(self._model.open(limit))
        self._start_timer = self._loop.call_later(START_WITHIN_S, self._no_start)

    # The caller's line.

    def on_frame(self, binary: bool, data: bytes) -> None:
        """One WebSocket message of the carrier."""
        if self.done.done():
            return
        arrived = self._dialect.decode(binary, data)
        if type(arrived) is tuple:
            self._in.hear(*arrived)
        else:
            self._on_line(arrived)

    def on_broken(self, reason: str) -> None:
        """The carrier broke the protocol below the level of messages."""
        self.tell(inputs.BadFrame("carrier", reason))

    def on_closed(self) -> None:
        """The socket is gone."""
        self.tell(inputs.LineClosed(clean=False))

    def hang_up(self, by: str) -> None:
        """Somebody outside the call ends it."""
        self.tell(inputs.HangUpAsked(by))

    @property
    def spec(self) -> CallSpec:
        """The call."""
        return self._spec

    def fence(self) -> None:
        """Somebody else has told this call's end: it is over here, and nothing more is told."""
        _log.warning("another has ended the call", extra={"call": self._spec.call})
        self._reporter.fall_silent()
        self.on_closed()

    def drain(self) -> None:
        """The worker cannot wait any longer."""
        self.tell(inputs.Drain())

    def tell(self, happened: inputs.Input | None) -> None:
        """Hands an input to the core and does what it wants; None = its deadline has come.

        What happens while outputs are carried out waits until all of them are; what happens once
        all is over is nobody's.
        """
        if self.done.done():
            return
        self._inbox.append(happened)
        if self._busy:
            return
        self._busy = True
        try:
            while self._inbox:
                self._handle(self._inbox.popleft())
        finally:
            self._busy = False
        self._arm()

    # The model's line (`ModelSink`).

    def on_model(self, happened: inputs.Input) -> None:
        """See `ModelSink`."""
        if isinstance(happened, inputs.ModelFailed):
            self._model_up = False
        self.tell(happened)

    def on_model_audio(self, response: str, item: str, ulaw: bytes) -> None:
        """See `ModelSink`. Audio of a reply that no longer counts is dropped here."""
        if self.done.done():
            return
        playback = self._call.playback
        if not playback.accepts(response) or not self._out.takes(len(ulaw)):
            playback.dropped += 1
            return
        self._out.put(ulaw)
        self.tell(inputs.AudioQueued(response, item, len(ulaw)))
        self._out.soon()

    def on_usage(self, meter: str, quantity: int, unit: str, record: str) -> None:
        """See `ModelSink`."""
        self._meters.provider(meter, quantity, unit, record)

    # The rest of the caller's line.

    def _on_line(self, arrived: wire.Arrived) -> None:
        match arrived:
            case wire.LineStarted():
                self._connected()
            case wire.MarkEchoed(name=name):
                self.tell(inputs.MarkPlayed(name))
            case wire.DigitPressed(digit=digit):
                self._in.key(digit)
            case wire.LineStopped():
                self.tell(inputs.LineClosed(clean=True))
            case wire.Broken(reason=reason):
                self.tell(inputs.BadFrame("carrier", reason))

    def _connected(self) -> None:
        now = self._loop.time()
        self._start_timer.cancel()
        rulebook = self._rulebook.rulebook
        if rulebook.record:
            self._in.recorder = self._out.recorder = Recorder(now, self._reporter.audio)
        self._reporter.fact(
            CallConnected(
                codec="audio/x-mulaw;rate=8000",
                rulebook=rulebook.agent,
                rulebook_version=self._rulebook.version,
                recorded=rulebook.record,
            )
        )
        self.tell(inputs.Started())

    def _no_start(self) -> None:
        self.tell(inputs.BadFrame("carrier", "no start in time"))

    # What the core wants.

    def _handle(self, happened: inputs.Input | None) -> None:
        now = self._loop.time()
        wanted = self._call.wake(now) if happened is None else self._call.handle(happened, now)
        for output in wanted:
            self._do(output)

    def _do(self, output: outputs.Output) -> None:  # noqa: C901 - one line per output
        match output:
            case outputs.Feed(on=on):
                self._out.feed(on)
            case outputs.Forward(on=on):
                self._in.forward = on
            case outputs.NewGeneration():
                self._out.restart()
            case outputs.ClearLine():
                self._out.clear()
            case outputs.CancelReply(response=response):
                self._speaker.cancel(response)
                self._model.cancel(response)
            case outputs.Truncate(item=item, heard_ms=heard_ms):
                self._model.truncate(item, heard_ms)
            case outputs.AnswerTool(model_call=model_call, output=result):
                self._model.answer_tool(model_call, result)
            case outputs.CreateReply(instructions=instructions):
                self._model.create_reply(instructions)
            case outputs.Tell(text=text):
                self._model.tell(text)
            case outputs.Say(key=key, text=text):
                self._say(key, text)
            case outputs.RunTool():
                self._meters.tool(output.tool_call)
                self._errands.run_tool(output, self.tell)
            case outputs.WatchApproval():
                self._errands.watch_approval(output, self.tell)
            case outputs.Report(fact=fact):
                self._reporter.fact(fact)
            case outputs.Dial(number=number):
                self._parting.dial = number
            case outputs.CloseModel():
                self._model_up = False
                self._closing = self._tasks.start(self._model.close())
            case outputs.End():
                self._end(output)
            case outputs.CloseLine():
                self._out.stop()
            case _:
                assert_never(output)

    def _say(self, key: str, text: str) -> None:
        if not (self._model_up and self._model.say(key, text)):
            self._speaker.say(key, text, self)

    def _end(self, end: outputs.End) -> None:
        """What is heard and said is over; telling it takes a moment."""
        now = self._loop.time()
        self._in.stop(now)
        self._start_timer.cancel()
        self._errands.stop()
        self._tasks.start(self._leave(end, now))

    async def _leave(self, end: outputs.End, now: float) -> None:
        """The model's last usage, the lengths; then the end is told, and the line goes down."""
        try:
            if self._closing is not None:
                await asyncio.wait({self._closing}, timeout=_MODEL_CLOSES_S)
            self._meters.close(now, end.duration_ms, heard=self._in.heard, sent=self._out.sent)
            await self._parting.take(end)
        finally:
            self._parting.hang_up(end)
            self._let_go()

    def _let_go(self) -> None:
        """The call is over. Its parts know this session, and it knows them no more: all is freed
        at once, and no collector has to find it among the objects of the living calls."""
        if not self.done.done():
            self.done.set_result(None)
            del self._in, self._out, self._model, self._call

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        at = self._call.deadline()
        self._timer = None if at is None else self._loop.call_at(at, self.tell, None)
