import numpy as np
from PIL import Image
from sklearn.datasets import load_digits, load_sample_images

from headstart.contracts import Example, Scan
from headstart.data.duplicates import certain_groups, find_duplicates
from headstart.modalities.image.modality import ImageModality


def examples_of(scans, groups=()):
    groups = dict(groups)
    return [Example(id, id, "x", groups.get(id)) for id in sorted(scans)]


def scan(content, hash=None):
    return Scan(content=content, hash=hash, size=(9, 9))


def flipped(value, *bits):
    return value ^ sum(1 << bit for bit in bits)


def grouped(duplicates):
    sets = {}
    for id, key in duplicates.groups.items():
        sets.setdefault(key, set()).add(id)
    return sorted(map(sorted, sets.values()))


def test_equal_content_is_an_exact_duplicate():
    scans = {"a": scan("1"), "b": scan("2"), "c": scan("1")}
    found = find_duplicates(examples_of(scans), scans)
    assert found.exact == (("a", "c"),)
    assert grouped(found) == [["a", "c"], ["b"]]


def test_groups_join_over_users_groups_exact_and_near_duplicates():
    value = int(np.random.default_rng(0).integers(2**63))
    scans = {
        "a": scan("1"),
        "b": scan("2"),
        "c": scan("2", value),
        "d": scan("2", value),
        "e": scan("3", flipped(value, 40)),
        "f": scan("4"),
    }
    examples = examples_of(scans, {"a": "patient", "b": "patient"})
    found = find_duplicates(examples, scans)
    assert grouped(found) == [["a", "b", "c", "d"], ["e"], ["f"]]
    scans["b"] = scan("2", value)  # the first of equal ones stands for all
    found = find_duplicates(examples, scans)
    assert found.near == (("b", "e"),)
    assert grouped(found) == [["a", "b", "c", "d", "e"], ["f"]]
    assert grouped(find_duplicates(examples, scans, near=False)) == [["a", "b", "c", "d"], ["e"], ["f"]]


def test_near_hashes_are_found_as_by_comparing_all():
    generator = np.random.default_rng(1)
    values = generator.integers(2**63, size=300).tolist()
    values += [flipped(value, *range(row % 8, 63, 11)) for row, value in enumerate(values[:100])]
    features = generator.normal(size=(len(values), 8)).astype(np.float32)
    features[300:] = features[:100]
    scans = {f"{row:03}": scan(f"{row}", value) for row, value in enumerate(values)}
    found = find_duplicates(examples_of(scans), scans, features)
    near = [(f"{row:03}", f"{row + 300:03}") for row in range(100)]
    assert found.near == tuple(near)


def test_near_hashes_need_features_that_agree():
    value = 0x0F0F_1234_5678_9ABC
    scans = {"a": scan("1", value), "b": scan("2", flipped(value, 1, 2, 3, 4)), "c": scan("3", 1 << 63)}
    examples = examples_of(scans)
    alike = np.array([[1, 0], [1, 0.1], [-2, -0.1]], dtype=np.float32)
    apart = np.array([[1, 0], [0, 1], [-1, -1]], dtype=np.float32)
    assert find_duplicates(examples, scans, alike).near == (("a", "b"),)
    assert find_duplicates(examples, scans, apart).near == ()
    assert find_duplicates(examples, scans).near == ()  # four bits without features say too little


def test_a_hash_that_a_crowd_shares_joins_nobody_without_features():
    scans = {f"{row:02}": scan(str(row), 7) for row in range(50)}
    assert find_duplicates(examples_of(scans), scans).near == ()


def test_a_burst_of_frames_is_one_group_with_features():
    scans = {f"{row:02}": scan(str(row), 7 if row < 40 else row << 20) for row in range(60)}
    generator = np.random.default_rng(0)
    features = generator.normal(size=(60, 16)).astype(np.float32)
    features[:40] = features[0] + generator.normal(size=(40, 16)).astype(np.float32) * 0.01
    assert max(map(len, grouped(find_duplicates(examples_of(scans), scans, features)))) == 40


def test_the_groups_are_those_of_any_order():
    generator = np.random.default_rng(3)
    base = generator.integers(2**63, size=20).tolist()
    scans = {f"{row:02}": scan(str(row % 30), flipped(base[row % 20], row % 5)) for row in range(60)}
    examples = examples_of(scans)
    first = find_duplicates(examples, scans)
    shuffled = [examples[row] for row in generator.permutation(60)]
    assert grouped(find_duplicates(sorted(shuffled, key=lambda example: example.id), scans)) == grouped(first)


def test_digits_are_strangers_and_a_smaller_photo_is_a_duplicate():
    images = [
        Image.fromarray((digit * 15.9).astype(np.uint8)).resize((28, 28))
        for digit in load_digits().images[:300]
    ]
    photos = [Image.fromarray(photo) for photo in load_sample_images().images]
    images += [*photos, *(photo.resize((photo.width // 2, photo.height // 2)) for photo in photos)]
    scans = {f"{row:03}": ImageModality.scan(Example("", image)) for row, image in enumerate(images)}
    features = np.stack(
        [np.asarray(image.convert("L").resize((16, 16)), dtype=np.float32).ravel() for image in images]
    )
    found = find_duplicates(examples_of(scans), scans, features)
    assert {("300", "302"), ("301", "303")} <= set(found.near)
    assert max(map(len, grouped(found))) <= 5


def test_groups_that_are_certain_are_of_equal_content_or_the_users():
    scans = {"a": scan("1", 0), "b": scan("2", 0), "c": scan("3", 0), "d": scan("1", 0)}
    examples = examples_of(scans, {"a": "g", "b": "g"})
    assert certain_groups(examples, scans) == {"a": "a", "b": "a", "c": "c", "d": "a"}


class Watched:
    """Features that note how many were asked for, in all and at once."""

    def __init__(self, values):
        self.values = values
        self.total = self.most = 0

    def __len__(self):
        return len(self.values)

    def __getitem__(self, places):
        rows = self.values[places]
        self.total += len(rows)
        self.most = max(self.most, len(rows))
        return rows


def test_fifty_thousand_pictures_with_one_hash_meet_the_first_only():
    count = 50_000
    scans = {f"{row:05}": scan(f"{row}", 7) for row in range(count)}
    features = Watched(np.ones((count, 2), dtype=np.float16))
    features.values[: count // 2] = -1
    found = find_duplicates(examples_of(scans), scans, features)
    assert len(found.near) == count // 2 - 1
    assert {first for first, _ in found.near} == {"00000"}
    assert features.total < 3 * count
    assert features.most < 5000


def test_among_thousands_of_like_hashes_each_meets_few_and_still_its_copy():
    generator = np.random.default_rng(0)
    count = 4000
    values = [flipped(1 << 62, *generator.choice(62, 3, replace=False).tolist()) for _ in range(count)]
    values += [flipped(value, 62) for value in values]
    scans = {f"{row:05}": scan(f"{row}", value) for row, value in enumerate(values)}
    copies = generator.normal(size=(count, 32)).astype(np.float32)
    features = Watched(np.concatenate([copies, copies]))
    found = find_duplicates(examples_of(scans), scans, features)
    assert features.total < 60 * len(scans)
    met = {first for first, second in found.near if int(second) == int(first) + count}
    assert len(met) == len(set(values[:count]))
