"""Correlation: who gets a message. Each rule by its name, then any order of events against what must always hold."""

from __future__ import annotations

from collections import Counter, deque
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from procession.core import correlation as c


class Place:
    """A partition with a host that answers its offers at once, or when it is told to."""

    def __init__(self, starts: tuple[str, ...] = ()) -> None:
        self.partition = c.Partition()
        self.at = 0
        self.locked: set[str] = set()
        self.closed: set[int] = set()
        self.offers: deque[c.Offer | c.StartInstance] = deque()
        self.got: list[tuple[int, str]] = []
        self.rows: set[int] = set()
        self.keys = count(1)
        self.give(c.StartsChanged(tuple(c.StartOpen(each, 1, 1) for each in starts)))

    def give(self, given: c.Input) -> list[c.Output]:
        outputs = c.decide(self.partition, given, self.at, self.locked.__contains__)
        for output in outputs:
            match output:
                case c.Offer() | c.StartInstance():
                    self.offers.append(output)
                case c.Keep(message=message):
                    self.partition.messages[message].stored = True
                    self.rows.add(message)
                case c.Forget(message=message, stored=stored):
                    assert stored == (message in self.rows)
                    self.rows.discard(message)
                case c.Duplicate():
                    pass
        return outputs

    def publish(self, ttl: int = 0, id: str = "") -> int:
        key = next(self.keys)
        self.give(c.Published(key, id, self.at + ttl, {}))
        return key

    def subscribe(self, process: str, instance: int = 0) -> int:
        key = next(self.keys)
        self.give(c.Subscribed(c.Open(key, instance or key, process)))
        return key

    def answer(self, stays: bool = False, hold: bool = False) -> None:
        offer = self.offers.popleft()
        if isinstance(offer, c.StartInstance):
            if hold:
                self.locked.add(offer.start.process_id)
            self.got.append((offer.message, offer.start.process_id))
            self.give(c.StartMade(offer.start.process_id, offer.message, next(self.keys)))
        elif offer.subscription.key in self.closed:
            self.give(c.Refused(offer.subscription.key, offer.message))
        else:
            self.got.append((offer.message, offer.subscription.process_id))
            if stays:
                self.give(c.Consumed(offer.subscription.key, offer.message))
            else:
                self.closed.add(offer.subscription.key)
                self.give(c.Unsubscribed(offer.subscription.key, offer.message))

    def answer_all(self, hold: bool = False) -> None:
        while self.offers:
            self.answer(hold=hold)


def test_the_oldest_subscription_of_each_process_gets_the_message() -> None:
    place = Place()
    subscriptions = [place.subscribe(process) for process in ("p", "p", "q")]
    message = place.publish()
    assert [o.subscription.key for o in place.offers if isinstance(o, c.Offer)] == [subscriptions[0], subscriptions[2]]
    place.answer_all()
    assert place.got == [(message, "p"), (message, "q")]
    assert (list(place.partition.subscriptions), place.rows) == ([subscriptions[1]], set())


def test_a_message_without_time_to_live_is_not_buffered() -> None:
    place = Place()
    place.publish()
    assert place.partition.messages == {}
    place.subscribe("p")
    assert not place.offers


def test_buffered_messages_are_a_queue() -> None:
    place = Place()
    messages = [place.publish(ttl=10) for _ in range(3)]
    for _ in range(3):
        place.subscribe("p")
        place.answer_all()
    assert place.got == [(key, "p") for key in messages]


def test_a_buffered_message_goes_to_other_processes_later_but_never_twice_to_one() -> None:
    place = Place()
    message = place.publish(ttl=10)
    for process in ("p", "p", "q", "q"):
        place.subscribe(process)
        place.answer_all()
    assert place.got == [(message, "p"), (message, "q")]


def test_an_expired_message_is_not_given_and_is_forgotten() -> None:
    place = Place()
    message = place.publish(ttl=10)
    assert place.rows == {message}
    place.at = 10
    place.subscribe("p")
    assert not place.offers
    place.give(c.Expired())
    assert place.rows == set()


def test_a_refused_offer_goes_to_the_next_and_else_back_into_the_buffer() -> None:
    place = Place()
    first, second = place.subscribe("p"), place.subscribe("p")
    message = place.publish(ttl=10)
    place.closed |= {first, second}
    place.answer()
    place.answer()
    assert not place.offers
    assert place.rows == {message}
    place.subscribe("p")
    place.answer_all()
    assert place.got == [(message, "p")]


def test_a_message_on_offer_is_kept_even_without_time_to_live() -> None:
    place = Place()
    place.subscribe("p")
    message = place.publish()
    assert place.rows == {message}
    assert c.unsettled(place.partition) == [message]
    place.answer_all()
    assert place.rows == set()


def test_a_subscription_has_one_offer_at_a_time_and_takes_the_next_when_it_stays_open() -> None:
    place = Place()
    place.subscribe("p")
    messages = [place.publish(ttl=10) for _ in range(3)]
    assert len(place.offers) == 1
    while place.offers:
        place.answer(stays=True)
    assert place.got == [(key, "p") for key in messages]


def test_a_message_id_is_refused_while_it_is_buffered() -> None:
    place = Place()
    place.publish(ttl=10, id="x")
    assert place.give(c.Published(99, "x", 50, {})) == [c.Duplicate("x")]
    place.at = 10
    place.publish(ttl=10, id="x")
    assert len(place.offers) == 0
    assert place.publish(ttl=0, id="y") != place.publish(ttl=0, id="y")


def test_a_start_is_held_back_until_its_instance_ends() -> None:
    place = Place(starts=("p",))
    messages = [place.publish(ttl=10) for _ in range(1)]
    place.answer_all(hold=True)
    messages += [place.publish(ttl=10) for _ in range(2)]
    assert not place.offers
    place.locked.clear()
    place.give(c.Freed("p"))
    assert len(place.offers) == 1
    place.answer_all(hold=True)
    assert place.got == [(key, "p") for key in messages[:2]]


def test_a_waiting_instance_comes_before_a_start_of_its_process() -> None:
    place = Place(starts=("p", "q"))
    place.subscribe("p")
    place.publish()
    assert [isinstance(offer, c.StartInstance) for offer in place.offers] == [False, True]


def test_a_deployment_alone_starts_nobody() -> None:
    place = Place()
    place.publish(ttl=10)
    place.give(c.StartsChanged((c.StartOpen("p", 1, 1),)))
    assert not place.offers


@pytest.mark.parametrize("consumed", [0, 1])
def test_inputs_about_what_is_gone_are_harmless(consumed: int) -> None:
    place = Place()
    for given_ in (
        c.Unsubscribed(7, consumed),
        c.Consumed(7, 1),
        c.Refused(7, 1),
        c.StartMade("p", 1, 2),
        c.Freed("p"),
    ):
        assert place.give(given_) == []


_MOVES = st.lists(
    st.one_of(
        st.tuples(st.just("publish"), st.sampled_from([0, 5, 50])),
        st.tuples(st.just("subscribe"), st.sampled_from(["p", "q"])),
        st.tuples(st.just("cancel"), st.integers(0, 5)),
        st.tuples(st.just("answer"), st.booleans()),
        st.tuples(st.just("pass"), st.integers(1, 20)),
        st.tuples(st.just("free"), st.just("r")),
    ),
    max_size=60,
)


@given(_MOVES)
def test_in_any_order_no_process_gets_a_message_twice_and_none_is_lost(moves: list[tuple[str, object]]) -> None:
    place = Place(starts=("r",))
    opened: list[int] = []
    for move, value in moves:
        match move, value:
            case "publish", int(ttl):
                place.publish(ttl)
            case "subscribe", str(process):
                opened.append(place.subscribe(process))
            case "cancel", int(index) if index < len(opened):
                place.closed.add(opened[index])
                place.give(c.Unsubscribed(opened[index]))
            case "answer", bool(stays) if place.offers:
                place.answer(stays, hold=True)
            case "pass", int(ms):
                place.at += ms
                place.give(c.Expired())
            case "free", _:
                place.locked.clear()
                place.give(c.Freed("r"))
            case _:
                continue
        _sound(place)
    place.answer_all(hold=True)
    _sound(place)
    assert c.unsettled(place.partition) == []
    # Who still waits has had every message that is still buffered.
    for subscription in place.partition.subscriptions.values():
        for message in place.partition.messages.values():
            if message.expires > place.at:
                assert subscription.process_id in message.taken


def _sound(place: Place) -> None:
    assert all(times == 1 for times in Counter(place.got).values())
    assert place.rows == set(place.partition.messages)
    offered = [o.subscription.key for o in place.offers if isinstance(o, c.Offer)]
    assert len(offered) == len(set(offered))
