"""Mean, spread and range of joint values, episode by episode and merged without reading an episode again."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Moments:
    """Of `count` rows of D values: mean, sum of squared deviations from it, least and most, (D,) each."""

    count: int
    mean: NDArray[np.float64]
    m2: NDArray[np.float64]
    least: NDArray[np.float64]
    most: NDArray[np.float64]

    @property
    def std(self) -> NDArray[np.float64]:
        """Of the population: the rows are all there are."""
        deviation: NDArray[np.float64] = np.sqrt(self.m2 / self.count)
        return deviation

    @classmethod
    def of(cls, values: NDArray[np.floating]) -> "Moments":
        """Of `values` (T, D). Raises `ValueError` for T = 0."""
        rows = np.asarray(values, np.float64)
        if rows.ndim != 2 or not len(rows):
            raise ValueError(f"statistics need (T, D) with T > 0, got {rows.shape}")
        mean = rows.mean(axis=0)
        return cls(len(rows), mean, ((rows - mean) ** 2).sum(axis=0), rows.min(axis=0), rows.max(axis=0))

    def to_bytes(self) -> bytes:
        """Little-endian float64: count, mean, m2, least, most."""
        parts = (np.array([self.count]), self.mean, self.m2, self.least, self.most)
        content: bytes = np.concatenate(parts).astype("<f8").tobytes()
        return content


def moments_bytes(joints: int) -> int:
    """How long the bytes of `joints` joints are."""
    return 8 * (1 + 4 * joints)


def merged(moments: Sequence[bytes], joints: int) -> Moments:
    """All together, from their bytes. Raises `ValueError` when there are none, or one is of other joints.

    Two and two, then two of those and so on: as exact as one pass over all rows, and vectorised over the pairs
    (Chan, Golub and LeVeque 1979, "Updating formulae and a pairwise algorithm for computing sample variances").
    """
    if not moments or any(len(one) != moments_bytes(joints) for one in moments):
        raise ValueError(f"{len(moments)} statistics can not be merged for {joints} joints")
    rows = np.frombuffer(b"".join(moments), "<f8").reshape(len(moments), 1 + 4 * joints)
    count, rest = rows[:, :1], rows[:, 1:].reshape(len(moments), 4, joints)
    mean, m2, least, most = rest[:, 0], rest[:, 1], rest[:, 2], rest[:, 3]
    while len(count) > 1:
        even = len(count) // 2 * 2
        a, b = count[0:even:2], count[1:even:2]
        total, delta = a + b, mean[1:even:2] - mean[0:even:2]
        mean = _with_last(mean[0:even:2] + delta * b / total, mean, even)
        m2 = _with_last(m2[0:even:2] + m2[1:even:2] + delta**2 * a * b / total, m2, even)
        count = _with_last(total, count, even)
    return Moments(int(count[0, 0]), mean[0], m2[0], least.min(axis=0), most.max(axis=0))


def _with_last(pairs: NDArray[np.float64], all_rows: NDArray[np.float64], even: int) -> NDArray[np.float64]:
    """The merged pairs, and behind them the one that had no partner."""
    return np.concatenate([pairs, all_rows[even:]])
