"""Train ten networks on well-known data sets with default options, and write down what came out, in docs/models.md.

    .venv/bin/python scripts/ten_networks.py [--files FOLDER] [NAME ...]

With a folder, data sets are read from its files NAME.parquet, and only those that it has; without, from the Hugging
Face hub. The table's rows of other networks stay as they are.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

PAGE = Path(__file__).parents[1] / "docs" / "models.md"
# Name, what it tells apart, the hub's data set and its columns.
NETWORKS = {
    "emotion": ("tweets, 6 emotions", "emotion"),
    "imdb": ("reviews, 2 sentiments", "imdb"),
    "sst2": ("sentences of reviews, 2 sentiments", "hf:SetFit/sst2"),
    "trec": ("questions, 6 kinds of answer", "hf:SetFit/TREC-QC --label-column label_coarse_original"),
    "clinc150": ("queries, 150 intents and unknown", "hf:clinc/clinc_oos:plus --label-column intent"),
    "banking77": ("queries, 77 intents", "hf:mteb/banking77 --label-column label_text"),
    "ag-news": ("news, 4 topics", "hf:fancyzhx/ag_news"),
    "tweets": ("tweets, 3 sentiments", "hf:cardiffnlp/tweet_eval:sentiment"),
    "chinese": ("Chinese hotel reviews, 2 sentiments", "hf:lansinuote/ChnSentiCorp"),
    "languages": ("20 languages", "hf:papluca/language-identification --label-column labels"),
}
FILES = {"chinese": ("Chinese reviews of deliveries, 2 sentiments", "waimai"), "clinc150": (None, "clinc150-unknown")}
"""Networks whose file is another data set, or has another name."""
TITLES = ("network", "tells apart", "`DATA`", "accuracy", "TF-IDF + LR", "synops", "nJ", "file")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(NETWORKS))
    parser.add_argument("--files", type=Path)
    given = parser.parse_args()
    text = PAGE.read_text("utf-8")
    start, end = text.index("<!-- ten networks -->") + 22, text.index("<!-- end -->")
    rows = {line.split("`")[1]: line for line in text[start:end].splitlines() if line.startswith("| `")}
    for name in given.names or NETWORKS:
        about, data = NETWORKS[name]
        if given.files is not None:
            about, file = FILES.get(name, (about, name))
            about, data = about or NETWORKS[name][0], str(given.files / f"{file}.parquet")
            if not Path(data).is_file():
                continue
        rows[name] = _row(name, about, data)
        lines = [TITLES, ["---"] * 3 + ["---:"] * 5]
        table = ["| " + " | ".join(line) + " |" for line in lines] + [rows.get(key, _not_run(key)) for key in NETWORKS]
        PAGE.write_text(text[:start] + "\n".join(table) + "\n" + text[end:], "utf-8")
        sys.stdout.write(rows[name] + "\n")
        sys.stdout.flush()


def _not_run(name: str) -> str:
    about, data = NETWORKS[name]
    return f"| `{name}` | {about} | `{data}` | not run |" + " |" * (len(TITLES) - 4)


def _row(name: str, about: str, data: str) -> str:
    """Train, export, run on the test texts and report, as a user would type it."""
    with tempfile.TemporaryDirectory() as folder:
        _type(folder, f"train --data {data} --method spike-embedding -o models/{name}")
        _type(folder, f"export models/{name}")
        _type(folder, f"run netx_exports/{name}.net --data {data} -o runs/{name}")
        _type(folder, f"report runs/{name} -o report.json")
        size = (Path(folder) / "netx_exports" / f"{name}.net").stat().st_size
        (run,) = json.loads((Path(folder) / "report.json").read_text("utf-8"))["runs"]
    record, rival = run["record"], next((base["accuracy"] for base in run["baselines"]), None)
    (low, _high) = next(b["total_pj"] for b in run["bills"] if (b["of"], b["book"]) == ("this network", "loihi1"))
    hub = f"`{NETWORKS[name][1]}`"
    shown = hub if data == NETWORKS[name][1] else f"`{Path(data).name}`"
    if about == NETWORKS[name][0] and shown != hub:
        shown = f"{hub}, as a file"
    cells = [f"`{name}`", about, shown, f"{record['accuracy']:.1%}", "" if rival is None else f"{rival:.1%}"]
    cells += [f"{run['synops_nonzero']:,.0f}", f"{low / 1000:.1f}", f"{size / 1000:,.0f} kB"]
    return "| " + " | ".join(cells) + " |"


def _type(folder: str, line: str) -> None:
    subprocess.run([sys.executable, "-m", "snnlp_lava.cli.main", *re.split(r" +", line)], cwd=folder, check=True)


if __name__ == "__main__":
    main()
