"""The WSGI script: the application, and a line that lets no request be answered by old code."""

import wsgireload
from mysite import app as application

reload_required = wsgireload.reload_required
