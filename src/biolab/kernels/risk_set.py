"""Who is at risk when: follow-up sorted once, to be used for any number of linear predictors."""

from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from numba import njit
from numpy import ndarray
from torch import Tensor

from biolab.core import DataError
from biolab.core.arrays import Bool, Float, Int, UInt

from .checks import checked_weights, finite_vector, same_length

Ties = Literal["efron", "breslow"]

# Slots a table may have and still be looked up from the second cache.
BIN = 32768


class Rows(NamedTuple):
    """`Layout` as compiled functions take it, with the kind of ties."""

    order: Int[ndarray, " m"]
    group_start: Int[ndarray, " g+1"]
    first_death: Int[ndarray, " g"]
    opens: Bool[ndarray, " g"]
    death_weight: Float[ndarray, " g"]
    weight: Float[ndarray, " m_or_0"]
    leaves: Int[ndarray, " m_or_0"]
    bin_start: Int[ndarray, " bins+1"]
    binned: UInt[ndarray, " n_or_0"]
    binned_slot: UInt[ndarray, " n"]
    fails: Bool[ndarray, " n"]
    row_weight: Float[ndarray, " n_or_0"]
    efron: bool


@dataclass(frozen=True, kw_only=True, eq=False)
class Layout:
    """Sorted follow-up on one device: m rows that are ever at risk, in g groups, one a stratum and event time.

    Rows stand stratum by stratum, latest first; a group holds the rows which are at risk at its event time and at
    no later one (without left truncation), those who fail then last; ``death_weight`` sums their weights. ``weight``
    is empty where all weigh 1, and ``leaves`` (the last group, in this order, at which a row is at risk) without late
    entry.

    A row's slot is what it is in its group: 2 g for one who joins at group g, 2 g + 1 for one who fails there, and
    twice the number of groups for one who is never at risk. A table by slot may be larger than a processor's caches,
    so rows are also put in bins of `BIN` slots, each in the order of rows: ``binned`` is where a row stands then (empty
    if that is where it stands anyway) and ``binned_slot`` the slots in that order. ``fails`` marks the events that
    count and ``row_weight`` holds the weights, both in the order of rows.
    """

    order: Int[Tensor, " m"]
    group_start: Int[Tensor, " g+1"]
    first_death: Int[Tensor, " g"]
    opens_stratum: Bool[Tensor, " g"]
    death_weight: Float[Tensor, " g"]
    weight: Float[Tensor, " m_or_0"]
    leaves: Int[Tensor, " m_or_0"]
    bin_start: Int[Tensor, " bins+1"]
    binned: Int[Tensor, " n_or_0"]
    binned_slot: Int[Tensor, " n"]
    fails: Bool[Tensor, " n"]
    row_weight: Float[Tensor, " n_or_0"]

    def to(self, device: torch.device) -> "Layout":
        """Copy to a device."""
        return Layout(**{name: tensor.to(device) for name, tensor in self.tensors().items()})

    def rows(self, *, efron: bool) -> Rows:
        """Return the fields as arrays (on the host), with the kind of ties."""
        arrays = {name: tensor.numpy() for name, tensor in self.tensors().items()}
        arrays["opens"] = arrays.pop("opens_stratum")
        for name in (
            "binned",
            "binned_slot",
        ):  # compiled code need not ask whether an unsigned index counts from the end
            arrays[name] = arrays[name].view(np.uint32)
        return Rows(**arrays, efron=efron)

    def tensors(self) -> dict[str, Tensor]:
        """Return the fields by name."""
        return {name: getattr(self, name) for name in Layout.__dataclass_fields__}


@dataclass(frozen=True, init=False, eq=False)
class RiskSet:
    """Risk sets of a Cox model, from one stable sort: O(n) memory for any pattern of ties.

    A row is at risk at the event times t of its stratum with entry < t <= time. Rows with weight 0 do not exist.
    Follow-up may be arrays, tensors or sequences; ``strata`` are labels of any kind.

    Raises
    ------
    DataError
        If there is no row, lengths differ, a number is NaN or infinite, an event is neither 0 nor 1, a weight is
        negative, or an entry is not before its time.

    Examples
    --------
    >>> RiskSet([5.0, 2.0, 2.0, 1.0], [0, 1, 1, 0])
    RiskSet(4 rows, 2 events at 1 time, efron)
    """

    ties: Ties
    rows: int
    layout: Layout
    _copies: dict[torch.device, Layout] = field(repr=False)

    def __init__(
        self,
        time: Any,
        event: Any,
        *,
        ties: Ties = "efron",
        strata: Any = None,
        weight: Any = None,
        entry: Any = None,
    ) -> None:
        if ties not in ("efron", "breslow"):
            raise DataError(f"ties is {ties!r}; expected 'efron' or 'breslow'.")
        build = _checked_and_sorted
        if torch.compiler.is_compiling():  # not for the tracer; hiding it always would load dynamo, seconds, on import
            build = torch.compiler.disable(build)
        layout = build(time, event, strata, weight, entry)
        fields = {"ties": ties, "rows": len(time), "layout": layout, "_copies": {}}
        for name, value in fields.items():
            object.__setattr__(self, name, value)

    @property
    def truncated(self) -> bool:
        """Whether rows enter late."""
        return self.layout.leaves.numel() > 0

    def sorted_rows(self) -> Rows:
        """Return the sorted follow-up as arrays."""
        return self.layout.rows(efron=self.ties == "efron")

    def rows_in_order(self) -> Rows:
        """Return `sorted_rows` for log-hazards that already stand in sorted order, one a row ever at risk."""
        rows = self.sorted_rows()
        slot = np.sort(rows.binned_slot)[: rows.order.size]  # those never at risk have the last
        starts = np.searchsorted(slot, BIN * np.arange(rows.bin_start.size - 1))
        return rows._replace(
            order=np.arange(rows.order.size, dtype=np.int32),
            bin_start=np.append(starts, slot.size),
            binned=rows.binned[:0],
            binned_slot=slot,
            fails=slot % 2 == 1,
            row_weight=rows.weight,
        )

    def on(self, device: torch.device) -> Layout:
        """Return the sorted follow-up on a device, copied there once."""
        if device.type == "cpu":
            return self.layout
        if device not in self._copies:
            self._copies[device] = self.layout.to(device)
        return self._copies[device]

    def __repr__(self) -> str:
        layout = self.layout
        events = int((layout.group_start[1:] - layout.first_death).sum())
        groups = layout.first_death.numel()
        return f"RiskSet({self.rows} rows, {events} events at {groups} time{'s'[: groups != 1]}, {self.ties})"


def _checked_and_sorted(time: Any, event: Any, strata: Any, weight: Any, entry: Any) -> Layout:
    times = finite_vector(_numbers(time, "time"), "time").astype(np.float64)
    events = _events(_numbers(event, "event"))
    same_length(time=times, event=events)
    n = times.size
    if not 0 < n < 2**30:
        raise DataError(f"time has {n} rows; a Cox model needs at least one (and fewer than 2^30).")
    weights = None if weight is None else _case_weights(_numbers(weight, "weight"), n)
    stratum = None if strata is None else _strata(strata, n)
    entered = None if entry is None else _entries(_numbers(entry, "entry"), times)
    return _sorted(times, events, stratum, weights, entered)


def _numbers(values: Any, name: str) -> ndarray:
    column = _host(values)
    if column.dtype.kind not in "biuf":
        raise DataError(f"{name} holds {column.dtype} values; expected numbers.")
    return column


def _host(values: Any) -> ndarray:
    return values.detach().cpu().numpy() if isinstance(values, Tensor) else np.asarray(values)


def _events(values: ndarray) -> Bool[ndarray, " n"]:
    wrong = np.flatnonzero((values != 0) & (values != 1))
    if wrong.size:
        raise DataError(
            f"event is {values.ravel()[wrong[0]]} in row {wrong[0]}; expected 1 (or true) where the event was "
            "observed and 0 (or false) where follow-up was censored."
        )
    return np.ascontiguousarray(values, dtype=bool)


def _case_weights(values: ndarray, n: int) -> Float[ndarray, " n"]:
    weight = checked_weights(values, "weight", n)
    if weight.ndim != 1:
        raise DataError(f"weight has shape {weight.shape}; a risk set takes one weight a row, shape ({n},).")
    return weight


def _strata(values: Any, n: int) -> Int[ndarray, " n"]:
    labels = _host(values)
    if labels.shape != (n,):
        raise DataError(f"strata has shape {labels.shape}; expected one label a row, shape ({n},).")
    if labels.dtype.kind == "f" and np.isnan(labels).any():
        raise DataError(f"strata is NaN in row {np.flatnonzero(np.isnan(labels))[0]}; give it a label or drop the row.")
    return np.unique(labels, return_inverse=True)[1]


def _entries(values: ndarray, time: Float[ndarray, " n"]) -> Float[ndarray, " n"]:
    entry = np.ascontiguousarray(values, dtype=np.float64)
    same_length(time=time, entry=entry)
    wrong = np.flatnonzero(~(entry < time))
    if wrong.size:
        raise DataError(
            f"entry is {entry[wrong[0]]:g} in row {wrong[0]} but time {time[wrong[0]]:g} ({wrong.size} such rows); "
            "a row is at risk in (entry, time], so entry must be earlier. Drop rows without follow-up."
        )
    return entry


def _sorted(
    time: Float[ndarray, " n"],
    event: Bool[ndarray, " n"],
    stratum: Int[ndarray, " n"] | None,
    weight: Float[ndarray, " n"] | None,
    entry: Float[ndarray, " n"] | None,
) -> Layout:
    latest_first = np.argsort(-time)
    _keep_order_of_ties(latest_first, time[latest_first])
    if stratum is not None:
        latest_first = latest_first[np.argsort(stratum[latest_first], kind="stable")]
    if weight is not None:
        latest_first = latest_first[weight[latest_first] > 0]
    labels = np.zeros(0, dtype=np.int64) if stratum is None else stratum[latest_first]
    order, group_start, first_death, opens, last = _lay_out(
        latest_first, time[latest_first], event[latest_first], labels
    )
    leaves = np.zeros(0, dtype=np.int32)
    if entry is not None:
        order, leaves = _truncate(order, group_start, first_death, last, time, entry)
    held = np.zeros(0) if weight is None else weight[order]
    slot = _slots(order, group_start, first_death, time.size)
    death_weight = np.bincount(slot, weights=weight, minlength=2 * first_death.size + 1)[1::2].astype(np.float64)
    bin_start, binned, binned_slot = _bins(slot, 2 * first_death.size + 1)
    return Layout(
        order=torch.from_numpy(order),
        group_start=torch.from_numpy(group_start),
        first_death=torch.from_numpy(first_death),
        opens_stratum=torch.from_numpy(opens),
        death_weight=torch.from_numpy(death_weight),
        weight=torch.from_numpy(held),
        leaves=torch.from_numpy(leaves),
        bin_start=torch.from_numpy(bin_start),
        binned=torch.from_numpy(binned),
        binned_slot=torch.from_numpy(binned_slot),
        fails=torch.from_numpy(slot % 2 == 1),
        row_weight=torch.from_numpy(np.zeros(0) if weight is None else weight.copy()),
    )


@njit(cache=True)
def _slots(
    order: Int[ndarray, " m"], group_start: Int[ndarray, " g+1"], first_death: Int[ndarray, " g"], n: int
) -> Int[ndarray, " n"]:
    groups = first_death.size
    slot = np.full(n, 2 * groups, dtype=np.int32)
    for g in range(groups):
        for k in range(group_start[g], group_start[g + 1]):
            slot[order[k]] = 2 * g + (k >= first_death[g])
    return slot


@njit(cache=True)
def _bins(slot: Int[ndarray, " n"], slots: int) -> tuple[ndarray, ndarray, ndarray]:
    """Sort rows stably by bin; return where bins start, where each row stands and the slots in that order."""
    bins = (slots + BIN - 1) // BIN
    start = np.zeros(bins + 1, dtype=np.int64)
    if bins == 1:
        start[1] = slot.size
        return start, np.empty(0, dtype=np.int32), slot
    for row in range(slot.size):
        start[slot[row] // BIN + 1] += 1
    start = np.cumsum(start)
    following, binned, binned_slot = start[:-1].copy(), np.empty_like(slot), np.empty_like(slot)
    for row in range(slot.size):
        place = following[slot[row] // BIN]
        following[slot[row] // BIN] += 1
        binned[row], binned_slot[place] = place, slot[row]
    return start, binned, binned_slot


@njit(cache=True)
def _keep_order_of_ties(rows: Int[ndarray, " k"], time: Float[ndarray, " k"]) -> None:
    """Make a sort stable: put rows of the same time in ascending order (numpy's own stable sort takes longer)."""
    start = 0
    for k in range(1, rows.size + 1):
        if k == rows.size or time[k] != time[start]:
            if k - start > 1:
                rows[start:k].sort()
            start = k


@njit(cache=True)
def _lay_out(
    latest_first: Int[ndarray, " k"],
    time: Float[ndarray, " k"],
    event: Bool[ndarray, " k"],
    stratum: Int[ndarray, " k_or_0"],
) -> tuple[ndarray, ndarray, ndarray, ndarray, ndarray]:
    """Group rows by the event time at which they join; return also the last group of each group's stratum."""
    k = latest_first.size
    order = np.empty(k, dtype=np.int32)
    group_start = np.zeros(k + 1, dtype=np.int64)
    first_death, last = np.empty(k, dtype=np.int64), np.empty(k, dtype=np.int64)
    opens = np.empty(k, dtype=np.bool_)
    groups, opening, place, start = 0, 0, 0, 0
    while start < k:
        if start > 0 and stratum.size and stratum[start - 1] != stratum[start]:
            last[opening:groups] = groups - 1
            opening, place = groups, group_start[groups]
        stop = start
        while stop < k and time[stop] == time[start]:
            if stratum.size and stratum[stop] != stratum[start]:
                break
            if not event[stop]:
                order[place] = latest_first[stop]
                place += 1
            stop += 1
        deaths = place
        for j in range(start, stop):
            if event[j]:
                order[place] = latest_first[j]
                place += 1
        if place > deaths:
            first_death[groups], opens[groups] = deaths, groups == opening
            groups += 1
            group_start[groups] = place
        start = stop
    last[opening:groups] = groups - 1
    m = group_start[groups]
    return (
        order[:m].copy(),
        group_start[: groups + 1].copy(),
        first_death[:groups].copy(),
        opens[:groups].copy(),
        last[:groups].copy(),
    )


@njit(cache=True)
def _truncate(
    order: Int[ndarray, " m"],
    group_start: Int[ndarray, " g+1"],
    first_death: Int[ndarray, " g"],
    last: Int[ndarray, " g"],
    time: Float[ndarray, " n"],
    entry: Float[ndarray, " n"],
) -> tuple[ndarray, ndarray]:
    """Find the last group at which each row is at risk; drop rows at risk at none (bounds change in place)."""
    groups = first_death.size
    moment = np.empty(groups)
    for g in range(groups):
        moment[g] = time[order[first_death[g]]]
    leaves = np.empty(order.size, dtype=np.int32)
    place, start = 0, 0
    for g in range(groups):
        stop, deaths = group_start[g + 1], first_death[g]
        for j in range(start, stop):
            if j == deaths:
                first_death[g] = place
            low, high = g - 1, last[g]
            while low < high:
                middle = (low + high + 1) // 2
                if moment[middle] > entry[order[j]]:
                    low = middle
                else:
                    high = middle - 1
            if low >= g:
                order[place], leaves[place] = order[j], low
                place += 1
        start = stop
        group_start[g + 1] = place
    return order[:place].copy(), leaves[:place].copy()
