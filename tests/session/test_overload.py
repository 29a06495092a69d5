"""Overload controller: when it reduces work on a slow machine, and when it goes back."""

import logging

import numpy as np
import pytest
from rigs.model_inputs import small_config

from reactface_node.session.overload import LEVELS, OverloadController, said_of, too_slow
from reactface_node.session.warm_up import warm_up


class Machine:
    """What a second takes at each level; tracking and the rest have a thread each."""

    def __init__(self, tracking, serving=0.1):
        self.tracking, self.serving = tracking, serving

    def second(self, level):
        here = LEVELS[level]
        tracking = self.tracking / here.every * (0.6 + 0.4 * here.width)
        serving = self.serving * (0.5 if here.halves else 1.0)
        late = int(max(tracking, serving) > 1.0)
        return min(serving, 1.0), min(tracking, 1.0), late


def levels(machine, seconds, controller=None):
    controller = controller or OverloadController()
    return [controller.judge(*machine.second(controller.level)) for _ in range(seconds)]


def changes(seen):
    return int(np.count_nonzero(np.diff(seen)))


def test_a_machine_that_keeps_up_does_all():
    assert set(levels(Machine(0.6, 0.3), 100)) == {0}


def test_a_single_bad_second_changes_nothing():
    controller = OverloadController()
    for second in range(50):
        assert controller.judge(0.2, 1.0 if second % 3 == 0 else 0.5, 0) == 0


def test_down_one_level_after_every_two_bad_seconds():
    assert levels(Machine(30.0, 2.0), 12) == [0, 1, 1, 2, 2, 3, 3, 4, 4, 4, 4, 4]


def test_a_tracker_that_is_too_slow_is_no_reason_to_leave_the_model_out():
    assert levels(Machine(30.0), 20)[-1] == 3


def test_late_frames_bring_it_down_where_there_is_much_to_do():
    idle, busy = OverloadController(), OverloadController()
    assert [idle.judge(0.3, 0.3, 1) for _ in range(4)] == [0, 0, 0, 0]
    assert [busy.judge(0.3, 0.6, 1) for _ in range(4)] == [0, 1, 1, 2]


@pytest.mark.parametrize(("tracking", "level"), [(0.97, 1), (1.5, 1), (2.3, 2), (3.2, 3)])
def test_it_stays_where_it_fits_without_flapping(tracking, level):
    seen = levels(Machine(tracking), 3600)
    assert seen[-1] == level
    # A climb that cannot last is tried ever less often: at most one a minute.
    assert changes(seen[-1800:]) <= 2 * 30
    assert np.mean(np.array(seen[600:]) == level) > 0.9


def test_a_model_that_is_too_slow_reacts_half_of_the_time():
    seen = levels(Machine(0.3, serving=1.4), 600)
    assert seen[-1] == 4 and changes(seen[60:]) <= 2


def test_it_climbs_back_level_by_level_when_the_load_is_gone():
    controller, machine = OverloadController(), Machine(30.0, 2.0)
    levels(machine, 20, controller)
    machine.tracking, machine.serving = 0.4, 0.1
    seen = levels(machine, 60, controller)
    assert seen[-1] == 0 and changes(seen) == 3 + 1
    assert seen[3] == 4 and seen[5] == 3  # after five seconds with room


def test_a_climb_that_fails_is_tried_again_after_twice_as_long():
    controller, climbs = OverloadController(), []
    for second in range(400):
        before = controller.level
        # Looks like room below, and is none above.
        tracking = 0.95 if controller.level == 0 else 0.15
        if controller.judge(0.1, tracking, 0) < before:
            climbs.append(second)
    waits = np.diff(climbs)
    assert list(waits[:4]) == [12, 22, 42, 62] and set(waits[4:]) == {62}


def test_a_moments_spike_leaves_no_level_for_ever():
    controller = OverloadController()
    for _ in range(2):
        controller.judge(0.1, 1.0, 0)
    assert controller.level == 1
    for _ in range(10):
        controller.judge(0.05, 0.1, 0)
    assert controller.level == 0


def test_levels_as_text():
    assert said_of(0, 25.0) == "tracking 25 times a second"
    assert said_of(1, 12.5) == "overloaded: tracking 12.5 times a second"
    assert "8.33 times a second in smaller images" in said_of(3, 25 / 3)
    assert "half of the time" in said_of(4, 25 / 3)


def test_a_machine_that_is_fast_enough_hears_nothing():
    assert too_slow(0.99, 0.5, "paper", "cpu", 1) == ""


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (
            ("paper", "cpu", 1),
            "profile paper: a window of the model takes 1.7 times as long as it lasts on cpu with "
            "1 thread; try threads=0, a GPU (device=cuda), or profile default",
        ),
        (
            ("default", "cpu", 0),
            "profile default: a window of the model takes 1.7 times as long as it lasts on cpu "
            "with all threads; try a GPU (device=cuda)",
        ),
        (
            ("paper", "cuda:1", 1),
            "profile paper: a window of the model takes 1.7 times as long as it lasts on cuda:1; "
            "try a faster GPU, or profile default",
        ),
    ],
)
def test_advice_for_a_model_that_is_too_slow(given, text):
    assert too_slow(1.72, 0.1, *given) == text


def test_advice_for_a_tracker_that_is_too_slow():
    assert "lowest rate: it takes 2.5 times" in too_slow(0.1, 2.5, "default", "cpu", 1)


@pytest.mark.parametrize(
    ("model_s", "image_s", "text"),
    [(0.3, 0.1, ""), (0.48, 0.1, "takes 1.5 times as long as it lasts"), (0.3, 0.24, "2.0 times")],
)
def test_the_warm_up_warns_of_slow_parts_but_not_of_slow_first_calls(
    model_s, image_s, text, caplog
):
    now_s, first = [0.0], {"model": 9.0, "image": 9.0}

    def act(name, seconds):
        now_s[0] += seconds + first.pop(name, 0.0)

    with caplog.at_level(logging.WARNING):
        warm_up(
            small_config(),
            lambda: act("model", model_s),
            lambda: act("image", image_s),
            lambda: now_s[0],
        )
    assert text in caplog.text and bool(text) == bool(caplog.text)
    assert not first


def judged(seconds=30, **second):
    controller = OverloadController()
    return [controller.judge(**{"late": 0, **second}) for _ in range(seconds)]


def test_time_in_which_others_have_the_cpu_is_no_load_of_ours():
    """No camera, no microphone, and a machine that something else fills."""
    alone = {"serving": 0.97, "serving_cpu": 0.04, "tracking": 0.0, "tracking_cpu": 0.0}
    assert set(judged(**alone)) == {0}
    assert set(judged(**alone, late=9)) == {0}
    on_time = {"serving": 0.4, "serving_cpu": 0.3, "tracking": 0.99, "tracking_cpu": 0.5}
    assert set(judged(**on_time)) == {0}


def test_what_comes_too_late_for_others_is_shed_all_the_same():
    crowded = {"serving": 0.3, "serving_cpu": 0.1, "tracking": 0.99, "tracking_cpu": 0.5}
    assert judged(4, **crowded, untracked=5)[-1] == 2
    crowded = {"serving": 0.95, "serving_cpu": 0.3, "tracking": 0.1, "tracking_cpu": 0.1}
    assert judged(4, **crowded, late=5)[-1] == 2
    assert judged(4, **crowded)[-1] == 0


def test_a_tracker_that_only_waits_is_thinned_where_images_pass_it_by():
    waits = {"serving": 0.1, "serving_cpu": 0.1, "tracking": 1.0, "tracking_cpu": 0.02}
    assert judged(4, **waits, untracked=12)[-1] == 2
    assert judged(4, **waits)[-1] == 0


def test_there_is_room_again_where_only_others_keep_it_waiting():
    controller = OverloadController()
    for _ in range(4):
        controller.judge(0.1, 1.0, 0, 0.1, 1.0, 5)
    assert controller.level == 2
    for _ in range(40):
        controller.judge(0.1, 0.9, 0, 0.1, 0.2, 0)
    assert controller.level == 0
