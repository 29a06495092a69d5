"""R-DGG: how much the speaker's speech helps to predict the listener's motion."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

OFFSETS = np.array([*range(1, 13), 14, 16, 18, 20, 24, 28, 32, 40, 48, 60, 72, 88, 100])
"""Frames before the predicted one at which the past is read."""
HISTORY = int(OFFSETS.max())
SHORTEST = 3 * HISTORY
"""Frames of a clip: its history, the shifts, which are at least as long, and frames to predict."""
SPEECH_AXES, MOTION_AXES = 64, 32
RIDGE, SPEAKER_RIDGE = 1e-4, 1e-1
FOLDS, SHIFTS, DRAWS = 4, 100, 2000
MOST_ROWS = 30_000
NATS = 1e4
"""Scores are printed in units of 1e-4 nats."""


@dataclass(frozen=True)
class Gain:
    """In 1e-4 nats. low, high: 2.5 and 97.5 % of draws of clips. chance: share of draws that are
    not above 0."""

    score: float
    low: float
    high: float
    chance: float


@dataclass(frozen=True, eq=False)
class Reference:
    """What real listeners do after their speakers' speech and motion; fitted once for a data set.

    frames (F,): the predicted frames of each clip. weights (C,): of the coefficients. speech,
    motion (N, T, C): what the clip's speaker predicts at each frame, by the speech and by the
    motion of the last 4 s, from other clips' listeners. shifts (K, N): circular shifts in frames.
    """

    frames: np.ndarray
    weights: np.ndarray
    speech: np.ndarray
    motion: np.ndarray
    shifts: np.ndarray

    @classmethod
    def fit(
        cls, listeners: np.ndarray, speakers: np.ndarray, speech: np.ndarray, seed: int = 0
    ) -> "Reference | None":
        """listeners, speakers (N, T, C): real ones; speech (N, T, S): features of the voice. None
        for fewer than ``FOLDS`` clips, clips below ``SHORTEST`` frames, or listeners without
        motion."""
        count, length = speakers.shape[:2]
        if count < FOLDS or length < SHORTEST:
            return None
        target = _centred(listeners)
        spread = target.reshape(-1, target.shape[2]).var(axis=0)
        if not spread.any():
            return None
        weights = 1.0 / np.sqrt(spread + max(float(np.median(spread)), 1e-12))
        many = min(length - HISTORY, max(2, MOST_ROWS // count))
        frames = np.linspace(HISTORY, length - 1, many).round().astype(int)
        parts = (_axes(speech, SPEECH_AXES), _axes(_centred(speakers), MOTION_AXES))
        by_speech, by_motion = _cross_fitted(target, target * weights, parts, frames)
        random = np.random.default_rng(seed)
        shifts = random.integers(HISTORY, length - HISTORY + 1, (SHIFTS, count))
        return cls(frames, weights, by_speech, by_motion, shifts)

    def gain(self, reactions: np.ndarray, seed: int = 0) -> Gain:
        """R-DGG, up, of one reaction (N, T, C) to each clip.

        Formula: log(E_m / E_am), less its mean over circular shifts of the speaker. E_m: squared
        error of a ridge regression of the weighted coefficients on the listener's own past and on
        what the speaker's motion predicts; E_am: with what the speech predicts too. Range: near 0
        without an influence of speech; only rows of one data set can be compared. Source: AVTR-1
        (Kravtsov et al. 2026), of which it differs in features: see docs/evaluation.md.
        """
        target = _centred(reactions)
        own = _standard(_rows(target, self.frames))
        y = (target[:, self.frames] * self.weights).reshape(len(own), -1)
        fit = _OwnPast.of(own, (y - y.mean(axis=0)).astype(np.float32))
        clips = np.repeat(np.arange(len(reactions)), len(self.frames))
        none = np.zeros((1, len(reactions)), np.int64)
        energies = np.stack([self._energies(fit, clips, one) for one in (*none, *self.shifts)])
        return _summed(energies, np.random.default_rng(seed))

    def _energies(self, fit: "_OwnPast", clips: np.ndarray, shift: np.ndarray) -> np.ndarray:
        """(2, N) squared errors of each clip: with the motion, and with speech and motion."""
        places = (self.frames[None] - shift[:, None]) % self.motion.shape[1]
        rows = np.arange(len(shift))[:, None]
        motion, speech = (
            _standard(part[rows, places].reshape(len(clips), -1))
            for part in (self.motion, self.speech)
        )
        found = fit.errors(np.concatenate([motion, speech], axis=1), motion.shape[1])
        return np.stack([np.bincount(clips, (one**2).sum(axis=1), len(shift)) for one in found])


@dataclass(frozen=True, eq=False)
class _OwnPast:
    """The ridge regression of y (R, C) on the listener's own past x (R, D), to which further
    columns are added without solving it again. inverse (D, D): of the regularised Gram matrix."""

    x: np.ndarray
    inverse: np.ndarray
    left: np.ndarray

    @classmethod
    def of(cls, x: np.ndarray, y: np.ndarray) -> "_OwnPast":
        gram = (x.T @ x).astype(np.float64)
        inverse = np.linalg.inv(_ridged(gram, RIDGE))
        return cls(x, inverse, y - x @ (inverse @ (x.T @ y)).astype(np.float32))

    def errors(self, columns: np.ndarray, few: int) -> tuple[np.ndarray, np.ndarray]:
        """(R, C) errors with the first ``few`` of further columns (R, S), and with all; their ridge
        is ``SPEAKER_RIDGE``."""
        shared = (self.x.T @ columns).astype(np.float64)
        explained = self.inverse @ shared
        # Columns less what the own past explains of them (Schur complement).
        new = columns - self.x @ explained.astype(np.float32)
        gram = (columns.T @ columns).astype(np.float64)
        gram = _ridged(gram, SPEAKER_RIDGE) - shared.T @ explained
        sums = columns.T @ self.left
        first, both = (
            self.left
            - new[:, :end] @ np.linalg.solve(gram[:end, :end], sums[:end]).astype(np.float32)
            for end in (few, len(gram))
        )
        return first, both


def _ridged(gram: np.ndarray, share: float) -> np.ndarray:
    ridge = max(share * float(np.trace(gram)) / len(gram), 1e-9)
    result: np.ndarray = gram + ridge * np.eye(len(gram))
    return result


def _summed(energies: np.ndarray, random: np.random.Generator) -> Gain:
    """energies (1 + K, 2, N): squared errors of each clip, without a shift first."""
    count = energies.shape[2]
    drawn = random.multinomial(count, np.full(count, 1.0 / count), DRAWS)
    score = NATS * float(_net(energies.sum(axis=2)[..., None])[0])
    draws = NATS * _net(energies @ drawn.T)
    low, high = np.quantile(draws, (0.025, 0.975))
    return Gain(score, float(low), float(high), float((draws <= 0).mean()))


def _net(energies: np.ndarray) -> np.ndarray:
    """(1 + K, 2, B) -> (B,): the gain, less its mean over the shifts."""
    # The floor: a listener that never moves is predicted without an error.
    gains = np.log(energies[:, 0].clip(min=1e-12) / energies[:, 1].clip(min=1e-12))
    net: np.ndarray = gains[0] - gains[1:].mean(axis=0)
    return net


def _cross_fitted(
    target: np.ndarray, y: np.ndarray, parts: tuple[np.ndarray, ...], frames: np.ndarray
) -> list[np.ndarray]:
    """For each part (N, T, P) of the speaker, what it predicts (N, T, C): slopes of the regression
    on it and the listener's own past, fitted on the clips of the other folds."""
    fold = np.arange(len(target)) * FOLDS // len(target)
    own = _standard(_rows(target, frames))
    wanted = y[:, frames].reshape(len(own), -1)
    wanted = (wanted - wanted.mean(axis=0)).astype(np.float32)
    found = []
    for part in parts:
        rows = _rows(part, frames)
        mean, deviation = rows.mean(axis=0), _deviation(rows)
        x = np.concatenate([own, (rows - mean) / deviation], axis=1)
        grams = list(_grams(x, wanted, np.repeat(fold, len(frames))))
        predicted = np.zeros(y.shape, np.float32)
        for index in range(FOLDS):
            others = [one for place, one in enumerate(grams) if place != index]
            total, sums = (np.sum(pair, axis=0) for pair in zip(*others, strict=True))
            slopes = np.linalg.solve(_ridged(total, RIDGE), sums)[-len(mean) :]
            scaled = slopes / deviation[:, None]
            predicted[fold == index] = _predicted(part[fold == index], scaled) - mean @ scaled
        found.append(predicted)
    return found


def _grams(
    x: np.ndarray, y: np.ndarray, row_fold: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """For each fold X^T X and X^T Y of its rows."""
    for index in range(FOLDS):
        some = x[row_fold == index]
        yield (some.T @ some).astype(np.float64), (some.T @ y[row_fold == index]).astype(np.float64)


def _predicted(part: np.ndarray, slopes: np.ndarray) -> np.ndarray:
    """(N, T, C) at every frame, from the past as if the clip were a circle."""
    total = np.zeros((*part.shape[:2], slopes.shape[1]), np.float32)
    for offset, slope in zip(
        OFFSETS, np.split(slopes.astype(np.float32), len(OFFSETS)), strict=True
    ):
        total += np.roll(part @ slope, offset, axis=1)
    return total


def _rows(courses: np.ndarray, frames: np.ndarray) -> np.ndarray:
    """(N, T, P) -> (N * F, 25 P) float32: the past of each frame."""
    past = courses[:, frames[:, None] - OFFSETS]
    return past.reshape(len(courses) * len(frames), -1).astype(np.float32)


def _standard(rows: np.ndarray) -> np.ndarray:
    standard: np.ndarray = (rows - rows.mean(axis=0)) / _deviation(rows)
    return standard


def _deviation(rows: np.ndarray) -> np.ndarray:
    """(D,) of (R, D); not 0 for a column without motion."""
    least = 1e-6 * (np.abs(rows).mean(axis=0) + 1e-12)
    deviation: np.ndarray = np.maximum(rows.std(axis=0), least)
    return deviation


def _centred(courses: np.ndarray) -> np.ndarray:
    """(N, T, C) less the mean of each clip."""
    x = courses.astype(np.float32)
    centred: np.ndarray = x - x.mean(axis=1, keepdims=True)
    return centred


def _axes(courses: np.ndarray, most: int) -> np.ndarray:
    """(N, T, P) -> (N, T, at most ``most``): the principal axes of the standardised columns."""
    flat = courses.reshape(-1, courses.shape[2]).astype(np.float64)
    standard = (flat - flat.mean(axis=0)) / np.maximum(flat.std(axis=0), 1e-8)
    _, vectors = np.linalg.eigh(standard.T @ standard)
    turned = standard @ vectors[:, ::-1][:, :most]
    result: np.ndarray = turned.reshape(*courses.shape[:2], -1).astype(np.float32)
    return result
