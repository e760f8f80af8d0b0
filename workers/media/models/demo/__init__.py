"""The offline demo agent: small vocabularies for ears, a script for a brain, a robot's voice."""

import asyncio

from callfunnel.infra.speech import SpeechFailed, Synthesizer
from workers.media.models.demo.ears import Ears
from workers.media.models.demo.line import DemoLine
from workers.media.models.line import CallContext, ModelLine, ModelSink, OpenLine


class DemoLines:
    """Opens lines to the offline agent; the calls of a worker share its ears and its voice."""

    def __init__(self) -> None:
        self._ears, self._voice = Ears(), Synthesizer()
        # Both programs start beside the worker, so that neither it nor the first call waits.
        self._warming = asyncio.get_running_loop().create_task(self._warm())

    def __call__(self, context: CallContext, sink: ModelSink) -> ModelLine:
        return DemoLine(context, sink, self._ears, self._voice)

    async def close(self) -> None:
        """Ends the programs; those of a worker that dies end with their input."""
        self._warming.cancel()
        await asyncio.gather(self._warming, return_exceptions=True)
        await self._ears.close()
        await self._voice.close()

    async def _warm(self) -> None:
        await self._ears.start()
        try:
            await self._voice.synthesize("Hello.")
        except SpeechFailed:
            return  # the first sentence of a call will try again, and tell


def demo_lines() -> OpenLine:
    """Lines to the offline agent; call it on the event loop."""
    return DemoLines()
