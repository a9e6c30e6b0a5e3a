import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

# The toy task and network are shared by this room's tests and by the processes they kill.
sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """The toy network is too small to be shared between threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
