"""The WSGI application: gunicorn dogwalk.wsgi"""
import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dogwalk.settings")

application = get_wsgi_application()
