import numpy as np

from headstart.features.probe import fit_probe


def test_two_examples_a_class_are_few_but_no_reason_to_warn():
    generator = np.random.default_rng(0)
    classes = np.repeat(np.arange(15), 2)
    features = (generator.normal(size=(30, 8)) + 9 * np.eye(15, 8)[classes]).astype(np.float32)
    targets = np.eye(15, dtype=np.float32)[classes]
    probe = fit_probe(features, targets, groups=[str(row) for row in range(30)], exclusive=True, seed=0)
    assert probe.weight.shape == (15, 8)
