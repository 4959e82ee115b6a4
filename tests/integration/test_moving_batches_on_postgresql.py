"""test_moving_batches.py, on a PostgreSQL server. Celery is there on files alone."""

from __future__ import annotations

import pytest

import places
from integration.test_moving_batches import (
    cluster,
    opened,
    test_a_batch_stands_still_goes_on_is_stopped_and_reverted,
    test_a_workflow_that_is_gone_is_an_error,
    test_all_kinds_go_there_and_back_and_do_what_they_would_have_done,
    test_jobs_are_issued_anew_both_ways,
    test_only_moves_are_reverted_and_only_to_hosts_that_are_there,
    test_those_that_work_are_waited_for_and_then_are_errors,
    test_two_batches_at_once_over_the_same_instances_move_each_once,
    test_what_a_newer_version_wrote_is_kept_for_it_and_holds_up_nobody_else,
    test_whoever_moves_is_killed_at_commits_and_the_next_goes_on,
)

__all__ = [
    "cluster",
    "opened",
    "test_a_batch_stands_still_goes_on_is_stopped_and_reverted",
    "test_a_workflow_that_is_gone_is_an_error",
    "test_all_kinds_go_there_and_back_and_do_what_they_would_have_done",
    "test_jobs_are_issued_anew_both_ways",
    "test_only_moves_are_reverted_and_only_to_hosts_that_are_there",
    "test_those_that_work_are_waited_for_and_then_are_errors",
    "test_two_batches_at_once_over_the_same_instances_move_each_once",
    "test_what_a_newer_version_wrote_is_kept_for_it_and_holds_up_nobody_else",
    "test_whoever_moves_is_killed_at_commits_and_the_next_goes_on",
]
pytestmark = pytest.mark.large
on_a_server = pytest.fixture(autouse=True)(places.on_a_server)
