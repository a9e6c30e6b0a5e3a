from pathlib import Path

from headstart.config.schema import DataConfig
from headstart.contracts import Example, Scan
from headstart.data.check import check, check_division, check_duplicates, usable
from headstart.data.dataset import Dataset
from headstart.data.duplicates import find_duplicates
from headstart.modalities.image.modality import ImageModality

GOOD = Scan(content="c", size=(64, 64))


def dataset(targets, **more):
    examples = tuple(Example(f"{row:03}.jpg", Path(), target) for row, target in enumerate(targets))
    return Dataset(examples, root=Path(), layout="table", **more)


def findings(data, *, scans=None, **config):
    scans = {example.id: GOOD for example in data.examples} | (scans or {})
    return {finding.code: finding for finding in check(data, scans, DataConfig(**config), ImageModality, {})}


def duplicate_findings(data, contents):
    scans = {
        example.id: Scan(content=content) for example, content in zip(data.examples, contents, strict=True)
    }
    return {f.code: f for f in check_duplicates(data, find_duplicates(data.examples, scans))}


def test_sound_data_gives_its_classes_and_nothing_to_worry():
    found = findings(dataset(["a", "b"] * 50))
    assert set(found) == {"classes"}
    assert found["classes"].table == (("class", "examples"), ("a", "50"), ("b", "50"))


def test_unreadable_files_are_named_and_an_error_where_they_are_too_many():
    broken = {"001.jpg": Scan(error="truncated")}
    data = dataset(["a", "b"] * 50)
    few = findings(data, scans=broken)["unreadable"]
    many = findings(data, scans=broken, max_unreadable=0.0)["unreadable"]
    every = findings(data, scans={example.id: Scan(error="cut") for example in data.examples})["unreadable"]
    assert (few.level, many.level, every.level) == ("warning", "error", "error")
    assert few.ids == ("001.jpg",)
    assert few.table[1] == ("001.jpg", "truncated")
    assert "1 of 100 examples cannot be read" in many.text
    assert "001.jpg" in many.text


def test_what_is_trained_on_are_the_readable_examples():
    splits = {"train": ("000.jpg", "001.jpg"), "val": ("002.jpg",)}
    data = dataset(["a", "b", "a"], splits=splits)
    scans = {"000.jpg": GOOD, "001.jpg": Scan(error="cut"), "002.jpg": GOOD}
    good = usable(data, scans)
    assert [example.id for example in good.examples] == ["000.jpg", "002.jpg"]
    assert good.splits == {"train": ("000.jpg",), "val": ("002.jpg",)}


def test_one_class_is_an_error_unless_an_example_may_have_none():
    assert findings(dataset(["a"] * 60))["one-class"].level == "error"
    assert "one-class" not in findings(dataset([("a",), ()] * 30))


def test_rare_classes_imbalance_and_little_data_are_warned_of():
    found = findings(dataset(["common"] * 40 + ["rare"] * 3))
    assert {"small", "rare-classes", "imbalance"} <= set(found)
    assert found["rare-classes"].table == (("class", "examples"), ("rare", "3"))
    assert "'common' has 40 examples, 'rare' 3" in found["imbalance"].text


def test_classes_are_uneven_where_the_plan_says_so():
    assert "imbalance" not in findings(dataset(["common"] * 100 + ["rare"] * 10))
    assert "imbalance" in findings(dataset(["common"] * 101 + ["rare"] * 10))


def test_labels_that_differ_in_letter_case_only_are_shown():
    assert "Cat / cat" in findings(dataset(["Cat", "cat", "dog"]))["similar-labels"].text


def test_labels_that_are_amounts_are_said_to_be_learned_as_classes():
    amounts = findings(dataset([f"{place / 8}" for place in range(64)] * 2))["amounts"]
    assert amounts.level == "warning"
    assert "64 labels are numbers" in amounts.text
    assert "does not predict numbers (regression) yet" in amounts.text
    few_each = findings(dataset([str(place) for place in range(60)] * 3))
    assert "amounts" in few_each
    assert "amounts" not in findings(dataset([str(place) for place in range(60)] * 12))
    assert "amounts" not in findings(dataset(["0.5", "1.0", "1.5"] * 30))


def test_a_word_among_numbers_is_named_with_its_place():
    stray = findings(dataset([*["1", "2", "3"] * 20, "n/a"]))["stray-words"]
    assert "'n/a' stands among labels that are numbers, first in 060.jpg" in stray.text
    assert stray.ids == ("060.jpg",)
    assert "stray-words" not in findings(dataset(["1", "2", "none"] * 20))
    assert "stray-words" not in findings(dataset(["a", "b", "c"] * 20))


def test_whole_numbers_stand_by_size():
    assert [row[0] for row in findings(dataset(["10", "9", "-1"] * 30))["classes"].table[1:]] == [
        "-1",
        "9",
        "10",
    ]
    assert [row[0] for row in findings(dataset(["10", "9", "b"] * 30))["classes"].table[1:]] == [
        "10",
        "9",
        "b",
    ]


def test_classes_that_train_has_not_are_an_error_with_a_table():
    splits = {"train": ("000.jpg", "001.jpg"), "test": ("002.jpg",)}
    found = findings(dataset(["a", "b", "c"], splits=splits))["unknown-classes"]
    assert found.level == "error"
    assert found.table == (("class", "split", "examples"), ("c", "test", "1"))


def test_odd_sizes_are_listed_with_the_reason():
    sizes = {"000.jpg": (1, 1), "001.jpg": (10, 1000), "002.jpg": (9, 9), "003.jpg": (640, 480)}
    scans = {id: Scan(content=id, size=size) for id, size in sizes.items()}
    data = dataset(["a", "b"] * 50)
    normal = {example.id: Scan(size=(640, 480)) for example in data.examples}
    odd = findings(data, scans=normal | scans)["odd-sizes"]
    assert odd.ids == ("000.jpg", "001.jpg", "002.jpg")


def test_what_was_passed_over_is_said():
    found = findings(dataset(["a", "b"] * 30, skipped=("3 hidden files.", "x.jpg: a link.")))["skipped"]
    assert "3 hidden files." in found.text
    assert "1 more" in found.text


def test_duplicates_leaks_and_disputed_labels_are_found():
    splits = {"train": ("000.jpg", "001.jpg"), "test": ("002.jpg", "003.jpg")}
    found = duplicate_findings(dataset(["a", "b", "b", "a"], splits=splits), ["1", "2", "1", "3"])
    assert set(found) == {"exact-duplicates", "leaks", "label-conflicts"}
    assert all(finding.ids == ("000.jpg", "002.jpg") for finding in found.values())
    assert found["leaks"].table == (("split", "example"), ("train", "000.jpg"), ("test", "002.jpg"))


def test_copies_are_listed_in_the_order_of_rows():
    examples = tuple(Example(f"sms.csv:{row}", "", "a") for row in (1000, 295, 6))
    data = Dataset(examples, root=Path(), layout="table")
    found = duplicate_findings(data, ["same", "same", "same"])["exact-duplicates"]
    assert found.table == (("first", "copies"), ("sms.csv:6", "sms.csv:295, sms.csv:1000"))


def test_one_of_a_kind_is_not_spoken_of_as_several():
    found = duplicate_findings(dataset(["a", "b", "b"]), ["1", "1", "2"])
    assert found["exact-duplicates"].text.startswith("1 example repeats another exactly.")
    assert found["label-conflicts"].text.startswith("1 set of equal inputs has different labels")
    more = duplicate_findings(dataset(["a"] * 5), ["1", "1", "1", "2", "2"])
    assert more["exact-duplicates"].text.startswith("3 examples repeat others exactly.")
    broken = findings(dataset(["a", "b"] * 50), scans={"001.jpg": Scan(error="truncated")})["unreadable"]
    assert "1 of 100 examples cannot be read and is left out" in broken.text


def test_distinct_examples_give_no_finding():
    assert not duplicate_findings(dataset(["a", "b", "b"]), ["1", "2", "3"])


def test_what_cannot_be_divided_is_an_error():
    (found,) = check_division(dataset(["a", "b"]), {}, DataConfig(), seed=0)
    assert (found.level, found.code) == ("error", "too-few")
    assert found.text.startswith("too few examples: nothing is left for test and val of 2 examples")
    assert check_division(dataset(["a", "b"] * 10), {}, DataConfig(), seed=0) == ()
