"""python3 -m unittest"""
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

import multiproc


def ended_process():
    """Return the pid of a process that has ended and was waited for."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


class MultiprocTest(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.path = Path(directory.name)
        patch = mock.patch.dict(
            os.environ, PROMETHEUS_MULTIPROC_DIR=directory.name
        )
        patch.start()
        self.addCleanup(patch.stop)

    def touch(self, *names):
        for name in names:
            (self.path / name).touch()

    def names(self):
        return sorted(file.name for file in self.path.iterdir())

    def test_without_a_directory_nothing_is_done(self):
        del os.environ["PROMETHEUS_MULTIPROC_DIR"]
        multiproc.wipe()
        multiproc.retire(7)
        multiproc.take_over(1)
        self.assertEqual(self.names(), [])

    def test_wipe_makes_the_directory(self):
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(self.path / "a" / "b")
        multiproc.wipe()
        self.assertTrue((self.path / "a" / "b").is_dir())

    def test_wipe_removes_what_is_the_metrics_and_nothing_else(self):
        self.touch("counter_7.db", "counter_8.retired-1.db", "worker_1.pid")
        self.touch("mine.txt")
        multiproc.wipe()
        self.assertEqual(self.names(), ["mine.txt"])

    def test_an_ended_process_has_no_live_gauges_and_final_counts(self):
        self.touch("counter_7.db", "gauge_all_7.db", "gauge_liveall_7.db")
        self.touch("counter_17.db", "gauge_liveall_17.db")
        with mock.patch("time.time_ns", return_value=5):
            multiproc.retire(7)
            multiproc.retire(7)
        self.assertEqual(
            self.names(),
            [
                "counter_17.db",
                "counter_7.retired-5.db",
                "gauge_all_7.retired-5.db",
                "gauge_liveall_17.db",
            ],
        )

    def test_a_worker_retires_the_one_before_it(self):
        pid = ended_process()
        (self.path / "worker_2.pid").write_text(f"{pid}\n")
        self.touch(f"counter_{pid}.db")
        with mock.patch("time.time_ns", return_value=5):
            multiproc.take_over(2)
        self.assertEqual(
            self.names(), [f"counter_{pid}.retired-5.db", "worker_2.pid"]
        )
        note = (self.path / "worker_2.pid").read_text()
        self.assertEqual(note, f"{os.getpid()}\n")

    def test_a_pid_that_somebody_has_again_is_not_retired(self):
        pid = os.getppid()
        (self.path / "worker_2.pid").write_text(f"{pid}\n")
        self.touch(f"counter_{pid}.db", f"counter_{os.getpid()}.db")
        multiproc.take_over(2)
        multiproc.take_over(2)
        self.assertEqual(
            self.names(),
            sorted(
                [
                    f"counter_{pid}.db",
                    f"counter_{os.getpid()}.db",
                    "worker_2.pid",
                ]
            ),
        )

    def test_a_damaged_note_is_replaced(self):
        (self.path / "worker_2.pid").write_text("")
        multiproc.take_over(2)
        note = (self.path / "worker_2.pid").read_text()
        self.assertEqual(note, f"{os.getpid()}\n")


if __name__ == "__main__":
    unittest.main()
