"""TwiML both ways: a document is verbs or NotTwiML; what we write is read back as it was meant."""

from callfunnel.carrier.twiml import Dial, Hangup, NotTwiML, Redirect, Say, Stream, parse
from gateway import twiml
from tests.fuzz.target import Target


def check(data: bytes) -> None:
    try:
        verbs = parse(data)
    except NotTwiML:
        verbs = []
    assert all(getattr(each, "seconds", 0) <= 3600 for each in verbs)
    text = data.decode("utf-8", "replace")[:2000]
    clean = twiml.speakable(text)
    if clean:
        assert parse(twiml.say_and_hang_up(text)) == [Say(clean), Hangup()]
    assert parse(twiml.dial("+15550100001")) == [Dial("+15550100001"), Hangup()]
    made = parse(twiml.connect("wss://a/media/b", text, "https://a/next"))
    assert made[1] == Redirect("https://a/next")
    assert isinstance(made[0], Stream)


TARGET = Target(
    check=check,
    seeds=(
        twiml.connect("wss://a/media/b", "c_1", "https://a/next").encode(),
        twiml.say_and_hang_up("Good <bye> & so on").encode(),
        b"<Response><Dial action='x'><Number>+1</Number></Dial><Pause length='3'/></Response>",
        b"<Response><Reject reason='busy'/><Redirect method='GET'>/x</Redirect></Response>",
    ),
    tokens=(
        "<Response>",
        "</Response>",
        "<Pause length='",
        "<?xml version='1.0' encoding='",
        "&#0;",
        "&amp;",
    ),
)
