"""docs/security.md claims only what a test proves: which test, for each of its paragraphs."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

HOUSE = Path(__file__).parents[2]
TEXT = (HOUSE / "docs" / "security.md").read_text("utf-8")
SECURITY = "unit/test_security.py"
WEB, ACCESS, LIVE = "unit/web/test_web.py", "unit/web/test_access.py", "unit/web/live"
CLI, STATES, CONFIG = (f"unit/cli/test_{name}.py" for name in ("cli", "states", "config"))
STAND_IN = "unit/monitor/test_stand_in.py"
COMPILER, RESTART = "unit/decide/test_compiler.py", "unit/server/test_restart.py"
NO_CLAIM = ()  # an introduction, or advice

# How a paragraph or an item begins -> the tests of its claims, as "file: test test".
CLAIMS: dict[str, tuple[str, ...]] = {
    "wsgireload runs inside": NO_CLAIM,
    "Please report": NO_CLAIM,
    "wsgireload keeps small files": (
        f"{SECURITY}: test_nobody_gets_in test_one_folder_for_each_user",
    ),
    "**A planted folder is not used**": (
        f"{SECURITY}: test_a_planted_folder",
        (
            "unit/state/test_private_dir.py: test_a_link_that_takes_its_place_later_is_not_followed"
            " test_the_first_that_serves_is_used"
        ),
        "unit/state/test_group_epoch.py: test_what_another_user_planted",
    ),
    "**Other users have no access**": (f"{SECURITY}: test_nobody_gets_in",),
    "**Planting *all* of the folders**": (
        f"{SECURITY}: test_every_folder_planted test_a_planted_folder",
        "unit/state/test_group_epoch.py: test_a_process_without_a_group",
    ),
    "**Damaged or forged content**": (
        "chaos/fuzz/test_folder.py: test_the_journal test_its_neighbours",
        "unit/state/test_journal_damage.py: test_a_damaged_line_is_removed",
    ),
    "**Anybody who may write to the coordinator**": (
        "unit/turn/test_rules.py: test_what_others_wrote test_a_machine_that_died",
    ),
    "**A password is never an argument**": (
        "unit/test_settings.py: test_a_password_is_not_repeated",
        "fleet/test_stores.py: test_user_and_password test_encrypted",
    ),
    "It compares sources": NO_CLAIM,
    "**A tracked file is never imported": (
        f"{SECURITY}: test_a_tracked_file_is_not_run test_nothing_is_executed",
    ),
    "**Sources are compiled in another process**": (
        (
            f"{COMPILER}: test_a_compiler_that_crashes test_a_compiler_that_takes_too_long"
            " test_no_python_is_found test_the_program_imports_nothing_of_ours"
        ),
    ),
    "**Special files are never opened**": (
        f"{SECURITY}: test_odd_files test_odd_files_in_the_place_of_good_ones",
        f"{LIVE}/test_files.py: test_what_is_no_file_is_not_opened",
    ),
    "**A huge file** is read": (
        f"{SECURITY}: test_odd_files_in_the_place_of_good_ones",
        f"{COMPILER}: test_a_large_source test_a_huge_source",
        "chaos/test_large.py: test_a_large_file_that_changes_all_the_time",
    ),
    "**So users who can write": NO_CLAIM,
    "With `compare=": NO_CLAIM,
    "A user who can change a watched file": (
        f"{SECURITY}: test_restarts_come_to_a_hold",
        (
            "unit/decide/test_budget.py: test_a_change_from_outside test_what_repeats_is_named"
            " test_another_change_ends_that"
        ),
    ),
    "The restart is a signal": (
        "unit/test_house.py: test_one_room_for_each_deed",
        f"{RESTART}: test_the_server_has_time_to_act",
    ),
    "The preflight is a list": (
        f"{SECURITY}: test_no_shell_reads_the_preflight test_where_its_output_goes",
        "unit/decide/test_command.py: test_what_it_has_started_is_ended_too",
        "unit/decide/test_preflight.py: test_its_folder",
    ),
    "If it fails, its last": (f"{SECURITY}: test_it_cannot_flood",),
    "Before a restart, the process that": (
        (
            "unit/decide/test_ahead.py: test_what_changed_is_compiled test_the_kind_stays"
            " test_a_folder_that_may_not_be_written test_what_python_keeps_no_bytecode_of"
            " test_the_loaded_modules"
        ),
    ),
    "**One event is always": (f"{SECURITY}: test_log_injection",),
    "**It holds** paths": (f"{SECURITY}: test_what_is_never_told",),
    "**It holds no other": (f"{SECURITY}: test_what_is_never_told",),
    "wsgireload opens no socket": (f"{SECURITY}: test_no_socket test_a_process_has_no_socket",),
    "**Every user of this machine": (f"{ACCESS}: test_from_here_it_is", f"{WEB}: test_methods"),
    "**An application that could": (
        f"{STAND_IN}: test_this_machine_gets_the_page test_others_get_the_exception",
    ),
    "**Other machines get": (f"{ACCESS}: test_from_elsewhere_it_is_not_there",),
    "**A page of another site": (
        f"{ACCESS}: test_the_names_of_this_machine test_from_elsewhere_it_is_not_there",
    ),
    "**One hole is left**": NO_CLAIM,
    "**The token**": (
        f"{ACCESS}: test_tokens_are_compared_in_constant_time test_a_browser_that_knew_the_token",
    ),
    "**No cache keeps the page**": (
        f"{WEB}: test_headers_that_keep_it_in",
        f"{LIVE}/test_untouched.py: test_no_cache_keeps_a_page_with_the_script",
    ),
    "**The page escapes": (f"{WEB}: test_everything_is_escaped test_a_strict_policy",),
    "**No request takes long**": (
        f"{ACCESS}: test_a_header_full_of_cookies",
        f"{LIVE}/test_versions.py: test_versions",
        f"{LIVE}/test_files.py: test_folders_that_are_linked_to_each_other",
    ),
    "`wsgireload status`": NO_CLAIM,
    "**A damaged or forged file": (
        (
            f"{STATES}: test_files_that_are_no_status test_what_others_may_write"
            " test_an_error_that_nobody_foresaw test_more_files_than_anyone_needs"
        ),
        "unit/test_report.py: test_wrong_values",
    ),
    "**A folder is believed only": (
        f"{STATES}: test_planted_states test_a_pid_file_selects_by_the_parent_that_a_process_has",
    ),
    "**Nothing that is printed": (
        f"{STATES}: test_what_a_terminal_would_obey",
        f"{CLI}: test_everything_printed_is_harmless",
    ),
    "**A pause of root's**": (
        "unit/state/test_pause.py: test_no_other_file_is_touched test_whoever_made_it",
        "unit/decide/test_pause.py: test_it_is_never_long",
    ),
    "**A forged interval**": (f"{STATES}: test_an_interval_that_nobody_waits_for",),
    "**`config` writes": (
        f"{CONFIG}: test_config_with_odd_names test_config_that_apache_could_not_read",
        "e2e/test_config.py: test_config_of_odd_folders",
    ),
    "`wsgireload config` prints lines": (f"{CONFIG}: test_config_for_development",),
    "**It is a hundred lines": (
        (
            "native/test_respawn.py: test_what_it_uses test_children_handle_nothing"
            " test_a_handler_of_others_stays"
        ),
    ),
    "**The file must belong": NO_CLAIM,
    "With Debian's defaults": (f"{SECURITY}: test_groups_do_not_meet",),
    "If they trust each other": (f"{SECURITY}: test_one_folder_for_each_user",),
    "The folder must exist": NO_CLAIM,
}


def paragraphs() -> list[str]:
    """The paragraphs and items of the document, without headings and code."""
    text = re.sub(r"^```.*?^```$", "", TEXT, flags=re.MULTILINE | re.DOTALL)
    found = re.split(r"\n\n+|\n(?=- )", text)
    return [" ".join(each.removeprefix("- ").split()) for each in found if each.strip("# \n")]


def test_each_paragraph_has_its_tests() -> None:
    """Each paragraph is in the table, and the table has nothing else."""
    claims = [each for each in paragraphs() if not each.startswith("#")]
    found = {each[:60]: [start for start in CLAIMS if each.startswith(start)] for each in claims}
    assert {text for text, starts in found.items() if len(starts) != 1} == set()
    assert {start for starts in found.values() for start in starts} == set(CLAIMS)


@pytest.mark.parametrize("tests", sorted({each for named in CLAIMS.values() for each in named}))
def test_the_tests_are_there(tests: str) -> None:
    """Each test that the table names exists."""
    file, _, names = tests.partition(": ")
    tree = ast.parse((HOUSE / "tests" / file).read_text("utf-8"))
    defined = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    assert set(names.split()) <= defined
