"""Versions are those installed."""

import platform
from importlib.metadata import version

import biolab
from biolab.joint.versions import installed_versions


def test_versions_are_those_installed() -> None:
    found = dict(installed_versions().rows())
    assert found["biolab"] == biolab.__version__
    assert found["python"] == platform.python_version()
    assert found["torch"] == version("torch")
