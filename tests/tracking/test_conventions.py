import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biolab.core import ConfigError
from biolab.tracking import experiment_name, registered_model_name, run_tags
from biolab.tracking.conventions import account_name, artifact_folder, workspace_name

LETTERS = "aZ0 ._-/\\:*?<>|\"'\n\0é한\u202e😀"
quick = settings(derandomize=True, max_examples=50, deadline=None)


@pytest.mark.parametrize("bad", ["", "a/b", "a:b", "o'hara", "two words", "-x", "a`b", "a%"])
def test_names_that_mlflow_or_its_filters_cannot_take_are_refused(bad):
    with pytest.raises(ConfigError, match="cannot be used in MLflow"):
        experiment_name(bad)
    with pytest.raises(ConfigError, match="site name"):
        registered_model_name("p", "m", bad)


def test_korean_names_are_fine():
    assert experiment_name("유방암") == "biolab/유방암"


def test_tags_hold_what_was_given_and_nothing_else():
    tags = run_tags(protocol="p", version="2", sha256="ff", role="validation", site="a", model="cox", model_site="b")
    assert tags["biolab.site"] == "a"
    assert tags["biolab.model.site"] == "b"
    assert "biolab.model" not in run_tags(protocol="p", version="2", sha256="ff", role="site", site="a")


def test_an_unknown_role_names_the_nearest():
    with pytest.raises(ConfigError, match="Did you mean 'validation'"):
        run_tags(protocol="p", version="2", sha256="ff", role="validatoin")


@quick
@given(st.text(LETTERS, max_size=40))
def test_artifact_folders_never_climb_out_or_hold_what_windows_refuses(name):
    parts = artifact_folder(name).split("/")
    assert all(part and part not in {".", ".."} and not set(part) & set('<>:"\\|?*\n') for part in parts)


@pytest.mark.parametrize("protocol", ["default", "api", "workspaces", "a", "Lung", "lung_2", "폐암", "x" * 80])
def test_workspaces_that_mlflow_takes(protocol: str) -> None:
    from mlflow.store.workspace.abstract_store import WorkspaceNameValidator

    name = workspace_name(protocol)
    WorkspaceNameValidator.validate(name)
    assert name not in {"default", protocol}
    assert account_name(protocol, "서울").isascii()


def test_names_stay_apart() -> None:
    words = ["lung", "Lung", "lung-2", "lung_2", "lung.2", "x" * 60, "x" * 61, "폐", "암"]
    assert len({workspace_name(word) for word in words}) == len(words)
    accounts = {account_name(protocol, site) for protocol in words for site in words}
    assert len(accounts) == len(words) ** 2
