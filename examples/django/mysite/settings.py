"""The least that Django needs to show a page."""

SECRET_KEY = "everybody knows this one: take another for a site of your own"
ALLOWED_HOSTS = ["127.0.0.1", "localhost"]
ROOT_URLCONF = "mysite.urls"
WSGI_APPLICATION = "mysite.wsgi.application"

INSTALLED_APPS = [
    "wsgireload.django",
    "mysite",
]
WSGIRELOAD = {"interval": 0.5}  # what wsgireload.start() takes; leave it out for the defaults

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
    }
]

SITE_NAME = "My site"
