"""Litter: what tools, databases and uploads leave in a tracked folder, and what is never that."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import pytest

from wsgireload.detect.folders import Folders
from wsgireload.detect.globs import Ignored
from wsgireload.detect.litter import CONTENTS, FILES, FOLDERS, is_litter
from wsgireload.detect.tracked import Tracked
from wsgireload.log import Log
from wsgireload.watch.wakeup import NoEvents


def words(text: str) -> list[str]:
    """The words of a text."""
    return text.split()


LEFT = words("""
a.pyc A.PYC a$py.class .coverage .coverage.host.123.xyz .testmondata-wal tags
flaskr.sqlite flaskr.sqlite-journal flaskr.SQLite3-WAL data.db DATA.DB data.db-shm x.db-journal
app-journal x.dbm shelf.dir shelf.pag lock.mdb data.mdb x.lmdb-lock x.mv.db x.trace.db x.duckdb.wal
Data.fs Data.fs.index dump.rdb celerybeat-schedule celerybeat-schedule.db page.djcache
2029240f6d1128be89ddc32729463129 debug.log debug.log.1 debug.log.2026-11-25 debug.log-20261125.gz
debug.log.2.gz debug.log.zip DEBUG.LOG error.log.old access_log access_log.1 nohup.out nohup.out.1
app.err app.pid app.log.lock app.lock app.lck app.sock core.4711 .git .hg a.py.orig a.html.rej
.a.html.swp a.html.swo .a.html.un~ 4913 .#a.html #a.html# flycheck_a.py a.html~ a.html.bak A.BAK
a.html.save a.tmp a.html___jb_tmp___ a.html___jb_old___ .a.html.kate-swp .goutputstream-A1B2C3
sedq8YtRw tmpab12_c3d .a.html.a1B2c3 .a.html.Aaaaaa .in.a.html. a.html.filepart
CuVggM7N sedETJEQN .a.html.ETJEQN .a.html.9TJ3QN .a.html.k3lm9x .a.html.3klmno
.pureftpd-upload.5f.15.3 .ansible_tmpq1w2e3a.html a.html.partial a.zip.part a.crdownload a.download
.nfs000000000012ab34 .fuse_hidden0001 .~lock.a.odt# .syncthing.a.html.tmp ~syncthing~a.tmp
.DS_Store ._a.html Thumbs.db thumbs.DB desktop.ini Desktop.ini ~$a.docx .bash_history
a.conf.dpkg-dist a.code-workspace __db.001 log.0000000001 syslog.1 a.html.crswap .dccache
appendonly.aof.manifest etilqs_Ab12Cd34 app.log.gz.1 app.log.lz4 a.lockfile a.mine Session.vim
DEADJOE a.html;6567abcd a.conf.ucf-dist a.conf.pacnew .apk.5f3a1b2c3d a.cfnew
.chef-a20151002-1-abc.html __salt.tmp.Ab12Cd a.html_.gstmp .azDownload-0f8f-a.html
a.html._COPYING_ a.mp4.part-Frag0 a.ytdl .xdp-a.html-x1 29240f6d1128be89ddc327294631.val
sessionidabcdefghijklmnopqrstuvwxyz012345
2f474a18224a301ffdfe6ca86af63291b74da4ee session-2f474a18224a301ffdfe6ca86af63291b74da4ee
b04745f8e1e5bdd9ad8d64ccaaaf13570ff1ac3fb39a576eb3e0f43f
79bc207ee04a581ab2348ca1f3494e64cd0ec36128735b8c6bc85ddd8fe1938c tmptzmg2lrk.__wz_cache
c8b669d15150d7109e5f7ab36744a5b7_orders.table 11f6ad8ec52a2984abaafd7c3b516503785c2072.dbm.dat
a.mako.py b.html.py c.txt.py d.xml.py layout_8c19e952c7bd65aa126264f3736131ad.py
output.8fd1c1d5a8b1.css output.8fd1c1d5a8b1.js 2f474a18224a301ffdfe6ca86af63291b74da4ee.sess
127-0-0-1-3f2504e0-4f89-41d3-9a0c-0305e82c3301 3f2504e0-4f89-41d3-9a0c-0305e82c3301
vite.config.ts.timestamp-1708343215792-222a922c5f9cd.mjs astro.config.mjs.timestamp-1708343215792.js
rollup.config-1708343215792.mjs rollup.config-1708343215792.cjs tsup.config.bundled_k3j9x0a1b.mjs
views.py.isorted views.py,cover coverage.lcov mprofile_20261127101500.dat .pdbhistory
.aider.chat.history.md .aider.input.history .views.py.icloud
""")
LEFT_FOLDERS = words("""
__pycache__ .git site.git .hg .svn .bzr .jj .idea .vscode .vs .IDEA .pytest_cache .mypy_cache
.ruff_cache .cache .sass-cache .parcel-cache .tox .nox .hypothesis htmlcov .ipynb_checkpoints
.venv .venv312 venv site-packages a.egg-info node_modules Node_Modules bower_components .next .nuxt
.svelte-kit .turbo .terraform .~tmp~ a.download __MACOSX .Trash-1000 $RECYCLE.BIN lost+found
chroma.leveldb flask_session .metals .cargo .eclipse .theia .lapce .kdev4 .swiftpm .scannerwork
.snakemake cdk.out dist-newstyle dask-worker-space .osc @eaDir #recycle .snapshot .zfs .wandb
.Rproj.user .pyxbld .aider.tags.cache.v4 .specstory .playwright-mcp .serena .beads _trial_temp
""")
SOURCES = words("""
a.py a.pyi a.html a.jinja2 a.j2 a.mako a.txt a.xml a.css a.scss a.js a.mjs a.ts a.map a.svg a.png
a.mo a.po a.pot a.json a.yaml a.yml a.toml a.ini a.cfg a.conf a.csv a.sql a.md a.rst a.graphql
.env .env.local .env.docker .env.stage2 .env.production .envrc .htaccess .flaskenv .coveragerc
.sqliterc .babelrc .eslintrc.config .gitignore .gitattributes .git-blame .dockerignore .secrets.toml
config local_settings.py settings.ini database.yml log.html catalog.html views.log.html db.html
db.py sqlite.py lock.html login_log.html changelog blog.html core.html core.2.html part.html
header.part.html download.html cache.html backup.html tmp.html old.html pid.html out.html sed.html
sediment sed_page tmpl_view tmpl_views session.html 404 500 logs Makefile Procfile Dockerfile
_x.sql _partial.svg .x.html.jinja2 .page.layout.header a.pkl a.parquet GeoIP.dat model.bin a.gz
robots.txt humans.txt manifest.webmanifest a.swf a.journal .env.v2beta1 .env.app.v2beta
a.site.logo2.png a.v2.html sed2_a tmp_file.py .x.config.docker a.woff2 a.appcache a.cached-page
log.2.html logo.1 current_v2 cut2size Customer
change.log-2024.html change_log-2024.html release_log.2.html site.db-prod.ini a.db-replica.toml
styles.8c19e952c7bd65aa126264f3736131ad.css output.css output.vendor.min.js ae1027a6acf0_add.py
2f474a18224a301ffdfe6ca86af63291b74da4ee.html a.conf.py a.test.py mako.py html.py orders.table
8fd1c1d5a8b1 3f2504e0-4f89-41d3-9a0c-0305e82c3301.html session-2f474a18 session-list.html
vite.config.ts rollup.config.mjs rollup.config-prod.mjs tsup.config.ts bundled.mjs app.bundled.js
a.timestamp.js a.timestamp-format.mjs cover isorted a.dir.html mprofile.py icon.icloud a.lcov
print.out-2.html page.err-404.html report.out.1.j2 a.save.2.py schema.db-1.sql catalog.log-2.mo
""")
SOURCE_FOLDERS = words("""
build dist env logs log cache tmp temp data db out bin lib media static templates locale conf config
vendor core tags cvs rcs coverage history instance uploads sediments packages target .config .github
.well-known pages.d site.v2 orders_log venvs environment sqlite mysql node blog.part report.out
""")


def means(root: Path, *tracked: str) -> set[str]:
    """What these paths below a folder mean now, and that an event at each of them counts."""
    found = Tracked(Ignored(()), Folders(NoEvents().listen_in, Log("app"), lambda: None))
    found.add([f"{root}/{name}".rstrip("/") for name in tracked])
    paths = {path for path, _ in found.files()}
    assert all(map(found.may_hold, paths))
    return {path.removeprefix(f"{root}/") for path in paths}


def put(root: Path, *names: str) -> None:
    """Create files and their folders."""
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


@pytest.mark.parametrize("name", LEFT)
def test_files_that_are_left(name: str) -> None:
    """They do not count, in any case of letters."""
    assert is_litter(name, folder=False)


@pytest.mark.parametrize("name", LEFT_FOLDERS)
def test_folders_that_are_left(name: str) -> None:
    """Nothing in them counts, in any case of letters."""
    assert is_litter(name, folder=True)


@pytest.mark.parametrize("name", SOURCES)
def test_files_that_count(name: str) -> None:
    """A source, template, setting or translation is never litter, nor is another file's name."""
    assert not is_litter(name, folder=False)
    assert not is_litter(name.upper(), folder=False)


@pytest.mark.parametrize("name", SOURCE_FOLDERS)
def test_folders_that_count(name: str) -> None:
    """A folder that might be somebody's package or templates is never litter by its name."""
    assert not is_litter(name, folder=True)
    assert not is_litter(name.upper(), folder=True)


def test_the_table_in_lower_case() -> None:
    """Names are compared in lower case; no row is empty, and no name stands twice in a table."""
    for table in (FILES, FOLDERS, CONTENTS):
        names = [name for row in table.values() for name in row.split()]
        assert all(table.values())
        assert len(names) == len(set(names))
        if table is not CONTENTS:
            assert all(name == name.lower() or "XXXXXX" in name for name in names)


def test_a_folder_full_of_it(tmp_path: Path) -> None:
    """Of a tracked folder all counts but litter, at any depth."""
    put(tmp_path, *(f"app/{folder}/a.html" for folder in (*LEFT_FOLDERS, *SOURCE_FOLDERS)))
    put(tmp_path, *(f"app/in/{name}" for name in LEFT), "app/in/.env", "app/settings.ini")
    counts = {f"app/{folder}/a.html" for folder in SOURCE_FOLDERS}
    assert means(tmp_path, "app") == counts | {"app/in/.env", "app/settings.ini"}


@pytest.mark.parametrize("contents", CONTENTS.values())
def test_a_folder_known_by_its_contents(tmp_path: Path, contents: str) -> None:
    """A virtual environment, a cache or a database is left out whatever it is called."""
    put(tmp_path, "app/a.html", "app/env/b.html", "app/env/in/c.html")
    assert means(tmp_path, "app") == {"app/a.html", "app/env/b.html", "app/env/in/c.html"}
    put(tmp_path, *(f"app/env/{name}" for name in contents.split()))
    assert means(tmp_path, "app") == {"app/a.html"}
    assert means(tmp_path, "app/*.html", "app/**/c.html") == {"app/a.html"}


def named(root: Path, *tracked: str) -> set[str]:
    """What is meant of a folder in which almost all is litter."""
    put(root, "env/pyvenv.cfg", "env/lib/site-packages/a.py", "app/x.db", "app/x.log")
    put(root, "app/node_modules/pkg/a.js", "app/.git/HEAD", "app/in/y.db", "app/__pycache__/a.pyc")
    return means(root, *tracked)


@pytest.mark.parametrize(
    ("tracked", "meant"),
    [
        (["app/x.db"], {"app/x.db"}),
        (["app/*.db"], {"app/x.db"}),
        (["app/*.DB", "app/*.[dD]b"], {"app/x.db"}),
        (["app/**/*.db"], {"app/x.db", "app/in/y.db"}),
        (["app/node_modules"], {"app/node_modules/pkg/a.js"}),
        (["app/node_*"], {"app/node_modules/pkg/a.js"}),
        (["**/node_modules/**/*.js"], {"app/node_modules/pkg/a.js"}),
        (["app/.git"], {"app/.git/HEAD"}),
        (["app/.git/*"], {"app/.git/HEAD"}),
        (["env"], {"env/pyvenv.cfg"}),
        (["env/lib/site-packages"], {"env/lib/site-packages/a.py"}),
        (["en*/*.cfg"], {"env/pyvenv.cfg"}),
        (["app/*", "app/**", "app/**/*", "app/*.*", "app/.*", "*"], set()),
    ],
)
def test_what_is_named_counts(tmp_path: Path, tracked: list[str], meant: set[str]) -> None:
    """Litter that is tracked by its name or by a glob counts; wildcards alone name nothing."""
    assert named(tmp_path, *tracked) == meant


@pytest.mark.parametrize(
    ("path", "counts"),
    [
        ("app/a.html", True),
        ("app", True),
        ("app/in/deep/a.html", True),
        ("app/x.log", False),
        ("app/node_modules/pkg/a.js", False),
        ("app/in/.git/index", False),
        ("app/y.db", False),
        ("app/in/y.db", True),
        ("app/tags", True),
        ("apple", False),
        ("globs/a.html", True),
        ("globs/a.csv", False),
        ("globs/.a.html", False),
    ],
)
def test_an_event_at_litter(tmp_path: Path, path: str, counts: object) -> None:
    """An event at litter, or at a path of no glob, is irrelevant; one at a new folder is not."""
    (tmp_path / "app/tags").mkdir(parents=True)
    found = Tracked(Ignored(()), Folders(NoEvents().listen_in, Log("app"), lambda: None))
    found.add([f"{tmp_path}/app", f"{tmp_path}/app/in/*.db", f"{tmp_path}/globs/*.html"])
    assert found.may_hold(f"{tmp_path}/{path}") is counts


def test_events_in_a_folder_known_by_its_contents(tmp_path: Path) -> None:
    """Once such a folder is known, an event in it does not wake the monitor."""
    put(tmp_path, "app/env/pyvenv.cfg", "app/env/a.html")
    found = Tracked(Ignored(()), Folders(NoEvents().listen_in, Log("app"), lambda: None))
    found.add([f"{tmp_path}/app"])
    assert list(found.files()) == []
    assert not found.may_hold(f"{tmp_path}/app/env/a.html")
    assert found.may_hold(f"{tmp_path}/app/env")
    found.add([f"{tmp_path}/app/e*/*.html"])
    assert found.may_hold(f"{tmp_path}/app/env/a.html")
    (tmp_path / "app/env/pyvenv.cfg").unlink()
    assert {path for path, _ in found.files()} == {f"{tmp_path}/app/env/a.html"}
    assert found.may_hold(f"{tmp_path}/app/env/a.txt")


def test_a_dictionary_of_pythons(tmp_path: Path) -> None:
    """`shelve` writes two files on Windows, of which one is litter by its name, both together."""
    put(
        tmp_path,
        "app/visits.dat",
        "app/GeoIP.dat",
        "app/counts.DAT",
        "app/visits.dir",
        "app/counts.dir",
    )
    assert means(tmp_path, "app") == {"app/GeoIP.dat"}
    assert means(tmp_path, "app/*.dat", "app/visits.dir") == {
        *("app/visits.dat", "app/GeoIP.dat", "app/visits.dir")
    }


def test_only_files_count(tmp_path: Path) -> None:
    """A socket or a pipe in a tracked folder does not count; a link that leads nowhere yet does."""
    put(tmp_path, "app/a.html")
    os.mkfifo(tmp_path / "app/pipe")
    (tmp_path / "app/link").symlink_to("nowhere")
    assert means(tmp_path, "app") == {"app/a.html", "app/link"}
    assert means(tmp_path, "app/pipe") == {"app/pipe"}


def test_litter_costs_little(tmp_path: Path) -> None:
    """Names are tested without a regular expression of the whole table: 100,000 in a second."""
    names: Iterable[str] = [f"page-{number}.html" for number in range(100_000)]
    assert not any(is_litter(name, folder=False) for name in names)
