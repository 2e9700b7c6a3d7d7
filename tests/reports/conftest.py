"""A comparison of two institutions as the joint room would make it: invented numbers in believable places."""

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import polars as pl
import pytest

from biolab.joint import Best, PooledPerformance, best_model, pool_performance
from biolab.joint.fairness import fairness
from biolab.reports import Plates, legend_of, plates

HORIZONS = (36.0, 60.0)
SITES = ("rotterdam", "gbsg")
MODELS = ("reference", "cox", "ridge", "boosted")
_BY_MODEL = ("models", "coefficients", "pooled", "transport")


@dataclass(frozen=True, kw_only=True)
class InventedProtocol:
    name: str = "breast-prognosis"
    version: str = "1"
    sha256: str = "9f2c4e1ab07d5c3388e1f0a6d2b94c57708e3a1f6bd2c90e5514f7a83c6e0d12"
    question: Mapping[str, str] = field(
        default_factory=lambda: {
            "en": "Does a model of routine pathology predict recurrence-free survival in node-positive breast cancer "
            "better than age and lymph nodes alone, at the hospital it comes from and at another one?",
            "ko": "일상적인 병리 정보로 만든 모형은 림프절 양성 유방암 환자의 무재발 생존을 나이와 림프절 수만으로 "
            "예측하는 것보다 더 잘 예측하는가? 모형을 만든 병원과 다른 병원 모두에서 그러한가?",
        }
    )
    title: Mapping[str, str] = field(
        default_factory=lambda: {
            "en": "Prognosis of node-positive breast cancer at two institutions",
            "ko": "두 기관에서 본 림프절 양성 유방암의 예후",
        }
    )
    endpoint: Mapping[str, str] = field(default_factory=lambda: {"en": "Recurrence-free survival", "ko": "무재발 생존"})
    time_unit: str = "month"
    horizons: tuple[float, ...] = HORIZONS
    tau: float = 84.0
    reference_model: str = "reference"
    minimum_cell: int = 10
    minimum_events: int = 10
    outcome: str = "survival"
    claims: str = "risks"
    subgroup_labels: Mapping[str, Mapping[str, str]] = field(
        default_factory=lambda: {"meno": {"en": "Menopause", "ko": "폐경"}}
    )
    panels: tuple[Mapping[str, str], ...] = ()
    settings: Mapping[str, object] = field(
        default_factory=lambda: {
            "seed": 20260,
            "confidence": 0.95,
            "resampling": {"folds": 5, "repeats": 4, "bootstrap_replicates": 1000},
            "eligibility": ["nodes >= 1", "age >= 18"],
        }
    )


def _invented_verdicts() -> pl.DataFrame:
    rows = [(f"{n:032x}", f"{site} {model}", site, model, site, "model", "1", "0" * 64, None, "verified", "used")
            for n, (site, model) in enumerate((site, model) for site in SITES for model in MODELS)]  # fmt: skip
    return _rows("run_id name site model model_site role version sha256 started state use", rows)


@dataclass(frozen=True, kw_only=True)
class InventedComparison:
    protocol: InventedProtocol
    sites: pl.DataFrame
    cohorts: pl.DataFrame
    characteristics: pl.DataFrame
    flow: pl.DataFrame
    survival_curves: pl.DataFrame
    at_risk: pl.DataFrame
    models: pl.DataFrame
    coefficients: pl.DataFrame
    pooled: pl.DataFrame
    validation: pl.DataFrame
    differences: pl.DataFrame
    calibration: pl.DataFrame
    runs: pl.DataFrame
    versions: pl.DataFrame
    withheld: pl.DataFrame
    signatures: pl.DataFrame
    transport: pl.DataFrame
    subgroups: pl.DataFrame
    subgroup_differences: pl.DataFrame
    signed: bool = True
    verdicts: pl.DataFrame = field(default_factory=_invented_verdicts)
    changes: pl.DataFrame = field(default_factory=lambda: _rows("run_id name site model role field signed stored", []))
    missing: pl.DataFrame = field(default_factory=lambda: _rows("model train_site test_site reason", []))

    @cached_property
    def meta(self) -> PooledPerformance:
        return pool_performance(_with_errors(self.validation))

    @cached_property
    def best(self) -> Best:
        return best_model(
            _with_errors(self.validation), _with_errors(self.differences), models=list(self.models["model"]),
            reference=self.protocol.reference_model,
        )  # fmt: skip

    @cached_property
    def fairness(self) -> pl.DataFrame:
        return fairness(self.subgroups)


def _with_errors(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(standard_error=(pl.col("upper") - pl.col("lower")) / 3.92)


def _rows(columns: str, rows: list[tuple], schema: Mapping[str, pl.DataType] | None = None) -> pl.DataFrame:
    frame = pl.DataFrame(rows, schema=columns.split(), orient="row", infer_schema_length=None)
    return frame.with_columns([pl.col(name).cast(kind) for name, kind in (schema or {}).items()])


def _characteristics() -> pl.DataFrame:
    words = {
        "age": ("Age", "나이", "years"),
        "nodes": ("Positive lymph nodes", "양성 림프절 수", None),
        "meno": ("Menopausal state", "폐경 여부", None),
        "grade": ("Tumour grade", "종양 등급", None),
        "size": ("Tumour size", "종양 크기", None),
        "pgr": ("Progesterone receptor", "프로게스테론 수용체", "fmol/mg"),
    }
    numbers = {
        "age": ((55, 46, 65), (53, 46, 61)), "nodes": ((4, 2, 8), (3, 1, 7)), "pgr": ((38, 3, 179), (32.5, 7, 131.8)),
    }  # fmt: skip
    counts = {
        "meno": {"pre": ((680, 44.0), (290, 42.3)), "post": ((866, 56.0), (396, 57.7))},
        "grade": {"1": ((None, None), (81, 11.8)), "2": ((345, 22.3), (444, 64.7)), "3": ((1194, 77.2), (161, 23.5))},
        "size": {"≤20 mm": ((561, 36.3), (180, 26.2)), "20–50 mm": ((770, 49.8), (453, 66.0)),
                 ">50 mm": ((215, 13.9), (53, 7.7))},
    }  # fmt: skip
    rows: list[tuple] = []
    for variable, (en, ko, unit) in words.items():
        for place, site in enumerate(SITES):
            head = (site, variable, en, ko, unit)
            if variable in numbers:
                median, low, high = numbers[variable][place]
                rows.append((*head, None, "quartiles", float(median), float(low), float(high), None))
            for level, values in counts.get(variable, {}).items():
                number, percent = values[place]
                rows.append((*head, level, "count", None if number is None else float(number), None, None, percent))
            if variable == "pgr":
                rows.append((*head, None, "missing", [14.0, None][place], None, None, [0.9, None][place]))
    columns = "site variable label_en label_ko unit level kind value lower upper percent"
    return _rows(columns, rows, {name: pl.Float64() for name in ("value", "lower", "upper", "percent")})


def _survival() -> tuple[pl.DataFrame, pl.DataFrame]:
    curves, at_risk = [], []
    generator = np.random.default_rng(7)
    for site, patients, scale, end in (("rotterdam", 1546, 105.0, 120.0), ("gbsg", 686, 82.0, 87.0)):
        time = scale * generator.weibull(1.15, patients)
        last = generator.uniform(12, end, patients)
        follow_up, event = np.minimum(time, last), time <= last
        survival, variance = 1.0, 0.0
        curves.append((site, 0.0, 1.0, 1.0, 1.0))
        for moment in np.unique(np.ceil(follow_up[event])):
            risk = int((follow_up > moment - 1).sum())
            events = int((event & (np.ceil(follow_up) == moment)).sum())
            if risk <= events or moment > end:
                continue
            survival *= 1 - events / risk
            variance += events / (risk * (risk - events))
            spread = 1.96 * survival * math.sqrt(variance)
            curves.append((site, float(moment), survival, max(0.0, survival - spread), min(1.0, survival + spread)))
        for moment in range(0, 121, 24):
            risk = int((follow_up >= moment).sum())
            at_risk.append((site, float(moment), risk if risk >= 10 else None))
    return _rows("site time survival lower upper", curves), _rows("site time at_risk", at_risk)


def _coefficients() -> tuple[pl.DataFrame, pl.DataFrame]:
    terms = {
        "age": ("Age (per 10 years)", "나이 (10년 증가당)", (-0.02, -0.10), (0.03, 0.07)),
        "nodes": ("Positive nodes (log scale)", "양성 림프절 (로그)", (0.46, 0.42), (0.04, 0.06)),
        "grade_3": ("Grade 3 vs 1–2", "등급 3 (1–2 대비)", (0.31, 0.24), (0.09, 0.12)),
        "size_large": ("Size >50 mm vs ≤20 mm", "크기 >50 mm (≤20 mm 대비)", (0.42, 0.19), (0.10, 0.19)),
        "hormone": ("Hormone therapy", "호르몬 치료", (-0.21, -0.35), (0.10, 0.13)),
        "pgr": ("Progesterone receptor (log scale)", "프로게스테론 수용체 (로그)", (-0.06, -0.17), (0.016, 0.035)),
    }
    used = {"reference": ("age", "nodes"), "cox": tuple(terms), "ridge": tuple(terms)}
    single, pooled = [], []
    for model, names in used.items():
        for term in names:
            en, ko, effects, errors = terms[term]
            for site, effect, error in zip(SITES, effects, errors, strict=True):
                beta = effect * (0.93 if model == "ridge" else 1.0)
                ratio = [math.exp(beta + z * error) for z in (0, -1.96, 1.96)]
                single.append((model, site, term, en, ko, beta, error, *ratio))
            weights = [1 / error**2 for error in errors]
            mean = sum(w * e for w, e in zip(weights, effects, strict=True)) / sum(weights)
            q = sum(w * (e - mean) ** 2 for w, e in zip(weights, effects, strict=True))
            i2 = max(0.0, (q - 1) / q) if q > 0 else 0.0
            tau2 = max(0.0, (q - 1) / (sum(weights) - sum(w * w for w in weights) / sum(weights)))
            totals = [1 / (error**2 + tau2) for error in errors]
            error = 1 / math.sqrt(sum(totals))
            mean = sum(w * e for w, e in zip(totals, effects, strict=True)) / sum(totals)
            width = 12.7 if term == "size_large" else 1.96
            ratio = [math.exp(mean + z * error) for z in (0, -width, width)]
            pooled.append((model, term, en, ko, *ratio, tau2, i2, "REML"))
    columns = "model site term label_en label_ko log_hazard_ratio standard_error hazard_ratio lower upper"
    return _rows(columns, single), _rows("model term label_en label_ko hazard_ratio lower upper tau2 i2 method", pooled)


_GAINS = {"reference": 0.0, "cox": 0.022, "ridge": 0.023, "boosted": 0.016}


def _validation() -> tuple[pl.DataFrame, pl.DataFrame]:
    rows, gaps = [], []
    for train in SITES:
        for test in SITES:
            home = train == test
            half = 0.016 if test == "rotterdam" else 0.028
            shift = (0.0 if home else -0.012) + (0.0 if test == "rotterdam" else -0.018)
            for model, gain in _GAINS.items():
                gain_here = gain if not (train == "gbsg" and test == "rotterdam") else gain * 0.3
                level = 0.668 + shift + gain_here
                ibs = 0.182 - gain_here * 0.6 + (0.0 if home else 0.006)
                slope = 1.0 - (0.02 if home else 0.13) - (0.12 if model == "boosted" else 0.0)
                ratio = 1.0 if home else 1.18 if test == "gbsg" else 0.86
                values = [
                    ("harrell_c", None, level, half), ("uno_c", None, level - 0.006, half * 1.1),
                    ("integrated_brier_score", None, ibs, 0.007), ("calibration_slope", None, slope, half * 5),
                ]  # fmt: skip
                for place, horizon in enumerate(HORIZONS):
                    values.append(("time_dependent_auc", horizon, level + 0.035 - 0.02 * place, half * 1.3))
                    values.append(("observed_expected", horizon, ratio - 0.03 * place, half * 4))
                for metric, horizon, estimate, width in values:
                    key = (model, train, test, metric, horizon)
                    rows.append((*key, estimate, estimate - width, estimate + width))
                    if model != "reference" and metric in {"harrell_c", "uno_c", "integrated_brier_score"}:
                        value = gain_here * (-0.6 if metric == "integrated_brier_score" else 1.0)
                        spread = half * (0.25 if metric == "integrated_brier_score" else 0.5)
                        gap = (model, "reference", train, test, metric, horizon)
                        gaps.append((*gap, value, value - spread, value + spread))
    floats = {"horizon": pl.Float64()}
    columns = "train_site test_site metric horizon"
    return (
        _rows(f"model {columns} estimate lower upper", rows, floats),
        _rows(f"model reference {columns} difference lower upper", gaps, floats),
    )


def _calibration() -> pl.DataFrame:
    rows = []
    for place, model in enumerate(MODELS):
        for train in SITES:
            for test in SITES:
                for horizon in HORIZONS:
                    for group in range(1, 6):
                        predicted = 0.06 + group * (0.095 + 0.008 * place) * (horizon / 60) ** 0.6
                        tilt = 1.0 if train == test else 1.16 if test == "gbsg" else 0.87
                        observed = predicted * tilt + 0.012 * math.sin(7 * group + place)
                        half = 0.035 if test == "rotterdam" else 0.065
                        patients = 309 if test == "rotterdam" else 137
                        limits = (max(0.0, observed - half), min(1.0, observed + half))
                        rows.append((model, train, test, horizon, group, predicted, observed, *limits, patients))
    return _rows("model train_site test_site horizon group predicted observed lower upper patients", rows)


def _subgroups() -> dict[str, pl.DataFrame]:
    rows = [
        ("meno", group, model, "harrell_c", None, 0.66 - shift, 0.62 - shift, 0.7 - shift, train, test)
        for train in SITES
        for test in SITES
        for model in MODELS
        for group, shift in (("pre", 0.02), ("post", 0.0))
    ]
    columns = "variable subgroup model metric horizon {} lower upper {}train_site test_site"
    floats = {"horizon": pl.Float64()}
    apart = [(*row[:5], -0.02, -0.04, -0.01, 0.02 if row[0:2] == ("meno", "pre") else 0.8, *row[8:]) for row in rows]
    return {
        "subgroups": _rows(columns.format("estimate", ""), rows, floats),
        "subgroup_differences": _rows(columns.format("difference", "adjusted_p_value "), apart, floats),
    }


def _transport() -> pl.DataFrame:
    rows = [
        (model, "harrell_c", setting, value - drop, value - drop - 0.02, value - drop + 0.02, 0.3, 2, 2)
        for place, model in enumerate(MODELS)
        for value in (0.64 + 0.01 * place,)
        for setting, drop in (("home", 0.0), ("abroad", 0.015))
    ]
    return _rows("model metric setting estimate lower upper i2 test_sites directions", rows)


def build_comparison() -> InventedComparison:
    coefficients, pooled = _coefficients()
    curves, at_risk = _survival()
    validation, gaps = _validation()
    described = {
        "reference": ("Age and nodes", "나이와 림프절",
                      "Cox model of age and positive lymph nodes only: the bar to clear.",
                      "나이와 양성 림프절 수만 쓴 콕스 모형. 다른 모형이 넘어야 할 기준입니다."),
        "cox": ("Cox", "콕스", "Cox model of all variables, Efron's treatment of ties.",
                "모든 변수를 쓴 콕스 모형. 동시에 일어난 사건은 에프론 방식으로 다룹니다."),
        "ridge": ("Cox with ridge", "능형 콕스", "The same with a ridge penalty chosen by cross-validation.",
                  "같은 변수에 교차검증으로 고른 능형 벌점을 준 콕스 모형."),
        "boosted": ("Boosted hazard", "부스팅 위험", "Gradient-boosted trees on a discrete-time hazard.",
                    "이산시간 위험에 대한 경사 부스팅 나무 모형."),
    }  # fmt: skip
    runs = [(f"{place:02d}c4f7a9e1b24d6f8a0b3c5d7e9f1a2b", site, model, "site", "2026-11-20T09:15:00Z")
            for place, (site, model) in enumerate((site, model) for site in SITES for model in MODELS)]  # fmt: skip
    return InventedComparison(
        protocol=InventedProtocol(),
        sites=_rows("site label_en label_ko country note_en note_ko", [
            ("rotterdam", "Rotterdam", "로테르담", "NL", None, None),
            ("gbsg", "German group (GBSG)", "독일 연구회(GBSG)", "DE", None, None),
        ], {"note_en": pl.String(), "note_ko": pl.String()}),
        cohorts=_rows("site patients events dropped median_follow_up", [
            ("rotterdam", 1546, 974, 1436, 107.9), ("gbsg", 686, 299, 0, 53.9),
        ]),
        characteristics=_characteristics(),
        flow=_rows("site step reason_en reason_ko dropped remaining", [
            ("rotterdam", "read", "Read from the file", "파일에서 읽음", 0, 2982),
            ("rotterdam", "nodes", "No positive lymph node", "양성 림프절 없음", 1436, 1546),
            ("gbsg", "read", "Read from the file", "파일에서 읽음", 0, 686),
            ("gbsg", "nodes", "No positive lymph node", "양성 림프절 없음", None, 686),
        ]),
        survival_curves=curves,
        at_risk=at_risk,
        models=_rows("model label_en label_ko description_en description_ko",
                     [(model, *words) for model, words in described.items()]),
        coefficients=coefficients,
        pooled=pooled,
        validation=validation,
        differences=gaps,
        calibration=_calibration(),
        runs=_rows("run_id site model role started", [*runs, (
            "77c4f7a9e1b24d6f8a0b3c5d7e9f1a2b", None, None, "comparison", "2026-11-20T09:16:00Z")]),
        withheld=pl.DataFrame(schema=dict.fromkeys(("site", "model", "reason"), pl.String)),
        signatures=pl.DataFrame(
            schema=dict.fromkeys(("model", "site", "feature"), pl.String) | {"log_hazard_ratio": pl.Float64}
        ),
        transport=_transport(),
        **_subgroups(),
        versions=_rows("name version", [("biolab", "0.1.0"), ("torch", "2.13.0"), ("polars", "1.44.2")]),
    )  # fmt: skip


@pytest.fixture(scope="session")
def comparison() -> InventedComparison:
    return build_comparison()


def with_missing_cells(comparison: InventedComparison) -> InventedComparison:
    """Take away one result, blank one, and leave one without an interval."""
    cox = pl.col("model") == "cox"
    there = (pl.col("train_site") == "rotterdam") & (pl.col("test_site") == "gbsg") & (pl.col("metric") == "harrell_c")
    boosted, ridge = pl.col("model") == "boosted", pl.col("model") == "ridge"
    validation = comparison.validation.filter(~(cox & there)).with_columns(
        pl.when(boosted & there).then(float("nan")).otherwise(pl.col("estimate")).alias("estimate"),
        pl.when(ridge & there).then(None).otherwise(pl.col("lower")).alias("lower"),
    )
    return dataclasses.replace(comparison, validation=validation)


def of_one_site(comparison: InventedComparison) -> InventedComparison:
    """Leave only the first institution."""
    site = "rotterdam"
    both = (pl.col("train_site") == site) & (pl.col("test_site") == site)
    names = ("sites", "cohorts", "characteristics", "flow", "survival_curves", "at_risk", "coefficients", "runs")
    frames = {name: getattr(comparison, name).filter(pl.col("site") == site) for name in names}
    crossed = {name: getattr(comparison, name).filter(both) for name in ("validation", "differences", "calibration")}
    alone = comparison.transport.filter(pl.col("setting") == "home")
    return dataclasses.replace(comparison, **frames, **crossed, pooled=comparison.pooled.clear(), transport=alone)


def slim(comparison: InventedComparison) -> InventedComparison:
    """Leave two models and the measures that the answer needs: a page quick to draw."""
    models = pl.col("model").is_in(["reference", "cox"])
    measures = pl.col("metric").is_in(["harrell_c", "calibration_slope", "observed_expected"])
    late = pl.col("horizon").is_null() | (pl.col("horizon") == HORIZONS[-1])
    frames = {
        name: getattr(comparison, name).filter(models) for name in ("models", "coefficients", "pooled", "transport")
    }
    crossed = {
        name: getattr(comparison, name).filter(models & late & measures) for name in ("validation", "differences")
    }
    calibration = comparison.calibration.filter(models & late)
    return dataclasses.replace(comparison, **frames, **crossed, calibration=calibration)


@pytest.fixture(scope="session")
def small(comparison: InventedComparison) -> InventedComparison:
    return slim(comparison)


@pytest.fixture(scope="session")
def small_plates(small: InventedComparison) -> Plates:
    """Return the figures of the small comparison, for pages whose words alone are looked at."""
    return plates(small, legend_of(small))


@pytest.fixture(scope="session")
def missing_cells(comparison: InventedComparison) -> InventedComparison:
    return with_missing_cells(comparison)


@pytest.fixture(scope="session")
def one_site(comparison: InventedComparison) -> InventedComparison:
    return of_one_site(slim(comparison))
