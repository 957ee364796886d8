"""The chip reader of a gate that reads documents itself: what it sends as the request's document."""

from __future__ import annotations

import secrets

from egate.api.v1 import crossing_service_pb2 as pb
from egate.api.v1 import values_pb2
from egate.demo.client import new_request_id
from egate.domain.chip import AccessProtocol, ChipRead
from egate.domain.evidence import CheckResult
from hw.emrtd.chip.application import ChipApplication
from hw.emrtd.direct import read_directly
from hw.emrtd.plan import ReadPlan
from hw.sim.issuer import IssuedDocument

_ACCESS = {
    AccessProtocol.NONE: pb.CHIP_ACCESS_NONE,
    AccessProtocol.BAC: pb.CHIP_ACCESS_BAC,
    AccessProtocol.PACE: pb.CHIP_ACCESS_PACE,
}
_RESULTS = {
    CheckResult.PASS: values_pb2.CHECK_RESULT_PASS,
    CheckResult.FAIL: values_pb2.CHECK_RESULT_FAIL,
    CheckResult.ABORTED: values_pb2.CHECK_RESULT_ABORTED,
}


def read_chip(document: IssuedDocument) -> ChipRead:
    """Opens the simulated chip with the printed zone and reads it, at once."""
    if document.personalisation is None:
        return ChipRead(failures={"chip": "absent"})
    chip = ChipApplication(document.personalisation, secrets.token_bytes)
    return read_directly(ReadPlan(document.mrz_lines), chip.execute, secrets.token_bytes, reset=chip.reset)


def document_message(document: IssuedDocument, session: str = "") -> pb.Document:
    """One session for zone, files and proofs."""
    session = session or new_request_id()
    chip = read_chip(document)
    message = pb.Document(
        document_session_id=session,
        mrz_lines=document.mrz_lines,
        files=[
            pb.DocumentFile(document_session_id=session, name=name, content=content)
            for name, content in chip.files.items()
        ],
        access=_ACCESS[chip.access],
    )
    if proof := chip.chip_authentication:
        claim = pb.ChipAuthentication(
            protocol=proof.protocol, public_key=proof.public_key, result=_RESULTS[proof.result]
        )
        message.chip_authentication.CopyFrom(claim)
    if signed := chip.active_authentication:
        message.active_authentication.CopyFrom(
            pb.ActiveAuthentication(challenge=signed.challenge, response=signed.response)
        )
    return message
