"""The wire contract: our file of it against the one that pyzeebe was compiled with, and what is made of ours."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable

import pytest
from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from pyzeebe.proto import gateway_pb2 as theirs

from procession.web.zeebe import gateway_pb2 as ours
from tidy.source_tree import ROOT

NEWER = {
    "ActivatedJob": {"jobLeaseToken"},
    "CompleteJobRequest": {"result", "jobLeaseToken"},
    "CreateProcessInstanceRequest": {"runtimeInstructions", "tags", "businessId"},
    "FailJobRequest": {"jobLeaseToken"},
    "ThrowErrorRequest": {"jobLeaseToken"},
    "UpdateJobRetriesRequest": {"jobLeaseToken"},
    "UpdateJobTimeoutRequest": {"jobLeaseToken"},
}
"""Fields that newer clients have and this pyzeebe has not."""


def _fields(message: Descriptor, of: Iterable[FieldDescriptor]) -> set[tuple[object, ...]]:
    return {
        (
            each.name,
            each.number,
            each.type,
            each.is_repeated,
            each.has_presence,
            each.message_type.name if each.message_type is not None else "",
            each.enum_type.name if each.enum_type is not None else "",
        )
        for each in of
    }


def _enums(message: Descriptor) -> dict[str, list[tuple[str, int]]]:
    def values(enum: EnumDescriptor) -> list[tuple[str, int]]:
        return [(each.name, each.number) for each in enum.values]

    return {each.name: values(each) for each in message.enum_types}


def _messages(found: Iterable[Descriptor]) -> dict[str, Descriptor]:
    flat: dict[str, Descriptor] = {}
    for each in found:
        flat[each.full_name] = each
        flat |= _messages(each.nested_types)
    return flat


OURS = _messages(ours.DESCRIPTOR.message_types_by_name.values())
THEIRS = _messages(theirs.DESCRIPTOR.message_types_by_name.values())


@pytest.mark.parametrize("name", sorted(THEIRS))
def test_a_message_is_the_same_on_the_wire(name: str) -> None:
    newer = NEWER.get(name.rpartition(".")[2], set())
    own = [each for each in OURS[name].fields if each.name not in newer]
    assert _fields(OURS[name], own) == _fields(THEIRS[name], THEIRS[name].fields)
    assert _enums(OURS[name]) == _enums(THEIRS[name])
    assert newer <= {each.name for each in OURS[name].fields}


def test_every_method_is_the_same_on_the_wire() -> None:
    def told(file: object) -> list[tuple[object, ...]]:
        service = file.services_by_name["Gateway"]  # type: ignore[attr-defined]
        assert service.full_name == "gateway_protocol.Gateway"
        return sorted(
            (each.name, each.input_type.full_name, each.output_type.full_name, each.server_streaming)
            for each in service.methods
        )

    assert told(ours.DESCRIPTOR) == told(theirs.DESCRIPTOR)


def test_a_clients_classes_and_ours_live_in_one_process() -> None:
    told = theirs.ActivatedJob(key=7, variables="{}")
    assert ours.ActivatedJob.FromString(told.SerializeToString()).key == 7
    assert ours.DESCRIPTOR.pool is not theirs.DESCRIPTOR.pool


def test_the_classes_are_made_of_the_files_beside_them() -> None:
    command = [sys.executable, "-m", "tools.zeebe_proto", "--check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
