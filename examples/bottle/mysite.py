"""The application. Change the words, save, and load the page again."""

from pathlib import Path

from bottle import TEMPLATE_PATH, Bottle, template

TEMPLATE_PATH.insert(0, str(Path(__file__).with_name("views")))
app = Bottle()


@app.get("/")
def front() -> str:
    return template("front", greeting="Hello")
