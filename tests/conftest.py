"""Small models are fastest on one thread, and tests must not depend on how many there are."""

import pytest
import torch


@pytest.fixture(autouse=True, scope="session")
def one_thread():
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def portraits(tmp_path_factory):
    """A folder of pictures, good and bad."""
    from portrait_pictures import folder_of_portraits

    folder = tmp_path_factory.mktemp("faces") / "portraits"
    folder_of_portraits(folder)
    return folder
