"""Draw the animation of README.md: the words of a text become spikes, the classes rise, the first to cross answers.

    python scripts/animation.py docs/gallery/spikes.svg ["your text"]

The network is trained on the texts of ``--data cafe``, and everything drawn is of its run on the emulator. One SVG with
CSS alone: it follows the reader's light or dark colours, and stands still for those who ask for reduced motion.
"""

from __future__ import annotations

import sys
import tempfile
from html import escape
from pathlib import Path

import numpy as np

from snnlp_lava import SpikingTextClassifier, load_texts, run_network
from snnlp_lava.report.document import MAIN_BOOK, NETWORK, report_document
from snnlp_lava.report.tables import joules_text

TEXT = "how late can we come for coffee today?"
ENTRIES, CLASSES, SECONDS = 7, 4, 9
WIDTH, HEIGHT = 860, 400
NAME, DOT, CLASS, LEFT, RIGHT, TOP, BOTTOM = 128, 148, 330, 470, 836, 92, 318  # x of columns, box of the plot
STYLE = """
svg { font: 15px system-ui, sans-serif; --ink: #1c1e21; --soft: #667; --paper: #fff; --line: #d5d8dd }
.c0 { --c: #0a66c2 } .c1 { --c: #c2410c } .c2 { --c: #15803d } .c3 { --c: #8b3fa8 }
@media (prefers-color-scheme: dark) {
  svg { --ink: #e8eaed; --soft: #a3a9b3; --paper: #15181c; --line: #3b4149 }
  .c0 { --c: #6cb6ff } .c1 { --c: #ff9b62 } .c2 { --c: #5fd38a } .c3 { --c: #d59cf0 }
}
text { fill: var(--ink) } .soft { fill: var(--soft); font-size: 12.5px } .head { font-size: 20px }
.dot { fill: var(--ink) } .wire { stroke: var(--c); fill: none } .class text, .answer
{ fill: var(--c); font-weight: 600 }
.node { fill: var(--c) } .rise { stroke: var(--c); fill: none; stroke-width: 2.5 }
.cover { fill: var(--paper); transform: scaleX(0); transform-origin: right; transform-box: fill-box }
.axis { stroke: var(--line) } .threshold { stroke: var(--soft); stroke-dasharray: 5 4 }
"""


def main(path: str = "docs/gallery/spikes.svg", text: str = TEXT) -> None:
    data = load_texts("cafe")
    labels = [data.label_names[label] for label in data.labels]
    classifier = SpikingTextClassifier(tokens="pairs").fit(data.texts, labels)
    found = classifier.explain(text)
    layer, names = classifier.network.layers[0], classifier.classes_.tolist()
    spikes = classifier.predictor.trains([text])[0][0].astype(np.int64)
    voltage = np.cumsum(spikes @ layer.weight.T + layer.neuron.bias, axis=0)  # u keeps nothing, v forgets nothing
    shown = np.argsort(-voltage[-1], kind="stable")[:CLASSES]
    entries = sorted(found["entries"], key=lambda row: -max(map(abs, row["weights"].values()), default=0))[:ENTRIES]
    with tempfile.TemporaryDirectory() as folder:
        classifier.export(Path(folder) / "cafe.net")
        (run,) = report_document([run_network(Path(folder) / "cafe.net", texts=[text])])["runs"]
    (bill,) = (bill for bill in run["bills"] if (bill["of"], bill["book"]) == (NETWORK, MAIN_BOOK))
    cost = (
        f"{found['input_spikes']} spikes, {found['synops']} synaptic operations, "
        f"{joules_text(*bill['total_pj'])} at Loihi 1's published prices"
    )
    drawing = _Drawing()
    drawing.words(text, 0.3)
    drawing.entries(entries, [names[index] for index in shown], 2.0)
    decided = drawing.curves(voltage[:, shown], int(layer.neuron.threshold), 3.4)
    drawing.answer(f"{found['label']}  {found['probability']:.0%}", cost, decided)
    Path(path).write_text(drawing.svg(f"“{text}” becomes {cost}; the answer is {found['label']}"), "utf-8")
    sys.stdout.write(f"{found['label']} ({found['probability']:.0%}): {cost}\n")


class _Drawing:
    """Parts of the picture, and when each appears, in seconds."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.rules: list[str] = []

    def add(self, part: str, at: float, lasts: float = 0.25, what: str = "opacity", ends: tuple = (0, 1)) -> None:
        """Add an element (with ``{}`` for its class), a property of which goes from one end to the other at `at`."""
        name = f"k{len(self.rules)}"
        start, end = 100 * at / SECONDS, 100 * (at + lasts) / SECONDS
        self.rules.append(
            f"@keyframes {name} {{ 0%, {start:.2f}% {{ {what}: {ends[0]} }} {end:.2f}%, 100% {{ {what}: {ends[1]} }} }}"
            f" .{name} {{ animation: {name} {SECONDS}s infinite linear }}"
        )
        self.parts.append(part.format(name))

    def words(self, text: str, at: float) -> None:
        self.parts.append('<text class="head" x="24" y="38">')
        for number, word in enumerate(text.split()):
            self.add(f'<tspan class="{{}}">{escape(word)} </tspan>', at + 0.15 * number, what="fill-opacity")
        self.parts.append('</text>\n<text class="soft" x="24" y="70">each known word or pair is one spike</text>')

    def entries(self, entries: list[dict], names: list[str], at: float) -> None:
        rows = {name: TOP + 28 + 56 * number for number, name in enumerate(names)}
        for number, entry in enumerate(entries):
            y = TOP + 12 + 34 * number
            label = escape(entry["entry"].replace("\t", " ").strip())
            for name, row in rows.items():
                if weight := entry["weights"].get(name, 0):
                    style = f"stroke-width: {0.5 + abs(weight) / 40:.1f}" + (
                        "" if weight > 0 else "; stroke-dasharray: 2 4"
                    )
                    curve = f"M{DOT + 8} {y} C{DOT + 90} {y} {CLASS - 90} {row} {CLASS - 8} {row}"
                    wire = f'class="wire c{names.index(name)} {{}}" style="{style}" stroke-opacity=".75"'
                    self.add(f'<path {wire} d="{curve}"/>', at + 0.5)
            self.add(f'<text class="{{}}" x="{NAME}" y="{y + 5}" text-anchor="end">{label}</text>', at - 0.4)
            self.add(f'<circle class="dot {{}}" cx="{DOT}" cy="{y}" r="6"/>', at, 0.2)
        for name, row in rows.items():
            number = names.index(name)
            self.parts.append(
                f'<g class="class c{number}"><circle class="node" cx="{CLASS}" cy="{row}" r="7"/>'
                f'<text x="{CLASS + 14}" y="{row + 5}">{escape(name)}</text></g>'
            )

    def curves(self, voltage: np.ndarray, threshold: int, at: float) -> float:
        """Draw each class's voltage over the steps; return when the first crosses the threshold."""
        steps, low, high = len(voltage), min(0, int(voltage.min())), int(1.08 * max(threshold, voltage.max()))

        def x(step: int) -> float:
            return LEFT + (RIGHT - LEFT) * step / steps

        def y(value: float) -> float:
            return BOTTOM - (BOTTOM - TOP) * (value - low) / (high - low)

        lasts, dots, first = 2.6, [], (steps, at)
        for number in range(voltage.shape[1]):
            points = [(x(0), y(0)), *((x(step + 1), y(value)) for step, value in enumerate(voltage[:, number]))]
            if len(crossed := np.flatnonzero(voltage[:, number] > threshold)):
                points = points[: crossed[0] + 2]
                when = at + lasts * (crossed[0] + 1) / steps
                place = f'cx="{points[-1][0]:.1f}" cy="{points[-1][1]:.1f}"'
                dots.append((f'<circle class="node c{number} {{}}" {place} r="8"/>', when))
                first = min(first, (int(crossed[0]), when))
            line = " L".join(f"{one:.1f} {other:.1f}" for one, other in points)
            self.parts.append(f'<path class="rise c{number}" d="M{line}"/>')
        place = f'x="{LEFT}" y="{TOP - 10}" width="{RIGHT - LEFT + 8}" height="{BOTTOM - TOP + 10}"'
        self.add(f'<rect class="cover {{}}" {place}/>', at, lasts, "transform", ("scaleX(1)", "scaleX(0)"))
        for dot, when in dots:
            self.add(dot, when, 0.1)
        self.parts += [
            f'<path class="axis" fill="none" d="M{LEFT} {TOP} V{BOTTOM} H{RIGHT}"/>',
            f'<path class="threshold" d="M{LEFT} {y(threshold):.1f} H{RIGHT}"/>',
            f'<text class="soft" x="{LEFT + 6}" y="{y(threshold) - 6:.1f}">threshold</text>',
            f'<text class="soft" x="{LEFT}" y="70">voltage of each class</text>',
            f'<text class="soft" x="{RIGHT}" y="{BOTTOM + 18}" text-anchor="end">time step</text>',
        ]
        self.parts += [
            f'<text class="soft" x="{x(step):.0f}" y="{BOTTOM + 18}" text-anchor="middle">{step}</text>'
            for step in range(1, steps - 1)
        ]
        return first[1]

    def answer(self, answer: str, cost: str, at: float) -> None:
        self.add(f'<text class="answer c0 head {{}}" x="24" y="{HEIGHT - 18}">{escape(answer)}</text>', at)
        x = 60 + 11.5 * len(answer)
        self.add(f'<text class="{{}}" x="{x:.0f}" y="{HEIGHT - 18}">{escape(cost)}</text>', at + 0.4)

    def svg(self, title: str) -> str:
        still = "@media (prefers-reduced-motion: reduce) { * { animation: none !important } }"
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">\n'
            f"<title>{escape(title)}</title>\n<style>{STYLE}{chr(10).join(self.rules)}\n{still}\n</style>\n"
            f'<rect width="{WIDTH}" height="{HEIGHT}" rx="10" fill="var(--paper)"/>\n'
            + "\n".join(self.parts)
            + "\n</svg>\n"
        )


if __name__ == "__main__":
    main(*sys.argv[1:])
