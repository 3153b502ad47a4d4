# A prefork server of Python's client, as gunicorn is one: the parent makes the metrics and forks workers that count. Each
# worker acknowledges what it has counted on descriptor 3. Workers are killed from outside; the parent does for a dead one
# what the documented hook does, or nothing, and forks another one.
#
# SIGTERM ends it: the workers are killed, and the client's own merge of the directory goes to standard output.
import glob
import os
import signal
import struct
import sys
import time

from prometheus_client import Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

EVENTS = 3
walks = Counter('walks', 'Walks.')
distance = Histogram('distance_meters', 'Distance.', ['dog'], buckets=[1, 10, 100])
busy = Gauge('busy', 'Workers that are busy.', multiprocess_mode='liveall')
directory = os.environ['PROMETHEUS_MULTIPROC_DIR']
hooked = float(sys.argv[2])  # the share of dead workers of which the hook hears


def tell(kind, pid):
    os.write(EVENTS, struct.pack('<ci', kind, pid))


def work():
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    pid = os.getpid()
    busy.set(1)
    n = 0
    while True:
        n += 1
        walks.inc()
        distance.labels('dog %d' % (n % 3)).observe(n)
        tell(b'A', pid)
        time.sleep(0.0003)


def child_exit(pid):
    mark_process_dead(pid)
    for path in glob.glob('%s/*_%d.db' % (directory, pid)):
        os.rename(path, '%s.retired-%d.db' % (path[:-3], time.time_ns()))


stopping = False
children = set()


def stop(*_):
    global stopping
    stopping = True
    for pid in children:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:  # it was waited for just now
            pass


def fork():
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
    pid = os.fork()
    if pid == 0:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
        work()
    children.add(pid)
    tell(b'S', pid)
    signal.pthread_sigmask(signal.SIG_SETMASK, blocked)


signal.signal(signal.SIGTERM, stop)
for _ in range(int(sys.argv[1])):
    fork()
dead = 0
while children:
    pid, _ = os.wait()
    children.discard(pid)
    dead += 1
    if int(dead * hooked) != int((dead - 1) * hooked):
        child_exit(pid)
    else:
        mark_process_dead(pid)
    tell(b'D', pid)
    if not stopping:
        fork()
        if stopping:  # meanwhile
            stop()
os.close(EVENTS)


class Merge:
    """The client's own merge, without the empty files of workers that were killed early, at which it fails (its issue 1199)."""

    def collect(self):
        return MultiProcessCollector.merge([path for path in glob.glob(directory + '/*.db') if os.path.getsize(path)])


sys.stdout.buffer.write(generate_latest(Merge()))
