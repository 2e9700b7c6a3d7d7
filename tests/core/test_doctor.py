"""The doctor says what is there, what is missing and how to mend it."""

import pytest

from biolab.core import doctor


def test_a_sound_installation_has_nothing_broken() -> None:
    assert [finding for finding in doctor.examine() if finding.state == "broken"] == []


def test_absent_packages_come_with_a_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "REQUIRED", ("no-such-package",))
    monkeypatch.setattr(doctor, "EXTRAS", {"lab": ("no-such-extra",)})
    found = {finding.name: finding for finding in doctor.examine()}
    assert found["no-such-package"].state == "broken"
    assert found["no-such-package"].remedy == "pip install no-such-package"
    assert found["extra lab"].state == "missing"
    assert "biolab[lab]" in found["extra lab"].remedy


def test_old_python_and_full_disk_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor.sys, "version_info", (3, 9, 1))
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 10})())
    found = {finding.name: finding for finding in doctor.examine()}
    assert "3.11" in found["python"].remedy
    assert "--output" in found["disk"].remedy
