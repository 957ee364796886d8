"""Who may call what: one table, and no for everything that is not in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from egate.api.v1 import crossing_service_pb2
from egate.domain.ids import LaneId
from egate.service.errors import Denied
from egate.service.identity import Identity, Role

# The lane a request is about, None if this message names none (later messages of a stream).
LaneOf = Callable[[Any], str | None]


@dataclass(frozen=True, slots=True)
class Rule:
    """roles: who may call. officer_token: which of them must forward an officer's token. lane_of: what binds a gate."""

    roles: frozenset[Role]
    officer_token: frozenset[Role] = frozenset()
    lane_of: LaneOf | None = None


def _authorise_lane(request: crossing_service_pb2.AuthoriseCrossingRequest) -> str | None:
    return request.lane


def _cross_lane(request: crossing_service_pb2.CrossRequest) -> str | None:
    return request.start.lane if request.WhichOneof("event") == "start" else None


DESKS = frozenset({Role.CONSOLE, Role.OFFICER})
ENGINEER = frozenset({Role.ENGINEER})
ANYBODY = frozenset(Role)  # any caller with a valid certificate

_OFFICER_AT_DESK = Rule(DESKS, officer_token=DESKS)
_READS_RECORD = Rule(DESKS | ENGINEER, officer_token=DESKS)
_MATCHER = Rule(frozenset({Role.MATCHER}))
_EXTRACTS = Rule(frozenset({Role.MATCHER, Role.ENROLLER}))
MAY_HAVE_TEMPLATES = frozenset({Role.ENROLLER})

RULES: Mapping[str, Rule] = {
    "/egate.api.v1.CrossingService/AuthoriseCrossing": Rule(frozenset({Role.GATE}), lane_of=_authorise_lane),
    "/egate.api.v1.CrossingService/Cross": Rule(frozenset({Role.GATE}), lane_of=_cross_lane),
    "/egate.api.v1.MatchService/VerifyFace": _MATCHER,
    "/egate.api.v1.MatchService/VerifyFinger": _MATCHER,
    "/egate.api.v1.MatchService/ExtractFace": _EXTRACTS,
    "/egate.api.v1.MatchService/ExtractFinger": _EXTRACTS,
    "/egate.api.v1.MatchService/ExtractEnrolment": Rule(MAY_HAVE_TEMPLATES),
    "/egate.api.v1.LaneService/WatchLanes": Rule(DESKS | ENGINEER),
    "/egate.api.v1.LaneService/GetDevices": Rule(DESKS | ENGINEER),
    "/egate.api.v1.LaneService/SecureLane": _OFFICER_AT_DESK,
    "/egate.api.v1.LaneService/ReleaseLane": _OFFICER_AT_DESK,
    "/egate.api.v1.CaseService/ListCases": _OFFICER_AT_DESK,
    "/egate.api.v1.CaseService/GetCase": _OFFICER_AT_DESK,
    "/egate.api.v1.CaseService/WatchCases": _OFFICER_AT_DESK,
    "/egate.api.v1.CaseService/ClaimCase": _OFFICER_AT_DESK,
    "/egate.api.v1.CaseService/ResolveCase": _OFFICER_AT_DESK,
    "/egate.api.v1.JournalService/ListEntries": _READS_RECORD,
    "/egate.api.v1.JournalService/VerifyJournal": _READS_RECORD,
    "/egate.api.v1.OfficerService/Login": Rule(DESKS),
    "/egate.api.v1.OfficerService/Logout": _OFFICER_AT_DESK,
    "/grpc.health.v1.Health/Check": Rule(ANYBODY),
    "/grpc.health.v1.Health/Watch": Rule(ANYBODY),
    "/grpc.health.v1.Health/List": Rule(ANYBODY),
    "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo": Rule(ANYBODY),
}


def authorise(method: str, identity: Identity) -> Rule:
    """The method's rule if this caller's role may call it. Raises Denied."""
    rule = RULES.get(method)
    if rule is None:
        raise Denied("nobody may call this method", code="METHOD_DENIED")
    if identity.role not in rule.roles:
        raise Denied(f"role {identity.role} may not call this method", code="ROLE_DENIED")
    return rule


def authorise_lane(rule: Rule, identity: Identity, request: object, gates: Mapping[str, frozenset[LaneId]]) -> None:
    """A gate acts on its own lanes only. Raises Denied LANE_DENIED, also for lanes that do not exist."""
    if identity.role is not Role.GATE or rule.lane_of is None:
        return
    lane = rule.lane_of(request)
    if lane is not None and lane not in gates.get(identity.id, frozenset()):
        raise Denied("the lane is not this gate's", code="LANE_DENIED")


def authorise_templates(identity: Identity) -> None:
    """A template identifies its person wherever it gets to: who only compares has no use for one. Raises Denied TEMPLATE_DENIED."""
    if identity.role not in MAY_HAVE_TEMPLATES:
        raise Denied(f"role {identity.role} may not have templates", code="TEMPLATE_DENIED")
