"""TwiML: what Twilio's own library would write, and nothing a value could break."""

from twilio.twiml.voice_response import Connect, VoiceResponse

from gateway import twiml


def test_connect_is_what_the_carriers_library_writes() -> None:
    response = VoiceResponse()
    connect = Connect()
    connect.stream(url="wss://x.example/media/w/t").parameter(name="call", value="c_1")
    response.append(connect)
    response.redirect("https://x.example/next", method="POST")
    assert twiml.connect("wss://x.example/media/w/t", "c_1", "https://x.example/next") == str(
        response
    )


def test_a_sentence_and_the_end_are_what_the_carriers_library_writes() -> None:
    response = VoiceResponse()
    response.say('All lines <are> "busy" & so on')
    response.hangup()
    assert twiml.say_and_hang_up('All lines <are> "busy" & so on') == str(response)


def test_a_transfer_dials_the_number() -> None:
    response = VoiceResponse()
    response.dial("+15550100900")
    response.hangup()
    assert twiml.dial("+15550100900") == str(response)
