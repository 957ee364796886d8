"""Where the console finds the daemon."""

from __future__ import annotations

import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from egate.console.connection import ConsoleError, resolve_connection
from egate.console.login import Login, LoginFile
from egate.errors import ConfigurationError

FLAGS: dict[str, str | None] = {"server": "s:1", "ca_file": "a", "certificate_file": "b", "key_file": "c"}


def test_a_flag_comes_before_a_variable_before_the_file(tmp_path: Path) -> None:
    config = tmp_path / "officer.toml"
    config.write_text(
        'server = "file:1"\nca_file = "ca.pem"\ncertificate_file = "x"\nkey_file = "y"\nlanguage = "de"\n'
    )
    environment = {"EGATE_SERVER": "variable:1", "EGATE_KEY_FILE": "z", "XDG_STATE_HOME": "/state"}
    found = resolve_connection({"server": None}, config, environment)
    assert (found.server, found.language) == ("variable:1", "de")
    assert found.ca_file == tmp_path / "ca.pem", "paths in the file start from its folder"
    assert found.key_file == Path("z")
    assert found.state_dir == Path("/state/egate")
    assert resolve_connection({"server": "flag:1"}, config, environment).server == "flag:1"


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="certificate_file, key_file"):
        resolve_connection({"server": "s", "ca_file": "a"}, None, {"XDG_CONFIG_HOME": str(tmp_path)})


@pytest.mark.parametrize("text", ["sever = 'x'", "server = 3", "server"])
def test_the_file_is_read_strictly(tmp_path: Path, text: str) -> None:
    config = tmp_path / "officer.toml"
    config.write_text(text)
    with pytest.raises(ConfigurationError):
        resolve_connection(FLAGS, config, {})


def test_a_login_is_kept_for_its_owner_until_it_expires(tmp_path: Path) -> None:
    connection = resolve_connection(
        {**FLAGS, "state_dir": str(tmp_path / "s")}, None, {"XDG_CONFIG_HOME": str(tmp_path)}
    )
    file, now = LoginFile(connection), datetime.now(UTC)
    login = Login("ada", "secret-token", now + timedelta(seconds=10))
    file.save(login)
    assert file.load(now) == login
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.path.parent.stat().st_mode) == 0o700
    assert "secret-token" not in repr(login)
    with pytest.raises(ConsoleError):
        file.load(now + timedelta(seconds=11))
    assert not file.path.exists()
