"""Write and read run folders: result.json, samples.parquet and the spike trains of a few samples."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from snnlp_lava.backends.base import unpacked
from snnlp_lava.errors import InputError, one_line
from snnlp_lava.files import StrPath, as_path, atomic_folder, write_json
from snnlp_lava.network.network import Network, format_sizes
from snnlp_lava.network.readout import readout_voltages
from snnlp_lava.records import build, load_json
from snnlp_lava.run.html import html_table
from snnlp_lava.run.record import RunRecord, check_table

if TYPE_CHECKING:
    import pyarrow as pa

RESULT, SAMPLES, TRAINS = "result.json", "samples.parquet", "trains.safetensors"
EXAMPLES = 4
"""Number of samples whose texts, and by default spike trains, a run folder keeps."""
_VOLTAGES = "voltages"
_READ = ("output_counts", "prediction", "label", "probability")


@dataclass(frozen=True, repr=False)
class Run:
    """A run, in memory or read from a folder.

    Attributes
    ----------
    name
        Name of the folder, or of the network if there is no folder.
    record
        The record of the run.
    output_counts
        (n, classes) output spikes, or what `RunRecord.says` says.
    predictions
        (n,) classes, -1 for an unknown answer.
    labels
        (n,) true classes, -1 for labels that the network lacks; or None.
    probabilities
        (n,) probability of each answer, None if the network states none.
    trains
        What the input and every layer sent in the first EXAMPLES samples, (samples, period, neurons) each: uint8
        spikes, int32 messages, or the int32 v of a last layer that never spikes.
    voltages
        Membrane potentials of the read-out in these samples, in thresholds, before a spike resets them: (samples,
        period, classes) float32. None if they were not kept, or the read-out sends messages.
    """

    name: str
    record: RunRecord
    output_counts: np.ndarray
    predictions: np.ndarray
    labels: np.ndarray | None
    trains: tuple[np.ndarray, ...]
    probabilities: np.ndarray | None = None
    voltages: np.ndarray | None = None

    @property
    def predicted_labels(self) -> list[str | None]:
        """Names of the predicted classes; None for an unknown answer."""
        names = self.record.label_names
        return [names[prediction] if prediction >= 0 else None for prediction in self.predictions]

    def __repr__(self) -> str:
        return f"Run({self.name!r}, {self.record.samples:,} samples on {self.record.backend})"

    def _repr_html_(self) -> str:
        """Return what a notebook shows."""
        record, samples = self.record, self.record.samples
        data = " ".join(part for part in (record.data.name, record.data.split) if part)
        return html_table(
            f"run {self.name}",
            {
                "network": format_sizes(record.network.sizes),
                "backend": record.backend,
                "data": f"{data}, {samples:,} texts" if data else f"{samples:,} texts",
                "accuracy": None if record.accuracy is None else f"{record.accuracy:.1%}",
                "unknown": f"{record.unknown:,}" if record.unknown else None,
                "input spikes": f"{record.layers[0].spikes / samples:,.1f} per text",
                "synops": f"{record.synops / samples:,.1f} per text",
            },
        )

    @classmethod
    def of(
        cls,
        name: str,
        record: RunRecord,
        table: pa.Table,
        trains: Sequence[np.ndarray],
        voltages: np.ndarray | None = None,
    ) -> Run:
        """Create a run from its table, packed trains and voltages.

        Raises
        ------
        InputError
            If they contradict the record.
        """
        counts = _rows_of(table.column("output_counts"))
        predictions = table.column("prediction").to_numpy()
        labels = table.column("label").to_numpy() if "label" in table.column_names else None
        probabilities = table.column("probability").to_numpy() if "probability" in table.column_names else None
        check_table(record, counts, predictions, labels, probabilities)
        sizes = record.network.sizes
        shown = tuple(_unpacked(train[:EXAMPLES], size) for train, size in zip(trains, sizes, strict=True))
        shape = (*shown[0].shape[:2], sizes[-1])
        if voltages is not None:
            if (voltages.shape, voltages.dtype) != (shape, np.float32):
                raise InputError(f"{TRAINS} has voltages of shape {voltages.shape} in {voltages.dtype}")
            if not np.isfinite(voltages).all():
                raise InputError(f"{TRAINS} has a voltage that is not a number")
        return cls(name, record, counts, predictions, labels, shown, probabilities, voltages)


def check_run_folder(folder: Path) -> None:
    """Check that a run may be written to a folder: it does not exist, is empty, or contains an older run.

    Raises
    ------
    InputError
        If it is a dangling link, contains other files, or has no name (unfinished results are kept beside it).
    """
    if folder.name in ("", ".."):
        raise InputError(f"run {folder}: must be a folder with a name; choose another folder with -o")
    if folder.is_symlink() and not folder.exists():
        raise InputError(
            f"run {folder}: is a link to {folder.readlink()}, which does not exist; choose another folder with -o"
        )
    if folder.exists() and not (folder / RESULT).is_file() and not (folder.is_dir() and not any(folder.iterdir())):
        raise InputError(f"run {folder}: exists and is not a run folder; choose another folder with -o")


def kept_voltages(network: Network, trains: Sequence[np.ndarray]) -> np.ndarray | None:
    """Compute `Run.voltages` from packed trains of the input and every layer; None if the read-out sends messages."""
    if network.layers[-1].neuron.graded:
        return None
    shown = [_unpacked(train[:EXAMPLES], size) for train, size in zip(trains, network.sizes, strict=True)]
    return readout_voltages(network, shown).astype(np.float32)


def write_run(
    folder: Path,
    record: RunRecord,
    tables: Iterable[pa.Table],
    trains: Sequence[np.ndarray],
    voltages: np.ndarray | None,
) -> None:
    """Write a run folder atomically; an older run of the same name is replaced.

    Parameters
    ----------
    folder
        The folder.
    record
        The record.
    tables
        From `sample_table`, all samples in order.
    trains
        Packed trains of the first samples, of the input and every layer.
    voltages
        From `kept_voltages`.

    Raises
    ------
    InputError
        If the folder cannot be written, or contains something other than a run.
    """
    from safetensors.numpy import save

    check_run_folder(folder)
    with atomic_folder(folder) as temporary:
        _write_tables(temporary / SAMPLES, tables)
        layers = {f"layer{index}": np.ascontiguousarray(train) for index, train in enumerate(trains)}
        if voltages is not None:
            layers[_VOLTAGES] = voltages
        (temporary / TRAINS).write_bytes(save(layers))
        write_json(temporary / RESULT, record.to_dict())


def _write_tables(path: Path, tables: Iterable[pa.Table]) -> None:
    from pyarrow import parquet

    writer = None
    for table in tables:
        plain = table.replace_schema_metadata(None)
        writer = writer or parquet.ParquetWriter(path, plain.schema)
        writer.write_table(plain)
    assert writer is not None, "a run without samples"
    writer.close()


def read_run(folder: StrPath) -> Run:
    """Read a run folder.

    Raises
    ------
    InputError
        If it is missing, incomplete or damaged.
    """
    import pyarrow as pa
    from pyarrow import parquet
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    folder = as_path(folder)
    what = f"run {folder}"
    record = read_record(folder)
    try:
        names = parquet.read_schema(folder / SAMPLES).names
        table = parquet.read_table(folder / SAMPLES, columns=[name for name in _READ if name in names])
        packed = load_file(folder / TRAINS)
    except (OSError, SafetensorError, pa.ArrowException) as error:
        raise InputError(f"{what}: is damaged: {one_line(error)}") from error
    if missing := {"output_counts", "prediction"} - set(table.column_names):
        raise InputError(f"{what}: is damaged: {SAMPLES} lacks {min(missing)}")
    layers = [f"layer{index}" for index in range(len(record.network.sizes))]
    voltages = packed.pop(_VOLTAGES, None)
    if set(packed) != set(layers):
        raise InputError(f"{what}: is damaged: {TRAINS} has {', '.join(sorted(packed))}")
    try:
        return Run.of(folder.name, record, table, [packed[layer] for layer in layers], voltages)
    except InputError as error:
        raise InputError(f"{what}: is damaged: {error}") from error


def read_record(folder: Path) -> RunRecord:
    """Read the record of a run folder.

    Raises
    ------
    InputError
        If it is missing or damaged, or was written by another version.
    """
    what = f"run {folder}"
    if not folder.is_dir():
        raise InputError(f"{what}: no such folder")
    if not (folder / RESULT).is_file():
        raise InputError(f"{what}: is not a run folder, it has no {RESULT}")
    document = load_json(folder / RESULT, what)
    if isinstance(document, dict) and document.get("format") != RunRecord.FORMAT:
        raise InputError(
            f"{what}: has format {str(document.get('format'))[:40]!r}, this version reads {RunRecord.FORMAT}; run "
            f"the network again with snnlp-lava run NETWORK -o {folder}"
        )
    try:
        return build(RunRecord, document)
    except InputError as error:
        raise InputError(f"{what}: is damaged: {RESULT}: {error}") from error


def _unpacked(packed: np.ndarray, size: int) -> np.ndarray:
    widths = {np.dtype(np.uint8): (size + 7) // 8, np.dtype(np.int32): size}
    if packed.ndim != 3 or packed.shape[2] != widths.get(packed.dtype):
        raise InputError(f"{TRAINS} has {packed.dtype} of shape {packed.shape} for a layer of {size}")
    return unpacked(packed, size)


def _rows_of(column: pa.ChunkedArray) -> np.ndarray:
    """Convert a column of lists of equal length to (n, length) int64."""
    import pyarrow as pa

    try:
        lists = column.combine_chunks()
        values = np.asarray(lists.flatten()).astype(np.int64)
        widths = np.asarray(lists.value_lengths())
    except (pa.ArrowException, AttributeError, TypeError, ValueError) as error:
        raise InputError(f"{SAMPLES} has output_counts of type {column.type}") from error
    if not len(widths) or (widths != widths[0]).any():
        raise InputError(f"{SAMPLES} has rows with different numbers of classes")
    return values.reshape(len(widths), widths[0])
