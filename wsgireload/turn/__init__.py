"""The turn of a fleet, in etcd or Redis: `python -m wsgireload.turn URL take OWNER VERSION`.

A program of its own, which decide/turn.py runs beside the application. A command of the user's may
take its place: the protocol is the same. See docs/fleet.md.
"""
