"""The WSGI script: the application, and a line so that no request is answered by old code."""

import wsgireload
from mysite import app as application

reload_required = wsgireload.reload_required
