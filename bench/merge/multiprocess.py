"""Python's own multiprocess merge of four workers: the peer of bench/merge.

Four processes count what the four workers of internal/merge's benchmark count: 12 routes, two methods, five statuses,
and a latency histogram with the same bounds. Printed are the client's version on the first line, and then the
nanoseconds that each of many merged scrapes took, one a line.
"""

import gc
import multiprocessing
import os
import sys
import tempfile
import time

WORKERS = 4
SCRAPES = 200
# client_golang's default bounds, which the workers of the benchmark have.
BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


def work():
    """Counts in a process of its own, as a worker does, and leaves its files."""
    from prometheus_client import Counter, Histogram

    requests = Counter("http_requests_total", "Requests.", ["route", "method", "status"])
    latency = Histogram("http_request_duration_seconds", "Latency.", ["route", "method"], buckets=BOUNDS)
    for route in range(12):
        for method in ("GET", "POST"):
            for status in ("200", "301", "400", "404", "500"):
                requests.labels(f"/route/{route}", method, status).inc()
            latency.labels(f"/route/{route}", method).observe(route / 10)


def version():
    try:
        from importlib.metadata import version as of

        return f"prometheus_client {of('prometheus_client')}, Python {sys.version.split()[0]}"
    except Exception:  # a package without metadata
        return f"Python {sys.version.split()[0]}"


def main():
    with tempfile.TemporaryDirectory() as directory:
        # The client decides at import which kind of values it has.
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = directory
        workers = [multiprocessing.get_context("spawn").Process(target=work) for _ in range(WORKERS)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
            if worker.exitcode != 0:
                sys.exit("a worker failed")

        from prometheus_client import CollectorRegistry, generate_latest, multiprocess

        def scrape():
            # One registry per scrape, as the client's documentation has it.
            registry = CollectorRegistry()
            multiprocess.MultiProcessCollector(registry)
            return generate_latest(registry)

        page = scrape().decode()
        want = f'http_requests_total{{method="GET",route="/route/0",status="200"}} {float(WORKERS)}'
        if want not in page:
            sys.exit("the merged page lacks " + want)
        print(version())
        gc.collect()
        for _ in range(SCRAPES):
            start = time.perf_counter_ns()
            scrape()
            print(time.perf_counter_ns() - start)


if __name__ == "__main__":
    main()
