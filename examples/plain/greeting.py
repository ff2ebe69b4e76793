"""Edit me while the server runs, save, and look at the page again."""

WORD = "Hello"


def greet(name):
    """Say something kind to somebody."""
    return f"{WORD}, {name}!"
