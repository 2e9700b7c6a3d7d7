"""Weights in safetensors and skops: plain numbers, fewer than a third of the patients, of models that keep no rows."""

import ast
import io
import json
import struct
import zipfile
from collections.abc import Iterator, Mapping
from typing import Any

from .archives import damage
from .columns import names_in
from .findings import Finding
from .released import MOST_PARAMETERS, saturated
from .scrutiny import Scrutiny

_FLOATS = frozenset({"F16", "BF16", "F32", "F64"})
_NPY_FLOATS = ("<f2", "<f4", "<f8", "|b1", "<i4", "<i8", "<U")
_LINEAR = names_in("""
    LinearRegression Ridge RidgeCV Lasso LassoCV ElasticNet ElasticNetCV LogisticRegression LogisticRegressionCV
    RidgeClassifier RidgeClassifierCV SGDClassifier SGDRegressor PoissonRegressor GammaRegressor
    TweedieRegressor HuberRegressor BayesianRidge Pipeline ColumnTransformer FeatureUnion StandardScaler
    OneHotEncoder
""")
_PLAIN_MODULES = ("builtins", "numpy", "sklearn.")


def check_safetensors(where: str, content: bytes, scrutiny: Scrutiny) -> Iterator[Finding]:
    """Check the names, kinds, shapes and metadata of tensors."""
    header = _header(content)
    if header is None:
        yield _finding(where, "unreadable", "it is not a safetensors file", "Write it with safetensors.")
        return
    if scrutiny.rules.cohort_size is None:
        yield _unknown_size(where)
        return
    yield from scrutiny.text(where, json.dumps(header, ensure_ascii=False))
    tensors = {name: entry for name, entry in header.items() if name != "__metadata__"}
    if sum(entry["data_offsets"][1] - entry["data_offsets"][0] for entry in tensors.values()) != len(
        content
    ) - 8 - _length(content):
        yield _finding(where, "hidden-content", "it holds bytes that belong to no tensor", "Write it with safetensors.")
    if any(entry["dtype"] not in _FLOATS for entry in tensors.values()):
        yield _finding(
            where, "model-kind", "a tensor of whole numbers can be a list of patients", "Release coefficients."
        )
    yield from _check_shapes(where, [tuple(entry["shape"]) for entry in tensors.values()], scrutiny)


def _header(content: bytes) -> dict[str, Any] | None:
    try:
        header = json.loads(content[8 : 8 + _length(content)])
        whole = all(
            {"dtype", "shape", "data_offsets"} <= entry.keys()
            for name, entry in header.items()
            if name != "__metadata__"
        )
    except (ValueError, struct.error, AttributeError, TypeError):
        return None
    return header if whole else None


def _length(content: bytes) -> int:
    return int(struct.unpack("<Q", content[:8])[0])


def _check_shapes(where: str, shapes: list[tuple[int, ...]], scrutiny: Scrutiny) -> Iterator[Finding]:
    patients = scrutiny.rules.cohort_size or 0
    sizes = [_product(shape) for shape in shapes]
    if any(size >= patients for shape in shapes for size in shape):
        yield _finding(
            where, "memorises-rows", "an array is as long as the cohort, as an embedding of its patients would be",
            "Release a model whose size does not grow with the cohort.",
        )  # fmt: skip
    if sum(sizes) * MOST_PARAMETERS > patients:
        yield saturated(where)


def _product(shape: tuple[int, ...]) -> int:
    size = 1
    for length in shape:
        size *= length
    return size


def check_skops(where: str, content: bytes, scrutiny: Scrutiny) -> Iterator[Finding]:
    """Check the classes and the arrays of a skops file: linear models only, no objects."""
    if (fault := damage(content)) is not None:
        yield _finding(where, "unreadable", fault, "Write it with skops.")
        return
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        files = {entry.filename: packed.read(entry) for entry in packed.infolist()}
    try:
        schema = json.loads(files.pop("schema.json"))
    except (KeyError, ValueError):
        yield _finding(where, "unreadable", "it is not a skops file", "Write it with skops.")
        return
    if any(name for kind, name in _classes(schema) if name not in _LINEAR and not kind.startswith(_PLAIN_MODULES[:2])):
        yield _finding(
            where, "memorises-rows", "it holds a model of a kind that can keep rows (neighbours, kernels, trees)",
            "Release a linear model, or a boosted hazard in its released form.",
        )  # fmt: skip
    if scrutiny.rules.cohort_size is None:
        yield _unknown_size(where)
        return
    yield from scrutiny.text(where, json.dumps(schema, ensure_ascii=False))
    headers = [_npy_header(each) for each in files.values()]
    if any(header is None or not str(header[0]).startswith(_NPY_FLOATS) for header in headers):
        yield _finding(where, "pickle", "an array holds objects, or a member is no array", "Release plain numbers.")
    yield from _check_shapes(where, [header[1] for header in headers if header is not None], scrutiny)


def _classes(schema: object) -> Iterator[tuple[str, str]]:
    match schema:
        case Mapping():
            if schema.get("__loader__") not in {None, "TypeNode"}:
                yield str(schema.get("__module__")), str(schema.get("__class__"))
            for value in schema.values():
                yield from _classes(value)
        case list():
            for value in schema:
                yield from _classes(value)


def _npy_header(content: bytes) -> tuple[str, tuple[int, ...]] | None:
    if content[:6] != b"\x93NUMPY":
        return None
    size, start = (
        (struct.unpack("<H", content[8:10])[0], 10) if content[6] == 1 else (struct.unpack("<I", content[8:12])[0], 12)
    )
    try:
        header = ast.literal_eval(content[start : start + size].decode("latin-1").strip())
        return str(header["descr"]), tuple(header["shape"])
    except (ValueError, SyntaxError, KeyError):
        return None


def _unknown_size(where: str) -> Finding:
    return _finding(
        where, "unknown-cohort", "how many patients these weights rest on is unknown",
        "Check it at the site with cohort=, or with Rules(cohort_size=...).",
    )  # fmt: skip


def _finding(where: str, rule: str, what: str, remedy: str) -> Finding:
    return Finding(where=where, rule=rule, what=what, remedy=remedy)
