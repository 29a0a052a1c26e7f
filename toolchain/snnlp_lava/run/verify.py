"""The law of equal spikes, shown: SLAYER, the emulator and Lava on the same samples, spike by spike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from snnlp_lava.backends.base import Trains
from snnlp_lava.backends.compare import Place, _place
from snnlp_lava.backends.emulator import run_emulator
from snnlp_lava.backends.lava.job import Board
from snnlp_lava.backends.lava.loihi2 import check_board, run_board
from snnlp_lava.backends.lava.sim import run_simulator
from snnlp_lava.encode.base import Encoder, Samples
from snnlp_lava.errors import InputError
from snnlp_lava.files import StrPath, as_optional_path, as_path, check_int
from snnlp_lava.network.network import Network
from snnlp_lava.progress import ProgressCallback, cumulative, no_progress
from snnlp_lava.run.inputs import Chosen, Selection, choose

_BATCH = 64


@dataclass(frozen=True)
class Verification:
    """What was compared, and what came of it.

    Attributes
    ----------
    sides
        Those compared with the emulator: ``lava`` or ``loihi2``, and ``slayer`` where a model was given.
    samples, window, period
        How many samples, and their time steps.
    layers
        For each layer its name, spikes, differences on every side (None where a side was not read), wraps and clips.
    first
        The first difference, None if there is none.
    """

    sides: tuple[str, ...]
    samples: int
    window: int
    period: int
    layers: list[dict[str, Any]]
    first: Place | None

    @property
    def differences(self) -> int:
        """Different spikes in all."""
        return sum(layer["differences"][side] or 0 for layer in self.layers for side in self.sides)


def verify(
    path: StrPath,
    selection: Selection,
    model: StrPath | None = None,
    *,
    jobs: int = 1,
    board: Board | None = None,
    report: ProgressCallback = no_progress,
) -> Verification:
    """Run the same samples through the emulator, Lava and, where its model is given, SLAYER; compare every spike.

    Of a Loihi 2 the input, as the host sent it, and the output are compared.

    Parameters
    ----------
    path
        The network file.
    selection
        The samples.
    model
        Folder of the model it was exported from.
    jobs
        Number of Lava runtimes.
    board
        The Loihi 2 in the place of Lava's simulator.
    report
        Progress.

    Raises
    ------
    InputError
        If network, model or selection cannot be used together.
    BackendError
        If Lava fails.
    """
    path, model = as_path(path), as_optional_path(model)
    check_int("jobs", jobs)
    if board is not None:
        check_board(path, board, own_period=selection.spikes is None)
    chosen = choose(path, selection, report)
    network, period, count = chosen.network, chosen.period, chosen.total
    samples = chosen.chunk(0, count).samples
    expected = run_emulator(network, samples, period, keep_trains=count)
    emulated = _unpack(dict(enumerate(expected.trains)), network)
    side = "lava" if board is None else "loihi2"
    advance = cumulative(report, side, count)
    if board is None:
        ran = run_simulator(path, network, samples, period, jobs, advance)
    else:
        ran = run_board(path, network, samples, period, board, advance)
    if ran.broken is not None:
        raise ran.broken
    sides: dict[str, Trains] = {side: _unpack(ran.trains, network)}
    if model is not None:
        sides["slayer"] = dict(enumerate(_slayer_trains(model, chosen, samples)))
    layers = []
    first: Place | None = None
    for index, tally in enumerate(expected.layers):
        differences: dict[str, int | None] = {}
        for side, trains in sides.items():
            if index not in trains:
                differences[side] = None
                continue
            # SLAYER runs the window alone; what Lava does in a longer period is compared with the emulator.
            differ = emulated[index][:, : trains[index].shape[1]] != trains[index]
            differences[side] = int(differ.sum())
            if differ.any() and first is None:
                first = _place(network, index, differ, emulated, side, trains)
        layers.append(
            {
                "name": tally.name,
                "spikes": int(tally.spikes.sum()),
                "differences": differences,
                "wraps": int(tally.wraps.sum()),
                "clips": int(tally.clips.sum()),
            }
        )
    return Verification(tuple(sides), count, chosen.window, period, layers, first)


def _unpack(packed: Mapping[int, np.ndarray], network: Network) -> dict[int, np.ndarray]:
    return {index: np.unpackbits(train, axis=2, count=network.sizes[index]) for index, train in packed.items()}


def _slayer_trains(model: Path, chosen: Chosen, samples: Samples) -> list[np.ndarray]:
    from snnlp_lava.train.model_folder import load_spiking

    network, card = chosen.network, chosen.card
    info, restored = load_spiking(model)
    if restored.slayer_spikes is None:
        raise InputError(f"model {model}: SLAYER has no part in method {info.method.name}; leave out --model")
    if info.sizes != network.sizes:
        raise InputError(
            f"model {model}: has sizes {info.sizes}, the network {network.sizes}; is it the model that was exported?"
        )
    if card is not None and not _same(restored.encoder, card.encoder):
        raise InputError(f"model {model}: has another encoder than the network; is it the model that was exported?")
    batches = []
    for start in range(0, len(samples), _BATCH):
        spikes = samples.spikes(np.arange(start, min(start + _BATCH, len(samples))))
        batches.append([spikes, *restored.slayer_spikes(spikes)])
    return [np.concatenate(parts) for parts in zip(*batches, strict=True)]


def _same(one: Encoder, other: Encoder) -> bool:
    return one.to_dict() == other.to_dict() and all(
        np.array_equal(array, other.arrays()[name]) for name, array in one.arrays().items()
    )
