import pytest

from biolab.core import ConfigError
from biolab.tracking.paths import checked_path, local_path


@pytest.mark.parametrize("name", ["plain", "비오 랩", "a#b", "100%20", "semi;colon"])
def test_a_path_survives_being_an_address(tmp_path, name):
    assert local_path((tmp_path / name).as_uri()) == tmp_path / name


@pytest.mark.parametrize("bad", ["", "/etc/passwd", "../x", "a/../../x", "C:/x", "a\\b"])
def test_artifact_paths_stay_in_their_run(bad):
    with pytest.raises(ConfigError, match="must be relative"):
        checked_path(bad)
