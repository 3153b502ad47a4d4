"""Prints what prometheus_client itself makes of a multiprocess directory.

A worker that is killed while it creates a file leaves an empty one, and with
that there the client's own merge fails as a whole. Such a file is left out
here, and named on standard error.
"""
import glob
import os
import sys

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector


class Directory:
    def __init__(self, path):
        self.files = []
        for file in sorted(glob.glob(os.path.join(path, "*.db"))):
            if os.path.getsize(file):
                self.files.append(file)
            else:
                print("empty:", file, file=sys.stderr)

    def collect(self):
        return MultiProcessCollector.merge(self.files)


registry = CollectorRegistry()
registry.register(Directory(sys.argv[1]))
sys.stdout.buffer.write(generate_latest(registry))
