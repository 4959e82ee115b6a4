"""Facts of data that is waited for, of data stores, and of conversations."""

from __future__ import annotations

from procession.base.values import Json
from procession.core.fact import Fact


class DataAwaited(Fact, frozen=True, array_like=True, gc=False, tag="data-awaited"):
    """An activity waits until one of its input sets is available (10.4.2); `names` are the variables that it lacks."""

    element: int
    names: list[str]


class DataArrived(Fact, frozen=True, array_like=True, gc=False, tag="data-arrived"):
    """The data that an activity waited for is there."""

    element: int


class StoresRead(Fact, frozen=True, array_like=True, gc=False, tag="stores-read"):
    """What the data stores that an element reads hold at this moment, by the variable that it reads them as."""

    element: int
    values: dict[str, Json]


class StoreWritten(Fact, frozen=True, array_like=True, gc=False, tag="store-written"):
    """An element wrote a data store, which lives beyond the instance."""

    element: int
    store: str
    value: Json


class ConversationJoined(Fact, frozen=True, array_like=True, gc=False, tag="conversation"):
    """The first message of a conversation set the values of its correlation key (8.4.2)."""

    key: str
    value: str
