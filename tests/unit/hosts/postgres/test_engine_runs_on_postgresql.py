"""test_engine_runs.py, on a PostgreSQL server."""

from __future__ import annotations

import pytest

import places
from unit.hosts.test_engine_runs import *  # noqa: F403 - its tests are those of this module

on_a_server = pytest.fixture(autouse=True)(places.on_a_server)

# A connection of the application's is one to this kind of database: tests/unit/store/postgres/test_operations.py.
del test_a_start_in_the_applications_transaction_happens_if_that_is_committed  # noqa: F821
del test_an_instance_started_in_a_transaction_can_be_waited_for_at_once  # noqa: F821
