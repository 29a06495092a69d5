"""Fresh seeds: no two conversations begin alike, and each can be had again."""

import logging

import numpy as np
from rigs.model_inputs import small_config, small_model
from rigs.session import ReadingTracker, joined, make_session, run

from reactface_node.config import FRESH_SEED
from reactface_node.session.batch import SessionBatch

FRESH = {"playout__seed": FRESH_SEED}


def seed_of(session):
    return session.stats()["seed"]


def test_no_two_sessions_begin_alike_and_each_can_be_had_again():
    one, other = make_session(**FRESH), make_session(**FRESH)
    assert seed_of(one) != seed_of(other)
    faces = [joined(run(session)) for session in (one, other)]
    assert not np.array_equal(faces[0][:8], faces[1][:8])
    again = make_session(playout__seed=seed_of(one))
    assert joined(run(again)).tobytes() == faces[0].tobytes()


def test_a_reset_draws_another_seed_that_can_be_had_again_too():
    session = make_session(**FRESH)
    before = seed_of(session), joined(run(session))
    session.reset()
    after = seed_of(session), joined(run(session))
    assert before[0] != after[0] and not np.array_equal(before[1], after[1])
    assert joined(run(make_session(playout__seed=after[0]))).tobytes() == after[1].tobytes()
    assert session.config.playout.seed == FRESH_SEED


def test_a_number_stays_through_a_reset():
    session = make_session(playout__seed=7)
    before = joined(run(session))
    session.reset()
    assert seed_of(session) == 7
    assert joined(run(session)).tobytes() == before.tobytes()


def test_a_drawn_seed_is_told_once_and_a_number_is_not(caplog):
    caplog.set_level(logging.INFO)
    session = make_session(**FRESH)
    session.check_model()
    assert [record.message for record in caplog.records] == [
        f"this conversation has seed {seed_of(session)}: with playout.seed={seed_of(session)} it "
        "can be had again"
    ]
    caplog.clear()
    session.reset()
    assert [str(seed_of(session)) in record.message for record in caplog.records] == [True]
    caplog.clear()
    make_session(playout__seed=7).reset()
    assert caplog.records == []


def test_seeds_fill_their_range():
    session, seeds = make_session(**FRESH), []
    for _ in range(40):
        session.reset()
        seeds.append(seed_of(session))
    assert len(set(seeds)) == 40
    assert 0 <= min(seeds) < 2**30 < max(seeds) < 2**31


def test_the_sessions_of_a_batch_draw_each_their_own():
    config = small_config(**FRESH)
    batch = SessionBatch(config, small_model(config), [ReadingTracker() for _ in range(3)])
    assert len({seed_of(session) for session in batch.sessions}) == 3
    batch.close()
