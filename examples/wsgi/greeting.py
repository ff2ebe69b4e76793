"""What the page says. Change the words, save, and load the page again."""


def greeting() -> str:
    return "Hello from the first version!"
