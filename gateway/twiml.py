"""What a carrier is told to do, as TwiML. Pure; every value is escaped, and text XML can hold."""

import re
from xml.etree.ElementTree import Element, SubElement, tostring

from callfunnel.domain.call import Pin, PinState

_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def connect(media_url: str, call: str, next_url: str) -> str:
    """Two-way audio to `media_url`; once the socket has closed the carrier asks `next_url`.

    Data travels in the path and in parameters: a carrier strips a query string from the URL.
    """
    response = Element("Response")
    stream = SubElement(SubElement(response, "Connect"), "Stream", url=media_url)
    SubElement(stream, "Parameter", name="call", value=speakable(call))
    SubElement(response, "Redirect", method="POST").text = next_url
    return _document(response)


def say_and_hang_up(text: str) -> str:
    """One sentence, then the end: busy treatment, an unknown number, an apology."""
    response = Element("Response")
    if words := speakable(text):
        SubElement(response, "Say").text = words
    SubElement(response, "Hangup")
    return _document(response)


def dial(number: str) -> str:
    """Hands the caller to `number`; the call ends when that leg does."""
    response = Element("Response")
    SubElement(response, "Dial").text = speakable(number)
    SubElement(response, "Hangup")
    return _document(response)


def after_stream(pin: Pin, apology: str) -> str:
    """What follows a closed media socket: a transfer, the end, or an apology for a lost worker."""
    if pin.next_dial:
        return dial(pin.next_dial)
    if pin.state is PinState.ENDED:
        return say_and_hang_up(pin.apology)
    return say_and_hang_up(pin.apology or apology)


def speakable(text: str) -> str:
    """`text` without what no XML may hold, not even escaped; any white space is one space."""
    return " ".join(_NO_XML.sub(" ", text).split())


def _document(response: Element) -> str:
    body: str = tostring(response, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>{body}'
