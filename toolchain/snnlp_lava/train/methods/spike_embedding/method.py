"""The method spike-embedding: each word, pair or n-gram that matters is an input line, and one layer weighs them."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from msgspec import Meta

from snnlp_lava.errors import InputError
from snnlp_lava.network import limits
from snnlp_lava.progress import ProgressCallback
from snnlp_lava.records import opt
from snnlp_lava.train.methods.base import Features, FeatureSource, Method, SpikingModel, Trained, TrainingRun

if TYPE_CHECKING:
    import numpy as np

    from snnlp_lava.embed.base import EmbeddingInfo
    from snnlp_lava.encode.base import Encoder
    from snnlp_lava.encode.token_lines import TokenLineEncoder
    from snnlp_lava.network.network import Network
    from snnlp_lava.text.dataset import TextData
    from snnlp_lava.train.data import TrainingData
    from snnlp_lava.train.methods.spike_embedding.design import Design
    from snnlp_lava.train.methods.spike_embedding.points import Point


class SpikeEmbedding(Method, frozen=True):
    """One spike a word on a line of its own, all in one step; then the classes' neurons rise until one crosses."""

    name: ClassVar[str] = "spike-embedding"
    help: ClassVar[str] = "words, pairs or character n-grams as input lines; no embedding model"
    takes: ClassVar[Literal["vectors", "texts"]] = "texts"
    needs: ClassVar[tuple[str, ...]] = ()

    tokens: Annotated[
        Literal["auto", "words", "pairs", "characters", "all"],
        opt("What a text is cut into; auto lets the validation texts choose. (pairs: words and pairs of neighbours.)"),
    ] = "auto"
    window: Annotated[
        Annotated[int, Meta(ge=1, le=limits.MAX_WINDOW)] | None, opt("Time steps a text is presented.")
    ] = None
    lines: Annotated[Annotated[int, Meta(ge=2, le=limits.MAX_NEURONS)] | None, opt("Input lines at most.")] = None
    synop_budget: Annotated[
        Annotated[int, Meta(ge=1, le=1_000_000_000)] | None,
        opt("Synops of non-zero weights that a text may take on average."),
    ] = None

    def feature_key(self) -> Hashable:
        """The texts alone."""
        return "texts"

    def features(
        self, data: TextData, rows: Mapping[str, np.ndarray], source: FeatureSource, report: ProgressCallback
    ) -> Features:
        """The texts (m,) of each split."""
        import numpy as np

        from snnlp_lava.embed.base import EmbeddingInfo
        from snnlp_lava.train.data import texts_of

        texts = {split: np.array(of_split, dtype=object) for split, of_split in texts_of(data, rows).items()}
        return Features(texts, EmbeddingInfo(None, None, None))

    def fit(self, data: TrainingData, run: TrainingRun) -> Trained:
        """Choose tokens, weights, levels and lines."""
        from snnlp_lava.files import check_choice
        from snnlp_lava.metrics import accuracy_and_mrr
        from snnlp_lava.text.dataset import TEST, TRAIN, VALIDATION
        from snnlp_lava.train.methods.spike_embedding.design import Settings, design
        from snnlp_lava.train.methods.spike_embedding.tokens import Part

        check_choice("device", run.device, ("auto", "cpu", "cuda"))  # of which none changes anything
        train, validation = (Part(list(data.features[split]), data.labels(split)) for split in (TRAIN, VALIDATION))
        settings = Settings(
            None if self.tokens == "auto" else self.tokens, self.lines, self.synop_budget, self.window, self.seed
        )
        made = design(train, validation, data.classes, settings)
        for number, point in enumerate(made.frontier, start=1):
            run.on_epoch(_row(number, point))
        history = [
            {"epoch": number, "validation_accuracy": point.accuracy - point.loss}
            for number, point in enumerate(made.frontier, start=1)
        ]
        encoder, network = assemble(made)
        scores = {
            split: accuracy_and_mrr(made.scores(list(data.features[split])), data.labels(split))
            for split in (VALIDATION, TEST)
        }
        return Trained(
            tensors=_tensors(network, made.point.steps),
            arrays=encoder.arrays(),
            encoder=encoder,
            sizes=network.sizes,
            scores={"best_epoch": made.chosen + 1, **scores},
            history=history,
            network=network,
            window=made.point.steps,
        )

    def restore(self, sizes: tuple[int, ...], encoder: Encoder, tensors: Mapping[str, np.ndarray]) -> SpikingModel:
        """The one layer; SLAYER has no part in it."""
        wanted = {"weight": sizes[::-1], "bias": sizes[1:], "threshold": (1,), "window": (1,)}
        for name, shape in wanted.items():
            if name not in tensors or tensors[name].shape != shape or tensors[name].dtype.kind != "i":
                raise InputError(f"weights must have integers {name} of shape {shape}")
        network = _network(tensors["weight"], tensors["bias"], int(tensors["threshold"][0]))
        return SpikingModel(network, encoder, window=int(tensors["window"][0]))

    def describe_features(self, embedding: EmbeddingInfo, metadata: Mapping[str, Any]) -> str:
        """They are its own."""
        return "Words, pairs or n-grams and their weights: learned from the training texts"


def assemble(made: Design) -> tuple[TokenLineEncoder, Network]:
    """Encoder and network of a design: one layer, in which class c crosses as `rise` says.

    A neuron keeps no current (current decay 4096) and forgets no voltage (voltage decay 0), so that after k steps
    v = 64 (w_c + s_c + k b_c), and it spikes when that is above 64 times the threshold.
    """
    import numpy as np

    from snnlp_lava.encode.token_lines import SILENT, TokenLineEncoder

    rise = made.point.rise
    assert rise is not None
    weight = made.point.weight
    each = np.concatenate([-weight, weight], axis=1) if made.classes == 2 else weight
    start = rise.start_weight
    line = np.concatenate([made.point.line, np.full(len(made.silent), SILENT)]).astype(np.uint32)
    encoder = TokenLineEncoder((*made.entries, *made.silent), line, len(weight), len(start), made.scheme)
    return encoder, _network(np.concatenate([each, start]).T, rise.bias, rise.threshold)


def _network(weight: np.ndarray, bias: np.ndarray, threshold: int) -> Network:
    from snnlp_lava.network.dense import Dense
    from snnlp_lava.network.network import Network
    from snnlp_lava.network.neuron import Neuron

    return Network((Dense(weight, Neuron(bias, limits.DECAY_UNITY, 0, threshold)),))


def _tensors(network: Network, window: int) -> dict[str, np.ndarray]:
    import numpy as np

    layer = network.layers[0]
    (synapses,) = layer.synapses()
    return {
        "weight": synapses.weight.astype(np.int16),
        "bias": layer.neuron.bias.astype(np.int32),
        "threshold": np.array([layer.neuron.threshold], dtype=np.int32),
        "window": np.array([window], dtype=np.int32),
    }


def _row(number: int, point: Point) -> dict[str, float]:
    return {
        "epoch": number,
        "synops": point.all_synops,
        "lines": len(point.weight),
        "steps": point.steps,
        "nanojoules": point.bill,
        "validation_accuracy": point.accuracy,
        "lost_by_rise": point.loss,
    }
