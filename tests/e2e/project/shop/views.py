"""One view."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def front(request: HttpRequest) -> HttpResponse:
    """What is edited is in three places: here, in settings.py and in the template."""
    return render(request, "front.html", {"title": settings.TITLE, "view": "old view"})
