"""One run of a network of unknown origin in a process of its own, whose memory and time are bounded.

python -m egate.inference.weights.onnx_trial '{"role": …, "network": …}' < model.onnx
Answers with one JSON object: empty if the network may be used, else the code and message of a ModelError.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from egate.errors import ModelError
from egate.inference.weights.manifest import Model
from egate.inference.weights.network import read_network
from egate.inference.weights.onnx_role import check_role
from egate.inference.weights.onnx_safety import check_safe
from egate.inference.weights.session import open_session

TRIAL_S = 120.0  # chosen: 384 MB of weights take 17 s on a core that seven processes share
MEMORY_BYTES = (
    2_000_000_000  # chosen, beside what the file itself needs; MobileFaceNet in onnxruntime takes 0.2 GB of addresses
)
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}  # numpy's buffers for each core count as memory
MEMORY_PER_BYTE = 6  # the file, its parsed form, onnxruntime's copy and the weights it lays out anew


def try_network(data: bytes, model: Model | None) -> None:
    """Checks the file and, as the network the entry describes, runs it once; without an entry it is only checked.

    Raises ModelError: MODEL_FILE, MODEL_UNSAFE (also where the trial takes too much memory or time, or dies), MODEL_MANIFEST.
    """
    what: dict[str, object] = {"role": model.role, "network": None} if model else {}
    if model and model.network:
        what["network"] = asdict(model.network)
    command = [
        sys.executable,
        "-P",
        "-m",
        __name__,
        json.dumps(what),
    ]  # -P: nothing is imported from the working directory
    try:
        done = subprocess.run(
            command, input=data, env=os.environ | ONE_THREAD, capture_output=True, timeout=TRIAL_S, check=False
        )
        answer: dict[str, str] = json.loads(done.stdout)
    except subprocess.TimeoutExpired:
        raise ModelError(f"the network did not run within {TRIAL_S:.0f} s", code="MODEL_UNSAFE") from None
    except ValueError:  # no answer: it ran out of memory, or onnxruntime crashed
        raise ModelError("the network's trial died", code="MODEL_UNSAFE") from None
    if answer:
        raise ModelError(answer["message"], code=answer["code"])


def main() -> None:
    data = sys.stdin.buffer.read()
    limit = MEMORY_BYTES + MEMORY_PER_BYTE * len(data)
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    json.dump(_tried(data, json.loads(sys.argv[1])), sys.stdout)


def _tried(data: bytes, what: Mapping[str, Any]) -> Mapping[str, str]:
    try:
        check_safe(data)
        if what:
            table = what["network"]
            network = None if table is None else read_network("entry", table)
            check_role(open_session(data, "of this file"), str(what["role"]), network)
    except ModelError as error:
        code = error.code if error.code != ModelError.code else "MODEL_FILE"  # onnxruntime does not take it
        return {"code": code, "message": str(error)}
    except MemoryError:
        return {"code": "MODEL_UNSAFE", "message": "the network needs too much memory"}
    return {}


if __name__ == "__main__":
    main()
