"""What outside the demo environment refuses to start. One rule a function, one test a rule.

Each of these is a way in which a test set-up could open a real border.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from egate.crossing.policy import PRODUCTION_MANDATORY
from egate.domain.device import DeviceRole
from egate.errors import ConfigurationError
from egate.inference.weights.store import ROOT_VARIABLE, ModelStore
from egate.service.pki import is_development_ca
from egate.settings import Settings
from egate.trust.store import load_trust_store
from hw.url import parse

FMR_MAX = 1e-3  # chosen: of a thousand impostors one
FROZEN_S_MAX = 10  # seconds; chosen: less than the change of travellers takes
PAD_APCER_MAX = 0.05  # chosen: of twenty attacks one


def check(
    settings: Settings, base: Path, is_simulated: Callable[[str], bool], has_default_key: Callable[[str], bool]
) -> None:
    """base: folder relative paths start from. is_simulated, has_default_key: of a device URL.

    Raises ConfigurationError with code LOCKOUT_… naming the key.
    """
    if settings.environment == "demo":
        return
    _refuse_plaintext(settings)
    _refuse_development_ca(settings, base)
    _refuse_open_revocation(settings)
    _refuse_simulated_devices(settings, is_simulated)
    _refuse_standing_pictures(settings)
    _refuse_default_keys(settings, has_default_key)
    _refuse_foreign_models(settings)
    _refuse_unpinned_engines(settings)
    _refuse_thin_policy(settings)
    _refuse_lax_thresholds(settings)
    _refuse_without_attack_detection(settings)
    _refuse_foreign_trust(settings, base)


def _refuse_plaintext(settings: Settings) -> None:
    if settings.service.plaintext:
        raise _refusal("PLAINTEXT", "service.plaintext is for the demo environment")


def _refuse_development_ca(settings: Settings, base: Path) -> None:
    for key in ("client_ca_file", "certificate_file"):
        file = getattr(settings.service, key)
        if not file:
            raise _refusal("PLAINTEXT", f"service.{key} is missing")
        try:
            pem = (base / file).read_bytes()
        except OSError as error:
            raise ConfigurationError(f"service.{key}: {error.strerror}") from None
        if is_development_ca(pem):
            raise _refusal("DEVELOPMENT_CA", f"service.{key} holds or comes from a development CA")


def _refuse_open_revocation(settings: Settings) -> None:
    if not settings.service.crl_files or settings.service.on_stale_crl != "refuse":
        raise _refusal("REVOCATION", "service.crl_files must name a list, and a stale one must refuse")


def _refuse_simulated_devices(settings: Settings, is_simulated: Callable[[str], bool]) -> None:
    for lane in settings.lane:
        for key, url in lane.devices().items():
            if is_simulated(url):
                raise _refusal(
                    "SIMULATED_DEVICE",
                    f"lane {lane.id}: {key} is a simulator, pty, file, replay, this machine itself, or nothing that is known",
                )


def _refuse_standing_pictures(settings: Settings) -> None:
    """A camera that stands still for long would show the traveller before to whoever stands there now."""
    for lane in settings.lane:
        url = lane.devices().get(DeviceRole.CAMERA)
        if url is not None and not 0 < parse(url).integer("frozen", FROZEN_S_MAX, 0, 3600) <= FROZEN_S_MAX:
            raise _refusal("CAMERA", f"lane {lane.id}: frozen of camera is not from 1 to {FROZEN_S_MAX}")


def _refuse_default_keys(settings: Settings, has_default_key: Callable[[str], bool]) -> None:
    for lane in settings.lane:
        for key, url in lane.devices().items():
            if has_default_key(url):
                raise _refusal("DEFAULT_KEY", f"lane {lane.id}: {key} has the public key or password it came with")


def _refuse_foreign_models(settings: Settings) -> None:
    """A folder of models may bring its own manifest, and that is what every weight and calibration is checked against."""
    if settings.models.root:
        raise _refusal("MODELS", "models.root names a folder other than the installed one")
    if os.environ.get(ROOT_VARIABLE):
        raise _refusal("MODELS", f"the environment variable {ROOT_VARIABLE} names a folder of models")


def _refuse_unpinned_engines(settings: Settings) -> None:
    """A site's own engine lives in a file beside the models. Its calibration says what a score means, so it is named by its hash."""
    local = ModelStore().local.calibrations
    for key in ("face", "pad"):
        entry = local.get(getattr(settings.models, key))
        if entry is not None and entry.sha256 != getattr(settings.models, f"{key}_sha256"):
            raise _refusal(
                "MODELS", f"models.{key} is a local engine: models.{key}_sha256 must be its calibration's hash"
            )


def _refuse_thin_policy(settings: Settings) -> None:
    missing = sorted(set(PRODUCTION_MANDATORY) - set(settings.policy.mandatory))
    if missing:
        raise _refusal("POLICY", f"policy.mandatory lacks {', '.join(missing)}")


def _refuse_lax_thresholds(settings: Settings) -> None:
    for key in ("face_fmr", "finger_fmr"):
        if getattr(settings.policy, key) > FMR_MAX:
            raise _refusal("POLICY", f"policy.{key} is greater than {FMR_MAX:g}")
    if settings.policy.pad_apcer > PAD_APCER_MAX:
        raise _refusal("POLICY", f"policy.pad_apcer is greater than {PAD_APCER_MAX:g}")


def _refuse_without_attack_detection(settings: Settings) -> None:
    if settings.policy.presentation_attack_detection != "enforced":
        raise _refusal("PAD", "policy.presentation_attack_detection must be enforced")


def _refuse_foreign_trust(settings: Settings, base: Path) -> None:
    """Last: it reads the whole store."""
    if not settings.documents.trust_store:
        raise _refusal("TRUST_STORE", "documents.trust_store names no store: no document could be found genuine")
    store = load_trust_store(base / settings.documents.trust_store)
    if not store.anchors:
        raise _refusal("TRUST_STORE", "documents.trust_store holds no authority")
    if store.simulated:
        raise _refusal("TRUST_STORE", "documents.trust_store trusts a simulated issuer")


def _refusal(rule: str, message: str) -> ConfigurationError:
    return ConfigurationError(f"{message} (environment is production)", code=f"LOCKOUT_{rule}")
