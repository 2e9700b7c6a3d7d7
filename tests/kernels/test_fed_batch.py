"""The fed-batch integrator: order, tolerance, order conditions, and noise that depends on nothing but its names."""

from dataclasses import replace

import numpy as np
import pytest

from biolab.core import DataError
from biolab.kernels.fed_batch import (
    FedBatchProblem,
    cases,
    fed_batch,
    layout,
    method,
    reference,
    reference_control,
    run_seeds,
)


def make(plant=0, intervals=24, hours=0.25, **changed):
    parameters = cases.standard_parameters(plant) | {k: v for k, v in changed.items() if k not in layout.SCHEDULE}
    columns = {k: v for k, v in changed.items() if k in layout.SCHEDULE}
    return FedBatchProblem(
        plant=plant,
        parameters=np.array([parameters[name] for name in layout.PARAMETERS[plant]]),
        schedule=cases.standard_schedule(plant, intervals, **columns),
        interval_h=hours,
        varied=np.zeros(0, dtype=np.int64),
        values=np.zeros((1, 0)),
        seeds=run_seeds(0, 1),
    )


def end(problem):
    runs = fed_batch(problem, np.array([problem.schedule.shape[0] - 1]))
    assert runs.outcome[0] == layout.OK
    return runs.records[0, -1]


def test_coefficients_satisfy_the_conditions_of_their_order_for_any_matrix():
    """Hairer and Wanner (1996), IV.7: W-methods; the products with gamma alone must vanish by themselves."""
    for order, one_of in method.METHODS.items():
        a, g, b = one_of.alpha, one_of.gammas, one_of.weights
        one = np.ones(b.size)
        second = [(b @ one, 1), (b @ a @ one, 1 / 2), (b @ g @ one, 0)]
        third = [
            (b @ (a @ one) ** 2, 1 / 3), (b @ a @ a @ one, 1 / 6), (b @ a @ g @ one, 0), (b @ g @ a @ one, 0),
            (b @ g @ g @ one, 0),
        ]  # fmt: skip
        for found, wanted in second + (third if order == 3 else []):
            assert found == pytest.approx(wanted, abs=1e-13)
        assert one_of.embedded @ one == pytest.approx(1)
        if order == 3:
            assert one_of.embedded @ (a + g) @ one == pytest.approx(1 / 2)
        # L-stable: with the true Jacobian, what decays at once is gone after a step
        assert 1 - b @ np.linalg.inv(a + g) @ one == pytest.approx(0, abs=1e-13)


@pytest.mark.parametrize("order", [2, 3])
@pytest.mark.parametrize("plant", [layout.CHO, layout.ECOLI])
def test_convergence_is_of_the_order_of_the_method(plant, order):
    problem = make(plant, intervals=3, hours=1.0 if plant == layout.CHO else 0.1, start_viable=4.0 - 3 * plant)
    finest = end(replace(problem, fixed_steps=1280, order=3))[: layout.STATES]
    errors = []
    for steps in (20, 40, 80):
        found = end(replace(problem, fixed_steps=steps, order=order))[: layout.STATES]
        errors.append(np.abs((found - finest) / cases.TYPICAL).max())
    found = np.log2(np.array(errors[:-1]) / errors[1:])
    assert (found > order - 0.3).all(), found
    assert (found < order + 0.6).all(), found


@pytest.mark.parametrize("order", [2, 3])
def test_tighter_tolerance_is_closer(order):
    problem = replace(make(start_viable=10.0), order=order)
    exact = end(replace(problem, tolerance=1e-10, order=3))
    errors = [np.abs(end(replace(problem, tolerance=t))[:15] - exact[:15]).max() for t in (1e-3, 1e-5, 1e-7)]
    assert errors[0] >= errors[1] > errors[2]


def test_noise_is_the_same_in_both_paths_and_nearly_normal():
    from biolab.kernels.fed_batch.control import noise

    seeds = run_seeds(3, 2)
    drawn = np.array([noise(seeds[1], i, 2) for i in range(4000)])
    np.testing.assert_array_equal(drawn[:50], [reference_control.noise(int(seeds[1]), i, 2) for i in range(50)])
    assert abs(drawn.mean()) < 0.06
    assert drawn.std() == pytest.approx(1, abs=0.04)
    assert abs(np.corrcoef(drawn[:-1], drawn[1:])[0, 1]) < 0.05


def test_seeds_of_runs_do_not_depend_on_their_number():
    np.testing.assert_array_equal(run_seeds(5, 3), run_seeds(5, 1000)[:3])
    assert np.unique(run_seeds(5, 1000)).size == 1000


def test_a_run_in_pieces_is_the_run():
    problem, when = make(start_viable=10.0), np.arange(25)
    whole = fed_batch(problem, when)
    first = fed_batch(problem, when[:10], last=10)
    second = fed_batch(problem, when[10:], earlier=first, first=10)
    np.testing.assert_array_equal(np.concatenate([first.records, second.records], axis=1), whole.records)


def test_wrong_problems_are_refused():
    with pytest.raises(DataError, match="parameters is float64 of shape"):
        replace(make(), parameters=np.zeros(3))
    with pytest.raises(DataError, match=r"schedule\[2, 0\] is nan"):
        replace(make(), schedule=cases.at_interval(make().schedule, "ph", {2: np.nan}))
    with pytest.raises(DataError, match="order is 4; there are methods of order 2 and 3"):
        replace(make(), order=4)
    with pytest.raises(DataError, match="tolerance 0"):
        replace(make(), tolerance=0.0)


@pytest.mark.slow
@pytest.mark.parametrize("plant", [layout.CHO, layout.ECOLI])
def test_hundred_random_plants_agree_with_tight_scipy(plant):
    generator = np.random.default_rng(1)
    names = layout.PARAMETERS[plant]
    standard = cases.standard_parameters(plant)
    biology = [
        n
        for n in names[layout.SHARED - 20 :]
        if not n.startswith(
            ("growth_temperature", "ph_inhib", "cell_", "product_carbon", "amino_acid_red", "metabolic")
        )
    ]
    worst = np.zeros(layout.STATES)
    for _ in range(50):
        varied = {n: standard[n] * generator.uniform(0.8, 1.2) for n in biology if not n.startswith("biomass_per")}
        varied["start_viable"] = generator.uniform(1, 15 if plant == layout.CHO else 5)
        problem = replace(make(plant, intervals=12, hours=0.5 - 0.4 * plant, **varied), tolerance=1e-6, order=3)
        found = end(problem)
        seed, last = int(problem.seeds[0]), problem.schedule.shape[0] - 1
        exact = reference.run(plant, standard | varied, problem.schedule, problem.interval_h, seed, (last,))[0]
        error = np.abs(found[: layout.STATES] - exact[: layout.STATES]) / (
            np.abs(exact[: layout.STATES]) + 0.1 * cases.TYPICAL
        )
        worst = np.maximum(worst, error)
    assert worst[layout.OXYGEN] < 5e-4  # the fastest state, at the end of a control interval
    assert np.delete(worst, layout.OXYGEN).max() < 1e-4


def test_a_few_random_plants_agree_with_scipy():
    generator = np.random.default_rng(2)
    standard = cases.standard_parameters(0)
    for _ in range(2):
        varied = {
            n: standard[n] * generator.uniform(0.8, 1.2)
            for n in ("mu_max_per_h", "kla_per_h", "overflow_glucose_mmol_per_1e9_h")
        }
        problem = replace(make(intervals=8, hours=0.5, start_viable=8.0, **varied), tolerance=1e-6)
        exact = reference.run(
            0, standard | varied | {"start_viable": 8.0}, problem.schedule, 0.5, int(problem.seeds[0]), (8,)
        )[0]
        np.testing.assert_allclose(end(problem)[: layout.STATES], exact[: layout.STATES], rtol=1e-4, atol=2e-3)
