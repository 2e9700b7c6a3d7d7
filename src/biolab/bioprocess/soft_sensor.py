"""A soft sensor: what a spectrum says of a concentration, by partial least squares."""

from dataclasses import dataclass, field
from importlib import resources
from importlib.util import find_spec

import numpy as np
import polars as pl

from biolab.core import ConfigError, DataError, MissingExtraError
from biolab.core.arrays import Float

# Spectra of the fermentation were taken every so many hours.
_EVERY_H = 1.25 / 60.0


@dataclass(frozen=True, kw_only=True, eq=False)
class SoftSensor:
    """A fitted sensor: spectrum in, concentration out, and how much to trust it.

    ``rmse`` is that of cross-validation. ``distance`` (in `read`) is the part of a spectrum that the calibration did
    not span, over its 99th percentile there when left out: far above 1, the reading is extrapolation.
    """

    coefficients: Float[np.ndarray, " w"] = field(repr=False)
    centre: Float[np.ndarray, " w"] = field(repr=False)
    mean: float
    plane: Float[np.ndarray, "w a"] = field(repr=False)
    usual_residual: float
    rmse: float
    rmse_by_components: pl.DataFrame = field(repr=False)
    settings: dict[str, object]

    @property
    def metrics(self) -> dict[str, float]:
        """The error of cross-validation, and how many components there are."""
        return {"rmse_cross_validated": self.rmse, "components": float(self.plane.shape[1])}

    def read(self, spectra: pl.DataFrame | Float[np.ndarray, "n w"]) -> pl.DataFrame:
        """Return ``value`` and ``distance`` of each spectrum.

        Raises
        ------
        DataError
            If spectra have another number of wavelengths, or hold values that are not finite.
        """
        x = _treated(_matrix(spectra, len(self.coefficients)), self.settings) - self.centre
        left = x - x @ self.plane @ self.plane.T
        residual = np.sqrt((left**2).sum(axis=1))
        return pl.DataFrame({"value": x @ self.coefficients + self.mean, "distance": residual / self.usual_residual})


def soft_sensor(
    spectra: pl.DataFrame | Float[np.ndarray, "n w"],
    values: Float[np.ndarray, " n"],
    *,
    components: int | None = None,
    derivative: int = 1,
    window: int = 15,
    folds: int = 7,
) -> SoftSensor:
    """Calibrate a sensor on spectra of known samples, a row a spectrum.

    From each spectrum the straight line between its ends is taken, then it is smoothed and differentiated
    (Savitzky-Golay, a parabola over ``window`` wavelengths; order 0 only smooths) and centred: base lines and drift
    go. Without ``components``, the fewest whose cross-validated error is within 10 % of the least of 1 to 10. Folds
    are contiguous runs of samples in the order of their values, dealt out in turn.

    Raises
    ------
    ConfigError
        If the window is even or the derivative not 0, 1 or 2.
    DataError
        If there are too few samples, or a number is not finite.

    References
    ----------
    Wold, Sjöström and Eriksson (2001), Chemom. Intell. Lab. Syst. 58:109-130, doi:10.1016/S0169-7439(01)00155-1

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> glucose, shape = rng.uniform(0, 40, 30), np.exp(-(np.linspace(-3, 3, 200) ** 2))
    >>> spectra = glucose[:, None] * shape + rng.normal(size=(30, 1)) + 0.01 * rng.normal(size=(30, 200))
    >>> sensor = soft_sensor(spectra, glucose)
    >>> bool(abs(sensor.read(25.0 * shape[None]).item(0, "value") - 25.0) < 0.1)
    True
    """
    if derivative not in {0, 1, 2} or window < 3 or window % 2 == 0:
        raise ConfigError(f"derivative {derivative}, window {window}: expected 0, 1 or 2 and an odd window from 3 on.")
    settings: dict[str, object] = {"derivative": derivative, "window": window, "folds": folds}
    raw, y = _matrix(spectra, None), np.asarray(values, dtype=np.float64).ravel()
    if len(raw) != y.size or y.size < folds or not np.isfinite(y).all():
        raise DataError(
            f"{len(raw)} spectra and {y.size} values ({int(np.isfinite(y).sum())} finite); expected one finite value a "
            f"spectrum, at least {folds}."
        )
    x = _treated(raw, settings)
    errors = _cross_validated(x, y, folds)
    chosen = components or int(np.flatnonzero(errors <= 1.1 * errors.min())[0]) + 1
    if not 1 <= chosen <= errors.size:
        raise ConfigError(f"components is {components}; expected 1 to {errors.size} with {y.size} samples.")
    slopes, plane = _pls(x, y, chosen)
    centre = x.mean(axis=0)
    return SoftSensor(
        coefficients=slopes,
        centre=centre,
        mean=float(y.mean()),
        plane=plane,
        usual_residual=_left_out_residual(x, y, chosen, folds),
        rmse=float(errors[chosen - 1]),
        rmse_by_components=pl.DataFrame({"components": np.arange(1, errors.size + 1), "rmse": errors}),
        settings={**settings, "components": chosen},
    )


def fermentation_spectra() -> tuple[pl.DataFrame, Float[np.ndarray, " n"], pl.DataFrame, pl.DataFrame]:
    """Return chemotools' fermentation: 21 spectra and their glucose (g/L), 1629 spectra with time_h, and its HPLC.

    Attenuated total reflection infrared, 1047 wavenumbers; a lignocellulosic ethanol fermentation, a spectrum every 75
    s.

    Raises
    ------
    MissingExtraError
        If chemotools is not installed.

    References
    ----------
    Cabaneros Lopez et al. (2020), Biotechnol. Bioeng. 118:579-591, doi:10.1002/bit.27586
    """
    if find_spec("chemotools") is None:
        raise MissingExtraError("The fermentation spectra are those of chemotools: pip install 'biolab[course]'.")
    folder = resources.files("chemotools.datasets.data")

    def read(name: str) -> pl.DataFrame:
        with resources.as_file(folder / name) as path:
            return pl.read_csv(path, infer_schema_length=None)

    course = read("fermentation_spectra.csv")
    time = pl.Series("time_h", np.arange(course.height) * _EVERY_H)
    return (
        read("train_spectra.csv"),
        read("train_hplc.csv").to_series(0).to_numpy(),
        course.insert_column(0, time),
        read("fermentation_hplc.csv").rename({"time": "time_h", "glucose": "glucose_g_per_l"}),
    )


def _matrix(spectra: pl.DataFrame | Float[np.ndarray, "n w"], width: int | None) -> Float[np.ndarray, "n w"]:
    x = spectra.to_numpy() if isinstance(spectra, pl.DataFrame) else np.asarray(spectra)
    x = x.astype(np.float64)
    if x.ndim != 2 or (width is not None and x.shape[1] != width):
        raise DataError(
            f"spectra have shape {x.shape}; expected a row a spectrum, {width or 'any number of'} wavelengths."
        )
    broken = np.argwhere(~np.isfinite(x))
    if broken.size:
        raise DataError(
            f"spectrum {broken[0][0]}, wavelength {broken[0][1]} is {x[tuple(broken[0])]}; expected numbers."
        )
    return x


def _treated(x: Float[np.ndarray, "n w"], settings: dict[str, object]) -> Float[np.ndarray, "n w"]:
    from scipy.signal import savgol_filter

    way = np.linspace(0.0, 1.0, x.shape[1])
    level = x - (x[:, :1] * (1.0 - way) + x[:, -1:] * way)
    return savgol_filter(level, int(str(settings["window"])), 2, deriv=int(str(settings["derivative"])), axis=1)


def _pls(
    x: Float[np.ndarray, "n w"], y: Float[np.ndarray, " n"], components: int
) -> tuple[Float[np.ndarray, " w"], Float[np.ndarray, "w a"]]:
    """Return slopes and an orthonormal base of the loadings."""
    from sklearn.cross_decomposition import PLSRegression

    model = PLSRegression(n_components=components, scale=False).fit(x, y)
    return model.coef_.ravel(), np.linalg.qr(model.x_loadings_)[0]


def _folds(y: Float[np.ndarray, " n"], folds: int) -> Float[np.ndarray, " n"]:
    return np.argsort(np.argsort(y, kind="stable"), kind="stable") % folds


def _cross_validated(x: Float[np.ndarray, "n w"], y: Float[np.ndarray, " n"], folds: int) -> Float[np.ndarray, " a"]:
    most = max(1, min(10, y.size - int(np.ceil(y.size / folds)) - 2))
    squares, group = np.zeros(most), _folds(y, folds)
    for fold in range(folds):
        inside = group != fold
        centre, mean = x[inside].mean(axis=0), y[inside].mean()
        for a in range(most):
            slopes, _ = _pls(x[inside], y[inside], a + 1)
            squares[a] += (((x[~inside] - centre) @ slopes + mean - y[~inside]) ** 2).sum()
    return np.sqrt(squares / y.size)


def _left_out_residual(x: Float[np.ndarray, "n w"], y: Float[np.ndarray, " n"], components: int, folds: int) -> float:
    found, group = [], _folds(y, folds)
    for fold in range(folds):
        inside = group != fold
        _, plane = _pls(x[inside], y[inside], components)
        centred = x[~inside] - x[inside].mean(axis=0)
        found += np.sqrt(((centred - centred @ plane @ plane.T) ** 2).sum(axis=1)).tolist()
    return max(float(np.quantile(found, 0.99)), 1e-300)
