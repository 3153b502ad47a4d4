from django.conf import settings
from django.urls import include, path

urlpatterns = [
    path("", include("walks.urls")),
]

if settings.METRICS_HERE:
    urlpatterns.append(path("", include("django_prometheus.urls")))
