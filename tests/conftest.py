import os

import pytest

# Before any test imports a library that reads it.
os.environ["HF_HUB_OFFLINE"] = "1"


@pytest.fixture(scope="session", autouse=True)
def two_threads() -> None:
    """Small batches on many threads are slower, and machines differ."""
    import torch

    torch.set_num_threads(2)
