"""Time one tool on packed genotypes in this process and print a line of JSON; called by kernels.py.

    python benchmarks/peers_packed.py TOOL WORK SAMPLES REPEATS DEVICE

Works: packed_counts; packed_scores K and packed_products K, K dense columns, 20,000 variants, 1 % missing calls at the
mean. Tools: biolab (packed_matmul), and numpy and torch, which decode 512 variants at a time by a table of 256 bytes
and multiply in float32: what one writes without a kernel. The packed genotypes are in memory, on the device for torch.
"""

import sys
from collections.abc import Callable

import numpy as np
from one_call import tell

VARIANTS, PIECE = 20_000, 512


def inputs(samples: int, columns: int) -> dict[str, np.ndarray]:
    generator = np.random.default_rng(0)
    codes = np.array([3, 2, 0], dtype=np.uint8)
    packed = np.empty((VARIANTS, -(-samples // 4)), dtype=np.uint8)
    frequency = generator.uniform(0.05, 0.5, size=VARIANTS)
    for start in range(0, VARIANTS, 1000):
        dosage = generator.binomial(2, frequency[start : start + 1000, None], size=(1000, packed.shape[1] * 4))
        calls = codes[dosage]
        calls[generator.random(calls.shape, dtype=np.float32) < 0.01] = 1
        calls[:, samples:] = 0
        fours = calls.reshape(1000, -1, 4)
        packed[start : start + 1000] = fours[..., 0] | fours[..., 1] << 2 | fours[..., 2] << 4 | fours[..., 3] << 6
    return {
        "packed": packed,
        "mean": 2 * frequency,
        "weights": generator.normal(size=(VARIANTS, columns)),
        "dense": generator.normal(size=(samples, columns)),
    }


def biolab(kind: str, samples: int, given: dict[str, np.ndarray], device: str) -> Callable[[], np.ndarray]:
    from biolab import kernels

    coding = kernels.Coding.of(VARIANTS, missing=given["mean"])
    packed, weights, dense = given["packed"], given["weights"], given["dense"]
    if kind == "packed_counts":
        return lambda: kernels.packed_counts(packed, samples)
    work, columns = (kernels.packed_scores, weights) if kind == "packed_scores" else (kernels.packed_products, dense)
    if device == "cpu":
        return lambda: work(packed, samples, columns, coding)
    import torch

    there, moved = torch.from_numpy(packed).to(device), torch.from_numpy(columns).to(device)

    def run() -> np.ndarray:
        found = work(there, samples, moved, coding)
        torch.cuda.synchronize()
        return found.cpu().numpy()

    return run


def _table() -> np.ndarray:
    """Return the dosages of the four calls of each byte; -1 for none."""
    dosage = np.array([2, -1, 1, 0], dtype=np.float32)
    return dosage[(np.arange(256)[:, None] >> np.array([0, 2, 4, 6])) & 3]


def numpy(kind: str, samples: int, given: dict[str, np.ndarray], device: str) -> Callable[[], np.ndarray]:
    table, packed, mean = _table(), given["packed"], given["mean"].astype(np.float32)
    weights, dense = given["weights"].astype(np.float32), given["dense"].astype(np.float32)

    def run() -> np.ndarray:
        total, parts = np.zeros((samples, weights.shape[1])), []
        for start in range(0, VARIANTS, PIECE):
            rows = slice(start, start + PIECE)
            decoded = table[packed[rows]].reshape(len(packed[rows]), -1)[:, :samples]
            if kind == "packed_counts":
                parts.append(np.stack([(decoded == value).sum(axis=1) for value in (2, 1, 0, -1)], axis=1))
                continue
            decoded = np.where(decoded < 0, mean[rows, None], decoded)
            if kind == "packed_scores":
                total += decoded.T @ weights[rows]
            else:
                parts.append(decoded @ dense)
        return np.concatenate(parts) if parts else total

    return run


def torch(kind: str, samples: int, given: dict[str, np.ndarray], device: str) -> Callable[[], np.ndarray]:
    import torch as t

    table, packed = t.from_numpy(_table()).to(device), t.from_numpy(given["packed"]).to(device)
    mean, weights, dense = (t.from_numpy(given[name]).float().to(device) for name in ("mean", "weights", "dense"))

    def run() -> np.ndarray:
        total, parts = t.zeros((samples, weights.shape[1]), device=device), []
        for start in range(0, VARIANTS, PIECE):
            rows = slice(start, start + PIECE)
            decoded = table[packed[rows].int()].reshape(len(packed[rows]), -1)[:, :samples]
            if kind == "packed_counts":
                parts.append(t.stack([(decoded == value).sum(dim=1) for value in (2, 1, 0, -1)], dim=1))
                continue
            decoded = t.where(decoded < 0, mean[rows, None], decoded)
            if kind == "packed_scores":
                total += decoded.T @ weights[rows]
            else:
                parts.append(decoded @ dense)
        return (t.cat(parts) if parts else total).cpu().numpy()

    return run


def mean_size(found: object) -> float:
    """Return a number by which the results of tools are compared."""
    return float(np.abs(np.asarray(found, dtype=np.float64)).mean())


def main() -> None:
    tool, work, samples, repeats, device = sys.argv[1:6]
    kind, _, columns = work.partition(" ")
    given = inputs(int(samples), int(columns or 1))
    run = {"biolab": biolab, "numpy": numpy, "torch": torch}[tool](kind, int(samples), given, device)
    tell(tool, run, int(repeats), mean_size, packed_bytes=given["packed"].nbytes)


if __name__ == "__main__":
    main()
