"""Keys are made once, kept private and read back; signatures hold for their bytes and their key alone."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from hypothesis import given, settings
from hypothesis import strategies as st

from biolab.core import ConfigError
from biolab.joint import create_identity, find_identity, identity_folder, known_identities, load_identity
from biolab.joint.identity import checked_public_key, verify_signature

NONSENSE = "Az09+/=-_: é한😀\n\0"
POSIX = pytest.mark.skipif(sys.platform == "win32", reason="POSIX modes")
RFC_8032 = {  # test 3 of section 7.1: public key, message, signature
    "key": "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
    "message": "af82",
    "signature": "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
    "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
}


def as_text(hexadecimal: str) -> str:
    import base64

    return "ed25519:" + base64.b64encode(bytes.fromhex(hexadecimal)).decode()


def test_signature_of_rfc_8032() -> None:
    key, message, signature = as_text(RFC_8032["key"]), bytes.fromhex("af82"), as_text(RFC_8032["signature"])
    assert verify_signature(key, signature, message)
    assert not verify_signature(key, signature, message + b"\0")


def test_round_trip_through_the_folder(tmp_path: Path) -> None:
    made = create_identity("north", tmp_path / "n")
    read = load_identity(tmp_path / "n", "north")
    assert read.public == made.public
    assert verify_signature(made.public_key, read.sign(b"x"), b"x")
    assert repr(made).count("ed25519:") == 1
    assert "Private" not in repr(made).replace("PrivateIdentity", "")


@settings(max_examples=60, derandomize=True, deadline=None)
@given(st.text(NONSENSE, max_size=120), st.text(NONSENSE, max_size=120), st.binary(max_size=20))
def test_nonsense_is_no_signature(key: str, signature: str, content: bytes) -> None:
    assert not verify_signature(key, signature, content)
    assert not verify_signature(f"ed25519:{key}", f"ed25519:{signature}", content)


def test_one_spelling_of_a_signature(tmp_path: Path) -> None:
    identity = create_identity("north", tmp_path / "n")
    good = identity.sign(b"x")
    for other in (good + "\n", good.rstrip("="), good + "=", " " + good, good.replace("ed25519", "ED25519")):
        assert not verify_signature(identity.public_key, other, b"x")
    with pytest.raises(ValueError, match="is not a public key"):
        checked_public_key(good)


def test_a_key_is_never_overwritten(tmp_path: Path) -> None:
    before = create_identity("north", tmp_path / "n")
    with pytest.raises(ConfigError, match="a key is never overwritten"):
        create_identity("north", tmp_path / "n")
    assert load_identity(tmp_path / "n").public == before.public


@POSIX
def test_only_the_owner_can_read_it(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        create_identity("north", tmp_path / "n")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "n" / "key.pem").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "n").stat().st_mode) == 0o700
    (tmp_path / "n" / "key.pem").chmod(0o644)
    with pytest.raises(ConfigError, match=r"can be read by others \(mode 644\).*chmod 600"):
        load_identity(tmp_path / "n")


@pytest.mark.skipif(subprocess.run(["openssl", "version"], check=False, capture_output=True).returncode != 0, reason="")
def test_openssl_reads_the_key(tmp_path: Path) -> None:
    create_identity("north", tmp_path / "n")
    command = ["openssl", "pkey", "-in", str(tmp_path / "n" / "key.pem"), "-noout", "-text"]
    assert "ED25519 Private-Key" in subprocess.run(command, check=True, capture_output=True, text=True).stdout


def test_what_is_wrong_with_a_folder_is_said(tmp_path: Path) -> None:
    folder = tmp_path / "n"
    with pytest.raises(ConfigError, match=r"holds no identity\. Make one with: biolab site init north"):
        load_identity(folder, "north")
    create_identity("north", folder)
    with pytest.raises(ConfigError, match="key of site 'north', not of 'south'"):
        load_identity(folder, "south")
    key, facts = folder / "key.pem", folder / "identity.json"
    whole = facts.read_text(encoding="utf-8")
    facts.write_text("{}", encoding="utf-8")
    with pytest.raises(ConfigError, match="names no site"):
        load_identity(folder)
    facts.write_text(whole, encoding="utf-8")
    create_identity("north", tmp_path / "other")
    key.write_bytes((tmp_path / "other" / "key.pem").read_bytes())
    with pytest.raises(ConfigError, match="do not belong together"):
        load_identity(folder)
    key.write_bytes(b"-----BEGIN PRIVATE KEY-----")
    with pytest.raises(ConfigError, match="not a private key that biolab wrote"):
        load_identity(folder)
    another = generate_private_key(SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    key.write_bytes(another)
    with pytest.raises(ConfigError, match="another kind than Ed25519"):
        load_identity(folder)


def test_finding_the_only_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="holds no identity"):
        find_identity(home=tmp_path)
    create_identity("north", identity_folder("north", tmp_path))
    assert find_identity(home=tmp_path).site == "north"
    create_identity("south", identity_folder("south", tmp_path))
    assert known_identities(tmp_path) == ["north", "south"]
    with pytest.raises(ConfigError, match=r"2 identities \(north, south\); name one"):
        find_identity(home=tmp_path)
    with pytest.raises(ConfigError, match="Did you mean 'north'"):
        find_identity("nort", tmp_path)


@pytest.mark.parametrize("site", ["../north", "", "a/b", "a b"])
def test_a_sites_name_is_no_path(site: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be used in MLflow"):
        identity_folder(site, tmp_path)
    with pytest.raises(ConfigError, match="cannot be used in MLflow"):
        create_identity(site, tmp_path / "x")
