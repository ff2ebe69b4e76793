"""What a page learns when it polls: a new generation, what is held, and where to open it."""

from __future__ import annotations

import json

import pytest
from support.livepage import PAGE, answering, asked, news
from support.wsgicall import call

from wsgireload import Held
from wsgireload.web import middleware


def test_a_page_asks_what_is_new(say) -> None:
    """A page of the same generation stays; one of an earlier generation reloads."""
    page = asked(answering([PAGE]))
    assert news(page) == {"reload": False, "files": False, "held": None}
    say(generation=4, pid=8)
    assert news(page) == {"reload": True, "files": False, "held": None}


def test_a_page_asks_what_is_held(say) -> None:
    """File, line, source line, caret and error, as text."""
    page = asked(answering([PAGE]))
    say(holding="h", held=Held("/a/b.py", 3, 9, "    x = = 1", "SyntaxError: invalid syntax"))
    assert news(page)["held"] == "/a/b.py, line 3\nx = = 1\n    ^\nSyntaxError: invalid syntax"
    say(holding="the budget is spent")
    assert news(page)["held"] == "wsgireload: the budget is spent"


def test_the_output_of_a_check_is_in_the_banner(say) -> None:
    """The banner shows the last lines of what the check has printed, as an import's traceback."""
    output = "".join(f"line {number}\n" for number in range(100))
    say(holding="preflight: NameError", output=output)
    lines = str(news(asked(answering([PAGE])))["held"]).splitlines()
    assert lines[0] == "wsgireload: preflight: NameError"
    assert lines[1:] == [f"line {number}" for number in range(80, 100)]
    say(holding="h", held=Held("/a/b.py", 3, None, "x", "NameError: x"), output="Traceback\n  x\n")
    shown = ["/a/b.py, line 3", "x", "NameError: x", "Traceback", "  x"]
    assert str(news(asked(answering([PAGE])))["held"]).splitlines() == shown


TOKEN = "correct-horse-battery"
PLACE = Held("/srv/a b/?x:1&y#.py", 3, 9, "x = = 1", "SyntaxError: invalid syntax")


def opened(editor: str | None, **environ: str) -> object:
    """The link to the editor in the answer to a poll."""
    served = middleware(answering([]), live=True, editor=editor, token=TOKEN)
    return json.loads(call(served, "/.wsgireload/live?v=x", **environ).body).get("editor")


@pytest.mark.parametrize(
    ("editor", "expected"),
    [
        ("vscode", "vscode://file/srv/a%20b/%3Fx%3A1%26y%23.py:3:9"),
        ("pycharm", "pycharm://open?file=/srv/a%20b/%3Fx%3A1%26y%23.py&line=3&column=9"),
        (
            "my+ide://{line}/{path}?{column}{other}",
            "my+ide://3//srv/a%20b/%3Fx%3A1%26y%23.py?9{other}",
        ),
        (None, None),
    ],
)
def test_the_place_opens_in_the_editor(say, editor: str | None, expected: str | None) -> None:
    """Every character of the path that could mean something in a URL is quoted."""
    say(holding="h", held=PLACE)
    assert opened(editor) == expected
    say(holding="h", held=Held("C:\\srv\\a.py", 3, None, None, None))
    if editor == "vscode":
        assert opened(editor) == "vscode://file/C:/srv/a.py:3:1"
    say(holding="h", held=Held("/bad\udcff", 3, None, None, None))
    assert editor is None or "/bad%FF" in str(opened(editor))
    say(holding="h", held=Held("/a.py", None, None, None, "is gone"))
    assert opened(editor) is None


def test_the_editor_is_one_of_this_machine(say) -> None:
    """A phone that knows the token has no such file, and gets no link."""
    say(holding="h", held=PLACE)
    far = {"REMOTE_ADDR": "192.0.2.7", "HTTP_X_WSGIRELOAD_TOKEN": TOKEN}
    assert opened("vscode", **far) is None
    assert opened("vscode", HTTP_X_WSGIRELOAD_TOKEN=TOKEN, HTTP_VIA="1.1 x") is None
