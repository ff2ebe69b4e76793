"""A page that shows what wsgireload does, and pages that reload themselves in the browser.

from wsgireload.web import middleware
application = middleware(application, live=True)
"""

from wsgireload.web.wrapper import middleware

__all__ = ["middleware"]
