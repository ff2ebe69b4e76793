"""The WSGI script. wsgireload comes first, so that it sees every import."""

import wsgireload

wsgireload.start()
reload_required = wsgireload.reload_required

from mysite import make_app

application = make_app()
