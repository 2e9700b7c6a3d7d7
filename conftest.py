"""What pytest must not import, what runs beyond `make test`, and the order of files."""

from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parent
collect_ignore_glob = [] if find_spec("triton") else ["src/biolab/kernels/*/gpu*.py"]

# Slow, so not in `make test`, for which a newcomer waits: what calls kernels that take long to compile ...
COMPILE = (
    "src/biolab/bioprocess/chromatography/",
    "src/biolab/genotypes/",
    "src/biolab/kernels/cox_curvature/",
    "src/biolab/kernels/cox_loss/",
    "src/biolab/kernels/cox_scan/",
    "src/biolab/kernels/elastic_net_descent/",
    "src/biolab/kernels/logistic_scan/",
    "src/biolab/kernels/packed_matmul/",
    "src/biolab/kernels/packed_pairs/",
    "src/biolab/kernels/protein_a/",
    "src/biolab/kernels/read_profile/",
    "src/biolab/sequences/quality.py",
    "src/biolab/survival/cox_path.py",
    "src/biolab/survival/cox_path_cv.py",
    "src/biolab/survival/cox_scan.py",
    "src/biolab/survival/nested_cv.py",
    "src/biolab/survival/selection.py",
    "tests/bioprocess/chromatography/",
    "tests/cli/test_genotypes.py",
    "tests/genotypes/",
    "tests/joint/test_signatures.py",
    "tests/kernels/test_cox_loss.py",
    "tests/kernels/test_elastic_net_descent.py",
    "tests/kernels/test_protein_a.py",
    "tests/kernels/test_steps.py",
    "tests/sequences/test_reads.py",
    "tests/survival/test_cox_path.py",
    "tests/survival/test_cox_path_cv.py",
    "tests/survival/test_cox_sparse.py",
    "tests/survival/test_penalised_hard_inputs.py",
    "tests/validation/test_cox_kernels_against_r.py",
    "tests/validation/test_cox_path_against_glmnet.py",
    "tests/validation/test_genotypes_against_plink.py",
    "tests/validation/test_protein_a_against_cadet.py",
)
# ... and what goes through a store many times, draws many figures, or runs notebooks.
STORES = (
    "tests/cli/test_joint_week.py",
    "tests/joint/bundle/",
    "tests/joint/server/",
    "tests/joint/test_comparison.py",
    "tests/joint/test_many_small_sites.py",
    "tests/joint/test_site_export.py",
    "tests/joint/test_site_validation.py",
    "tests/notebooks/",
    "tests/reports/figures/test_model_figures.py",
    "tests/tracking/test_run_cache.py",
    "tests/validation/test_cox_inference_against_r.py",
)
# Slow tests of these take minutes each: `make check` runs them, continuous integration does not.
MINUTES = (
    "tests/cli/test_interruption.py",
    "tests/cli/test_main_job.py",
    "tests/course/test_class_demo.py",
    "tests/course/test_course_modules.py",
    "tests/course/test_deviations_module.py",
    "tests/course/test_feeding_thresholds.py",
    "tests/course/test_thresholds.py::test_solutions_pass_and_mistakes_do_not_on_every_plant",
    "tests/joint/bundle/test_importing.py::test_into_a_server",
    "tests/joint/bundle/test_importing.py::test_killed_process",
    "tests/joint/bundle/test_importing.py::test_two_processes",
    "tests/joint/disclosure/test_legitimate.py",
    "tests/joint/server/test_kills.py",
    "tests/kernels/test_gpu.py::test_fed_batch_compiles_for_a_gpu[64]",
    "tests/kernels/test_gpu.py::test_triton_kernel_equals_the_cpu_path[fed_batch_all]",
    "tests/joint/server/test_nginx.py",
    "tests/joint/server/test_permissions.py",
    "tests/joint/server/test_races.py",
    "tests/joint/server/test_week.py",
    "tests/joint/tabular/",
    "tests/joint/test_documentation.py",
    "tests/joint/test_shipped_protocols.py",
    "tests/joint/test_three_institutions.py",
    "tests/kernels/test_fed_batch.py",
    "tests/pipelines/",
)
# One process compiles the kernels while the other runs what needs none; what calls them comes when they are there.
CONTRACT = "tests/kernels/test_contract.py"
CALL_KERNELS = (
    "tests/benchmarks/",
    "tests/bioprocess/",
    "tests/cli/",
    "tests/joint/",
    "tests/kernels/",
    "tests/survival/",
    "tests/validation/",
    "src/",
)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out what holds no tests, and import nothing of what would not be run."""
    place = collection_path.relative_to(ROOT).as_posix() if collection_path.is_relative_to(ROOT) else ""
    if place.startswith("tests/") and place.endswith(".py") and not collection_path.name.startswith(("test_", "conf")):
        return True
    later = config.option.markexpr == "not slow" and place in {path.rstrip("/") for path in (*COMPILE, *STORES)}
    return True if later else None


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is slow, and put the kernels' contract first and what calls kernels last."""
    for item in items:
        if item.nodeid.startswith((*COMPILE, *STORES)):
            item.add_marker("slow")
        if item.nodeid.startswith(MINUTES) and item.get_closest_marker("slow"):
            item.add_marker("long")
    items.sort(key=lambda item: (not item.nodeid.startswith(CONTRACT), item.nodeid.startswith(CALL_KERNELS)))
