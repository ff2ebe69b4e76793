"""The page. Change the words, save, and load it again."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext


def front(request: HttpRequest) -> HttpResponse:
    words = {"site": settings.SITE_NAME, "greeting": gettext("Hello")}
    return render(request, "front.html", words)
