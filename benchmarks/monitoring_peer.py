"""Score batches with process-improve: python monitoring_peer.py BATCHES.npz SCORES.json instantaneous (or cumulative).

The archive holds [n, points, variables] of ``fit``, ``held``, ``normal`` and each fault, all aligned. For each set the
file gets each batch's score, the largest of T2 / limit and SPE / limit over time with the package's own 99 % limits,
and the course of the larger of both.
"""

import json
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from process_improve.batch import BatchMonitor, BatchPCA

COMPONENTS = 3


def frames(values):
    names = [f"v{j}" for j in range(values.shape[-1])]
    return {i: pd.DataFrame(batch, columns=names) for i, batch in enumerate(values)}


def main(source, target, *kinds):
    warnings.simplefilter("ignore")
    sets = np.load(source)
    begun = time.perf_counter()
    model = BatchPCA(n_components=COMPONENTS).fit(frames(sets["fit"]))
    found = {}
    for kind in kinds:
        monitor = BatchMonitor(model, conf_level=0.99, spe_statistic=kind).fit(frames(sets["fit"]))
        courses = {}
        for name in sets.files:
            if name == "fit":
                continue
            traced = [monitor.monitor(frame) for frame in frames(sets[name]).values()]
            over = [np.maximum(t.hotellings_t2 / t.t2_limit, t.spe / t.spe_limit) for t in traced]
            courses[name] = np.round(over, 5).tolist()
        found[kind] = courses
    found["seconds"] = time.perf_counter() - begun
    Path(target).write_text(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
