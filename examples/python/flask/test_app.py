"""python3 -m unittest"""
import unittest

from prometheus_client import REGISTRY

from app import app


def clicks():
    return REGISTRY.get_sample_value("demo_app_button_clicks_total")


class ButtonTest(unittest.TestCase):
    def setUp(self):
        self.client = app.test_client()

    def test_there_is_a_button(self):
        answer = self.client.get("/")
        self.assertEqual(answer.status_code, 200)
        self.assertIn("Hit me!", answer.text)

    def test_a_click_is_counted(self):
        before = clicks()
        answer = self.client.post("/click-button")
        self.assertEqual(answer.status_code, 200)
        self.assertEqual(answer.json, {})
        self.assertEqual(clicks(), before + 1)

    def test_other_methods_are_refused_and_not_counted(self):
        before = clicks()
        for method in ("GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"):
            with self.subTest(method=method):
                answer = self.client.open("/click-button", method=method)
                self.assertEqual(answer.status_code, 405)
        self.assertEqual(clicks(), before)

    def test_nothing_is_in_progress_after_an_answer(self):
        for path in ("/", "/nothing-here"):
            self.client.get(path)
        self.assertEqual(
            REGISTRY.get_sample_value("demo_app_requests_in_progress"), 0
        )

    def test_metrics_have_the_counter(self):
        answer = self.client.get("/metrics")
        self.assertEqual(answer.status_code, 200)
        self.assertIn("\ndemo_app_button_clicks_total ", answer.text)

    def test_health(self):
        answer = self.client.get("/health/")
        self.assertEqual((answer.status_code, answer.text), (200, "ok\n"))


if __name__ == "__main__":
    unittest.main()
