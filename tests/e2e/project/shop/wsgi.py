"""As `django-admin startproject` makes it, but wsgireload comes before what it is to watch."""

import os
from pathlib import Path

import wsgireload

wsgireload.start(interval=0.1, settle=0.05, track=[Path(__file__).parent / "templates"])

from django.core.wsgi import get_wsgi_application  # noqa: E402 - see above

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")

application = get_wsgi_application()
