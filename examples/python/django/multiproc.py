"""The directory in which the workers' metrics are.

PROMETHEUS_MULTIPROC_DIR names it: each process that uses prometheus_client
has files of its own there, counter_‹pid›.db and so on, and whoever wants the
metrics reads the files of all. Without the variable there is nothing to do.
"""
import os
import time
from pathlib import Path

from prometheus_client import multiprocess


def directory():
    name = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    return Path(name) if name else None


def wipe():
    """Make the directory, and remove what the last run has left.

    The documentation of prometheus_client asks for that. Call it once, before
    the first worker starts.
    """
    path = directory()
    if path is None:
        return
    path.mkdir(parents=True, exist_ok=True)
    for left in [*path.glob("*.db"), *path.glob("worker_*.pid")]:
        left.unlink()


def retire(pid):
    """Say that a worker has ended and that its numbers are final.

    Its live gauges go, as the client wants it. Its other files get names that
    no process will ever open again, also not one that is given the same pid:
    so a reader may add them to its totals once and leave them alone.

    Only who knows that the process is gone may call this. A file that a
    worker still writes to would be taken for final.
    """
    path = directory()
    if path is None:
        return
    multiprocess.mark_process_dead(pid, str(path))
    suffix = f".retired-{time.time_ns()}.db"
    for file in path.glob(f"*_{pid}.db"):
        file.rename(file.with_suffix(suffix))


def take_over(worker):
    """Retire the process that has been this worker before, and note our pid.

    For servers that tell a new worker its number, and nobody of an end: as
    soon as a number has a new process, the former one is gone.
    """
    path = directory()
    if path is None:
        return
    note = path / f"worker_{worker}.pid"
    try:
        former = int(note.read_text())
    except (FileNotFoundError, ValueError):
        former = None
    # Somebody has the pid again, perhaps we ourselves: then the files go on.
    if former is not None and not _alive(former):
        retire(former)
    written = note.with_suffix(".new")
    written.write_text(f"{os.getpid()}\n")
    written.replace(note)


def _alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
