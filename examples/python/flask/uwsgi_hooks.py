"""What uWSGI does when it has started a worker; uwsgi.ini imports it."""
import uwsgi
from uwsgidecorators import postfork

import multiproc


@postfork
def take_over():
    # Number 0 are the processes that are no workers.
    if uwsgi.worker_id():
        multiproc.take_over(uwsgi.worker_id())


# With lazy-apps the worker imports this itself, after it has been forked.
take_over()
