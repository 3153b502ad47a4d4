from django.urls import path

from . import views

urlpatterns = [
    path("", views.index, name="index"),
    path("walks/start", views.start_walk, name="start-walk"),
    path("walks/<int:pk>/complete", views.complete_walk, name="complete-walk"),
    path("walks/<int:pk>/status", views.walk_status, name="walk-status"),
    path("health/", views.health, name="health"),
]
