"""The group that a number in PaceInfo stands for."""

from __future__ import annotations

from functools import cache

from egate.document.crypto.domain_parameters import DhParameters, standardised_parameters
from hw.emrtd.protocol.pace_group import DhGroup, EcGroup, Group


@cache
def domain(parameter_id: int) -> Group | None:
    """None for identifiers without standardised parameters."""
    parameters = standardised_parameters(parameter_id)
    if parameters is None:
        return None
    if isinstance(parameters, DhParameters):
        return DhGroup(parameters.p, parameters.g, parameters.q)
    return EcGroup(parameters)
