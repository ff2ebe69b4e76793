"""How an Apache serves WSGI scripts: by its configuration, which it prints or which is read."""
