"""Child processes: every way to end, nothing left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.conftest import REPOSITORY
from tflite_audit.analyzer.isolation import Died, Event, Limits, OutOfMemory, Raised, Replied, TimedOut, Worker

CHILD = "tests.analyzer.isolation_child"
MEGABYTE = 1 << 20


@pytest.fixture
def worker() -> Iterator[Worker]:
    with Worker(CHILD, {"PYTHONPATH": str(REPOSITORY)}) as made:
        yield made


def gone(pid: int, seconds: float = 3.0) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.02)
    return False


def test_a_value_goes_and_comes_back(worker: Worker) -> None:
    value = {"a": [1, 2.5, None, True], "b": b"\x00" * 3_000_000}
    end = worker.request("echo", value)
    assert isinstance(end, Replied)
    assert end.value == value
    assert 0 < end.seconds < 5
    assert end.peak_memory is not None
    assert end.peak_memory > MEGABYTE


def test_one_process_serves_many_requests(worker: Worker) -> None:
    assert not worker.running
    for number in range(3):
        end = worker.request("remembers", number)
        assert isinstance(end, Replied)
    assert end.value == [0, 1, 2]
    assert worker.starts == 1


def test_events_arrive_in_order_with_their_times(worker: Worker) -> None:
    seen: list[Event] = []
    worker.request("events", 50, on_event=seen.append)
    assert [event.value for event in seen] == list(range(50))
    assert [event.seconds for event in seen] == sorted(event.seconds for event in seen)


def test_everything_printed_is_in_the_log(worker: Worker, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    worker.request("prints", log=tmp_path / "one.log")
    worker.request("echo", log=tmp_path / "two.log")
    text = (tmp_path / "one.log").read_text()
    for line in ("by Python", "unfinished line", "by descriptor 1", "by descriptor 2", "by another process", "by C"):
        assert line in text
    assert (tmp_path / "two.log").read_text() == ""
    assert capfd.readouterr() == ("", "")


def test_standard_input_is_empty(worker: Worker) -> None:
    end = worker.request("reads")
    assert isinstance(end, Replied)
    assert end.value == ""


def test_an_exception_is_data_and_the_process_lives_on(worker: Worker, tmp_path: Path) -> None:
    end = worker.request("raises", "no such thing", log=tmp_path / "log")
    assert isinstance(end, Raised)
    assert (end.kind, end.message) == ("LookupError", "no such thing")
    assert end.frames[-1].function == "raises"
    assert "Traceback" in (tmp_path / "log").read_text()
    assert isinstance(worker.request("exits", 3), Raised)  # a user's module may call sys.exit()
    assert isinstance(worker.request("echo"), Replied)
    assert worker.starts == 1


@pytest.mark.parametrize(("handler", "value", "number", "status"), [("signals", 11, 11, None), ("leaves", 3, None, 3)])
def test_a_death_has_its_cause(
    worker: Worker, tmp_path: Path, handler: str, value: int, number: int | None, status: int | None
) -> None:
    end = worker.request(handler, value, log=tmp_path / "log")
    assert isinstance(end, Died)
    assert (end.signal, end.status) == (number, status)
    assert not worker.running
    assert isinstance(worker.request("echo"), Replied)
    assert worker.starts == 2


def test_words_and_stack_before_a_fatal_signal_are_in_the_log(worker: Worker, tmp_path: Path) -> None:
    end = worker.request("signals", signal.SIGSEGV, log=tmp_path / "log")
    assert isinstance(end, Died)
    assert end.cause == "died of signal 11 (SIGSEGV)"
    text = (tmp_path / "log").read_text()
    assert "last words" in text
    assert "in signals" in text  # faulthandler's stack


@pytest.mark.parametrize("handler", ["closes", "garbles"])
def test_a_broken_channel_is_a_death(worker: Worker, handler: str) -> None:
    end = worker.request(handler, limits=Limits(seconds=20))
    assert isinstance(end, Died)
    assert (end.signal, end.status) == (None, None)
    assert isinstance(worker.request("echo"), Replied)


def test_the_time_limit_ends_it(worker: Worker) -> None:
    pids: list[int] = []
    end = worker.request("sleeps", 600, limits=Limits(seconds=0.4), on_event=lambda event: pids.append(event.value))
    assert isinstance(end, TimedOut)
    assert end.limit == 0.4
    assert 0.4 <= end.seconds < 3
    assert gone(pids[0])


def test_the_memory_limit_ends_it(worker: Worker) -> None:
    end = worker.request("hoards", limits=Limits(seconds=30, memory=200 * MEGABYTE))
    assert isinstance(end, OutOfMemory)
    assert end.limit == 200 * MEGABYTE
    assert end.peak_memory is not None
    assert end.peak_memory > 200 * MEGABYTE


def test_a_peak_between_two_looks_is_measured(worker: Worker) -> None:
    hoard = b"x" * (400 * MEGABYTE)  # the child's peak must not begin with the size of its parent
    before = worker.request("echo").peak_memory
    after = worker.request("grows", 150 * MEGABYTE).peak_memory
    assert before is not None
    assert after is not None
    assert 140 * MEGABYTE < after - before < len(hoard) // 2


@pytest.mark.parametrize("how", ["die", "time out"])
def test_no_orphans(worker: Worker, how: str) -> None:
    pids: list[int] = []
    end = worker.request("grandchildren", how, limits=Limits(seconds=1.5), on_event=lambda e: pids.append(e.value))
    assert isinstance(end, Died | TimedOut)
    assert len(pids) == 2
    assert all(gone(pid) for pid in pids)


def test_what_the_listener_raises_ends_the_child(worker: Worker) -> None:
    pids: list[int] = []

    def interrupt(event: Event) -> None:
        pids.append(event.value)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        worker.request("sleeps", 600, on_event=interrupt)
    assert gone(pids[0])


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_the_child_does_not_outlive_its_parent(number: signal.Signals) -> None:
    program = (
        "from tflite_audit.analyzer.isolation import Worker\n"
        f"Worker({CHILD!r}).request('sleeps_in_c', 600, on_event=lambda event: print(event.value, flush=True))"
    )
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    with subprocess.Popen([sys.executable, "-c", program], stdout=-1, stderr=-3, env=environment, text=True) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        parent.send_signal(number)
        assert gone(pid)


def test_an_answer_that_cannot_be_sent_is_an_exception(worker: Worker) -> None:
    end = worker.request("object_")
    assert isinstance(end, Raised)
    assert end.kind == "TypeError"
    assert worker.running


def test_a_log_that_cannot_be_written_is_the_callers_error(worker: Worker, tmp_path: Path) -> None:
    worker.request("echo")
    with pytest.raises(FileNotFoundError):
        worker.request("echo", log=tmp_path / "nowhere" / "log")
    assert worker.running


def test_leaving_ends_the_process() -> None:
    pids: list[int] = []
    with Worker(CHILD, {"PYTHONPATH": str(REPOSITORY)}) as worker:
        worker.request("sleeps", 0, on_event=lambda event: pids.append(event.value))
        assert worker.running
    assert not worker.running
    assert gone(pids[0])


def test_the_environment_is_the_users(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "0")
    monkeypatch.delenv("TF_ENABLE_ONEDNN_OPTS", raising=False)
    assert worker.request("environment", "TF_CPP_MIN_LOG_LEVEL").value == "0"  # type: ignore[union-attr]
    assert worker.request("environment", "TF_ENABLE_ONEDNN_OPTS").value is None  # type: ignore[union-attr]


def test_a_file_of_the_working_folder_takes_no_librarys_place(
    worker: Worker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "msgspec.py").write_text("raise SystemExit('imported from the working folder')")
    monkeypatch.chdir(tmp_path)
    assert isinstance(worker.request("echo"), Replied)


def test_a_child_module_is_not_run_by_hand() -> None:
    done = subprocess.run([sys.executable, "-m", CHILD], capture_output=True, text=True, cwd=REPOSITORY, check=False)
    assert done.returncode == 1
    assert done.stderr.strip() == "this module is run by tflite-audit, with a channel to it"
