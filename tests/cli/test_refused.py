"""What is refused in one line."""

import pytest

from cli.commands import OWN, contents, filled

RUN = ("run", "{files}/a.net", "-o", "new/out")
RUN_OWN = ("run", "{files}/own.net", "-o", "new/out")
TRAIN = ("train", "--epochs", 1, "-o", "new/out")
DATA = ("--data", "{files}/own.csv")
REFUSED = {
    "train: no data file": ((*TRAIN, "--data", "none.csv"), "data none.csv: no such file"),
    "train: no data name": (
        (*TRAIN, "--data", "none"),
        "data none: is neither a file nor one of demo, cafe, emotion",
    ),
    "train: text column": ((*TRAIN, *DATA, "--text-column", "body"), "own.csv: no column 'body' (found 'text',"),
    "train: label column": ((*TRAIN, *DATA, "--label-column", "stars"), "own.csv: no column 'stars'"),
    "train: one class": (
        (*TRAIN, "--data", "{files}/one_class.csv"),
        "data one_class: |two classes|only 'fine'",
    ),
    "train: not UTF-8": ((*TRAIN, "--data", "{files}/latin.csv"), "latin.csv: byte 13 is not UTF-8"),
    "train: vectors NaN": ((*TRAIN, *DATA, "--vectors", "{files}/nan.npy"), "nan.npy: row 5|NaN"),
    "train: vectors flat": ((*TRAIN, *DATA, "--vectors", "{files}/flat.npy"), "flat.npy|float32|(432,)"),
    "train: vectors' rows": ((*TRAIN, *DATA, "--vectors", "{files}/rows.npy"), "rows.npy|35|36"),
    "train: no vectors": ((*TRAIN, *DATA, "--vectors", "none.npy"), "vectors none.npy: no such file"),
    "train: no vectors at all": ((*TRAIN, *DATA, "--vectors", "{files}/own.csv"), "own.csv: is not a .npy file"),
    "train: embedding model": ((*TRAIN, *DATA, "--embedding", "{files}/no_run"), "no_run has no model.safetensors"),
    "train: epochs": (("train", *DATA, "--epochs", 0, "-o", "new/out"), "--epochs must be an integer >= 1, got 0"),
    "train: window": ((*TRAIN, *DATA, "--window", 0), "--window must be an integer >= 1, got 0"),
    "train: hidden": ((*TRAIN, *DATA, "--hidden", "64,x"), "--hidden must be integers such as 256,128"),
    "train: hidden 0": ((*TRAIN, *DATA, "--hidden", "64,0"), "--hidden[1] must be an integer >= 1, got 0"),
    "train: neuron": ((*TRAIN, *DATA, "--neuron", "tau=3"), "--neuron.tau is unknown (known: threshold, "),
    "train: threshold": (
        (*TRAIN, *DATA, "--neuron", "threshold=1000"),
        "is 512000 on the chip, which stores 1 to 131071",
    ),
    "train: decay": ((*TRAIN, *DATA, "--neuron", "current_decay=0"), "neuron.current_decay must be a number >= 0.0002"),
    **{
        f"train: {options[0]} is not used by {method}": (
            ("train", "-o", "new/out", *DATA, "--method", method, *options),
            f"{options[0]} {options[1]} only applies to --method {others}, not {method}",
        )
        for method, options, others in (
            ("snn-rate", ("--synop-budget", 9), "spike-embedding"),
            ("ann", ("--window", 9), "snn-rate or snn-rate-rand or snn-bin or spike-embedding"),
            ("ann", ("--threshold-scale", 2.0), "snn-rate or snn-rate-rand or snn-bin"),
            ("snn-bin", ("--calibration", "range"), "snn-rate or snn-rate-rand"),
            ("snn-bin", ("--level", "word"), "snn-rate or snn-rate-rand or ann"),
            ("spike-embedding", ("--hidden", "64"), "snn-rate or snn-rate-rand or snn-bin or ann"),
            ("snn-rate", ("--codes", "c.txt"), "snn-bin"),
            ("snn-bin", ("--vectors", "v.npy"), "snn-rate or snn-rate-rand or ann"),
            ("spike-embedding", ("--vectors", "v.npy"), "snn-rate or snn-rate-rand or ann"),
            ("spike-embedding", ("--words", "w.txt"), "snn-rate or snn-rate-rand or snn-bin or ann"),
            ("spike-embedding", ("--embedding", "e"), "snn-rate or snn-rate-rand or snn-bin or ann"),
        )
    },
    **{
        f"train: --words at level sentence of {method}": (
            (*TRAIN, *DATA, "--method", method, "--words", "w.txt"),
            "--words w.txt only applies to --level word, not sentence",
        )
        for method in ("snn-rate", "ann")
    },
    "train: words beside codes": (
        (*TRAIN, *DATA, "--method", "snn-bin", "--words", "w.txt", "--codes", "c.txt"),
        "--words w.txt |--codes c.txt",
    ),
    "train: a model beside words": (
        (*TRAIN, *DATA, "--level", "word", "--words", "w.txt", "--embedding", "e"),
        "--embedding e |--words w.txt",
    ),
    "train: output a file": ((*OWN, "-o", "{files}/own.csv"), "own.csv: is a file"),
    "run: no network": (("run", "none.net", "--data", "demo"), "none.net|no such file"),
    "run: no HDF5": (("run", "{files}/text.net", "--data", "demo"), "text.net: is not a readable HDF5 file"),
    "run: no card": (("run", "{files}/layers.net", "--data", "demo"), "layers.net: has no group /snnlp"),
    "run: another embedding model": (
        ("run", "{files}/other_model.net", "--data", "demo"),
        "another version of the embedding model all-MiniLM-L6-v2|hash",
    ),
    "run: nothing to run on": (RUN, "--data|--spikes|--text|one"),
    "run: data and text": (
        (*RUN, "--data", "demo", "--text", "a"),
        "--data|--spikes|--text|one",
    ),
    "run: a board for the emulator": (
        (*RUN, "--text", "a", "--board", "b"),
        "--board b only applies to --backend loihi2, not emulator",
    ),
    "run: a partition for the simulator": (
        (*RUN, "--text", "a", "--backend", "sim", "--partition", "p"),
        "--partition p only applies to --backend loihi2, not sim",
    ),
    "run: a chip for the emulator": (
        (*RUN, "--text", "a", "--chip-generation", "N3C1"),
        "--chip-generation N3C1 only applies to --backend loihi2, not emulator",
    ),
    "run: two boards": (
        (*RUN, "--text", "a", "--backend", "loihi2", "--jobs", 2),
        "--jobs 2 only applies to --backend emulator or sim, not loihi2",
    ),
    "run: a cluster for the simulator": (
        (*RUN, "--text", "a", "--backend", "sim", "--scheduler", "tcp://a:1"),
        "--scheduler tcp://a:1 only applies to --backend emulator, not sim",
    ),
    "run: a cluster and processes": (
        (*RUN, "--text", "a", "--scheduler", "tcp://a:1", "--jobs", 2),
        "use either --jobs or --scheduler, not both",
    ),
    "verify: processes": (
        ("verify", "{files}/a.net", "--model", "m", "--text", "a", "--backend", "emulator", "--jobs", 2),
        "--jobs and --scheduler only apply to --backend emulator in run, not in verify",
    ),
    "run: no runtimes": ((*RUN, "--text", "a", "--backend", "sim", "--jobs", 0), "jobs must be an integer >= 1, got 0"),
    "run: what is not used, the first of it named": (
        (*RUN, "--text", "a", "--words", "w.txt", "--split-scheme", "paper", "--text-column", "no", "--split", "train"),
        "--text-column no only applies to --data, not --text",
    ),
    "run: trains of no folder": (("run", "{files}/a.net", "--text", "a", "--keep-trains", 9), "--keep-trains 9 only"),
    "run: a folder that is a link to nothing": (
        ("run", "{files}/a.net", "--text", "a", "-o", "{files}/dangling"),
        "dangling: is a link to nowhere",
    ),
    "verify: the emulator with itself": (
        ("verify", "{files}/a.net", "--text", "a", "--backend", "emulator"),
        "nothing to compare",
    ),
    "run: no extension": ((*RUN, "--text", "a", "--backend", "loihi2"), "closed extension lava-loihi"),
    "verify: a host for the simulator": (
        ("verify", "{files}/a.net", "--data", "demo", "--host", "slurm"),
        "--host slurm only applies to --backend loihi2, not sim",
    ),
    "verify: no extension": (
        ("verify", "{files}/a.net", "--data", "demo", "--backend", "loihi2"),
        "closed extension lava-loihi",
    ),
    "run: text and limit": (
        (*RUN, "--text", "a", "--limit", 3),
        "--limit 3 only applies to --data or --spikes or --values or --events, not --text",
    ),
    "run: text and vectors": (
        (*RUN, "--text", "a", "--vectors", "{files}/own.npy"),
        "only applies to --data, not --text",
    ),
    "run: spikes and text": (
        (*RUN, "--spikes", "{files}/spikes.npy", "--text", "a"),
        "--data|--spikes|--text|one",
    ),
    "run: no spikes": ((*RUN, "--spikes", "none.npy"), "spikes none.npy: no such file"),
    "run: spikes the other way round": (
        (*RUN, "--spikes", "{files}/channels_first.npy"),
        "channels_first.npy: must be numbers of shape (samples, steps, 770) |got bool of shape (5, 770, 9)",
    ),
    "run: values of no input layer": (
        (*RUN, "--values", "{files}/channels_first.npy"),
        "channels_first.npy: the network's input layer has no neurons; use --spikes",
    ),
    "run: labels of texts": (
        (*RUN, "--text", "so", "--labels", "{files}/graded.npy"),
        "--labels |only applies to --spikes or --values or --events, not --text",
    ),
    "run: labels that are spikes": (
        (*RUN, "--spikes", "{files}/graded.npy", "--labels", "{files}/graded.npy"),
        "labels |graded.npy: must be integers of shape (",
    ),
    "run: steps of spikes": (
        (*RUN, "--spikes", "{files}/graded.npy", "--steps", 3),
        "--steps 3 only applies to --values or --events, not --spikes",
    ),
    "run: graded spikes": ((*RUN, "--spikes", "{files}/graded.npy"), "sample 1: spikes must be 0 or 1, got 3"),
    "verify: nothing to run on": (
        ("verify", "{files}/a.net"),
        "--data|--spikes|--text|one",
    ),
    "run: no data file": ((*RUN, "--data", "none.csv"), "data none.csv: no such file"),
    "run: empty text": ((*RUN, "--text", " "), "text 1 is empty"),
    "run: unknown label": (
        (*RUN_OWN, "--data", "{files}/other_class.csv", "--vectors", "{files}/own.npy", "--strict"),
        "label 'grim' is not a class of the network (dull, fine)|--strict|--no-labels",
    ),
    "run: no labels": (
        ("run", "{files}/se.net", "--data", "{files}/unlabelled.csv", "-o", "new/out"),
        "unlabelled.csv: no column 'label'|--label-column|--no-labels",
    ),
    "run: a broken row": (
        ("run", "{files}/se.net", "--data", "{files}/broken.csv", "--split", "all", "-o", "new/out"),
        "broken.csv: line 3|2 fields|got 3",
    ),
    "run: text without model": ((*RUN_OWN, "--text", "fine"), "trained on vectors of unknown origin"),
    "run: data without model": (
        (*RUN_OWN, *DATA),
        "vectors of unknown origin|--vectors",
    ),
    "run: vectors NaN": ((*RUN_OWN, *DATA, "--vectors", "{files}/nan.npy"), "nan.npy: row 5|NaN"),
    "run: vectors' width": (
        (*RUN_OWN, *DATA, "--vectors", "{files}/wide.npy"),
        "vectors must have shape (n, 12) for this network, got (8, 13)",
    ),
    "run: vectors' rows": ((*RUN_OWN, *DATA, "--vectors", "{files}/rows.npy"), "rows.npy|35|36"),
    "run: output no run folder": (
        (*RUN_OWN, *DATA, "--vectors", "{files}/own.npy", "-o", "{files}/model"),
        "model|not a run folder|-o",
    ),
    "export: no folder": (("export", "none", "-o", "new/a.net"), "model none: no such folder"),
    "export: ANN": (
        ("export", "{files}/ann", "-o", "new/a.net"),
        "ann: |no spikes|--method",
    ),
    "export: period": (
        ("export", "{files}/model", "--period", 6, "-o", "new/a.net"),
        "model: period must be an integer >= the window, 7, got 6",
    ),
    "export: NIR's ending for a network file": (
        ("export", "{files}/model", "-o", "new/a.nir"),
        "file new/a.nir: ends in .nir, but --format netx writes .net",
    ),
    "export: a network file's ending for NIR": (
        ("export", "{files}/model", "--format", "nir", "-o", "new/a.NET"),
        "a.NET|--format nir|.nir",
    ),
    "import: NIR's ending": (
        ("import", "{files}/a.net", "-o", "new/a.nir"),
        "file new/a.nir: ends in .nir, but import writes a network file, .net",
    ),
    "report: no folder": (("report", "none", "-o", "new/r.html"), "run none: no such folder"),
    "report: no run": (
        ("report", "{files}/run", "{files}/no_run", "-o", "new/r.html"),
        "run {files}/no_run: is not a run folder, it has no result.json",
    ),
    "report: a model": (
        ("report", "{files}/model", "-o", "new/r.html"),
        "run {files}/model: is not a run folder, it has no result.json",
    ),
}


def check_refusal(result, message):
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.endswith("\n")
    lines = result.stderr.splitlines()
    assert len(lines) == 1, result.stderr
    assert lines[0].startswith("error: ")
    assert [part for part in message.split("|") if part not in lines[0]] == [], lines[0]
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(("arguments", "message"), REFUSED.values(), ids=REFUSED)
def test_bad_input_is_refused_in_one_line_and_nothing_is_written(files, snnlp_lava, tmp_path, arguments, message):
    before = contents(files)
    check_refusal(snnlp_lava(*filled(arguments, files)), message.replace("{files}", str(files)))
    assert contents(tmp_path) == {}
    assert contents(files) == before


def test_a_device_that_is_absent_is_refused(files, snnlp_lava, tmp_path):
    import torch

    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    check_refusal(
        snnlp_lava(*filled(OWN, files), "--device", "cuda", "-o", "new/out"),
        "device cuda: torch sees no CUDA device here",
    )
    assert contents(tmp_path) == {}


@pytest.mark.parametrize(
    "arguments",
    [
        ("walk",),
        ("train",),
        ("train", "--data", "demo", "--method", "lstm"),
        ("train", "--data", "demo", "--limit", "0"),
        ("run", "a.net", "--data", "demo", "--backend", "loihi"),
        ("run", "a.net", "--data", "demo", "--limit", "1" + "0" * 30),
        ("run", "a.net", "--data", "demo", "--keep-trains", "1" + "0" * 30),
        ("export",),
        ("report",),
    ],
)
def test_what_no_command_takes_is_a_usage_error(snnlp_lava, tmp_path, arguments):
    result = snnlp_lava(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("Usage: ")
    assert "Traceback" not in result.stderr
    assert contents(tmp_path) == {}
