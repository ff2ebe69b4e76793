"""The WSGI script that `django-admin startproject` makes, plus two lines."""

import os

from django.core.wsgi import get_wsgi_application

import wsgireload

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mysite.settings")

application = get_wsgi_application()
reload_required = wsgireload.reload_required
