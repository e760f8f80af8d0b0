"""What a carrier's webhooks lead to: a call's TwiML, and what follows its stream."""

import logging
from collections.abc import Callable
from dataclasses import dataclass

from callfunnel.carrier.signature import media_url
from callfunnel.domain.call import Channel, Pin
from callfunnel.domain.ids import TenantId
from callfunnel.domain.rulebook import PublishedRulebook
from gateway import twiml
from gateway.admission import Admission
from gateway.offers import Offer, is_refused
from gateway.store import Route
from gateway.webhooks import AboutCall, Offered

log = logging.getLogger(__name__)

NEXT_PATH = "/carriers/twilio/next"
APOLOGY = "I am sorry, something went wrong on our side. Please call again. Goodbye."


@dataclass(frozen=True)
class Answer:
    """What the carrier is told; `pin`: the call's, if the number is anybody's."""

    document: str
    pin: Pin | None = None


class Telephony:
    """Answers verified webhooks. Without a rule book the caller hears `apology`."""

    def __init__(
        self,
        public_url: str,
        rulebook_of: Callable[[TenantId, str], PublishedRulebook | None],
        admission: Admission,
        unknown_number: str,
        apology: str = APOLOGY,
    ) -> None:
        self._public_url = public_url.rstrip("/")
        self._rulebook_of = rulebook_of
        self._admission = admission
        self._unknown_number = unknown_number
        self.apology = apology

    async def answer(self, offered: Offered, traceparent: str) -> Answer:
        """TwiML for an offered call; the same for every repetition of the webhook.

        A call that is new is traced from `traceparent` on.
        """
        if offered.route is None:
            log.info("a call for an unknown number")
            return Answer(twiml.say_and_hang_up(self._unknown_number))
        pin = await self._admission.admit(_offer(offered, offered.route, traceparent))
        return Answer(self._twiml(pin), pin)

    def after_stream(self, about: AboutCall) -> str:
        """TwiML for what comes once the media socket has closed."""
        pin = about.pin
        if pin is None:
            return twiml.say_and_hang_up("")
        book = self._rulebook_of(pin.tenant, pin.spec.agent)
        return twiml.after_stream(pin, book.rulebook.apology if book else self.apology)

    def note_status(self, about: AboutCall) -> None:
        """Writes the carrier's word on a leg to the log."""
        words = {"status": about.status[:20], "call": about.pin.call if about.pin else ""}
        log.info("carrier status", extra=words)

    def _twiml(self, pin: Pin) -> str:
        if is_refused(pin):
            return twiml.say_and_hang_up(pin.apology)
        stream = media_url(self._public_url, pin.media_path)
        return twiml.connect(stream, pin.call, self._public_url + NEXT_PATH)


def _offer(offered: Offered, route: Route, traceparent: str) -> Offer:
    return Offer(
        tenant=route.tenant,
        agent=route.agent,
        call_limit=route.call_limit,
        channel=Channel.TWILIO,
        carrier_call_id=offered.call_sid,
        carrier_account=offered.account.sid,
        caller=offered.caller,
        callee=offered.callee,
        traceparent=traceparent,
    )
