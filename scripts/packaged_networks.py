"""Train the networks that are included in the package, from its texts, with default options; prints their scores.

python scripts/packaged_networks.py
"""

import sys
import tempfile
from pathlib import Path

import snnlp_lava
from snnlp_lava.predict.load import PACKAGED

FOLDER = Path(snnlp_lava.__file__).parent / "predict"

for name in PACKAGED:
    data = snnlp_lava.prepare_data(snnlp_lava.load_texts(name), "spike-embedding")
    with tempfile.TemporaryDirectory() as folder:
        model = Path(folder) / name
        record = snnlp_lava.train_model(data, model)
        snnlp_lava.write_network(FOLDER / f"{name}.net", *snnlp_lava.export_model(model))
    run = snnlp_lava.run_network(FOLDER / f"{name}.net", data=name)
    rivals = ", ".join(f"{rival} {found.test.accuracy:.1%}" for rival, found in record.baselines.items())
    sys.stdout.write(
        f"{name}: test accuracy {run.record.accuracy:.1%} ({rivals}), {run.record.synops / run.record.samples:.1f} "
        f"synops a text, {(FOLDER / f'{name}.net').stat().st_size:,} bytes\n"
    )
