"""Correlation: the second pure machine (decision 2). It decides which message goes to whom; hosts only place it.

A partition holds what has one tenant, message name and correlation key: open subscriptions, start subscriptions,
buffered messages. `decide` moves a partition on by one input and gives back what the host has to do. The rules span
instances, so they live here and not in `step`: a message correlates at most once per process id, across versions,
and to every different process; the buffer is a queue (notes: the contract of the zeebe dialect, row "Message").
What must not live here: rows, clocks, and the state of an instance.
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heapify, heappop, heappush
from typing import Any, Final, TypeAlias, final

import msgspec

from procession.base.values import Json


@final
class Open(msgspec.Struct, frozen=True, gc=False):
    """An open subscription of an instance of a process. `window`: how many offers may be under way at once; more than
    one is for those that stay open, of instances that answer from afar."""

    key: int
    instance: int
    process_id: str
    window: int = 1


@final
class StartOpen(msgspec.Struct, frozen=True, gc=False):
    """A message start event of the latest version of a process."""

    process_id: str
    definition: int
    node: int


@final
class Message:
    """A published message. `expires` in Unix ms. `taken`: the processes that had it; `offered`: (process id ->
    subscription, 0 for a start) the offers that were not answered yet. `stored`: whether the host holds a row."""

    __slots__ = ("expires", "key", "message_id", "offered", "stored", "taken", "variables")

    def __init__(self, key: int, message_id: str, expires: int, variables: dict[str, Json]) -> None:
        self.key = key
        self.message_id = message_id
        self.expires = expires
        self.variables = variables
        self.taken: dict[str, None] = {}
        self.offered: dict[str, int] = {}
        self.stored = False


@final
class Partition:
    """One partition. Dicts are in order of keys, oldest first; `starts` is by process id.

    `busy` and `ids` are indexes: how many offers to a subscription are under way, messages by their id.
    """

    __slots__ = ("_waiting", "busy", "ids", "messages", "starts", "subscriptions")

    def __init__(self) -> None:
        self.subscriptions: dict[int, Open] = {}
        self.starts: dict[str, StartOpen] = {}
        self.messages: dict[int, Message] = {}
        self.busy: dict[int, int] = {}
        self.ids: dict[str, int] = {}
        self._waiting: dict[str, list[int]] = {}

    def waiting(self, process_id: str) -> list[int]:
        """A heap of the messages that a process may not have had, oldest first; some may be over, or taken.

        Whoever serves a subscription would else go through all that is buffered, each time."""
        found = self._waiting.get(process_id)
        if found is None:
            found = self._waiting[process_id] = list(self.messages)
            heapify(found)
        return found

    def waits(self, message: int, process_id: str = "") -> None:
        """A message is not on offer to a process, or to any, where that is kept."""
        heaps = self._waiting.values() if not process_id else (self._waiting.get(process_id),)
        for heap in heaps:
            if heap is not None:
                heappush(heap, message)

    def restore(self, message: Message) -> None:
        """Adds a message that the host had stored."""
        message.stored = True
        self.messages[message.key] = message
        if message.message_id:
            self.ids[message.message_id] = message.key
        for offered in message.offered.values():
            if offered:
                self.busy[offered] = self.busy.get(offered, 0) + 1

    def has_room(self, subscription: Open) -> bool:
        """Whether a message may be offered to it now."""
        return self.busy.get(subscription.key, 0) < subscription.window

    def answered(self, subscription: int) -> None:
        """An offer to a subscription was answered."""
        left = self.busy.pop(subscription, 0) - 1
        if left > 0:
            self.busy[subscription] = left


class Published(msgspec.Struct, frozen=True, gc=False):
    """A message arrives. `expires` = `at` for one that is not buffered."""

    key: int
    message_id: str
    expires: int
    variables: dict[str, Json]


class Subscribed(msgspec.Struct, frozen=True, gc=False):
    """An instance opened a subscription."""

    subscription: Open


class Unsubscribed(msgspec.Struct, frozen=True, gc=False):
    """A subscription closed. `consumed` is the message that it took, 0 for none."""

    subscription: int
    consumed: int = 0


class Consumed(msgspec.Struct, frozen=True, gc=False):
    """A subscription that stays open took a message."""

    subscription: int
    message: int


class Refused(msgspec.Struct, frozen=True, gc=False):
    """An offer was not accepted: the subscription had closed meanwhile."""

    subscription: int
    message: int


class StartMade(msgspec.Struct, frozen=True, gc=False):
    """An instance was started by a message, or could not be (`instance` 0)."""

    process_id: str
    message: int
    instance: int


class Freed(msgspec.Struct, frozen=True, gc=False):
    """The instance that held back the starts of a process by this key has ended."""

    process_id: str


class StartsChanged(msgspec.Struct, frozen=True, gc=False):
    """A deployment changed who starts by this name. A buffered message starts nobody by that alone."""

    starts: tuple[StartOpen, ...]


class Expired(msgspec.Struct, frozen=True, gc=False):
    """The clock moved: messages whose time is over are forgotten."""


Input: TypeAlias = (
    Published | Subscribed | Unsubscribed | Consumed | Refused | StartMade | Freed | StartsChanged | Expired
)


class Offer(msgspec.Struct, frozen=True, gc=False):
    """Offer a message to a subscription; answer with Unsubscribed, Consumed or Refused."""

    subscription: Open
    message: int
    variables: dict[str, Json]


class StartInstance(msgspec.Struct, frozen=True, gc=False):
    """Start an instance by a message; answer with StartMade."""

    start: StartOpen
    message: int
    variables: dict[str, Json]


class Keep(msgspec.Struct, frozen=True, gc=False):
    """Store this message, or store it again: it is buffered, or an offer is under way."""

    message: int


class Forget(msgspec.Struct, frozen=True, gc=False):
    """A message is over. `stored` tells whether there is a row to delete."""

    message: int
    stored: bool


class Duplicate(msgspec.Struct, frozen=True, gc=False):
    """A message with this id is buffered already: the new one is refused."""

    message_id: str


Output: TypeAlias = Offer | StartInstance | Keep | Forget | Duplicate

Held: TypeAlias = Callable[[str], bool]
"""Whether the start of a process id by this partition's key is held back by a living instance."""


def decide(partition: Partition, given: Input, at: int, held: Held) -> list[Output]:
    """Moves the partition on by one input at `at` (Unix ms) and gives back what to do, in order.

    `held` is asked only where a start is considered; for an empty correlation key it must answer False.
    """
    outputs: list[Output] = []
    DECIDE[type(given)](partition, given, _Turn(at, held, outputs))
    return outputs


def unsettled(partition: Partition) -> list[int]:
    """The messages that wait for the answer to an offer. Their rows must be stored with the sender's commit."""
    return [m.key for m in partition.messages.values() if m.offered]


@final
class _Turn:
    __slots__ = ("at", "held", "outputs")

    def __init__(self, at: int, held: Held, outputs: list[Output]) -> None:
        self.at = at
        self.held = held
        self.outputs = outputs


def _published(partition: Partition, given: Published, turn: _Turn) -> None:
    if given.message_id:
        other = partition.messages.get(partition.ids.get(given.message_id, 0))
        if other is not None and other.expires > turn.at:
            turn.outputs.append(Duplicate(given.message_id))
            return
        partition.ids[given.message_id] = given.key
    message = Message(given.key, given.message_id, given.expires, given.variables)
    partition.messages[message.key] = message
    # Catching instances come before starts, and each process gets the message once (the oldest subscription first).
    for subscription in partition.subscriptions.values():
        if _free_for(message, subscription.process_id) and partition.has_room(subscription):
            _offer(partition, message, subscription, turn)
    partition.waits(message.key)
    for start in partition.starts.values():
        if _free_for(message, start.process_id) and not turn.held(start.process_id):
            _start(message, start, turn)
    _settle(partition, message, turn)


def _subscribed(partition: Partition, given: Subscribed, turn: _Turn) -> None:
    subscription = given.subscription
    if subscription.key in partition.subscriptions:
        return
    partition.subscriptions[subscription.key] = subscription
    _serve(partition, subscription, turn)


def _unsubscribed(partition: Partition, given: Unsubscribed, turn: _Turn) -> None:
    partition.busy.pop(given.subscription, None)
    subscription = partition.subscriptions.pop(given.subscription, None)
    if given.consumed and subscription is not None:
        _took(partition, subscription, given.consumed, turn)


def _consumed(partition: Partition, given: Consumed, turn: _Turn) -> None:
    partition.answered(given.subscription)
    subscription = partition.subscriptions.get(given.subscription)
    if subscription is None:
        return
    _took(partition, subscription, given.message, turn)
    _serve(partition, subscription, turn)


def _refused(partition: Partition, given: Refused, turn: _Turn) -> None:
    """The message goes to the next subscription of that process, or back into the buffer."""
    partition.answered(given.subscription)
    partition.subscriptions.pop(given.subscription, None)
    message = partition.messages.get(given.message)
    if message is None:
        return
    for process_id, offered in list(message.offered.items()):
        if offered == given.subscription:
            del message.offered[process_id]
            partition.waits(message.key, process_id)
            _next_of(partition, message, process_id, turn)
    _settle(partition, message, turn)


def _start_made(partition: Partition, given: StartMade, turn: _Turn) -> None:
    message = partition.messages.get(given.message)
    if message is None:
        return
    message.offered.pop(given.process_id, None)
    partition.waits(message.key, given.process_id)
    if given.instance:
        message.taken[given.process_id] = None
    _settle(partition, message, turn)


def _freed(partition: Partition, given: Freed, turn: _Turn) -> None:
    start = partition.starts.get(given.process_id)
    if start is None or turn.held(given.process_id):
        return
    for message in list(partition.messages.values()):
        if message.expires > turn.at and _free_for(message, given.process_id):
            _start(message, start, turn)
            _settle(partition, message, turn)
            return


def _starts_changed(partition: Partition, given: StartsChanged, turn: _Turn) -> None:
    partition.starts = {start.process_id: start for start in given.starts}


def _expired(partition: Partition, given: Expired, turn: _Turn) -> None:
    for message in list(partition.messages.values()):
        _settle(partition, message, turn)


def _serve(partition: Partition, subscription: Open, turn: _Turn) -> None:
    """Offers the oldest buffered message that this process has not had."""
    heap = partition.waiting(subscription.process_id)
    while heap:
        message = partition.messages.get(heappop(heap))
        if message is not None and message.expires > turn.at and _free_for(message, subscription.process_id):
            _offer(partition, message, subscription, turn)
            turn.outputs.append(Keep(message.key))
            return


def _next_of(partition: Partition, message: Message, process_id: str, turn: _Turn) -> None:
    for other in partition.subscriptions.values():
        if other.process_id == process_id and partition.has_room(other):
            _offer(partition, message, other, turn)
            return


def _took(partition: Partition, subscription: Open, key: int, turn: _Turn) -> None:
    message = partition.messages.get(key)
    if message is None:
        return
    message.offered.pop(subscription.process_id, None)
    message.taken[subscription.process_id] = None
    _settle(partition, message, turn)


def _settle(partition: Partition, message: Message, turn: _Turn) -> None:
    """Keeps what is buffered or on offer, forgets the rest."""
    if message.offered or message.expires > turn.at:
        turn.outputs.append(Keep(message.key))
        return
    del partition.messages[message.key]
    if partition.ids.get(message.message_id) == message.key:
        del partition.ids[message.message_id]
    turn.outputs.append(Forget(message.key, message.stored))


def _free_for(message: Message, process_id: str) -> bool:
    return process_id not in message.taken and process_id not in message.offered


def _offer(partition: Partition, message: Message, subscription: Open, turn: _Turn) -> None:
    message.offered[subscription.process_id] = subscription.key
    partition.busy[subscription.key] = partition.busy.get(subscription.key, 0) + 1
    turn.outputs.append(Offer(subscription, message.key, message.variables))


def _start(message: Message, start: StartOpen, turn: _Turn) -> None:
    message.offered[start.process_id] = 0
    turn.outputs.append(StartInstance(start, message.key, message.variables))


_Decide: TypeAlias = Callable[[Partition, Any, _Turn], None]

DECIDE: Final[dict[type[Any], _Decide]] = {
    Published: _published,
    Subscribed: _subscribed,
    Unsubscribed: _unsubscribed,
    Consumed: _consumed,
    Refused: _refused,
    StartMade: _start_made,
    Freed: _freed,
    StartsChanged: _starts_changed,
    Expired: _expired,
}
