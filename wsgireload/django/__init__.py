"""Reload a Django project: `INSTALLED_APPS = ["wsgireload.django", …]`; see docs/django.md."""
