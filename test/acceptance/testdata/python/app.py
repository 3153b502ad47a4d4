"""A WSGI application that counts, with Python's Prometheus client."""

import os

from prometheus_client import Counter, Gauge

CLICKS = Counter("clicks", "Times that the button was hit.")
BUSY = Gauge("busy", "Requests that are being answered.", multiprocess_mode="livesum")


def application(environ, start_response):
    with BUSY.track_inprogress():
        if environ["REQUEST_METHOD"] == "POST":
            CLICKS.inc()
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [str(os.getpid()).encode()]
