"""The application. Change the text, save, and reload the page."""

from pathlib import Path

from bottle import TEMPLATE_PATH, Bottle, template

TEMPLATE_PATH.insert(0, str(Path(__file__).with_name("views")))
app = Bottle()


@app.get("/")
def front() -> str:
    return template("front", greeting="Hello")
