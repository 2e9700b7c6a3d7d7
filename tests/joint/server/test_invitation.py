"""Invitations: kept from others' eyes, for one site and one protocol, over addresses a password may travel."""

from dataclasses import replace
from pathlib import Path

import pytest

from biolab.core import ConfigError
from biolab.joint import Invitation, accept_invitation, read_invitation
from biolab.joint.invitation import checked_address, write_invitation
from biolab.tracking import Account

INVITATION = Invitation(
    server="https://joint.example.org",
    workspace="made-up",
    protocol="made-up",
    site="north",
    inbox="7",
    account=Account(name="north@made-up", password="not for others"),
)


def test_there_and_back(tmp_path: Path) -> None:
    path = write_invitation(tmp_path / "invitation.json", INVITATION)
    assert read_invitation(path) == INVITATION
    assert path.stat().st_mode & 0o777 == 0o600
    assert "not for others" not in repr(INVITATION)
    assert "not for others" not in repr(INVITATION.store)


def test_kept_from_then_on(tmp_path: Path) -> None:
    path = write_invitation(tmp_path / "invitation.json", INVITATION)
    home = tmp_path / "home"
    with pytest.raises(ConfigError, match="keeps no invitation"):
        accept_invitation(home, "north", None, None)
    assert accept_invitation(home, "north", path, "made-up") == INVITATION
    path.unlink()
    assert accept_invitation(home, "north", None, None) == INVITATION
    other = write_invitation(tmp_path / "other.json", replace(INVITATION, protocol="another"))
    accept_invitation(home, "north", other, None)
    with pytest.raises(ConfigError, match=r"another, made-up.*--protocol"):
        accept_invitation(home, "north", None, None)
    assert accept_invitation(home, "north", None, "made-up") == INVITATION


def test_of_another_site_or_protocol(tmp_path: Path) -> None:
    path = write_invitation(tmp_path / "invitation.json", INVITATION)
    with pytest.raises(ConfigError, match="invites site 'north'; the key kept here is of 'south'"):
        accept_invitation(tmp_path / "home", "south", path, None)
    with pytest.raises(ConfigError, match="invites to protocol 'made-up', not to 'other'"):
        accept_invitation(tmp_path / "home", "north", path, "other")


@pytest.mark.parametrize("content", ["{}", '{"format": "biolab.invitation/1"}', "[]", "no json"])
def test_damaged(content: str, tmp_path: Path) -> None:
    path = tmp_path / "invitation.json"
    path.write_text(content)
    path.chmod(0o600)
    with pytest.raises(ConfigError, match=r"invitation\.json"):
        read_invitation(path)


def test_readable_by_others(tmp_path: Path) -> None:
    path = write_invitation(tmp_path / "invitation.json", INVITATION)
    path.chmod(0o644)
    with pytest.raises(ConfigError, match="chmod 600"):
        read_invitation(path)


@pytest.mark.parametrize(
    "address", ["http://joint.example.org", "http://10.0.0.5:5000", "ftp://127.0.0.1", "joint.example.org", "https://"]
)
def test_addresses_in_clear(address: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="in clear"):
        checked_address(address)
    path = write_invitation(tmp_path / "invitation.json", replace(INVITATION, server=address))
    with pytest.raises(ConfigError, match="in clear"):
        read_invitation(path)


@pytest.mark.parametrize("address", ["https://joint.example.org/", "http://127.0.0.1:5000", "http://[::1]:5000"])
def test_addresses_a_password_may_travel(address: str) -> None:
    assert checked_address(address) == address.rstrip("/")
