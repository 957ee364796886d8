"""Generates egate/api/v1 from the .proto files. Run: python proto/generate.py [OUTPUT_ROOT].

protoc's output root is the repository root, so that the package egate.api.v1 and its Python path agree.
"""

from __future__ import annotations

import sys
from importlib import resources
from pathlib import Path

from grpc_tools import protoc


def generate(output: Path) -> None:
    """Writes *_pb2.py, *_pb2.pyi and *_pb2_grpc.py below output/egate/api/v1. Raises RuntimeError if protoc refuses."""
    source = Path(__file__).parent
    files = sorted(str(path.relative_to(source)) for path in source.glob("egate/api/v1/*.proto"))
    well_known = resources.files("grpc_tools") / "_proto"
    output.mkdir(parents=True, exist_ok=True)
    arguments = ["protoc", f"-I{source}", f"-I{well_known}"]
    arguments += [f"--{kind}_out={output}" for kind in ("python", "pyi", "grpc_python")]
    if protoc.main([*arguments, *files]) != 0:
        raise RuntimeError("protoc refused the proto files")


if __name__ == "__main__":
    generate(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent.parent)
