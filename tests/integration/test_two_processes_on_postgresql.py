"""test_two_processes.py, on a PostgreSQL server."""

from __future__ import annotations

import pytest

import places
from integration.test_two_processes import *  # noqa: F403 - its tests are those of this module

pytestmark = pytest.mark.large
on_a_server = pytest.fixture(autouse=True)(places.on_a_server)
