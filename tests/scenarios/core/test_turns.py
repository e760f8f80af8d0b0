"""Turns: their numbers, their texts, their marks; and who decides that one is over."""

from callfunnel.events.call import AgentSpoke, CallerSpoke, TurnMeasured
from tests.simulators.scripted_call import ScriptedCall
from workers.media.core import inputs, outputs


def test_a_question_and_its_answer_have_the_same_number(call: ScriptedCall) -> None:
    call.greets()
    call.caller_says("Hello", "i1")
    call.model_replies("Hi.")
    call.passes(2)
    call.caller_says("Goodbye", "i2")
    call.model_replies("Bye.")
    call.passes(2)
    assert [fact.turn for fact in call.facts(CallerSpoke)] == [1, 2]
    assert [fact.turn for fact in call.facts(AgentSpoke)] == [0, 1, 2]


def test_texts_that_come_late_and_out_of_order_find_their_turn(call: ScriptedCall) -> None:
    call.greets()
    for item in ("i1", "i2"):
        call.tell(inputs.ModelSpeechStarted(item))
        call.passes(1)
        call.tell(inputs.ModelSpeechEnded(item))
        call.model_replies("Yes.")
        call.passes(2)
    call.tell(inputs.CallerTranscript("i2", "second"))
    call.tell(inputs.CallerTranscript("i1", "first"))
    spoke = {fact.text: fact for fact in call.facts(CallerSpoke)}
    assert (spoke["first"].turn, spoke["second"].turn) == (1, 2)
    assert spoke["first"].end_ms < spoke["second"].start_ms


def test_a_turn_that_never_gets_its_text_does_not_take_that_of_the_next(
    call: ScriptedCall,
) -> None:
    call.greets()
    for _ in range(2):
        call.tell(inputs.ModelSpeechStarted())
        call.passes(1)
        call.tell(inputs.ModelSpeechEnded())
        call.model_replies("Yes.")
        call.passes(2)
    call.tell(inputs.CallerTranscript("turn-2", "second"))
    assert call.facts(CallerSpoke)[0].turn == 2


def test_a_text_that_comes_twice_is_told_once(call: ScriptedCall) -> None:
    call.greets()
    call.caller_says("Hello", "i1")
    call.tell(inputs.CallerTranscript("i1", "Hello"))
    assert len(call.facts(CallerSpoke)) == 1


def test_a_turn_without_words_is_not_told(call: ScriptedCall) -> None:
    call.greets()
    call.caller_says("", "i1")
    assert call.facts(CallerSpoke) == []


def test_each_turn_tells_its_latency_once(call: ScriptedCall) -> None:
    call.greets()
    call.caller_says("Hello", "i1")
    call.passes(0.3)
    call.model_replies("Hi there.")
    call.passes(3)
    (marks,) = call.facts(TurnMeasured)
    assert marks.turn == 1
    assert marks.committed_ms == marks.speech_end_ms + 400
    assert marks.model_ms == marks.committed_ms + 300
    assert marks.response_ms == 700
    assert marks.played_ms is not None
    assert marks.played_ms >= (marks.sent_ms or 0)


def test_a_turn_that_got_no_answer_tells_the_marks_it_has(call: ScriptedCall) -> None:
    call.greets()
    call.caller_says("Hello", "i1")
    call.tell(inputs.LineClosed(clean=True))
    (marks,) = call.facts(TurnMeasured)
    assert (marks.turn, marks.sent_ms, marks.response_ms) == (1, None, None)


def test_an_empty_reply_leaves_the_floor_open(call: ScriptedCall) -> None:
    call.greets()
    call.caller_says("Hm", "i1")
    call.tell(inputs.ReplyStarted("r1"))
    call.tell(inputs.ReplyDone("r1", "completed"))
    call.passes(11)
    assert call.said()[-1] == "Are you still there?"


def test_where_the_edge_owns_turns_a_silence_ends_them() -> None:
    call = ScriptedCall(owns_turns=False)
    call.greets()
    call.caller_begins()
    call.passes(1)
    call.caller_pauses()
    call.passes(0.4)
    assert call.all(outputs.CreateReply) == []
    call.passes(0.1)
    assert len(call.all(outputs.CreateReply)) == 1


def test_where_the_edge_owns_turns_an_unfinished_sentence_waits_longer() -> None:
    call = ScriptedCall(owns_turns=False)
    call.greets()
    call.caller_begins()
    call.passes(1)
    call.tell(inputs.CallerTranscript("", "I want to cancel and"))
    call.caller_pauses()
    call.passes(1)
    assert call.all(outputs.CreateReply) == []
    call.passes(0.2)
    assert len(call.all(outputs.CreateReply)) == 1


def test_where_the_edge_owns_turns_a_voice_of_some_length_stops_the_agent() -> None:
    call = ScriptedCall(owns_turns=False)
    call.greets()
    call.caller_begins()
    call.passes(1)
    call.caller_pauses()
    call.passes(0.5)
    call.model_replies("Good morning, how can I help you today?")
    call.passes(1)
    call.caller_begins()
    call.passes(0.3)
    assert call.all(outputs.ClearLine) == []
    call.passes(0.1)
    assert len(call.all(outputs.ClearLine)) == 1


def test_a_second_reply_while_one_is_made_is_cancelled_and_asked_for_later(
    call: ScriptedCall,
) -> None:
    call.greets()
    call.caller_says("Hello", "i1")
    first = call.model_replies("One moment, I will look.", done=False)
    call.tell(inputs.ReplyStarted("r9"))
    assert call.all(outputs.CancelReply) == [outputs.CancelReply("r9")]
    call.tell(inputs.ReplyDone(first, "completed"))
    assert len(call.all(outputs.CreateReply)) == 1


def test_a_reply_that_does_not_come_by_itself_is_asked_for(call: ScriptedCall) -> None:
    call.greets()
    call.caller_says("Hello", "i1")
    call.passes(2.9)
    assert call.all(outputs.CreateReply) == []
    call.passes(0.2)
    assert len(call.all(outputs.CreateReply)) == 1
    call.model_replies("Hi.")
    call.passes(2)
    assert call.transcript()[-1] == "agent: Hi."
