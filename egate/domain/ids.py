"""Identifiers. Distinct types, so that a case id can't be passed where a crossing id is meant."""

from __future__ import annotations

from typing import NewType

LaneId = NewType("LaneId", str)
CrossingId = NewType("CrossingId", str)  # UUIDv4 hex, made by the daemon
CaseId = NewType("CaseId", str)  # UUIDv4 hex, made by the daemon
RequestId = NewType("RequestId", str)  # chosen by the caller, 1-64 characters
DocumentSessionId = NewType("DocumentSessionId", str)  # one presentation of one document
OfficerId = NewType("OfficerId", str)
Token = NewType("Token", int)  # pairs an effect with its completion; never reused within a lane
