"""Facts of events that wait for more than one thing, of conditions, and of complex gateways; `facts` has all others."""

from __future__ import annotations

from procession.base.values import Json
from procession.core.fact import Fact


class ConditionOpened(Fact, frozen=True, array_like=True, gc=False, tag="condition"):
    """An element waits for a condition, which is false so far. `names`: the variables it depends on, empty for all."""

    condition: int
    element: int
    node: int
    names: tuple[str, ...] = ()


class ConditionChanged(Fact, frozen=True, array_like=True, gc=False, tag="condition-changed"):
    """A condition that is still waited for became true, or false again."""

    condition: int
    value: bool


class TriggerHappened(Fact, frozen=True, array_like=True, gc=False, tag="part"):
    """One of several definitions that an event needs all of has happened to `element`; `node` is its TRIGGER."""

    element: int
    node: int
    variables: dict[str, Json]


class TriggersComplete(Fact, frozen=True, array_like=True, gc=False, tag="parts"):
    """The last of the definitions that `event` needs has happened to `element`."""

    element: int
    event: int


class ImplicitThrown(Fact, frozen=True, array_like=True, gc=False, tag="implicit"):
    """A multi-instance body threw an event (a TRIGGER node) that the boundary event `handler` catches (10.3.9)."""

    element: int
    event: int
    handler: int


class GatewayActivated(Fact, frozen=True, array_like=True, gc=False, tag="activated"):
    """A complex gateway's condition became true (13.4.5): one token of each of `flows` is consumed."""

    scope: int
    node: int
    flows: tuple[int, ...]


class GatewayReset(Fact, frozen=True, array_like=True, gc=False, tag="reset"):
    """A complex gateway has all tokens that it still expected: one of each of `flows` is consumed."""

    scope: int
    node: int
    flows: tuple[int, ...]
