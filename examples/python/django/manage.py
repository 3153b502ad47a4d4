#!/usr/bin/env python3
"""Django's command line for the dog walk."""
import os
import sys

from django.core.management import execute_from_command_line


def main():
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dogwalk.settings")
    # A command is no worker: it takes no worker's port, and leaves no files
    # among theirs.
    for name in ("METRICS_START_PORT", "PROMETHEUS_MULTIPROC_DIR"):
        os.environ.pop(name, None)
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
