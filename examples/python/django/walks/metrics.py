"""The numbers that only this application knows."""
from prometheus_client import Counter, Histogram

walks_started = Counter("walks_started", "How many walks were started.")
walks_completed = Counter("walks_completed", "How many walks were completed.")
invalid_walks = Counter("invalid_walks", "How many starts were refused.")
walk_distance = Histogram(
    "walk_distance",
    "How far the completed walks were, in metres.",
    buckets=[0, 50, 200, 400, 800, 1600, 3200],
)
