"""Backchannel F1 against counts by hand."""

import math

import numpy as np
import pytest
from rigs.tracks import face_of, nod, show

from reactface_node.research.evaluation.backchannels import Hits, compared, f1, hits, onsets


def test_pairs_are_at_most_the_tolerance_apart_and_each_event_counts_once():
    made, real = np.array([1.0, 5.0, 9.0]), np.array([1.5, 5.6, 9.0, 20.0])
    assert hits(made, real, 0.5) == Hits(2, 3, 4)
    assert hits(made, real, 1.0) == Hits(3, 3, 4)
    assert f1(hits(made, real, 0.5)) == pytest.approx(2 * 2 / 7)
    # Two events beside one real one are one hit.
    assert hits(np.array([1.0, 1.2]), np.array([1.1]), 0.5) == Hits(1, 2, 1)
    # The largest number of pairs: 1.0 with 0.6, 1.4 with 1.3, although 1.3 is nearer to 1.0 too.
    assert hits(np.array([1.0, 1.4]), np.array([0.6, 1.3]), 0.5) == Hits(2, 2, 2)


def test_f1_is_the_harmonic_mean_of_precision_and_recall():
    counts = Hits(3, 4, 10)
    precision, recall = 3 / 4, 3 / 10
    assert f1(counts) == pytest.approx(2 * precision * recall / (precision + recall))
    assert f1(Hits(0, 5, 0)) == 0.0 and math.isnan(f1(Hits(0, 0, 0)))


def test_onsets_of_nods_and_smiles_in_a_face():
    face = face_of(12)
    nod(face, 3.0)
    show(face, "mouthSmile", 6.0, 8.0, 0.5)
    found = onsets(face)
    assert found["nod"] == pytest.approx([3.0], abs=0.1)
    assert found["smile"] == pytest.approx([6.0], abs=0.05)
    late = {kind: starts + 0.7 for kind, starts in found.items()}
    counts = compared(late, found)
    assert counts["nod", 0.5].tolist() == [0, 1, 1] and counts["nod", 1.0].tolist() == [1, 1, 1]
    assert counts["smile", 1.0].tolist() == [1, 1, 1]
