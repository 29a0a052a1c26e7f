"""From a model folder to the chip's integers and the card that goes with them."""

from __future__ import annotations

from snnlp_lava.chip.network import Network
from snnlp_lava.errors import InputError
from snnlp_lava.given import StrPath, check_count, check_utf8, path_of
from snnlp_lava.netx.card import Card
from snnlp_lava.train.folder import load_spiking
from snnlp_lava.versions import versions


def export_model(folder: StrPath, period: int | None = None) -> tuple[Network, Card]:
    """Network and card of a trained spiking model.

    Parameters
    ----------
    folder
        The model folder.
    period
        Steps from one sample to the next; the window by default.

    Raises
    ------
    InputError
        If the folder holds no spiking model or has a name that is not UTF-8, its weights cannot be stored on the chip,
        or the period is shorter than the window.
    """
    folder = path_of(folder)
    name = folder.resolve().name
    check_utf8(name, "model")
    check_count("period", period)
    info, module = load_spiking(folder)
    try:
        network = module.to_network()
        card = Card(
            method=info.train.method,
            level=info.train.level,
            label_names=info.label_names,
            window=info.train.window,
            period=info.train.window if period is None else period,
            embedding=info.embedding,
            encoder=module.encoder,
            training={
                "model": name,
                "config": info.train.to_dict(),
                "data": dict(info.data),
                "scores": dict(info.scores),
                "baselines": dict(info.baselines),
            },
            versions=versions(),
        )
    except InputError as error:
        raise InputError(f"model {folder}: {error}") from error
    return network, card
