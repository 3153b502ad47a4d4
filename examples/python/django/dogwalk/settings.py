"""Settings of the dog walk, from the environment."""
import os
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured
from django.core.management.utils import get_random_secret_key

BASE_DIR = Path(__file__).resolve().parent.parent

DEBUG = os.environ.get("DJANGO_DEBUG") == "1"

# Nothing is signed here that another worker would have to read: there are no
# sessions, and the CSRF token is a cookie of its own.
SECRET_KEY = os.environ.get("DJANGO_SECRET_KEY") or get_random_secret_key()

ALLOWED_HOSTS = os.environ.get(
    "ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]"
).split(",")

INSTALLED_APPS = [
    "django.contrib.staticfiles",
    "django_prometheus",
    "walks",
]

MIDDLEWARE = [
    "django_prometheus.middleware.PrometheusBeforeMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_prometheus.middleware.PrometheusAfterMiddleware",
]

ROOT_URLCONF = "dogwalk.urls"
WSGI_APPLICATION = "dogwalk.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
            ],
        },
    },
]

# PostgreSQL if DB_NAME says so, else a file.
if "DB_NAME" in os.environ:
    DATABASES = {
        "default": {
            "ENGINE": "django_prometheus.db.backends.postgresql",
            "NAME": os.environ["DB_NAME"],
            "USER": os.environ.get("DB_USER", ""),
            "PASSWORD": os.environ.get("DB_PASSWORD", ""),
            "HOST": os.environ.get("DB_HOST", ""),
            "PORT": os.environ.get("DB_PORT", "5432"),
            "CONN_MAX_AGE": 60,
        }
    }
else:
    DATABASES = {
        "default": {
            "ENGINE": "django_prometheus.db.backends.sqlite3",
            "NAME": os.environ.get("SQLITE_FILE", BASE_DIR / "dogwalk.db"),
            # Workers take turns in writing: seconds to wait for one's turn.
            "OPTIONS": {"timeout": 20},
        }
    }

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_TZ = True

STATIC_URL = "/static/"

# Metrics. One process: /metrics is the truth, and nothing is to be set.
# Several: either PROMETHEUS_MULTIPROC_DIR, which Python's client reads itself,
# or METRICS_START_PORT, a port for each worker.
MULTIPROC_DIR = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
START_PORT = os.environ.get("METRICS_START_PORT")

if MULTIPROC_DIR and START_PORT:
    raise ImproperlyConfigured(
        "PROMETHEUS_MULTIPROC_DIR and METRICS_START_PORT are two ways to the "
        "same metrics: set one of them."
    )
if START_PORT:
    PROMETHEUS_METRICS_EXPORT_PORT_RANGE = range(
        int(START_PORT),
        int(START_PORT) + int(os.environ.get("WEB_CONCURRENCY", "1")),
    )
    PROMETHEUS_METRICS_EXPORT_ADDRESS = os.environ.get(
        "METRICS_ADDRESS", "127.0.0.1"
    )

# With either, somebody else serves the metrics of all workers, and there are
# none on the pages' own port, which the world can reach.
METRICS_HERE = not (MULTIPROC_DIR or START_PORT)

# A gauge that each worker computes once, at its start: "manage.py migrate
# --check" says it better.
PROMETHEUS_EXPORT_MIGRATIONS = False

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": "jsonlog.JSONFormatter"}},
    "handlers": {
        "stderr": {"class": "logging.StreamHandler", "formatter": "json"}
    },
    "root": {"level": "INFO", "handlers": ["stderr"]},
    # Django's own handlers would write each line a second time, as text.
    "loggers": {
        "django": {"level": "INFO", "handlers": [], "propagate": True},
    },
}
