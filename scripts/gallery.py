"""Make the pictures of docs/gallery.md: type its commands, and cut the figures out of what they write.

    .venv/bin/python scripts/gallery.py

The picture of the page needs Chromium and is left as it is without.
"""

import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from matplotlib import rcParams
from matplotlib.figure import Figure

from snnlp_lava import Dense, Neuron
from snnlp_lava.encode.saf import saf_spikes

ROOT = Path(__file__).parents[1]
GALLERY = ROOT / "docs" / "gallery"
PROGRAMS = {"snnlp-lava": ["-m", "snnlp_lava.cli.main"], "python": []}
# Which picture is which figure of which report: the start of the label that says what it shows.
FIGURES = {
    "frontier": ("cafes.html", "Accuracy of each run"),
    "raster": ("rates.html", "Every spike of one text"),
    "bill": ("rates.html", "Energy per text"),
    "cores": ("rates.html", r"\d+ of 128 cores"),
}
WIDTH, HEIGHT = 900, 1150  # of the page's picture


def main() -> None:
    commands = re.findall(
        r"^    (snnlp-lava|python) (.+)$", (ROOT / "docs" / "gallery.md").read_text("utf-8"), re.MULTILINE
    )
    GALLERY.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "gallery").symlink_to(GALLERY)
        (folder / "scripts").symlink_to(ROOT / "scripts")
        for program, line in commands:
            sys.stdout.write(f"{program} {line}\n")
            subprocess.run([sys.executable, *PROGRAMS[program], *shlex.split(line)], cwd=folder, check=True)
        for picture, (report, label) in FIGURES.items():
            (GALLERY / f"{picture}.svg").write_text(_figure((folder / report).read_text("utf-8"), label), "utf-8")
        _photograph(folder / "cafe.html", GALLERY / "page.png")
    rcParams["svg.hashsalt"] = "gallery"  # equal figures are equal files
    _draw_saf()
    _draw_cuba()


def _figure(page: str, label: str) -> str:
    """The figure of a report as a file of its own: black on white, as it has no page to take colours from."""
    found = re.search(rf'aria-label="{label}[^"]*">\s*(<svg.*?</svg>)', page, re.DOTALL)
    if found is None:
        raise SystemExit(f"the report has no figure {label!r}")
    svg = found[1].replace("var(--blue)", "#0072B2").replace("currentColor", "#1c1e21")
    return svg if "xmlns=" in svg else svg.replace("<svg", '<svg xmlns="http://www.w3.org/2000/svg"', 1)


def _photograph(page: Path, picture: Path) -> None:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        sys.stdout.write(f"{picture.name} stays as it is: it needs Chromium (apt-get install chromium)\n")
        return
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--virtual-time-budget=8000"]
    size = [f"--window-size={WIDTH},{HEIGHT}", f"--user-data-dir={page.parent / 'profile'}"]
    subprocess.run([chromium, *flags, *size, f"--screenshot={picture}", page.as_uri()], check=True, capture_output=True)


def _draw_saf(x: float = 0.3, window: int = 14) -> None:
    spikes = saf_spikes(np.array([[round(x * 65536)]]), window)[0, :, 0]
    steps = np.arange(1, window + 1)
    after = x * steps - np.cumsum(spikes)
    times = np.repeat(np.arange(window + 1), 2)[1:]
    levels = [0.0]
    for value, spike in zip(after, spikes, strict=True):
        levels += [value + spike, value]
    figure = Figure(figsize=(8, 2.8), layout="constrained")
    top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    top.plot(np.r_[times, window][: len(levels)], levels, color="#0072B2", linewidth=1.8)
    top.axhline(1, color="#767676", linestyle="--", linewidth=1)
    top.set_ylabel("accumulator")
    top.set_title(f"SAF neuron, x = {x}: {int(spikes.sum())} spikes in {window} steps", loc="left", fontsize=10)
    _spikes(bottom, steps, spikes)
    _save(figure, "saf.svg")


def _draw_cuba(steps: int = 60) -> None:
    """The trace is the emulator's: u and v of one neuron after every step."""
    arrived = np.zeros((1, steps, 1), np.uint8)
    arrived[0, [4, 8, 11, 13, 15, 30, 33, 36, 38]] = 1
    layer = Dense([[40]], Neuron([0], current_decay=800, voltage_decay=500, threshold=150))
    spikes = layer.run(arrived).spikes[0]
    states = np.array([layer.trace(0, arrived[0, :end], spikes[:end]) for end in range(1, steps + 1)]) / 64
    time = np.arange(1, steps + 1)
    figure = Figure(figsize=(8, 4.4), layout="constrained")
    first, second, third, last = figure.subplots(4, 1, sharex=True, height_ratios=(1, 2.4, 3, 1))
    _spikes(first, time, arrived[0, :, 0], "arrive")
    second.plot(time, states[:, 0], color="#E69F00", linewidth=1.8, drawstyle="steps-post")
    second.set_ylabel("u / 64")
    third.plot(time, states[:, 1], color="#0072B2", linewidth=1.8, drawstyle="steps-post")
    third.axhline(150, color="#767676", linestyle="--", linewidth=1)
    third.text(0.5, 152, "threshold", fontsize=8, color="#767676", va="bottom")
    third.set_ylabel("v / 64")
    _spikes(last, time, spikes[:, 0], "spikes")
    _save(figure, "cuba.svg")


def _spikes(axes, steps, spikes, title="spikes") -> None:
    axes.eventplot(steps[spikes.astype(bool)], color="black", lineoffsets=0.5, linelengths=0.8)
    axes.set_yticks([])
    axes.set_ylim(0, 1)
    axes.set_ylabel(title, rotation=0, ha="right", va="center")
    axes.set_xlim(0, steps[-1] + 1)


def _save(figure: Figure, name: str) -> None:
    for axes in figure.axes:
        axes.spines[["top", "right"]].set_visible(False)
    figure.axes[-1].set_xlabel("time step")
    figure.savefig(GALLERY / name, metadata={"Date": None})


if __name__ == "__main__":
    main()
