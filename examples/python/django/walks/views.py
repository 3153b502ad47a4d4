import logging

from django.db import DatabaseError, connection
from django.http import HttpResponse, HttpResponseBadRequest, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from . import metrics
from .forms import CompleteWalkForm, StartWalkForm
from .models import Walk

logger = logging.getLogger(__name__)


@require_safe
def index(request):
    walks = Walk.objects.select_related("dog", "walker")
    try:
        news = walks.filter(pk=int(request.GET["walk"])).first()
    except (KeyError, ValueError, OverflowError):
        news = None
    context = {
        "news": news,
        "in_progress": walks.filter(end_time__isnull=True)[:8],
        "complete": walks.filter(end_time__isnull=False)[:8],
    }
    return render(request, "walks/index.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def start_walk(request):
    if request.method != "POST":
        return render(request, "walks/start.html", {"form": StartWalkForm()})

    form = StartWalkForm(request.POST)
    if not form.is_valid():
        metrics.invalid_walks.inc()
        return render(request, "walks/start.html", {"form": form}, status=400)
    walk = form.save(commit=False)
    walk.start()
    metrics.walks_started.inc()
    return _to_index(walk)


@require_http_methods(["GET", "HEAD", "POST"])
def complete_walk(request, pk):
    walk = get_object_or_404(Walk, pk=pk)
    if walk.is_complete:
        return _already_complete()
    if request.method != "POST":
        form = CompleteWalkForm(instance=walk)
        context = {"form": form, "walk": walk}
        return render(request, "walks/complete.html", context)

    form = CompleteWalkForm(request.POST, instance=walk)
    if not form.is_valid():
        context = {"form": form, "walk": walk}
        return render(request, "walks/complete.html", context, status=400)
    walk = form.save(commit=False)
    if not walk.complete():
        return _already_complete()
    metrics.walks_completed.inc()
    metrics.walk_distance.observe(walk.distance)
    return _to_index(walk)


@require_safe
def walk_status(request, pk):
    walk = get_object_or_404(Walk, pk=pk)
    return JsonResponse({"complete": walk.is_complete})


@require_safe
@never_cache
def health(request):
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        logger.exception("the database does not answer")
        return HttpResponse(
            "the database does not answer\n",
            status=503,
            content_type="text/plain",
        )
    return HttpResponse("ok\n", content_type="text/plain")


def _to_index(walk):
    return redirect(f"{reverse('index')}?walk={walk.pk}")


def _already_complete():
    return HttpResponseBadRequest(
        "This walk is complete already.\n", content_type="text/plain"
    )
