"""The WSGI script. wsgireload comes first, so that it sees every import."""

from pathlib import Path

import wsgireload

wsgireload.start(track=[Path(__file__).with_name("views")])  # Bottle keeps templates in memory
reload_required = wsgireload.reload_required

from mysite import app as application
