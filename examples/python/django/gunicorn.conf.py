"""How gunicorn runs the dog walk; it reads this file by itself."""
import os

import multiproc

host = os.environ.get("LISTEN_ADDRESS", "127.0.0.1")
bind = f"{host}:{os.environ.get('PORT', '8001')}"

# WEB_CONCURRENCY is the one place for the number of workers: gunicorn takes it
# from there by itself, and so does the range of ports in settings.py.
workers = int(os.environ.get("WEB_CONCURRENCY", "1"))

# Workers are replaced now and then, so that what they leak does not add up.
max_requests = 1000
max_requests_jitter = 50

# On a read-only file system, and as gunicorn advises for containers.
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None

logconfig_dict = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "json": {"()": "jsonlog.JSONFormatter"},
        "access": {"()": "jsonlog.AccessFormatter"},
    },
    "handlers": {
        "stderr": {
            "class": "logging.StreamHandler",
            "formatter": "json",
            "stream": "ext://sys.stderr",
        },
        "stdout": {
            "class": "logging.StreamHandler",
            "formatter": "access",
            "stream": "ext://sys.stdout",
        },
    },
    "root": {"level": "INFO", "handlers": ["stderr"]},
    "loggers": {
        "gunicorn.error": {
            "level": "INFO",
            "handlers": ["stderr"],
            "propagate": False,
        },
        "gunicorn.access": {
            "level": "INFO",
            "handlers": ["stdout"],
            "propagate": False,
        },
    },
}


def on_starting(server):
    """The master starts; there are no workers yet."""
    ports = "METRICS_START_PORT" in os.environ
    if server.num_workers != workers and ports:
        # What is raised here, gunicorn prints, and ends.
        raise RuntimeError(
            f"{server.num_workers} workers, and WEB_CONCURRENCY={workers} "
            "ports for their metrics: leave -w out"
        )
    if server.num_workers > 1 and not ports and not multiproc.directory():
        server.log.warning(
            "%d workers, and each has its own metrics: /metrics tells of any "
            "one of them. Set PROMETHEUS_MULTIPROC_DIR.",
            server.num_workers,
        )
    # A master that takes over from another one (SIGUSR2) comes to a directory
    # that the other's workers are still using.
    if server.master_pid == 0:
        multiproc.wipe()


def child_exit(server, worker):
    """The master has seen a worker end."""
    multiproc.retire(worker.pid)
