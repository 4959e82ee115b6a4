"""Data of a BPMN process (10.4) and correlation (8.4.2): what elements read, write and are matched by."""

from __future__ import annotations

from typing import final

import msgspec

from procession.base.diagnostics import Span
from procession.model.extension import NO_EXTENSION, NOWHERE, Expression, Extension


@final
class ItemDefinition(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A type of data (8.4.10). `structure_ref` keeps its prefix: `xsd:string`."""

    id: str
    structure_ref: str = ""
    is_collection: bool = False
    item_kind: str = "Information"
    span: Span = NOWHERE


@final
class Property(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A property of a process, activity or event: data that is not drawn."""

    id: str
    name: str = ""
    item_ref: str = ""
    extension: Extension = NO_EXTENSION
    span: Span = NOWHERE


@final
class DataObject(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A data object: lives as long as the scope it is in."""

    id: str
    name: str = ""
    item_ref: str = ""
    is_collection: bool = False
    extension: Extension = NO_EXTENSION
    span: Span = NOWHERE


@final
class DataObjectReference(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A drawn reference to a data object, in a state."""

    id: str
    name: str = ""
    data_object_ref: str = ""
    state: str = ""
    extension: Extension = NO_EXTENSION
    span: Span = NOWHERE


@final
class DataStore(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A data store: lives beyond the process. `capacity` is the text as written."""

    id: str
    name: str = ""
    item_ref: str = ""
    capacity: str = ""
    is_unlimited: bool = True
    span: Span = NOWHERE


@final
class DataStoreReference(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A drawn reference to a data store."""

    id: str
    name: str = ""
    data_store_ref: str = ""
    state: str = ""
    extension: Extension = NO_EXTENSION
    span: Span = NOWHERE


@final
class DataItem(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A data input or output of an activity, an event or a process."""

    id: str
    name: str = ""
    item_ref: str = ""
    is_collection: bool = False
    span: Span = NOWHERE


@final
class DataSet(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An input set or output set; `others` are the sets of the other side that it is paired with."""

    id: str = ""
    name: str = ""
    items: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    while_executing: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    span: Span = NOWHERE


@final
class IoSpecification(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What data an activity or process takes and gives (10.4.1)."""

    inputs: tuple[DataItem, ...] = ()
    outputs: tuple[DataItem, ...] = ()
    input_sets: tuple[DataSet, ...] = ()
    output_sets: tuple[DataSet, ...] = ()
    span: Span = NOWHERE


@final
class DataAssignment(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One `assignment` of a data association: from an expression to a place."""

    source: Expression
    target: Expression
    span: Span = NOWHERE


@final
class DataAssociation(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A data input or output association (10.4.1)."""

    id: str = ""
    source_refs: tuple[str, ...] = ()
    target_ref: str = ""
    transformation: Expression | None = None
    assignments: tuple[DataAssignment, ...] = ()
    span: Span = NOWHERE


@final
class CorrelationRetrieval(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """How a correlation property is read out of one kind of message."""

    message_ref: str
    path: Expression | None = None
    span: Span = NOWHERE


@final
class CorrelationProperty(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A value that messages are matched by, read out of each kind of message by its own path."""

    id: str
    name: str = ""
    type_ref: str = ""
    retrievals: tuple[CorrelationRetrieval, ...] = ()
    span: Span = NOWHERE


@final
class CorrelationBinding(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """How a process gives the value that a correlation property must have."""

    property_ref: str
    path: Expression | None = None
    span: Span = NOWHERE


@final
class CorrelationSubscription(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Context-based correlation of a process: a key and the bindings of its properties."""

    id: str
    key_ref: str = ""
    bindings: tuple[CorrelationBinding, ...] = ()
    span: Span = NOWHERE
