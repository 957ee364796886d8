from __future__ import annotations

import pytest

from egate.cases import Case, CaseRefusal, CaseState, Resolution, as_of
from egate.cases.case import REASON_CHARACTERS_MAX, claim, resolve
from tests.cases.conftest import ANNA, BORIS, CLAIM_S, T0, later, new_case


def claimed() -> Case:
    outcome = claim(new_case(), ANNA, T0, CLAIM_S)
    assert isinstance(outcome, Case)
    return outcome


def test_claim_sets_owner_and_deadline() -> None:
    case = claimed()
    assert (case.state, case.owner, case.claimed_at, case.deadline) == (CaseState.CLAIMED, ANNA, T0, later(CLAIM_S))


def test_a_claimed_case_is_refused_to_another_officer_until_the_claim_runs_out() -> None:
    case = claimed()
    assert claim(case, BORIS, later(CLAIM_S - 0.001), CLAIM_S) is CaseRefusal.CASE_CLAIMED_BY_OTHER
    taken = claim(case, BORIS, later(CLAIM_S), CLAIM_S)
    assert isinstance(taken, Case) and taken.owner == BORIS


def test_own_claim_is_renewed() -> None:
    renewed = claim(claimed(), ANNA, later(50), CLAIM_S)
    assert isinstance(renewed, Case) and renewed.deadline == later(50 + CLAIM_S)


def test_a_claim_that_ran_out_shows_the_case_open() -> None:
    shown = as_of(claimed(), later(CLAIM_S))
    assert (shown.state, shown.owner, shown.deadline) == (CaseState.OPEN, None, None)


def test_only_the_claiming_officer_in_time_resolves() -> None:
    assert resolve(new_case(), ANNA, Resolution.ADMITTED, "checked by hand", T0) is CaseRefusal.CASE_NOT_CLAIMED
    assert resolve(claimed(), BORIS, Resolution.ADMITTED, "checked by hand", T0) is CaseRefusal.CASE_CLAIMED_BY_OTHER
    assert (
        resolve(claimed(), ANNA, Resolution.ADMITTED, "checked by hand", later(CLAIM_S)) is CaseRefusal.CASE_NOT_CLAIMED
    )
    done = resolve(claimed(), ANNA, Resolution.REFUSED, " not the holder ", later(5))
    assert isinstance(done, Case)
    assert (done.state, done.resolution, done.reason) == (CaseState.RESOLVED, Resolution.REFUSED, "not the holder")
    assert (done.resolved_by, done.resolved_at) == (ANNA, later(5))


@pytest.mark.parametrize("reason", ["", "  \n", "x" * (REASON_CHARACTERS_MAX + 1)])
def test_a_resolution_needs_a_reason_of_bounded_length(reason: str) -> None:
    assert resolve(claimed(), ANNA, Resolution.ADMITTED, reason, T0) is CaseRefusal.CASE_REASON_INVALID


def test_a_resolved_case_stays_as_it_is() -> None:
    done = resolve(claimed(), ANNA, Resolution.NO_SHOW, "nobody came", T0)
    assert isinstance(done, Case)
    assert claim(done, BORIS, later(10), CLAIM_S) is CaseRefusal.CASE_RESOLVED
    assert resolve(done, ANNA, Resolution.ADMITTED, "changed my mind", later(10)) is CaseRefusal.CASE_RESOLVED
    assert as_of(done, later(10_000)) == done


def test_repr_does_not_show_the_officers_words() -> None:
    done = resolve(claimed(), ANNA, Resolution.REFUSED, "Mustermann was angry", T0)
    assert "Mustermann" not in repr(done)
