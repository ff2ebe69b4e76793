"""The minimum that Django needs to show a page."""

SECRET_KEY = "this one is public: use another for your own site"
ALLOWED_HOSTS = ["127.0.0.1", "localhost"]
ROOT_URLCONF = "mysite.urls"
WSGI_APPLICATION = "mysite.wsgi.application"

INSTALLED_APPS = [
    "wsgireload.django",
    "mysite",
]
WSGIRELOAD = {"interval": 0.5}  # settings for wsgireload.start(); optional

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
    }
]

SITE_NAME = "My site"
