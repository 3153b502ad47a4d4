"""The peer of bench/merge: Python's own multiprocess merge of a directory, in a process of its own.

The first line on standard output says which client this is and which generation of files it writes. Then each line on
standard input, "text" or "gzip", is answered by one line with the nanoseconds that a scrape took, this process' greatest
memory in bytes and the length of the answer, and then the answer. A scrape is what the client's documentation has: a
registry and a MultiProcessCollector of its own, generate_latest, and, for gzip, what the client's WSGI application does.
"""

import gzip
import inspect
import platform
import resource
import sys
import time
from importlib.metadata import version

from prometheus_client import CollectorRegistry, generate_latest, mmap_dict, multiprocess


def generation():
    """Which files this client writes and reads, as it can be seen in it."""
    if hasattr(mmap_dict, "_pack_two_doubles"):
        return "since 0.18"
    return "0.16" if "help_text" in inspect.signature(mmap_dict.mmap_key).parameters else "before 0.16"


def scrape(directory, compressed):
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry, directory)
    page = generate_latest(registry)
    return gzip.compress(page) if compressed else page


def main():
    out = sys.stdout.buffer
    out.write(f"prometheus_client {version('prometheus_client')}, Python {platform.python_version()}\t{generation()}\n".encode())
    out.flush()
    for line in sys.stdin:
        start = time.perf_counter_ns()
        answer = scrape(sys.argv[1], line.strip() == "gzip")
        took = time.perf_counter_ns() - start
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        out.write(b"%d %d %d\n" % (took, memory, len(answer)))
        out.write(answer)
        out.flush()


if __name__ == "__main__":
    main()
