"""Processes of one group: they follow each other, and wait for their turn."""

from pathlib import Path

from support.reloaderworld import Turn, World

from wsgireload.decide.verdict import GO, Hold


def test_a_group_that_is_ahead_has_everything_scanned(world: World) -> None:
    """After an announcement of its group a process scans all, and stays if nothing differs."""
    reloader = world.reloader(when="next-request")
    reloader.step({"a.py"})
    assert (world.detector.scanned, world.group.loaded) == ([{"a.py"}], [])
    world.group.ahead = True
    world.clock.now += 1
    reloader.step({"a.py"})
    assert world.detector.scanned[1:] == [None]
    assert world.group.loaded == [world.clock.now]


def test_a_held_process_does_not_follow_its_group(world: World, tmp_path: Path) -> None:
    """A process whose new code does not compile answers requests, whatever the others do."""
    path = tmp_path / "view.py"
    path.write_text("x = (\n")
    world.detector.python, world.detector.differs = {str(path)}, {str(path): b"2"}
    reloader = world.reloader(when="next-request")
    world.run(reloader, 2.0)
    world.group.ahead = True
    assert not reloader.reload_required()
    world.detector.differs = {}
    reloader.step()
    assert reloader.reload_required()


def test_rolling_waits_for_its_turn(world: World) -> None:
    """Without the turn nothing is requested and no request rejected; with it both."""
    turn = Turn()
    reloader = world.reloader(when="next-request", roll=turn)
    world.detector.differs = {"a.py": b"2"}
    world.run(reloader, 2.0)
    assert not reloader.reload_required()
    turn.verdict = GO
    world.run(reloader, 0.2)
    assert reloader.reload_required()
    assert turn.taken


def test_a_roll_that_has_stopped(world: World) -> None:
    """The old code keeps serving, logged once, and the roll may go on later."""
    turn = Turn()
    turn.verdict = Hold("the roll has stopped")
    reloader = world.reloader(roll=turn)
    world.detector.differs = {"a.py": b"2"}
    world.run(reloader, 10.0)
    held = world.said("holding")
    assert (world.server.requests, held) == (0, ["holding: the roll has stopped"])
    turn.verdict = GO
    world.run(reloader, 1.0)
    assert world.server.requests == 1


def test_a_turn_is_given_back(world: World) -> None:
    """If the change is undone while this process has the turn, others may go."""
    turn = Turn()
    turn.verdict = GO
    reloader = world.reloader(when="next-request", roll=turn)
    world.detector.differs = {"a.py": b"2"}
    world.run(reloader, 0.5)
    assert turn.taken
    world.detector.differs = {}
    reloader.step()
    assert not turn.taken
