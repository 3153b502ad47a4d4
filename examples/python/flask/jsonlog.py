"""Log lines as JSON: event, level, logger, timestamp, and what is special."""
import json
import logging
from datetime import datetime, timezone

# The combined log format, split: our names, and gunicorn's letters for them.
COMBINED = {
    "host": "h",
    "user": "u",
    "time": "t",
    "request": "r",
    "status": "s",
    "size": "B",
    "referer": "f",
    "agent": "a",
}
NUMBERS = ("status", "size")


class JSONFormatter(logging.Formatter):
    """One line of JSON for each record."""

    def format(self, record):
        return json.dumps(self.fields(record), default=str)

    def fields(self, record):
        at = datetime.fromtimestamp(record.created, timezone.utc)
        fields = {
            "event": self.event(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "timestamp": f"{at:%Y-%m-%dT%H:%M:%S.%f}Z",
        }
        if record.exc_info:
            fields["exception"] = self.formatException(record.exc_info)
        return fields

    def event(self, record):
        return record.getMessage()


class AccessFormatter(JSONFormatter):
    """The same for gunicorn's access log, field by field."""

    def fields(self, record):
        fields = super().fields(record)
        for name, letter in COMBINED.items():
            fields[name] = self.value(name, record.args[letter])
        return fields

    def event(self, record):
        return "request"

    @staticmethod
    def value(name, value):
        if value in (None, "", "-"):
            return None
        if name in NUMBERS:
            return int(value)
        if name == "time":
            return value.strip("[]")
        # gunicorn has escaped them for its own format.
        return value.replace('\\"', '"')
