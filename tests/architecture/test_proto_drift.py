"""egate/api/v1 is what protoc makes of proto/ today, and proto/ keeps the rules that ours adds to buf's."""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys
from importlib import resources
from pathlib import Path

import pytest
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet

from egate.api.v1 import (
    case_service_pb2,
    crossing_service_pb2,
    journal_service_pb2,
    lane_service_pb2,
    match_service_pb2,
    officer_service_pb2,
    values_pb2,
)

ROOT = Path(__file__).parent.parent.parent
MODULES = (
    case_service_pb2,
    crossing_service_pb2,
    journal_service_pb2,
    lane_service_pb2,
    match_service_pb2,
    officer_service_pb2,
)
# Changes nothing that a retry could repeat: a login makes a new token, a logout ends one, a stream's `start` holds the id.
WITHOUT_REQUEST_ID = {"Login", "Logout", "Cross"}
READS = ("List", "Get", "Watch", "Verify", "Extract")


def methods() -> list[MethodDescriptor]:
    return [
        method
        for module in MODULES
        for service in module.DESCRIPTOR.services_by_name.values()
        for method in service.methods
    ]


def test_generated_code_says_what_the_proto_files_say(tmp_path: Path) -> None:
    """By descriptors: they do not depend on protoc's version."""
    source, output = ROOT / "proto", tmp_path / "set.pb"
    well_known = Path(str(resources.files("grpc_tools") / "_proto"))
    files = sorted(str(path.relative_to(source)) for path in source.glob("egate/api/v1/*.proto"))
    arguments = [f"-I{source}", f"-I{well_known}", f"--descriptor_set_out={output}", *files]
    # In a process of its own: protoc's library keeps what it has read.
    subprocess.run([sys.executable, "-m", "grpc_tools.protoc", *arguments], check=True, timeout=60)
    told = FileDescriptorSet.FromString(output.read_bytes())
    kept = {module.DESCRIPTOR.name: module.DESCRIPTOR.serialized_pb for module in (*MODULES, values_pb2)}
    assert sorted(file.name for file in told.file) == sorted(kept)
    for file in told.file:
        _without_json_names(file)
        assert FileDescriptorProto.FromString(kept[file.name]) == file, "run: python proto/generate.py"


def _without_json_names(file: FileDescriptorProto) -> None:
    # protoc writes them into descriptor sets and leaves them out of generated code.
    messages = list(file.message_type)
    while messages:
        message = messages.pop()
        messages += message.nested_type
        for field in message.field:
            field.ClearField("json_name")


def test_generated_files_are_those_of_the_generator(tmp_path: Path) -> None:
    """Byte for byte, where the generator is the one that made them."""
    kept = {path.name: path.read_bytes() for path in (ROOT / "egate/api/v1").glob("*_pb2*")}
    version = importlib.metadata.version("grpcio-tools")
    if f"'{version}'".encode() not in kept["lane_service_pb2_grpc.py"]:
        pytest.skip(f"grpcio-tools {version} is not the version the checked-in files were generated with")
    subprocess.run([sys.executable, str(ROOT / "proto" / "generate.py"), str(tmp_path)], check=True, timeout=60)
    made = {path.name: path.read_bytes() for path in (tmp_path / "egate/api/v1").iterdir()}
    assert sorted(made) == sorted(kept)
    differing = [name for name, data in made.items() if kept[name] != data]
    assert not differing, "run: python proto/generate.py"


def test_each_rpc_has_its_own_request_and_response() -> None:
    names = [name for method in methods() for name in (method.input_type.name, method.output_type.name)]
    assert len(names) == len(set(names))
    for method in methods():
        assert (method.input_type.name, method.output_type.name) == (f"{method.name}Request", f"{method.name}Response")


def test_what_changes_something_has_a_request_id() -> None:
    for method in methods():
        if method.name not in WITHOUT_REQUEST_ID and not method.name.startswith(READS):
            assert "request_id" in method.input_type.fields_by_name, method.full_name


def test_the_officer_is_never_a_field_of_a_request() -> None:
    for method in methods():
        if method.name != "Login":
            assert not {"officer", "officer_id"} & set(method.input_type.fields_by_name), method.full_name


def test_lists_have_page_tokens_and_watches_resume_tokens() -> None:
    for method in methods():
        fields = (set(method.input_type.fields_by_name), set(method.output_type.fields_by_name))
        if method.name.startswith("List"):
            assert {"page_size", "page_token"} <= fields[0] and "next_page_token" in fields[1], method.full_name
        if method.name.startswith("Watch"):
            assert "resume_token" in fields[0] & fields[1], method.full_name
