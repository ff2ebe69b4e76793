"""The applications whose restart is measured: the same files for every server.

`served.py` is the WSGI script and the module that others import. It takes the time (`time.time()`)
at its first line, after what starts the reloader, and at its end; each answer holds the text of
`answer.py`, which is the file that is saved, and these times.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

STAMPS = """\
from itertools import count

ALL, LATER, REQUESTS = [], [], count()


def text():
    import answer

    if next(REQUESTS) == 1:
        for each in LATER:
            each()
    return " ".join([answer.TEXT, *map(repr, ALL)])
"""
SCRIPT = """\
import time

began = time.time()
{start}
started = time.time()
import stamps
{application}

stamps.ALL += [began, started, time.time()]
{later}
"""
SMALL = """\
import answer


def application(environ, start_response):
    body = stamps.text().encode()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
"""
FLASK = """\
from flask import Flask

import answer

application = app = Flask(__name__)
app.get("/")(stamps.text)
"""
DJANGO = """\
import os

from django.core.wsgi import get_wsgi_application

import answer

os.environ["DJANGO_SETTINGS_MODULE"] = "site_settings"
application = get_wsgi_application()
"""
SETTINGS = """\
from pathlib import Path

SECRET_KEY = "not a secret"
DEBUG = True
ALLOWED_HOSTS = ["*"]
TIME_ZONE = "UTC"  # as Apache: Django sets it for the whole process, and the log has its times
ROOT_URLCONF = "site_urls"
WSGI_APPLICATION = "served.application"
APPS = "admin", "auth", "contenttypes", "sessions", "messages", "staticfiles"
INSTALLED_APPS = [f"django.contrib.{name}" for name in APPS]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
DATABASE = Path(__file__).with_name("db.sqlite3")
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": DATABASE}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
STATIC_URL = "static/"
"""
URLS = """\
from django.contrib import admin
from django.http import HttpResponse
from django.urls import path

import answer
import stamps

urlpatterns = [
    path("admin/", admin.site.urls),
    path("", lambda request: HttpResponse(stamps.text(), "text/plain")),
]
"""


class Site(NamedTuple):
    """An application: its name, how served.py makes it, what it imports, its other files."""

    name: str
    script: str
    packages: tuple[str, ...] = ()
    files: tuple[tuple[str, str], ...] = ()


SITES = {
    "small": Site("small WSGI application", SMALL),
    "flask": Site(
        "Flask",
        FLASK,
        ("flask", "werkzeug", "jinja2", "markupsafe", "click", "itsdangerous", "blinker"),
    ),
    "django": Site(
        "Django with admin",
        DJANGO,
        ("django", "asgiref", "sqlparse"),
        (("site_settings.py", SETTINGS), ("site_urls.py", URLS)),
    ),
}


def write(site: Site, folder: Path, start: str = "", later: str = "") -> None:
    """Write an application; `start` starts a reloader in its process.

    `later` may append functions to `stamps.LATER`, which the second request calls.
    """
    script = SCRIPT.format(start=start, application=site.script, later=later)
    for name, text in (("served.py", script), ("stamps.py", STAMPS), *site.files):
        (folder / name).write_text(text)
    save(folder, 0)


def text(number: int) -> str:
    """What the application answers after the save of this number."""
    return f"answer-{number}"


def save(folder: Path, number: int) -> None:
    """Save answer.py, each time of another length: bytecode of one never passes for another."""
    (folder / "answer.py").write_text(f'TEXT = "{text(number)}"\n' + "#\n" * (number % 10))
