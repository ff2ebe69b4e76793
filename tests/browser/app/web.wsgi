"""Pages for tests/browser, tests/e2e/test_web.py and bench/tabs.py, which all edit views.py."""

import wsgireload

wsgireload.start(interval=0.1, settle=0.05)

import views
from wsgireload.web import middleware

application = middleware(
    views.application, live=True, reload_on=("static/*.css", "templates"), token="correct-horse-battery"
)
