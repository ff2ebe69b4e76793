"""The WSGI script. With the last line, requests during a restart get the new code."""

import wsgireload
from mysite import app as application

reload_required = wsgireload.reload_required
