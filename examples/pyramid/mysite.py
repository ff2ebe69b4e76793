"""The application. Change the text, save, and reload the page."""

from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.response import Response
from pyramid.router import Router


def front(request: Request) -> Response:
    return Response(f"Pyramid at {request.host} says: Hello!\n")


def make_app() -> Router:
    with Configurator() as config:
        config.add_route("front", "/")
        config.add_view(front, route_name="front")
        return config.make_wsgi_app()
