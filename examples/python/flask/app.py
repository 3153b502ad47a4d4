"""The button: a page, and a count of how often it was hit."""
import os

from flask import Flask, jsonify, render_template
from prometheus_client import Counter, Gauge, make_wsgi_app
from werkzeug.middleware.dispatcher import DispatcherMiddleware

CLICKS = Counter("demo_app_button_clicks", "How often the button was hit.")
IN_PROGRESS = Gauge(
    "demo_app_requests_in_progress",
    "Requests that are being answered now.",
    multiprocess_mode="livesum",
)

app = Flask(__name__)


@app.before_request
def begin():
    IN_PROGRESS.inc()


@app.teardown_request
def end(error):
    IN_PROGRESS.dec()


@app.get("/")
def page():
    return render_template("page.html")


@app.route(
    "/click-button", methods=["POST"], provide_automatic_options=False
)
def click_button():
    CLICKS.inc()
    return jsonify({})


@app.get("/health/")
def health():
    return "ok\n", {"Content-Type": "text/plain", "Cache-Control": "no-store"}


# One process: /metrics is the truth. Several: somebody else reads the
# directory, and there are none on the page's own port.
if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
    app.wsgi_app = DispatcherMiddleware(
        app.wsgi_app, {"/metrics": make_wsgi_app()}
    )
