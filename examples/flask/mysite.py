"""The application. Change the text, save, and reload the page."""

from flask import Flask, render_template

import wsgireload.flask

app = Flask(__name__)
wsgireload.flask.init_app(app)


@app.get("/")
def front() -> str:
    return render_template("front.html", greeting="Hello")
