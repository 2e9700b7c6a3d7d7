"""Run CADET-Core on `COLUMNS` and write protein_a_cadet.json: python protein_a_cadet.py PATH/TO/cadet-cli.

Needs h5py and the program of CADET-Core (GPL-3; nothing of it is used anywhere else). Made with CADET-Core 5.1.1, h5py
3.16, discontinuous Galerkin in space, IDAS in time; each column on two grids, so that the file says how far CADET
itself has converged. Units: minutes, litres, grams; lengths in bed heights and bead radii, so that every number is one
of `biolab.kernels.protein_a.Bed`.

`CAPTURES` are loads, washes and elutions by a linear gradient of acid. CADET has no release that grows exponentially
with a modulator, but rate constants that follow a profile travelling along the bed: exp(acid_slope * m(t - z / v)), v
the speed of a solute that enters all pores (CADET's profile is that at the outlet, 1 / v later than at the inlet). The
modulator of `protein_a` is also dispersed, which hardly changes a gradient.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

FIELDS = (
    "residence_min", "porosity", "bead_porosity", "peclet", "film_per_min", "pore_per_min", "on_l_per_g_min",
    "off_per_min",
    "capacity_g_per_l",
)  # fmt: skip
# name: numbers of the bed in the order of FIELDS, feed g/L, minutes
COLUMNS = {
    "resin of 85 um, 4 min": ((4.0, 0.35, 0.60, 1365.0, 25.0, 0.166, 60.0, 3.0, 250.0), 5.0, 64.0),
    "the same, 2 min": ((2.0, 0.35, 0.60, 1365.0, 31.5, 0.166, 60.0, 3.0, 250.0), 5.0, 32.0),
    "small beads, dilute feed": ((4.0, 0.38, 0.70, 2000.0, 60.0, 0.60, 40.0, 4.0, 200.0), 1.0, 260.0),
    "weak and slow binding": ((3.0, 0.40, 0.65, 300.0, 15.0, 0.80, 0.5, 0.5, 180.0), 2.0, 120.0),
}
# name: numbers of the bed, acid_slope, feed g/L, minutes of load, wash, gradient from no acid to acid alone, and acid
CAPTURES = {
    "loaded below capacity": (
        (4.0, 0.35, 0.60, 1365.0, 25.0, 0.166, 60.0, 3.0, 250.0),
        10.0,
        5.0,
        (24.0, 12.0, 40.0, 12.0),
    ),
    "overloaded": ((2.0, 0.35, 0.60, 1365.0, 31.5, 0.166, 60.0, 3.0, 250.0), 10.0, 5.0, (26.0, 10.0, 20.0, 8.0)),
}
CAPTURE_GRIDS = {"coarse": (6, 3, 4, 3), "fine": (10, 4, 5, 4)}
GRIDS = {"coarse": (8, 4, 8, 4), "fine": (12, 4, 14, 4)}
SHARES = (0.01, 0.05, 0.10, 0.20, 0.50, 0.70)


def put(group, values):
    for name, value in values.items():
        if isinstance(value, dict):
            put(group.create_group(name), value)
        elif isinstance(value, str):
            group.create_dataset(name, data=np.bytes_(value))
        else:
            group.create_dataset(name, data=value)


def settings(numbers, inflows, grid, times, profile=None):
    """Return CADET's input: ``inflows`` are (minutes, g/L) a section, ``profile`` (minutes, factor of k_off)."""
    bed = dict(zip(FIELDS, numbers, strict=True))
    speed = 1.0 / (bed["residence_min"] * bed["porosity"])
    nz, pz, nr, pr = grid
    binding = {"MCL_KA": bed["on_l_per_g_min"], "MCL_KD": bed["off_per_min"], "MCL_QMAX": bed["capacity_g_per_l"]}
    column = {
        "UNIT_TYPE": "GENERAL_RATE_MODEL", "NCOMP": 1, "COL_LENGTH": 1.0, "COL_POROSITY": bed["porosity"],
        "PAR_POROSITY": bed["bead_porosity"], "PAR_RADIUS": 1.0, "PAR_CORERADIUS": 0.0, "VELOCITY": speed,
        "COL_DISPERSION": speed / bed["peclet"], "FILM_DIFFUSION": [bed["film_per_min"]],
        "PAR_DIFFUSION": [bed["pore_per_min"]], "PAR_SURFDIFFUSION": [0.0], "PAR_GEOM": "SPHERE", "NBOUND": [1],
        "INIT_C": [0.0], "INIT_Q": [0.0], "INIT_CP": [0.0], "INIT_CS": [0.0],
        "ADSORPTION_MODEL": "MULTI_COMPONENT_LANGMUIR",
        "adsorption": {"IS_KINETIC": 1, **{name: [value] for name, value in binding.items()}},
        "discretization": {
            "SPATIAL_METHOD": "DG", "EXACT_INTEGRATION": 1, "NELEM": nz, "POLYDEG": pz, "PAR_NELEM": nr,
            "PAR_POLYDEG": pr,
            "PAR_EXACT_INTEGRATION": 1, "PAR_DISC_TYPE": np.array(["EQUIDISTANT_PAR"], dtype="S"),
            "USE_ANALYTIC_JACOBIAN": 1, "NBOUND": [1],
        },
    }  # fmt: skip
    model = {}
    if profile is not None:
        column["ADSORPTION_MODEL"] = "EXT_MULTI_COMPONENT_LANGMUIR"
        column["adsorption"] = {"IS_KINETIC": 1, "EXTFUN": [0]}
        for name, value in binding.items():
            follows = name == "MCL_KD"
            terms = {"": 0.0 if follows else value, "_T": value if follows else 0.0, "_TT": 0.0, "_TTT": 0.0}
            column["adsorption"] |= {f"EXT_{name}{order}": [term] for order, term in terms.items()}
        liquid = bed["porosity"] + (1.0 - bed["porosity"]) * bed["bead_porosity"]
        model["external"] = {"source_000": {
            "EXTFUN_TYPE": "LINEAR_INTERP_DATA", "VELOCITY": 1.0 / (bed["residence_min"] * liquid),
            "TIME": profile[0], "DATA": profile[1],
        }}  # fmt: skip
    inlet = {"UNIT_TYPE": "INLET", "NCOMP": 1, "INLET_TYPE": "PIECEWISE_CUBIC_POLY"}
    for number, (_, feed) in enumerate(inflows):
        inlet[f"sec_{number:03d}"] = {
            "CONST_COEFF": [feed], "LIN_COEFF": [0.0], "QUAD_COEFF": [0.0], "CUBE_COEFF": [0.0]
        }  # fmt: skip
    switch = {"SECTION": 0, "CONNECTIONS": [0.0, 1.0, -1.0, -1.0, 1.0]}
    ends = np.concatenate([[0.0], np.cumsum([minutes for minutes, _ in inflows])])
    return {"input": {
        "model": {
            "NUNITS": 2, "unit_000": inlet, "unit_001": column, "connections": {"NSWITCHES": 1, "switch_000": switch},
            "solver": {"GS_TYPE": 1, "MAX_KRYLOV": 0, "MAX_RESTARTS": 10, "SCHUR_SAFETY": 1e-8}, **model,
        },
        "solver": {
            "NTHREADS": 1, "USER_SOLUTION_TIMES": times, "CONSISTENT_INIT_MODE": 1,
            "sections": {"NSEC": len(inflows), "SECTION_TIMES": ends, "SECTION_CONTINUITY": np.zeros(len(inflows) - 1,
            dtype=np.int32)},
            "time_integrator": {
                "ABSTOL": 1e-7, "RELTOL": 1e-6, "ALGTOL": 1e-10, "INIT_STEP_SIZE": 1e-8, "MAX_STEPS": 1_000_000,
            },
        },
        "return": {
            "WRITE_SOLUTION_TIMES": 1, "SPLIT_COMPONENTS_DATA": 0,
            "unit_001": {"WRITE_SOLUTION_OUTLET": 1, "WRITE_SOLUTION_BULK": 0},
        },
    }}  # fmt: skip


def outlet(program, numbers, inflows, grid, profile=None):
    import h5py

    times = np.linspace(0.0, sum(minutes for minutes, _ in inflows), 4001)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "column.h5"
        with h5py.File(path, "w") as file:
            put(file, settings(numbers, inflows, grid, times, profile))
        done = subprocess.run([program, str(path)], capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(done.stdout + done.stderr)
        with h5py.File(path) as file:
            return times, np.asarray(file["output/solution/unit_001/SOLUTION_OUTLET"]).reshape(len(times))


def capture(program, numbers, slope, feed, minutes, grid):
    """Return what comes out in a load, wash and gradient, as a dict for the file."""
    load, wash, ramp, acid = minutes
    inflows = [(load, feed), (wash, 0.0), (ramp + acid, 0.0)]
    begin, end = load + wash, load + wash + ramp + acid
    residence, porosity, bead_porosity = numbers[:3]
    through = residence * (porosity + (1.0 - porosity) * bead_porosity)
    clock = np.concatenate([[0.0], np.linspace(begin, begin + ramp, 2001), [end]]) + through
    share = np.clip((clock - through - begin) / ramp, 0.0, 1.0)
    times, c = outlet(program, numbers, inflows, grid, (clock, np.exp(slope * share)))
    lost = np.trapezoid(np.where(times <= begin, c, 0.0), times) / residence
    eluted = np.where(times >= begin, c, 0.0)
    pool = np.trapezoid(eluted, times) / residence
    return {
        "lost_g_per_l": lost, "eluted_g_per_l": pool, "peak_g_per_l": float(eluted.max()),
        "peak_min": float(times[eluted.argmax()]),
        "mean_min": float(np.trapezoid(times * eluted, times) / residence / pool),
        "curve": c[::20].tolist(),
    }  # fmt: skip


def main(program):
    from scipy.interpolate import CubicSpline

    version = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout.splitlines()[0]
    sizes = ("NELEM", "POLYDEG", "PAR_NELEM", "PAR_POLYDEG")
    found = {
        "program": version,
        "grids": {k: dict(zip(sizes, g, strict=True)) for k, g in GRIDS.items()},
        "columns": {},
    }
    for grid, sizes_of in GRIDS.items():
        for name, (numbers, feed, minutes) in COLUMNS.items():
            row = {"bed": dict(zip(FIELDS, numbers, strict=True)), "feed_g_per_l": feed, "minutes": minutes}
            times, c = outlet(program, numbers, [(minutes, feed)], sizes_of)
            curve = CubicSpline(times, c / feed)
            at = [next((float(r) for r in curve.solve(s, extrapolate=False)), None) for s in SHARES]
            row[grid] = {"minutes_at_share": dict(zip(map(str, SHARES), at, strict=True)), "curve": c[::100].tolist()}
            found["columns"].setdefault(name, row)[grid] = row[grid]
            print(name, grid, at, flush=True)
    found["captures"] = captures(program)
    Path(__file__).with_suffix(".json").write_text(json.dumps(found, indent=1) + "\n")


def captures(program):
    """Return the captures on both grids; ``python protein_a_cadet.py PROGRAM captures`` runs these alone."""
    found = {}
    for name, (numbers, slope, feed, minutes) in CAPTURES.items():
        bed = {**dict(zip(FIELDS, numbers, strict=True)), "acid_slope": slope}
        found[name] = {"bed": bed, "feed_g_per_l": feed, "minutes": minutes}
        for grid, sizes in CAPTURE_GRIDS.items():
            found[name][grid] = capture(program, numbers, slope, feed, minutes, sizes)
            print(name, grid, {k: v for k, v in found[name][grid].items() if k != "curve"}, flush=True)
    return found


if __name__ == "__main__":
    if sys.argv[2:] == ["captures"]:
        file = Path(__file__).with_suffix(".json")
        file.write_text(json.dumps(json.loads(file.read_text()) | {"captures": captures(sys.argv[1])}, indent=1) + "\n")
    else:
        main(sys.argv[1])
