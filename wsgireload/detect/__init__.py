"""WHAT changed: the files of the program, as they were loaded, and as they are on disk now."""
