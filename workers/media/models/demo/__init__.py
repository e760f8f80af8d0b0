"""The offline demo agent: small grammars for ears, a script for a brain, espeak-ng for a voice."""

from callfunnel.infra.speech import Synthesizer
from workers.media.models.demo.ears import Ears
from workers.media.models.demo.line import DemoLine
from workers.media.models.line import CallContext, ModelLine, ModelSink, OpenLine


def demo_lines() -> OpenLine:
    """Opens lines to the offline agent; the calls of a worker share its ears and its voice."""
    ears, voice = Ears(), Synthesizer()

    def open_line(context: CallContext, sink: ModelSink) -> ModelLine:
        return DemoLine(context, sink, ears, voice)

    return open_line
