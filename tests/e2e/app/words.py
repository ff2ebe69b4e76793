WORD = "old"


def loaded():
    """The names of all modules of the process."""
    import sys

    return sorted(sys.modules)
