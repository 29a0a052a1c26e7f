"""Execute one batch of a run, here or on a worker: its table and spike trains, compared with the emulator's."""

from __future__ import annotations

import hashlib
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from snnlp_lava.backends.base import Backend, Emulator, EmulatorOptions, Recording
from snnlp_lava.backends.compare import compare
from snnlp_lava.embed.base import OpCounts
from snnlp_lava.embed.embedders import Embedder, load_embedder
from snnlp_lava.errors import BackendError, InputError
from snnlp_lava.metrics import AccuracyOverTime
from snnlp_lava.network.network import Network
from snnlp_lava.network.readout import class_probabilities, readout_scores
from snnlp_lava.netx.card import Card
from snnlp_lava.netx.network_file import NetworkFile, read_network
from snnlp_lava.progress import AdvanceCallback, no_advance
from snnlp_lava.run.inputs import Batch, known_of, samples_of
from snnlp_lava.run.record import MISTAKE_CHARACTERS, MISTAKE_ENTRIES, MISTAKES, Mistake
from snnlp_lava.run.samples import (
    class_scores,
    ignore_ties,
    predictions_of,
    sample_table,
)

if TYPE_CHECKING:
    import pyarrow as pa

EXECUTOR = "snnlp_lava.run.execute:batch_executor"
"""What runs batches on a worker."""
_one_at_a_time = threading.Lock()  # numba's threads serve one caller at a time, and memory is that of one batch


class Part(NamedTuple):
    """Finished samples of a batch, as `snnlp_lava.run.partial.Results.add` takes them.

    Attributes
    ----------
    numbers
        (n,) numbers of the samples.
    table
        n rows, with their sums.
    trains
        Packed trains of the first of them, of the input and every layer.
    """

    numbers: np.ndarray
    table: pa.Table
    trains: Sequence[np.ndarray]


@dataclass(frozen=True)
class BatchExecutor:
    """What the batches of a run have in common.

    Attributes
    ----------
    file
        The network.
    backend
        What runs it.
    embedder
        What makes the texts' vectors; None where there are none, or nobody knows what made them.
    window, period
        Steps that a sample is presented, and steps from one sample to the next.
    keep_trains
        Number of samples, the first, whose spikes are kept.
    """

    file: NetworkFile
    backend: Backend
    embedder: Embedder | None
    window: int
    period: int
    keep_trains: int

    def execute(
        self, batch: Batch, numbers: np.ndarray, advance: AdvanceCallback, embedded: AdvanceCallback = no_advance
    ) -> tuple[Recording, Part | None]:
        """Run samples.

        Parameters
        ----------
        batch
            n samples.
        numbers
            (n,) their numbers in the run.
        advance, embedded
            Told how many samples have been run, and how many texts embedded.

        Returns
        -------
        tuple
            How the backend ended, and what is finished, None if nothing is.

        Raises
        ------
        InputError
            If a text or sample cannot be used.
        BackendError
            If the backend's spikes are not the emulator's.
        """
        samples = samples_of(batch, self.file.card, self.embedder, embedded)
        began = time.perf_counter()
        recording = self.backend.record(self.file, samples, self.period, advance)
        seconds = time.perf_counter() - began
        if not len(recording.finished):
            return recording, None
        batch, samples = batch.take(recording.finished), samples.take(recording.finished)
        network, card, name = self.file.network, self.file.card, self.backend.name
        numbers = numbers[recording.finished]
        scores_of_readout: list[np.ndarray] = []
        right = None
        if batch.labels is not None:
            right = AccuracyOverTime(batch.labels, self.window, kind=network.says, ignore_ties=ignore_ties(card))

        def on_batch(trains: Sequence[np.ndarray]) -> None:
            if right is not None:
                right.add(trains[-1])
            if card is not None:
                window = [np.ascontiguousarray(train[:, : self.window]) for train in trains]
                scores_of_readout.append(readout_scores(network, window))

        peers = {name: recording} if recording.trains else {}
        found = compare(
            network,
            samples,
            self.period,
            peers,
            keep_trains=int((numbers < self.keep_trains).sum()),
            on_batch=on_batch,
            progress=no_advance if peers else advance,
        )
        if found.first is not None:
            count = sum(layer or 0 for layer in found.differences[name])
            first = found.first.replace(sample=int(numbers[found.first.sample]))
            raise BackendError(f"{name} and emulator differ in {count} spikes; {first}; {self.backend.hint}")
        result = found.result
        scores, known = class_scores(result, card), known_of(samples)
        predictions, probabilities = predictions_of(result, scores, known), None
        if card is not None:
            stated = class_probabilities(np.concatenate(scores_of_readout), predictions, card.temperature)
            probabilities = stated[np.arange(len(stated)), predictions]
        table = sample_table(
            result,
            scores,
            batch.rows,
            batch.labels,
            known,
            probabilities,
            steps=recording.steps,
            seconds=seconds if peers else result.seconds,
            right_over_time=right.counts.tolist() if right is not None else None,
            unknown_labels=batch.unknown_labels,
            layers_read=[network.layer_names[layer] for layer in sorted(recording.trains)],
            metered=recording.metered,
            mistakes=_mistakes(self.file, batch, numbers, predictions, probabilities),
            preprocessing=preprocessing_cost(card, self.embedder, batch.texts),
        )
        return recording, Part(numbers, table, result.trains)

    def pack(self, words: Path | None) -> dict[str, Any]:
        """What `batch_executor` makes the same of on a worker; `words` as in `snnlp_lava.run.inputs.RunInput`."""
        return {
            "network": self.file.path.read_bytes(),
            "name": self.file.path.name,
            "sha256": self.file.sha256,
            "embeds": self.embedder is not None,
            "words": None if words is None else str(words.absolute()),
            "window": self.window,
            "period": self.period,
            "keep_trains": self.keep_trains,
        }


def _mistakes(
    file: NetworkFile, batch: Batch, numbers: np.ndarray, predictions: np.ndarray, probabilities: np.ndarray | None
) -> list[Mistake]:
    """Return the wrong answers to keep of a batch."""
    card, names = file.card, batch.label_names
    if card is None or names is None or batch.labels is None or probabilities is None or not batch.texts:
        return []
    wrong = np.flatnonzero((predictions >= 0) & (predictions != batch.labels))
    worst = wrong[np.argsort(-probabilities[wrong], kind="stable")[:MISTAKES]]
    return [
        Mistake(
            sample=int(numbers[place]),
            text=batch.texts[place][:MISTAKE_CHARACTERS],
            label=names[place],
            prediction=card.label_names[predictions[place]],
            probability=float(probabilities[place]),
            entries=_entries_for(file.network, card, batch.texts[place], predictions[place], batch.labels[place]),
        )
        for place in worst
    ]


def _entries_for(network: Network, card: Card, text: str, prediction: int, label: int) -> tuple[tuple[str, int], ...]:
    """Return the entries of `Mistake`."""
    if len(network.layers) > 1:
        return ()
    (group,) = network.layers[0].synapses()
    leads: dict[str, int] = {}
    for _, entry in card.encoder.token_steps(text, card.window):
        weights = group.weight[:, card.encoder.entry_lines(entry)].sum(axis=1)
        leads[entry] = int(weights[prediction] - (weights[label] if label >= 0 else 0))
    order = sorted((entry for entry, lead in leads.items() if lead > 0), key=lambda entry: (-leads[entry], entry))
    return tuple((entry, leads[entry]) for entry in order[:MISTAKE_ENTRIES])


def batch_executor(common: dict[str, Any]) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """What runs the batches of `pack_task` on a worker; its answers are for `unpack_part`.

    Raises
    ------
    InputError
        If the network is not the run's, or its vectors cannot be made here.
    """
    if hashlib.sha256(common["network"]).hexdigest() != common["sha256"]:
        raise InputError(f"network {common['name']}: changed while it was run; start again with another run folder")
    with tempfile.TemporaryDirectory(prefix="snnlp-lava-") as folder:
        path = Path(folder) / common["name"]
        path.write_bytes(common["network"])
        file = read_network(path)
    embedder = None
    if common["embeds"]:
        card = file.require_card()
        words = None if common["words"] is None else Path(common["words"])
        embedder = load_embedder(card.level, card.embedding, words)
    settings = {name: common[name] for name in ("window", "period", "keep_trains")}
    executor = BatchExecutor(file, Emulator(EmulatorOptions()), embedder, **settings)

    def run(task: dict[str, Any]) -> dict[str, Any]:
        with _one_at_a_time:
            batch, numbers = _unpack_task(task)
            _, part = executor.execute(batch, numbers, no_advance)
            assert part is not None, "the emulator finishes every sample"
            return _pack_part(part)

    return run


def pack_task(batch: Batch, numbers: np.ndarray) -> dict[str, Any]:
    """Samples and their numbers as a worker takes them: texts, and vectors where they are ready."""
    return {
        "numbers": numbers.tolist(),
        "rows": batch.rows.tolist(),
        "texts": batch.texts,
        "labels": None if batch.labels is None else batch.labels.tolist(),
        "label_names": batch.label_names,
        "vectors": None if batch.ready is None else [batch.ready.shape[1], batch.ready.tobytes()],
    }


def _unpack_task(task: dict[str, Any]) -> tuple[Batch, np.ndarray]:
    labels, vectors = task["labels"], task["vectors"]
    batch = Batch(
        np.array(task["rows"], dtype=np.int64),
        task["texts"],
        None if labels is None else np.array(labels, dtype=np.int64),
        task["label_names"],
        None if vectors is None else np.frombuffer(vectors[1], dtype=np.float32).reshape(-1, vectors[0]),
    )
    return batch, np.array(task["numbers"], dtype=np.int64)


def _pack_part(part: Part) -> dict[str, Any]:
    import pyarrow as pa
    from safetensors.numpy import save

    stream = pa.BufferOutputStream()
    with pa.ipc.new_stream(stream, part.table.schema) as writer:
        writer.write_table(part.table)
    trains = {f"{layer:04}": np.ascontiguousarray(train) for layer, train in enumerate(part.trains)}
    return {
        "numbers": part.numbers.tolist(),
        "table": stream.getvalue().to_pybytes(),
        "trains": save(trains),
    }


def unpack_part(answer: dict[str, Any]) -> Part:
    """What a worker answered."""
    import pyarrow as pa
    from safetensors.numpy import load

    table = pa.ipc.open_stream(answer["table"]).read_all()
    return Part(np.array(answer["numbers"]), table, [train for _, train in sorted(load(answer["trains"]).items())])


def preprocessing_cost(card: Card | None, embedder: Embedder | None, texts: Sequence[str]) -> dict[str, OpCounts]:
    """What a computer does to make the network's input of some texts: ``embedding`` and ``encoding``.

    Parameters
    ----------
    card
        The network's card, None if another program wrote it.
    embedder
        What makes its vectors, None where it takes texts or where the vectors' origin is unknown.
    texts
        The texts, none where spikes were given.
    """
    if card is None or not texts:
        return {"embedding": OpCounts("spikes", not_counted="ready spikes were given")}
    encoding = card.encoder.host_ops(texts, len(texts), card.window)
    if card.encoder.takes == "texts":
        return {"encoding": encoding}
    unknown = OpCounts("vectors", not_counted="ready vectors of unknown origin were given")
    return {"embedding": embedder.host_ops(texts) if embedder is not None else unknown, "encoding": encoding}
