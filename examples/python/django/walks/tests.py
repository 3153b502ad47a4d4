"""python3 manage.py test"""
from django.test import Client, TestCase
from django.urls import reverse
from prometheus_client import REGISTRY

from .models import Dog, Walk, Walker


def value(name, **labels):
    return REGISTRY.get_sample_value(name, labels) or 0


class WalksTest(TestCase):
    fixtures = ["kennel"]

    def setUp(self):
        self.dog = Dog.objects.get(name="Rex")
        self.walker = Walker.objects.first()

    def start(self, **form):
        form = form or {"dog": self.dog.pk, "walker": self.walker.pk}
        return self.client.post(reverse("start-walk"), form)

    def walk(self):
        walk = Walk(dog=self.dog, walker=self.walker)
        walk.start()
        return walk

    def assertCounts(self, before, difference, name, **labels):
        self.assertEqual(value(name, **labels) - before, difference, name)

    def test_a_dog_is_of_medium_size_unless_said_otherwise(self):
        self.assertEqual(Dog(name="Milo", age=1).size, "md")

    def test_a_walk_goes_with_its_dog(self):
        self.walk()
        self.dog.delete()
        self.assertFalse(Walk.objects.exists())

    def test_the_form_to_start_names_the_dogs(self):
        answer = self.client.get(reverse("start-walk"))
        self.assertContains(answer, "Rex")

    def test_a_started_walk_is_saved_counted_and_shown(self):
        started = value("walks_started_total")
        inserts = value("django_model_inserts_total", model="walk")
        answer = self.start()
        walk = Walk.objects.get()
        self.assertRedirects(answer, f"/?walk={walk.pk}")
        self.assertContains(self.client.get(answer.url), "is on the way")
        self.assertTrue(walk.in_progress)
        self.assertFalse(walk.is_complete)
        self.assertEqual(walk.distance, 0)
        self.assertCounts(started, 1, "walks_started_total")
        self.assertCounts(
            inserts, 1, "django_model_inserts_total", model="walk"
        )

    def test_an_invalid_start_is_refused_and_counted(self):
        invalid = value("invalid_walks_total")
        started = value("walks_started_total")
        answer = self.start(dog=4711, walker=self.walker.pk)
        self.assertEqual(answer.status_code, 400)
        self.assertFalse(Walk.objects.exists())
        self.assertCounts(invalid, 1, "invalid_walks_total")
        self.assertCounts(started, 0, "walks_started_total")

    def test_a_completed_walk_is_saved_counted_and_measured(self):
        walk = self.walk()
        completed = value("walks_completed_total")
        metres = value("walk_distance_sum")
        within = value("walk_distance_bucket", le="400.0")
        below = value("walk_distance_bucket", le="200.0")
        url = reverse("complete-walk", args=[walk.pk])
        self.assertContains(self.client.get(url), "Rex with")
        answer = self.client.post(url, {"distance": 350})
        self.assertRedirects(answer, f"/?walk={walk.pk}")
        walk.refresh_from_db()
        self.assertTrue(walk.is_complete)
        self.assertFalse(walk.in_progress)
        self.assertEqual(walk.distance, 350)
        self.assertCounts(completed, 1, "walks_completed_total")
        self.assertCounts(metres, 350, "walk_distance_sum")
        self.assertCounts(within, 1, "walk_distance_bucket", le="400.0")
        self.assertCounts(below, 0, "walk_distance_bucket", le="200.0")

    def test_a_walk_is_completed_once(self):
        walk = self.walk()
        other = Walk.objects.get(pk=walk.pk)  # as another worker has it
        walk.distance, other.distance = 100, 7
        self.assertTrue(walk.complete())
        self.assertFalse(other.complete())
        walk.refresh_from_db()
        self.assertEqual(walk.distance, 100)
        completed = value("walks_completed_total")
        url = reverse("complete-walk", args=[walk.pk])
        self.assertEqual(self.client.get(url).status_code, 400)
        answer = self.client.post(url, {"distance": 1})
        self.assertEqual(answer.status_code, 400)
        self.assertCounts(completed, 0, "walks_completed_total")

    def test_an_impossible_distance_is_refused(self):
        walk = self.walk()
        invalid = value("invalid_walks_total")
        url = reverse("complete-walk", args=[walk.pk])
        for distance in ("", "far", "-1", "100001"):
            with self.subTest(distance=distance):
                answer = self.client.post(url, {"distance": distance})
                self.assertEqual(answer.status_code, 400)
        self.assertCounts(invalid, 0, "invalid_walks_total")

    def test_the_status_says_whether_a_walk_is_complete(self):
        walk = self.walk()
        url = reverse("walk-status", args=[walk.pk])
        self.assertJSONEqual(self.client.get(url).content, {"complete": False})
        walk.complete()
        self.assertJSONEqual(self.client.get(url).content, {"complete": True})

    def test_a_walk_that_is_not_there(self):
        for name in ("complete-walk", "walk-status"):
            answer = self.client.get(reverse(name, args=[4711]))
            self.assertEqual(answer.status_code, 404)
        self.assertEqual(self.client.get("/?walk=what").status_code, 200)
        self.assertEqual(self.client.get(f"/?walk={10**30}").status_code, 200)

    def test_a_form_from_elsewhere_is_refused(self):
        client = Client(enforce_csrf_checks=True)
        form = {"dog": self.dog.pk, "walker": self.walker.pk}
        answer = client.post(reverse("start-walk"), form)
        self.assertEqual(answer.status_code, 403)

    def test_health(self):
        answer = self.client.get("/health/")
        self.assertEqual(answer.content, b"ok\n")
        self.assertIn("no-store", answer["Cache-Control"])

    def test_metrics_of_the_one_process(self):
        self.start()
        answer = self.client.get("/metrics")
        self.assertContains(answer, "\nwalks_started_total ")
        self.assertContains(
            answer, "\ndjango_http_requests_total_by_method_total{"
        )
