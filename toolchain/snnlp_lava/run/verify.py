"""Verify the law of equal spikes: compare what the emulator, a backend and SLAYER send on the same samples."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from snnlp_lava.backends.base import Emulator, packed
from snnlp_lava.backends.compare import FirstDifference, Peer, compare
from snnlp_lava.errors import InputError
from snnlp_lava.files import StrPath, as_optional_path, as_path
from snnlp_lava.netx.network_file import NetworkFile, read_network
from snnlp_lava.progress import ProgressCallback, cumulative, no_advance, no_progress
from snnlp_lava.records import Count, Positive, Record
from snnlp_lava.run.inputs import samples_of
from snnlp_lava.run.runner import raise_broken, split_options

if TYPE_CHECKING:
    from snnlp_lava.encode.base import Encoder, Samples

SLAYER = "slayer"
SpikesBySlayer = Callable[[np.ndarray], Sequence[np.ndarray]]
"""Maps input spikes, (n, window, lines) uint8, to those of every layer."""
_BATCH = 64  # samples per forward pass of SLAYER


class LayerComparison(Record, frozen=True):
    """A layer in a `Verification`: spikes or messages, differences from each peer (None if not read), wraps, clips."""

    name: str
    spikes: Count
    differences: dict[str, Count | None]
    wraps: Count
    clips: Count


class Verification(Record, frozen=True):
    """The result of a verification.

    Attributes
    ----------
    compared_with
        What the emulator was compared with: the backend, and ``slayer`` if a model was given.
    samples, window, period
        Number of samples, and their time steps.
    layers
        The input and every layer.
    first
        The first difference, None if there is none.
    """

    compared_with: tuple[str, ...]
    samples: Positive
    window: Positive
    period: Positive
    layers: tuple[LayerComparison, ...]
    first: FirstDifference | None

    @property
    def differences(self) -> int:
        """Total number of differing spikes."""
        return sum(count or 0 for layer in self.layers for count in layer.differences.values())


def verify(
    path: StrPath,
    *,
    model: StrPath | None = None,
    backend: str = "sim",
    progress: ProgressCallback = no_progress,
    **options: Any,
) -> Verification:
    """Run the same samples on the emulator, a backend and, if a model is given, SLAYER; compare every spike.

    One batch of samples is held at a time.

    Parameters
    ----------
    path
        The network file.
    model
        Folder of the model that the network was exported from.
    backend
        Name of the backend. With ``emulator`` and a model, only SLAYER is compared.
    progress
        Called with the stage, what is done and the total.
    options
        As in `snnlp_lava.run.runner.run_network`.

    Raises
    ------
    InputError
        If network, model or an option cannot be used, or there is nothing to compare.
    BackendError
        If the backend fails.
    StoppedError
        If it is interrupted.
    """
    inputs, runs_on = split_options(backend, options)
    model = as_optional_path(model)
    if model is None and isinstance(runs_on, Emulator):
        raise InputError("there is nothing to compare with the emulator; use another --backend, or --model")
    if runs_on.spread is not None:
        raise InputError("--jobs and --scheduler only apply to --backend emulator in run, not in verify")
    file = read_network(as_path(path))
    batches = inputs.open(file, progress)
    runs_on.check(file, batches.period)
    slayer = _load_slayer(model, file) if model is not None else None
    names = file.network.layer_names
    totals: list[dict[str, Any]] = [
        {"name": name, "spikes": 0, "differences": {}, "wraps": 0, "clips": 0} for name in names
    ]
    first: FirstDifference | None = None
    advance = cumulative(progress, backend, batches.total)
    peers: dict[str, Peer] = {}
    for start in range(0, batches.total, runs_on.batch):
        batch = batches.read(start, min(start + runs_on.batch, batches.total))
        samples = samples_of(batch, file.card, batches.embedder, batches.embedded)
        recording = runs_on.record(file, samples, batches.period, advance)
        raise_broken(recording)
        peers = {backend: recording} if recording.trains else {}
        if slayer is not None:
            peers[SLAYER] = Slayer(slayer, samples)
        progress_of = no_advance if recording.trains else advance
        found = compare(file.network, samples, batches.period, peers, progress=progress_of)
        for index, (total, layer) in enumerate(zip(totals, found.result.layers, strict=True)):
            for count in ("spikes", "wraps", "clips"):
                total[count] += int(getattr(layer, count).sum())
            for name, differences in found.differences.items():
                total["differences"][name] = _sum(total["differences"].get(name), differences[index])
        if found.first is not None and (first is None or names.index(found.first.layer) < names.index(first.layer)):
            first = found.first.replace(sample=start + found.first.sample)
    return Verification.of(
        compared_with=tuple(peers),
        samples=batches.total,
        window=batches.window,
        period=batches.period,
        layers=totals,
        first=first,
    )


def _sum(one: int | None, other: int | None) -> int | None:
    return other if one is None else one if other is None else one + other


class Slayer:
    """Spikes computed by SLAYER, as a peer of the emulator; of the window only, since SLAYER has no period."""

    registers: ClassVar[bool] = False

    def __init__(self, compute: SpikesBySlayer, samples: Samples) -> None:
        self._compute, self._samples = compute, samples

    def spikes(self, start: int, stop: int) -> Mapping[int, np.ndarray]:
        """Return bit-packed spikes of the samples from `start` to `stop`, of the input and every layer."""
        parts = []
        for first in range(start, stop, _BATCH):
            spikes = self._samples.spikes(np.arange(first, min(first + _BATCH, stop)))
            parts.append([packed(train) for train in (spikes, *self._compute(spikes))])
        return {layer: np.concatenate(trains) for layer, trains in enumerate(zip(*parts, strict=True))}


def _load_slayer(model: Path, file: NetworkFile) -> SpikesBySlayer:
    from snnlp_lava.train.model_folder import load_spiking

    info, restored = load_spiking(model)
    if restored.slayer_spikes is None:
        raise InputError(f"model {model}: method {info.method.name} does not use SLAYER; omit --model")
    if info.sizes != file.network.sizes:
        raise InputError(
            f"model {model}: has sizes {info.sizes}, the network {file.network.sizes}; is it the model that was "
            "exported?"
        )
    if file.card is not None and not _same(restored.encoder, file.card.encoder):
        raise InputError(f"model {model}: its encoder differs from the network's; is it the model that was exported?")
    return restored.slayer_spikes


def _same(one: Encoder, other: Encoder) -> bool:
    return one.to_dict() == other.to_dict() and all(
        np.array_equal(array, other.arrays()[name]) for name, array in one.arrays().items()
    )
