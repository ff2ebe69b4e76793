"""The least that Django needs to show a page."""

from pathlib import Path

HERE = Path(__file__).parent

SECRET_KEY = "for tests alone"
ALLOWED_HOSTS = ["127.0.0.1"]
ROOT_URLCONF = "shop.urls"
TITLE = "old title"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [HERE / "templates"],
        # With DEBUG off, Django keeps every template in memory once it has read it.
    }
]
