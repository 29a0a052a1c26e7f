import datasets
import pytest

from snnlp_lava.errors import InputError
from snnlp_lava.text.sources import HUB, load_texts


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
        ("emotions", "data emotions: neither a file nor one of demo, emotion, imdb"),
        ("none.csv", "data none.csv: no such file"),
        ("notes.txt", r"data notes.txt: unknown kind of file '.txt' \(known: "),
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
    with pytest.raises(InputError, match=rf"^data {data}: cannot be had from the .* hub .*a parquet, CSV or JSON .*$"):
        load_texts(data)


def test_parts_of_the_hub_are_joined_at_the_pinned_commit(monkeypatch):
    asked = []

    def load_dataset(repository, config, *, split, revision):
        asked.append((repository, config, split, revision))
        features = datasets.Features(
            {"text": datasets.Value("string"), "label": datasets.ClassLabel(names=["sad", "joy"])}
        )
        return datasets.Dataset.from_dict({"text": [f"{split} a", f"{split} b"], "label": [1, 0]}, features=features)

    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    data = load_texts("imdb")
    assert asked == [(*HUB["imdb"][:2], part, HUB["imdb"].revision) for part in ("train", "test")]
    assert list(data.texts) == ["train a", "train b", "test a", "test b"]
    assert data.splits.tolist() == ["train", "train", "test", "test"]
    assert [data.label_names[label] for label in data.labels] == ["joy", "sad", "joy", "sad"]
