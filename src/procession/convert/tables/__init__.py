"""The dialects that are read, a table each: what becomes of every attribute and extension element of a namespace."""

from __future__ import annotations

from typing import Final

from procession.convert.dialect import Dialect
from procession.convert.tables.camunda import CAMUNDA, OPERATON
from procession.convert.tables.flowable import ACTIVITI, FLOWABLE
from procession.convert.tables.jbpm import JBPM, PLAIN
from procession.convert.tables.spiffworkflow import SPIFFWORKFLOW

DIALECTS: Final[tuple[Dialect, ...]] = (CAMUNDA, OPERATON, FLOWABLE, ACTIVITI, SPIFFWORKFLOW, JBPM)
"""Those that are known by a namespace, in the order in which a document's language is chosen."""

__all__ = ["ACTIVITI", "CAMUNDA", "DIALECTS", "FLOWABLE", "JBPM", "OPERATON", "PLAIN", "SPIFFWORKFLOW"]
