"""The postbox: places the correlation machine on the store's rows.

Partitions are loaded when they are needed and kept while they are in use; every change is a row of the commit under
way. What must not live here: the rules of correlation (core.correlation), and steps of instances.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from typing import Final, TypeAlias, cast, final

from procession.core.correlation import (
    Consumed,
    Duplicate,
    Expired,
    Forget,
    Freed,
    Input,
    Keep,
    Message,
    Offer,
    Open,
    Output,
    Partition,
    Published,
    Refused,
    StartInstance,
    StartMade,
    StartOpen,
    StartsChanged,
    Subscribed,
    Unsubscribed,
    decide,
)
from procession.runtime import codec
from procession.runtime.ports import Batch, Store
from procession.runtime.requests import AnyRequest, DeliverOffer, StartProcess
from procession.runtime.rows import (
    MESSAGE_START,
    ExpiredRow,
    IntRow,
    LockRow,
    MessageRow,
    StartSubscriptionRow,
    SubscriptionRow,
    TextRow,
)
from procession.runtime.tenants import Span

Address: TypeAlias = tuple[int, str, str]
"""(tenant, message name, correlation key)"""

RETRIED_MAX: Final = 1_000
"""Messages of a name that are tried again when a process may be started again."""
PARTITIONS_MAX: Final = 10_000
"""Partitions kept between commits."""


@final
class Postbox:
    """The partitions of one shard. Guarded by the pump's lock; `begin` and `settle` enclose a commit."""

    __slots__ = (
        "_any",
        "_at",
        "_batch",
        "_changed",
        "_fresh",
        "_held",
        "_locks",
        "_names",
        "_partitions",
        "_span",
        "_starts",
        "_store",
        "_touched",
        "next_expiry",
    )

    def __init__(self, store: Store, span: Span) -> None:
        self._store = store
        self._span = span
        self._batch = Batch()
        self._at = 0
        self.forget()

    def forget(self) -> None:
        """Reads everything anew: a commit failed, or somebody else owned the shard."""
        # Ordered: a plain dict steps over everything that was ever taken from its front to find the first.
        self._partitions: OrderedDict[Address, Partition] = OrderedDict()
        self._fresh: dict[tuple[int, int, str, str], dict[int, Open | None]] = {}
        self._changed: dict[tuple[Address, int], bool | None] = {}
        self._touched: dict[Address, None] = {}
        self._starts: dict[tuple[int, int, str], tuple[StartOpen, ...]] = {}
        self._locks: dict[tuple[int, str, str], int] = {}
        self._held: dict[int, tuple[str, str]] = {}
        self._names: dict[int, str] = {}
        self._any = bool(self._store.read("message_any", self._span, IntRow))
        self.next_expiry = self._read_expiry()

    def drop(self, tenant: int) -> None:
        """A tenant is deleted with the commit under way."""
        self._partitions = OrderedDict((k, v) for k, v in self._partitions.items() if k[0] != tenant)
        self._touched = {k: v for k, v in self._touched.items() if k[0] != tenant}
        self._changed = {k: v for k, v in self._changed.items() if k[0][0] != tenant}
        self._starts = {k: v for k, v in self._starts.items() if k[0] != tenant}
        self._locks = {k: v for k, v in self._locks.items() if k[0] != tenant}

    def begin(self, batch: Batch, names: dict[int, str], at: int) -> None:
        """A commit begins, at `at` (Unix ms)."""
        self._batch = batch
        self._at = at
        self._names = names

    def starts_changed(self) -> None:
        """A deployment changed start events and is committed: they are read anew."""
        self._starts.clear()
        for address, partition in self._partitions.items():
            starts = self.starts(address[0], address[1], MESSAGE_START)
            decide(partition, StartsChanged(starts), self._at, _never)

    def subscribed(self, tenant: int, subscription: Open, name: str, correlation: str) -> list[AnyRequest]:
        """An instance waits for a message."""
        row = (
            tenant,
            0,
            name,
            correlation,
            subscription.key,
            subscription.instance,
            subscription.process_id,
            subscription.window,
        )
        self._batch["subscription"].insert(subscription.key, row)
        address = (tenant, name, correlation)
        if not self._any and address not in self._partitions:
            self._fresh.setdefault((tenant, 0, name, correlation), {})[subscription.key] = subscription
            return []
        return self._decide(address, Subscribed(subscription))

    def unsubscribed(
        self, tenant: int, subscription: int, name: str, correlation: str, consumed: int
    ) -> list[AnyRequest]:
        """A subscription is over; `consumed` is the message that it took, 0 for none."""
        self._batch["subscription"].delete(subscription, (tenant, 0, name, correlation, subscription))
        address = (tenant, name, correlation)
        if not self._any and address not in self._partitions:
            self._fresh.setdefault((tenant, 0, name, correlation), {})[subscription] = None
            return []
        return self._decide(address, Unsubscribed(subscription, consumed))

    def consumed(self, tenant: int, subscription: int, name: str, correlation: str, message: int) -> list[AnyRequest]:
        """A subscription that stays open took a message."""
        return self._decide((tenant, name, correlation), Consumed(subscription, message))

    def refused(self, tenant: int, subscription: int, name: str, correlation: str, message: int) -> list[AnyRequest]:
        """An offer was not accepted."""
        return self._decide((tenant, name, correlation), Refused(subscription, message))

    def published(self, address: Address, message: Published) -> list[AnyRequest] | None:
        """A message arrives; None when one with its id is buffered already."""
        if self.next_expiry is None or message.expires < self.next_expiry:
            self.next_expiry = message.expires
        partition = self._partition(address)
        outputs = self._turn(address, partition, message)
        if any(type(output) is Duplicate for output in outputs):
            return None
        return self._requests(address, outputs)

    def start_made(self, tenant: int, start: StartProcess, process_id: str, instance: int) -> list[AnyRequest]:
        """A message started an instance, or could not (`instance` 0)."""
        if instance and start.correlation:
            lock = (tenant, process_id, start.correlation)
            self._batch["start_lock"].replace(lock, (*lock, instance))
            self._locks[lock] = instance
            self._held[instance] = (process_id, start.correlation)
        address = (tenant, start.name, start.correlation)
        return self._decide(address, StartMade(process_id, start.message, instance))

    def ended(self, tenant: int, instance: int) -> list[AnyRequest]:
        """An instance that a message started has ended: its key may start the next one."""
        held = self._held.pop(instance, None)
        if held is None:
            rows = self._store.read("start_lock_of", (tenant, instance), LockRow)
            if not rows:
                return []
            held = (rows[0].process_id, rows[0].correlation)
        process_id, correlation = held
        lock = (tenant, process_id, correlation)
        self._batch["start_lock"].delete(lock, lock)
        self._locks[lock] = 0
        requests: list[AnyRequest] = []
        if self._any:
            for name in self._store.read("start_names", (tenant, process_id), TextRow):
                requests += self._decide((tenant, name.value, correlation), Freed(process_id))
        return requests

    def starts_allowed(self, tenant: int, process_id: str) -> list[AnyRequest]:
        """A process may be started again: messages that waited for that may start it now."""
        requests: list[AnyRequest] = []
        for name in self._store.read("start_names", (tenant, process_id), TextRow) if self._any else ():
            seen: set[str] = set()
            for row in self._store.read("messages_named", (tenant, name.value, RETRIED_MAX), ExpiredRow):
                # Of one key, one instance lives at a time; those without a key all start one.
                if not row.correlation or row.correlation not in seen:
                    seen.add(row.correlation)
                    requests += self._decide((tenant, name.value, row.correlation), Freed(process_id))
        return requests

    def expired(self, addresses: Iterable[Address]) -> None:
        """The clock reached the end of some messages' time."""
        for address in dict.fromkeys(addresses):
            self._turn(address, self._partition(address), Expired())

    def signals(self, tenant: int, name: str) -> list[Open]:
        """Who waits for a signal, those of the commit under way included."""
        rows = self._store.read("subscriptions", (tenant, 1, name, ""), SubscriptionRow)
        waiting = {row.key: Open(row.key, row.instance, row.process_id, row.room) for row in rows}
        _overlay(waiting, self._fresh.get((tenant, 1, name, "")))
        return list(waiting.values())

    def signal_opened(self, tenant: int, subscription: Open, name: str) -> None:
        """An instance waits for a signal."""
        row = (
            tenant,
            1,
            name,
            "",
            subscription.key,
            subscription.instance,
            subscription.process_id,
            subscription.window,
        )
        self._batch["subscription"].insert(subscription.key, row)
        self._fresh.setdefault((tenant, 1, name, ""), {})[subscription.key] = subscription

    def signal_closed(self, tenant: int, subscription: int, name: str) -> None:
        """A signal subscription is over."""
        self._batch["subscription"].delete(subscription, (tenant, 1, name, "", subscription))
        self._fresh.setdefault((tenant, 1, name, ""), {})[subscription] = None

    def starts(self, tenant: int, name: str, kind: int) -> tuple[StartOpen, ...]:
        """The start events of a kind and name, of the latest version of each process."""
        found = self._starts.get((tenant, kind, name))
        if found is None:
            rows = self._store.read("start_subscriptions", (tenant, kind, name), StartSubscriptionRow)
            found = tuple(StartOpen(row.process_id, row.definition, row.node) for row in rows)
            self._starts[tenant, kind, name] = found
        return found

    def write(self) -> None:
        """Adds the rows of the messages that changed to the commit."""
        if not self._changed:
            return
        rows = self._batch["message"]
        for (address, key), gone in self._changed.items():
            if gone is None:
                message = self._partitions[address].messages[key]
                self._any = message.stored = True
                rows.replace(key, _row_of(address, message))
            elif gone:
                rows.delete(key, (*address, key))
        self._changed.clear()

    def settle(self) -> None:
        """The commit is durable: what nobody waits in is left to the store."""
        self._fresh.clear()
        for address in self._touched:
            if not self._partitions[address].messages:
                del self._partitions[address]
        self._touched.clear()
        while len(self._partitions) > PARTITIONS_MAX:
            self._partitions.popitem(last=False)
        if len(self._locks) > PARTITIONS_MAX:
            self._locks.clear()
            self._held.clear()

    def swept(self) -> None:
        """Expired messages are gone: is there any other?"""
        self._any = bool(self._partitions) or bool(self._store.read("message_any", self._span, IntRow))
        self.next_expiry = self._read_expiry()

    def _decide(self, address: Address, given: Input) -> list[AnyRequest]:
        return self._requests(address, self._turn(address, self._partition(address), given))

    def _turn(self, address: Address, partition: Partition, given: Input) -> list[Output]:
        def held(process_id: str) -> bool:
            return bool(address[2]) and self._lock_of((address[0], process_id, address[2])) != 0

        outputs = decide(partition, given, self._at, held)
        for output in outputs:
            if type(output) is Keep:
                self._changed[address, output.message] = None
            elif type(output) is Forget:
                self._changed[address, output.message] = output.stored
        return outputs

    def _requests(self, address: Address, outputs: list[Output]) -> list[AnyRequest]:
        requests: list[AnyRequest] = []
        tenant = self._names[address[0]]
        for output in outputs:
            match output:
                case Offer(subscription=subscription, message=message, variables=variables):
                    requests.append(
                        DeliverOffer(
                            tenant,
                            subscription.instance,
                            subscription.key,
                            message,
                            address[1],
                            address[2],
                            variables,
                        )
                    )
                case StartInstance(start=start, message=message, variables=variables):
                    requests.append(
                        StartProcess(
                            tenant,
                            start.process_id,
                            variables,
                            definition=start.definition,
                            node=start.node,
                            message=message,
                            name=address[1],
                            correlation=address[2],
                        )
                    )
                case _:
                    continue
        return requests

    def _partition(self, address: Address) -> Partition:
        self._touched[address] = None
        found = self._partitions.get(address)
        if found is not None:
            return found
        found = Partition()
        tenant, name, correlation = address
        for row in self._store.read("subscriptions", (tenant, 0, name, correlation), SubscriptionRow):
            found.subscriptions[row.key] = Open(row.key, row.instance, row.process_id, row.room)
        _overlay(found.subscriptions, self._fresh.get((tenant, 0, name, correlation)))
        found.starts = {start.process_id: start for start in self.starts(tenant, name, False)}
        if self._any:
            for message_row in self._store.read("messages", address, MessageRow):
                found.restore(_message_of(message_row))
        self._partitions[address] = found
        return found

    def _lock_of(self, lock: tuple[int, str, str]) -> int:
        found = self._locks.get(lock)
        if found is None:
            rows = self._store.read("start_lock", lock, IntRow)
            found = self._locks[lock] = (rows[0].value or 0) if rows else 0
        return found

    def _read_expiry(self) -> int | None:
        rows = self._store.read("message_next_expiry", self._span, IntRow) if self._any else ()
        return rows[0].value if rows else None


def _never(process_id: str) -> bool:
    return False


def _overlay(waiting: dict[int, Open], fresh: dict[int, Open | None] | None) -> None:
    for key, subscription in (fresh or {}).items():
        if subscription is None:
            waiting.pop(key, None)
        else:
            waiting[key] = subscription


def _row_of(address: Address, message: Message) -> tuple[int | str | bytes, ...]:
    taken = codec.encode_json([list(message.taken), message.offered])
    variables = codec.encode_json(message.variables)
    return (*address, message.key, message.message_id, message.expires, taken, variables)


def _message_of(row: MessageRow) -> Message:
    message = Message(row.key, row.message_id, row.expires, codec.decode_variables(row.variables))
    taken, offered = cast("tuple[list[str], dict[str, int]]", codec.decode_json(row.taken))
    message.taken = dict.fromkeys(taken)
    message.offered = dict(offered)
    return message
