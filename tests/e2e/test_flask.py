"""Flask with `wsgireload.flask`: examples/flask, on two versions of Flask."""

from __future__ import annotations

import pytest
from support.apacheserver import wait_for
from support.examplesite import ExampleSite, ExampleSites

BLUEPRINT = """
from flask import Blueprint

shop = Blueprint("shop", __name__, url_prefix="/shop", template_folder="wares")
shop.add_url_rule("/", view_func=lambda: render_template("shop.html"))
app.register_blueprint(shop)
app.add_url_rule("/watched", view_func=lambda: "\\n".join(wsgireload.status().paths()))
"""


@pytest.fixture(params=["flask==2.3.*", "flask==3.*"])
def site(request: pytest.FixtureRequest, new_example: ExampleSites) -> ExampleSite:
    """The example, not started yet, with a blueprint that is registered last."""
    site = new_example("flask", request.param)
    with (site.app / "mysite.py").open("a") as file:
        file.write(BLUEPRINT)
    wares = site.app / "wares"
    wares.mkdir()
    (wares / "shop.html").write_text("Wares\n")
    return site


def test_the_template_of_a_blueprint(site: ExampleSite) -> None:
    """A blueprint that was registered last has its templates go live as well."""
    site.begin()
    wait_for(lambda: "shop.html" in site.get("/watched"), "a look at the blueprint's templates")
    assert site.save("wares/shop.html", "Wares", "Goods", at="/shop/") == "Goods"
    [restart] = site.restarts()
    assert "wares/shop.html changed" in restart


def test_an_import_that_fails(site: ExampleSite) -> None:
    """The site answers again once a name is back in a module that was loaded without it."""
    site.noisy = True
    models, mysite = site.app / "models.py", site.app / "mysite.py"
    models.write_text("Order = 1\n")
    mysite.write_text(f"from models import Order\n{mysite.read_text()}")
    first = site.begin()

    models.write_text("Other = 1\n")
    wait_for(lambda: not site.answers(first), "the error")
    models.write_text("Order = 1\n")
    wait_for(lambda: site.answers(first), "the application")
