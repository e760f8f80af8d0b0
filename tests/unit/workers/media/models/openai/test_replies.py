"""The order of replies: at most one asked for, at most one active, names kept."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from workers.media.models.openai.replies import Create, Replies, Reply


def test_plain_wishes_that_wait_are_one_and_sentences_are_not() -> None:
    replies = Replies()
    for create in (Create("", {}), Create("", {}), Create("a", {}), Create("b", {})):
        replies.want(create)
    asked = []
    while (request := replies.next_request()) is not None:
        asked.append(request[0])
        replies.created(f"r{len(asked)}", request[0])
        replies.done(f"r{len(asked)}")
    assert len(asked) == 3


def test_a_reply_the_server_began_itself_leaves_ours_asked_for() -> None:
    replies = Replies()
    replies.want(Create("a", {}))
    request = replies.next_request()
    assert request is not None
    theirs = replies.created("r1", "")
    assert theirs.name == "r1"
    replies.refused(request[0], again=True)
    assert replies.next_request() is None
    replies.done("r1")
    assert replies.next_request() is not None


def test_a_refusal_for_good_gives_the_wish_back() -> None:
    replies = Replies()
    replies.want(Create("a", {}))
    request = replies.next_request()
    assert request is not None
    refused = replies.refused(request[0], again=False)
    assert refused is not None
    assert refused.key == "a"
    assert replies.refused("reply-unknown", again=False) is None


def test_a_wish_cancelled_while_it_travels_is_cancelled_when_it_is_created() -> None:
    replies = Replies()
    replies.want(Create("a", {}))
    request = replies.next_request()
    assert request is not None
    assert replies.cancel("a") is None
    assert replies.created("r1", request[0]).cancelled
    assert replies.speaking("r1") is None


def test_the_first_item_of_a_sentence_has_its_key_and_later_ones_their_own_id() -> None:
    reply = Reply("r1", "greeting")
    assert reply.grow("i1", 80) == "greeting"
    assert reply.grow("i2", 80) == "i2"
    assert reply.named("greeting") == "i1"
    assert reply.named("i2") == "i2"
    assert reply.say("i1", "Hello")[0] == "greeting"


def test_what_was_heard_long_ago_cannot_be_cut_any_more() -> None:
    replies = Replies()
    for n in range(40):
        replies.created(f"r{n}", "").grow(f"i{n}", 80)
        replies.done(f"r{n}")
    assert replies.generated("i39") == ("i39", 80)
    assert replies.generated("i0") is None


class AnyOrder(RuleBasedStateMachine):
    """Wishes, server replies, refusals and ends in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.replies = Replies()
        self.asked: str | None = None
        self.active: str | None = None
        self.count = 0

    @rule(key=st.sampled_from(["", "a", "b"]))
    def want(self, key: str) -> None:
        self.replies.want(Create(key, {}))

    @rule()
    def ask(self) -> None:
        request = self.replies.next_request()
        if request is not None:
            assert self.asked is None
            assert self.active is None
            self.asked = request[0]

    @precondition(lambda self: self.active is None)
    @rule(ours=st.booleans())
    def create(self, ours: bool) -> None:
        self.count += 1
        request = self.asked if ours and self.asked else ""
        self.active = f"r{self.count}"
        self.replies.created(self.active, request)
        if request:
            self.asked = None

    @precondition(lambda self: self.asked is not None)
    @rule(again=st.booleans())
    def refuse(self, again: bool) -> None:
        assert self.asked is not None
        self.replies.refused(self.asked, again=again)
        self.asked = None

    @precondition(lambda self: self.active is not None)
    @rule()
    def finish(self) -> None:
        assert self.active is not None
        assert self.replies.done(self.active) is not None
        assert self.replies.done(self.active) is None
        self.active = None

    @rule(name=st.sampled_from(["", "a", "b", "r1", "r2"]))
    def cancel(self, name: str) -> None:
        found = self.replies.cancel(name)
        if isinstance(found, Reply):
            assert found.id == self.active

    @invariant()
    def at_most_one_speaks(self) -> None:
        speaking = [n for n in range(self.count + 1) if self.replies.speaking(f"r{n}")]
        assert len(speaking) <= 1


TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = settings(max_examples=60, stateful_step_count=30)
