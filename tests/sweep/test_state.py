"""The state of a sweep: finished cells stay, wrong results fail their cell, and no file of the user is overwritten."""

import pytest

from snnlp_lava.errors import InputError
from snnlp_lava.records import build
from snnlp_lava.sweep import runner
from snnlp_lava.sweep.results import CellRecord, DataIdentity, write_result
from snnlp_lava.sweep.runner import SweepState
from snnlp_lava.workers import Failed, Finished, Started

IDENTITY = DataIdentity(name="demo", sha256="5a" * 32, vectors=None, words=None, codes=None)


@pytest.fixture
def open_state(tmp_path, monkeypatch):
    """The state of a sweep in an output folder: open_state(cells, resume)."""
    monkeypatch.setattr(runner, "data_identity", lambda source: IDENTITY)
    return lambda cells, resume=False: SweepState(cells, tmp_path / "out", resume)


@pytest.fixture
def three(cell):
    return [cell("ann"), cell(window=8), cell(window=16)]


def names(cells):
    return [cell.name for cell in cells]


def test_a_cell_is_waiting_then_running_then_done(open_state, three, document):
    state = open_state(three)
    assert (names(state.left), state.running, state.seconds_left) == (names(three), {}, None)
    assert not state.folder.exists()
    assert state.record(Started(three[1].name, 123)) == Started(three[1].name, 123, again=False)
    assert (names(state.left), state.running) == (names(three), {three[1].name: 123})
    assert state.record(Started(three[1].name, 456)) == Started(three[1].name, 456, again=True)
    assert state.running == {three[1].name: 456}
    event = Finished(three[1].name, document(three[1]))
    assert state.record(event) is event
    assert (names(state.left), state.running) == (names([three[0], three[2]]), {})
    assert list(state.done) == [three[1].name]
    assert state.seconds_left > 0
    state.record(Failed(three[0].name, "because"))
    assert (names(state.left), state.failed) == ([three[2].name], {three[0].name: "because"})
    assert [path.name for path in state.folder.iterdir()] == [three[1].name + ".json"]


def test_a_resumed_sweep_has_what_was_done_and_runs_what_failed(open_state, three, document):
    first = open_state(three)
    first.record(Finished(three[2].name, document(three[2])))
    first.record(Failed(three[0].name, "because"))
    (first.folder / "results.csv").write_text("of an earlier end")
    (first.folder / f".{three[0].name}.json.x.tmp").write_text("of a killed process")
    again = open_state(three, resume=True)
    assert (again.found, again.done, names(again.left)) == (1, first.done, names(three[:2]))


def test_a_damaged_result_is_run_anew_and_replaced(open_state, three, document):
    first = open_state(three)
    first.record(Finished(three[0].name, document(three[0])))
    path = first.path(three[0].name)
    whole = path.read_bytes()
    path.write_bytes(whole[:50])
    again = open_state(three, resume=True)
    assert (again.found, names(again.left)) == (0, names(three))
    again.record(Finished(three[0].name, document(three[0])))
    assert path.read_bytes() == whole


def test_a_result_of_another_configuration_stops_the_resumed_sweep(open_state, cell, document):
    first = open_state([cell()])
    other = document(cell())
    other["cell"]["limit"] = 77
    path = first.path(cell().name)
    path.parent.mkdir()
    write_result(path, build(CellRecord, other))
    before = path.read_bytes()
    with pytest.raises(InputError, match=r"out/demo-sentence-snn-rate-s1\.json: belongs to another configuration"):
        open_state([cell()], resume=True)
    assert path.read_bytes() == before


def test_a_worker_with_other_data_or_another_program_fails_its_cell(open_state, three, document):
    state = open_state(three)
    other_data, incomplete, swapped = (document(one) for one in three)
    other_data["data"]["sha256"] = "00" * 32
    del incomplete["results"]["emulator"]["layers"][0]["synops"]
    for one, wrong in zip(three, (other_data, incomplete, {**swapped, "cell": three[0].to_dict()}), strict=True):
        assert isinstance(state.record(Finished(one.name, wrong)), Failed)
    assert state.failed[three[0].name].startswith("its worker had other data (sha256 0000000000000000, here 5a5a")
    assert state.failed[three[1].name] == "its result: results.emulator.layers[0].synops is missing"
    assert state.failed[three[2].name].startswith("its worker had another configuration")
    assert state.done == {}
    assert not state.folder.exists()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda out: (out.mkdir(), (out / "thesis.tex").write_text("mine")), "other files; choose another"),
        (lambda out: (out.mkdir(), (out / "a.json").write_text("{}")), "1 results; add --resume to .*, or"),
    ],
)
def test_a_folder_with_something_in_it_is_refused(open_state, three, tmp_path, make, message):
    make(tmp_path / "out")
    with pytest.raises(InputError, match=message):
        open_state(three)


def test_other_files_are_no_sweep_to_go_on_with(open_state, three, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.tex").write_text("mine")
    with pytest.raises(InputError, match="other files; choose another"):
        open_state(three, resume=True)


def test_an_empty_folder_is_taken(open_state, three, tmp_path):
    (tmp_path / "out").mkdir()
    assert names(open_state(three).left) == names(three)
