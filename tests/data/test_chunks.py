import numpy as np
import pytest

from headstart.data.chunks import CHUNK, chunks, float32, mean_of


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_numbers_stay_what_they_are(dtype):
    every_half = np.arange(2**16, dtype=np.uint16).view(np.float16)
    values = every_half[np.isfinite(every_half)].astype(dtype).reshape(-1, 64)
    values.flags.writeable = False
    for some in (values, values[::3, ::2], values.T):
        assert float32(some).dtype == np.float32
        assert np.array_equal(float32(some), some.astype(np.float32))
    assert np.isnan(float32(np.array([np.nan, np.inf], dtype=dtype))).tolist() == [True, False]


@pytest.mark.parametrize("count", [1, CHUNK, 2 * CHUNK + 1])
def test_chunks_are_the_rows_in_order_and_their_mean_is_the_mean_of_all(count):
    rows = np.random.default_rng(0).normal(size=(count, 3)).astype(np.float16)
    parts = list(chunks(rows))
    assert max(map(len, parts)) <= CHUNK
    assert np.array_equal(np.concatenate(parts), rows.astype(np.float32))
    assert np.allclose(mean_of(rows), rows.astype(np.float64).mean(axis=0))
