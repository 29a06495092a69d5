"""``reactface_node.crowd.Crowd``, the name of batched sessions up to version 0.1.0."""

from pathlib import Path

import pytest
from rigs.model_inputs import small_config, small_model
from rigs.session import ReadingTracker

from reactface_node.session.batch import SessionBatch


def test_the_former_name_gives_the_class_with_a_warning():
    with pytest.warns(
        DeprecationWarning, match=r"crowd\.Crowd is now .*batch\.SessionBatch"
    ) as warned:
        from reactface_node.crowd import Crowd
    assert Crowd is SessionBatch
    assert [Path(one.filename) for one in warned] == [Path(__file__)]
    config = small_config(model__disposition=3)
    assert len(Crowd(config, small_model(config), [ReadingTracker()]).sessions) == 1


def test_the_former_module_has_nothing_else():
    import reactface_node.crowd

    with pytest.raises(
        AttributeError, match=r"module reactface_node\.crowd has no attribute Seats"
    ):
        reactface_node.crowd.Seats  # noqa: B018
