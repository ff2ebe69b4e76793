"""The WSGI script, as `django-admin startproject` makes it, and two lines more."""

import os

from django.core.wsgi import get_wsgi_application

import wsgireload

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mysite.settings")

application = get_wsgi_application()
reload_required = wsgireload.reload_required
