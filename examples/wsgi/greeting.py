"""The text of the page. Change it, save, and reload the page."""


def greeting() -> str:
    return "Hello from the first version!"
