"""The page. Change the text, save, and reload it."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext


def front(request: HttpRequest) -> HttpResponse:
    words = {"site": settings.SITE_NAME, "greeting": gettext("Hello")}
    return render(request, "front.html", words)
