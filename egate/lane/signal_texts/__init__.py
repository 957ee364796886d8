"""What a lane's display says, by language: `<language>.toml`, a line for each code of egate.domain.biometric.Guidance.

Displays of readers hold 32 characters and know ASCII alone (OSDP 2.2, 6.13 osdp_TEXT leaves anything else open): other letters are
written with those it knows.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from importlib import resources

from egate.domain.biometric import Guidance
from egate.errors import ConfigurationError

TEXT_CHARACTERS_MAX = 32


def languages() -> tuple[str, ...]:
    names = (file.name for file in resources.files(__name__).iterdir())
    return tuple(sorted(name.removesuffix(".toml") for name in names if name.endswith(".toml")))


def load_signal_texts(language: str) -> Mapping[Guidance, str]:
    """Every code's text. Raises ConfigurationError for a language that is not there."""
    if language not in languages():
        raise ConfigurationError(f"language {language} is none of {', '.join(languages())}")
    table = tomllib.loads((resources.files(__name__) / f"{language}.toml").read_text(encoding="ascii"))
    return {code: table[code.value] for code in Guidance}
