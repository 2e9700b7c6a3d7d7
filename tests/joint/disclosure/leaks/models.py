"""Models that memorise."""

import json
import struct

import numpy as np

from biolab.joint.disclosure.gate import Leaving

from .world import World, leak


@leak
def nearest_neighbours(world: World) -> Leaving:
    import skops.io
    from sklearn.neighbors import KNeighborsClassifier

    model = KNeighborsClassifier().fit(world.opaque.fill_null(0).to_numpy(), world.cohort.event)
    skops.io.dump(model, world.folder / "model.skops")
    return world.folder / "model.skops"


@leak
def support_vectors(world: World) -> Leaving:
    import skops.io
    from sklearn.svm import SVC

    skops.io.dump(SVC().fit(world.opaque.fill_null(0).to_numpy(), world.cohort.event), world.folder / "model.skops")
    return world.folder / "model.skops"


@leak
def gaussian_process(world: World) -> Leaving:
    import skops.io
    from sklearn.gaussian_process import GaussianProcessRegressor

    model = GaussianProcessRegressor().fit(world.opaque.fill_null(0).to_numpy()[:40], world.cohort.time[:40])
    skops.io.dump(model, world.folder / "model.skops")
    return world.folder / "model.skops"


@leak
def unpruned_tree(world: World) -> Leaving:
    import skops.io
    from sklearn.tree import DecisionTreeClassifier

    model = DecisionTreeClassifier().fit(world.opaque.fill_null(0).to_numpy(), world.cohort.event)
    skops.io.dump(model, world.folder / "model.skops")
    return world.folder / "model.skops"


@leak
def forest_with_small_leaves(world: World) -> Leaving:
    import skops.io
    from sklearn.ensemble import RandomForestClassifier

    model = RandomForestClassifier(n_estimators=3, min_samples_leaf=1)
    skops.io.dump(model.fit(world.opaque.fill_null(0).to_numpy(), world.cohort.event), world.folder / "model.skops")
    return world.folder / "model.skops"


@leak
def minima_in_a_scaler(world: World) -> Leaving:
    import skops.io
    from sklearn.preprocessing import MinMaxScaler

    skops.io.dump(MinMaxScaler().fit(world.opaque.fill_null(0).to_numpy()), world.folder / "model.skops")
    return world.folder / "model.skops"


@leak
def support_vectors_as_json(world: World) -> Leaving:
    return world.json({"kind": "svm", "support_vectors": [[1.0, 2.0]]})


@leak
def training_rows_in_model(world: World) -> Leaving:
    return world.json(world.model() | {"training_data": world.opaque.head(3).to_dicts()}, "model.json")


@leak
def model_of_another_kind(world: World) -> Leaving:
    return world.json(world.model() | {"kind": "nearest_neighbours"}, "model.json")


@leak
def saturated_model(world: World) -> Leaving:
    content = world.model()
    content["hazard"]["coefficients"] = np.random.default_rng(0).normal(size=150).tolist()
    return world.json(content, "model.json")


@leak
def baseline_at_event_times(world: World) -> Leaving:
    content = world.model()
    content["grid"] = sorted(world.cohort.time[world.cohort.event])[:8]
    return world.json(content, "model.json")


@leak
def unrounded_fill(world: World) -> Leaving:
    content = world.model()
    content["design"]["columns"][0]["fill"] = float(world.frame["age"][0])
    return world.json(content, "model.json")


@leak
def patient_in_codebook_of_model(world: World) -> Leaving:
    content = world.model()
    content["design"]["codebook"]["age"]["label"]["en"] = "Age of Kim"
    return world.json(content, "model.json")


@leak
def trees_that_split_at_patients(world: World) -> Leaving:
    content = world.model()
    column = content["design"]["columns"][0]
    split = (world.frame["age"][2] - column["centre"]) / column["scale"]
    tree = {
        "feature": [0, -1, -1],
        "threshold": [split, 0, 0],
        "left": [1, 0, 0],
        "right": [2, 0, 0],
        "value": [0, 1, 2],
    }
    content["kind"], content["hazard"] = (
        "boosted_hazard",
        {"trees": [tree], "intercept": 0, "edges": [0, 6], "grid": [6]},
    )
    return world.json(content, "model.json")


@leak
def last_event_as_edge_of_trees(world: World) -> Leaving:
    content = world.model()
    edges = [0, 6, world.cohort.time.max()]
    content["kind"], content["hazard"] = "boosted_hazard", {"trees": [], "intercept": 0, "edges": edges, "grid": [6]}
    return world.json(content, "model.json")


@leak
def knot_a_patient(world: World) -> Leaving:
    return world.json({"spline": {"knots": np.linspace(0, 1, 80).tolist()}})


def safetensors(tensors: dict[str, np.ndarray], metadata: dict[str, str] | None = None) -> bytes:
    """Return a safetensors file."""
    header, body = {"__metadata__": metadata} if metadata else {}, b""
    for name, values in tensors.items():
        kind = {"f": "F64", "i": "I64"}[values.dtype.kind]
        header[name] = {
            "dtype": kind,
            "shape": list(values.shape),
            "data_offsets": [len(body), len(body) + values.nbytes],
        }
        body += values.tobytes()
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + body


@leak
def embedding_of_patients(world: World) -> Leaving:
    return world.file("m.safetensors", safetensors({"embedding": np.zeros((world.frame.height, 4))}))


@leak
def network_larger_than_the_cohort(world: World) -> Leaving:
    return world.file("m.safetensors", safetensors({"hidden": np.zeros((20, 20))}))


@leak
def whole_numbers_as_weights(world: World) -> Leaving:
    return world.file("m.safetensors", safetensors({"w": np.arange(5)}))


@leak
def text_in_metadata_of_weights(world: World) -> Leaving:
    return world.file("m.safetensors", safetensors({"w": np.zeros(2)}, {"of": "kim@example.org"}))


@leak
def bytes_behind_weights(world: World) -> Leaving:
    return world.file("m.safetensors", safetensors({"w": np.zeros(2)}) + world.frame.write_csv().encode())


@leak
def pickled_mlflow_model(world: World) -> Leaving:
    flavour = "flavors:\n  sklearn:\n    pickled_model: model.pkl\n    serialization_format: cloudpickle\n"
    return world.file("MLmodel", flavour)
