"""Flask with `wsgireload.flask`: examples/flask, on two versions of Flask."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.apache import Apache
from support.examplesite import ExampleSite
from support.server import wait_for

BLUEPRINT = """
from flask import Blueprint

shop = Blueprint("shop", __name__, url_prefix="/shop", template_folder="wares")
shop.add_url_rule("/", view_func=lambda: render_template("shop.html"))
app.register_blueprint(shop)
app.add_url_rule("/watched", view_func=lambda: "\\n".join(wsgireload.status().paths()))
"""


@pytest.fixture(params=["flask==2.3.*", "flask==3.*"])
def site(
    request: pytest.FixtureRequest,
    apache: Apache,
    library: Path,
    frameworks: Callable[..., Path],
) -> Iterator[ExampleSite]:
    """The example, and a blueprint that is registered when all else is done; not started yet."""
    with ExampleSite(apache, "flask", [library, frameworks(request.param)]) as site:
        with (site.app / "mysite.py").open("a") as file:
            file.write(BLUEPRINT)
        wares = site.app / "wares"
        wares.mkdir()
        (wares / "shop.html").write_text("Wares\n")
        try:
            yield site
        finally:
            print(site.log.text())  # noqa: T201 - pytest shows it where a test fails


def test_the_template_of_a_blueprint(site: ExampleSite) -> None:
    """A blueprint that was registered last has its templates go live as well."""
    site.begin()
    wait_for(lambda: "shop.html" in site.get("/watched"), "a look at the blueprint's templates")
    assert site.save("wares/shop.html", "Wares", "Goods", at="/shop/") == "Goods"
    [restart] = site.restarts()
    assert "wares/shop.html changed" in restart
