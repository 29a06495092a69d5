"""What holds for all tests, and what several of them share."""

import signal

import pytest
import torch


@pytest.fixture(autouse=True, scope="session")
def one_thread():
    """Small models are fastest on one thread, and tests must not depend on how many there are."""
    torch.set_num_threads(1)


@pytest.fixture(autouse=True, scope="session")
def interruptible():
    """A shell's background jobs ignore SIGINT, and so would the processes that tests start."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def exports(tmp_path_factory):
    """(config that plays the exported folder, the model, its checkpoint) of a mode."""
    from rigs.export import make_export

    config, model, checkpoint = make_export(tmp_path_factory.mktemp("export"))
    return lambda mode: (config.replace(mode=mode), model, checkpoint)


@pytest.fixture(scope="session")
def portraits(tmp_path_factory):
    """A folder of pictures, good and bad."""
    from rigs.portrait_pictures import folder_of_portraits

    folder = tmp_path_factory.mktemp("faces") / "portraits"
    folder_of_portraits(folder)
    return folder


@pytest.fixture
def loud_is_voice(monkeypatch):
    """Made sounds count as voices in conversations: the voice detector, where its file is there,
    knows that they are none. In this process alone."""
    monkeypatch.setattr("reactface_node.research.data.sides.speech_model", lambda _: None)
