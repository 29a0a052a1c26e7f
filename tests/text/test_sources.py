import datasets
import pytest

from snnlp_lava.errors import InputError
from snnlp_lava.text.sources import HUB, load_texts, open_texts


def test_demo_is_the_shipped_data_with_its_split():
    data = load_texts("demo")
    assert data.name == "demo"
    assert data.label_names == ("anger", "fear", "joy", "love", "sadness", "surprise")
    assert set(data.splits) == {"train", "validation", "test"}


def test_a_file_is_read_by_its_path(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("review,stars\ngood,5\nbad,1\n")
    data = load_texts(str(path), "review", "stars")
    assert (data.name, list(data.texts), data.label_names) == ("mine", ["good", "bad"], ("1", "5"))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("emotions", "data emotions: is neither a file nor one of demo, cafe, emotion, imdb"),
        ("none.csv", "data none.csv: no such file"),
        ("notes.txt", r"data notes.txt: unknown file type '.txt' \(known: "),
    ],
)
def test_data_that_is_not_there_is_named_with_what_is_known(tmp_path, monkeypatch, data, message):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=message):
        load_texts(data)


@pytest.mark.parametrize("error", [ConnectionError("no route\nto host"), TimeoutError(), ValueError("")], ids=repr)
@pytest.mark.parametrize("data", HUB)
def test_a_hub_out_of_reach_is_an_input_error_with_the_remedy(monkeypatch, data, error):
    def load_dataset(*args, **kwargs):
        raise error

    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    with pytest.raises(InputError, match=rf"^data {data}: is not available from the .* hub .*a parquet, CSV"):
        load_texts(data)


def test_parts_of_the_hub_are_joined_at_the_pinned_commit(monkeypatch):
    asked = []

    def load_dataset(repository, config, *, revision):
        asked.append((repository, config, revision))
        features = datasets.Features(
            {"text": datasets.Value("string"), "label": datasets.ClassLabel(names=["sad", "joy"])}
        )
        return {
            split: datasets.Dataset.from_dict(
                {"text": [f"{split} a", f"{split} b"], "label": [1, 0]}, features=features
            )
            for split in ("train", "test", "unsupervised")
        }

    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    data = load_texts("imdb")
    assert asked == [tuple(HUB["imdb"])]
    assert data.revision == HUB["imdb"].revision
    assert list(data.texts) == ["train a", "train b", "test a", "test b"]
    assert data.splits.tolist() == ["train", "train", "test", "test"]
    assert [data.label_names[label] for label in data.labels] == ["joy", "sad", "joy", "sad"]


@pytest.fixture
def hub_folder(tmp_path, monkeypatch):
    """A data set's folder in the place of a hub's: OWNER/NAME below the working folder."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "owner" / "reviews"
    folder.mkdir(parents=True)
    features = datasets.Features(
        {"sentence": datasets.Value("string"), "stars": datasets.ClassLabel(names=["bad", "good"])}
    )
    for split, labels in (("train", [0, 1, 0]), ("validation", [1, 0]), ("test", [-1, -1])):
        rows = {"sentence": [f"{split} {row}" for row in range(len(labels))], "stars": labels}
        datasets.Dataset.from_dict(rows, features=features).to_parquet(folder / f"{split}.parquet")
    return folder


def test_a_data_set_of_the_hub_is_read_by_its_name_with_its_splits_and_class_names(hub_folder):
    data = load_texts("hf:owner/reviews")
    assert (data.name, data.label_names) == ("reviews", ("bad", "good"))
    assert data.splits.tolist() == ["train"] * 3 + ["validation"] * 2
    assert data.skipped == {"no label": 2}  # hidden labels of the test split
    assert list(data.texts) == ["train 0", "train 1", "train 2", "validation 0", "validation 1"]
    named = load_texts("hf:owner/reviews", "sentence", "stars")
    assert named.sha256 == data.sha256
    table = open_texts("hf:owner/reviews")
    assert (len(table), table.labelled) == (7, False)
    with pytest.raises(InputError, match=r"no column body \(found sentence, stars\); .*--text-column"):
        load_texts("hf:owner/reviews", "body")


@pytest.mark.parametrize("name", ["hf:reviews", "hf:", "hf:a/b/c", "hf:/b"])
def test_a_name_on_the_hub_has_an_owner(name):
    with pytest.raises(InputError, match=f"^data {name}: must be hf:OWNER/NAME"):
        load_texts(name)
