"""Smiles where nobody smiles, and answers to labelled smiles."""

import numpy as np
import pytest
from rigs.tracks import face_of, meeting, show

from reactface_node.research.data.labels import ClipLabels
from reactface_node.research.evaluation.affect import measure_affect, unsmiling


def test_an_interval_counts_from_shortly_after_its_start_to_shortly_after_its_end():
    times = np.arange(500) / 25
    counts = unsmiling(ClipLabels({"cry": ((2.0, 4.0),), "talk": ((6.0, 7.0),)}), times)
    assert times[counts][[0, -1]] == pytest.approx([2.32, 4.76])
    assert not unsmiling(ClipLabels({"cry": ((2.0, 4.0),)}), times, ("yell",)).any()


def test_two_seconds_after_a_smile_do_not_count():
    times = np.arange(500) / 25
    labels = ClipLabels({"smile": ((1.0, 3.0),), "neutral": ((3.0, 8.0),)})
    assert times[unsmiling(labels, times)][[0, -1]] == pytest.approx([5.0, 8.76])


def test_wrong_smiles_and_answers():
    labels = ClipLabels({"cry": ((0.0, 4.0),), "frown": ((10.0, 12.0),), "smile": ((14.0, 16.0),)})
    wrong = show(face_of(20), "mouthSmile", 2.3, 3.3, 0.5)
    late = show(face_of(20), "mouthSmile", 15.6, 18, 0.5)
    right = show(face_of(20), "mouthSmile", 15.4, 18, 0.25)
    found = measure_affect([meeting(wrong, late, right, labels=labels)])
    counted = 112 + 62  # frames at 25 Hz: from 0.32 to 4.76 s, from 10.32 to 12.76 s
    assert found["wrong_smile"] == pytest.approx(25 / (3 * counted), rel=0.02)
    assert found["smile_answered"] == pytest.approx(1 / 3)
    assert found["smile_at_cry"] == pytest.approx(0.5 * 25 / (3 * 112), rel=0.02)
    assert found["smile_at_frown"] == 0 and "smile_at_yell" not in found


def test_without_labels_nothing_is_measured():
    assert measure_affect([meeting(face_of(4))]) == {}
