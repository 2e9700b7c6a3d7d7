"""Every operation's every case: the fast path equals the float64 reference, and invariances hold."""

import importlib
import pkgutil
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import biolab.kernels
from biolab.kernels import cases


def _case_modules() -> list[ModuleType]:
    names = [module.name for module in pkgutil.iter_modules(biolab.kernels.__path__) if module.ispkg]
    return [importlib.import_module(f"biolab.kernels.{name}.cases") for name in names]


# Their kernels take long to compile in a fresh clone: `make check` runs them.
LONG_TO_COMPILE = (
    "cox_curvature:",
    "cox_loss:",
    "cox_scan:",
    "elastic_net_descent:",
    "logistic_scan:",
    "packed_matmul:",
    "packed_pairs:",
    "protein_a:",
    "read_profile:",
)


def _param(module: ModuleType, case: cases.Case, *more: Any, name: str = "") -> Any:
    label = ": ".join(part for part in (module.__name__.split(".")[-2], case.name, name) if part)
    marks = [pytest.mark.slow] if label.startswith(LONG_TO_COMPILE) else []
    return pytest.param(module, case, *more, id=label, marks=marks)


MODULES = _case_modules()
CASES = [_param(module, case) for module in MODULES for case in module.CASES]
INVARIANT = [
    _param(module, case, change, name=name)
    for module in MODULES
    for case in module.CASES
    for name, change in module.INVARIANCES.items()
]


def _assert_same(found, expected, tolerance):
    assert found.keys() == expected.keys()
    for name in expected:
        np.testing.assert_allclose(
            found[name], expected[name], rtol=tolerance.relative, atol=tolerance.absolute, err_msg=name
        )


def test_operations_are_found():
    assert {module.__name__.split(".")[-2] for module in MODULES} >= {"concordance", "cox_slope"}


@pytest.mark.parametrize(("module", "case"), CASES)
def test_fast_path_equals_the_reference(module, case):
    _assert_same(module.fast(**case.make()), module.exact(**case.make()), module.TOLERANCE)


@pytest.mark.parametrize(("module", "case"), CASES)
def test_inputs_are_left_untouched(module, case):
    arguments, copies = case.make(), case.make()
    module.fast(**arguments)
    for name, value in arguments.items():
        np.testing.assert_array_equal(value, copies[name])


@pytest.mark.parametrize(("module", "case", "change"), INVARIANT)
def test_invariances_hold(module, case, change):
    _assert_same(module.fast(**change(case.make())), module.fast(**case.make()), module.TOLERANCE)
