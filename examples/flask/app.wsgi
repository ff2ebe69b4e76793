"""The WSGI script. wsgireload comes first, so that it sees every import, also one that fails."""

import wsgireload

wsgireload.start()
reload_required = wsgireload.reload_required

from mysite import app as application
