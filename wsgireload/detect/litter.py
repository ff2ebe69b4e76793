"""The names in a tracked folder that are not the application's: data, one row for each reason.

A row here means that no such file or folder is somebody's source, template or setting. So `build`,
`dist`, `env`, `logs`, `cache`, `tmp` and `data` are missing: each of them is somebody's package. A
virtual environment or a cache of such a name is known by what lies in it.

Case does not count. `XXXXXX` stands for random characters, as of mkstemp(3): letters of both cases
and digits; `XXXXXXXX` for those of Python's tempfile. One in a hundred looks like a word: such a
file is renamed before it would count, unless its upload is slow.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Collection
from functools import cache

Rows = dict[str, str]  # for each reason, names or globs

_HEX = "[0-9a-f]"
# Names that are a hash and nothing else: MD5, SHA-1, SHA-224, SHA-256, SHA-512. Or end in a UUID.
_HASHES = " ".join(_HEX * digits for digits in (32, 40, 56, 64, 128))
_UUID = "-".join(_HEX * digits for digits in (8, 4, 4, 4, 12))

FILES: Rows = {
    "Python's bytecode, Jython's": "*.pyc *.pyo *$py.class",
    "results of Python's tools: coverage, profilers, type checkers, test selection": (
        ".coverage .coverage.* coverage.xml lcov.info .dmypy.json .testmondata* .noseids"
        " *.prof *.lprof *.pstats perf.data *.tsbuildinfo .*cache .pnp.* .yarn-integrity *.scssc"
        " tags tags.temp .tags gtags grtags gpath cscope.out coverage.lcov *,cover *.isorted"
        " mprofile_[0-9]*.dat"
    ),
    "SQLite, and what it keeps beside a database": (
        "*.db *.db-* *.db3 *.s3db *.sl3 *.sqlite *.sqlite[0-9] *.sqlite-* *.sqlite[0-9]-*"
        " *.sqlitedb *-journal *-wal *-shm etilqs_*"
    ),
    "other databases: dbm, LMDB, H2, DuckDB, Access, Firebird, ZODB, Redis, RRD, MySQL, Berkeley": (
        "*.dbm *.gdbm *.ndbm *.bdb *.dir *.pag *.shelf *.shelve *.mdb *.mdb-lock *.lmdb"
        " *.lmdb-lock *.mdbx *.duckdb *.ddb *.wal *.accdb *.laccdb *.ldb *.sst *.fdb data.fs"
        " data.fs.* *.rdb *.aof *.aof.manifest *.rrd *.wsp *.tdb *.tch *.tcb *.kch *.kct *.ibd"
        " *.myd *.myi *.realm *.realm.note *.mdf *.ldf *.ndf __db.[0-9]* *.dbm.dat"
        f" {_HEX * 32}_*.table log." + "[0-9]" * 10
    ),
    "sessions and caches that a running application writes, some by a hash": (
        "*.cache *.djcache celerybeat-schedule celerybeat-schedule.* celerybeat-schedule-*"
        f" *_writelock *.__wz_cache *.sess *{_UUID} {_HASHES} session-{_HEX * 40}"
        f" {_HEX * 28}.val sessionid" + "?" * 32
    ),
    "compiled templates: Mako's have a name that cannot be imported, Chameleon's end in a hash": (
        f"*.mako.py *.mak.py *.html.py *.htm.py *.xhtml.py *.xml.py *.txt.py *_{_HEX * 32}.py"
    ),
    "what Vite, Rollup and tsup make of their configuration, load and remove at once": (
        "*.timestamp-[0-9]*.mjs *.timestamp-[0-9]*.js rollup.config-[0-9]*.mjs"
        " rollup.config-[0-9]*.cjs *.config.bundled_*.mjs *.config.bundled_*.cjs"
    ),
    "what a programming assistant writes down: aider": ".aider.*",
    "style sheets and scripts that django-compressor has joined": f"output.{_HEX * 12}.*",
    "logs, and logs that were rotated by number or date, or packed": (
        "*.log *.log[0-9] *.log[._-][0-9]* *.log.gz *.log.bz2 *.log.xz *.log.zst *.log.zip"
        " *.log.lz4 *.log.br *.log.gz.[0-9]* *.log.old *.log.txt *_log *_log[.-][0-9]* *_log.gz"
        " *.out *.out[.-][0-9]* *.err *.err[.-][0-9]* *.stdout *.stderr syslog syslog.[0-9]*"
    ),
    "what marks a running process": "*.pid *.lock *.lockfile *.lck *.sock",
    "memory of a crashed process": "core.[0-9] core.[0-9]*[0-9] vgcore.* *.core *.dmp *.stackdump",
    "version control: in a worktree or a submodule, .git is a file": ".git .hg .svn .fslckout",
    "left by merges and patches": "*.orig *.rej *.mine",
    "Vim: swap files, and its probe of a folder": (
        ".*.sw? .sw[a-p] *.sw[j-p] 4913 .viminfo .viminf* .netrwhist session.vim"
    ),
    "Emacs: locks, autosaved files, files for its checkers": ".#* #*# flycheck_* *_flymake.*",
    "backups of any editor, and undo files": (
        "*~ *.bak *.bck *.old *.backup *.save *.save.[0-9]* deadjoe"
    ),
    "files that an editor or program renames once they are complete": (
        "*.tmp *___jb_*___ *.kate-swp .goutputstream-* *.vsctmp *.sb-????????-??????"
        " CuXXXXXX sedXXXXXX tmpXXXXXXXX .tmp-* .tmpXXXXXX *.tmp.[0-9]*"
    ),
    "projects of editors": (
        "*.code-workspace *.sublime-workspace *.sublime-project *.iml .pydevproject"
    ),
    "unfinished uploads: rsync, lftp, FTP servers, WinSCP, mutagen, Unison, rclone, clouds": (
        ".*.*.XXXXXX .in.* *.filepart .pureftpd-upload.* .sftpgo-upload.*"
        " .mutagen-temporary-* .unison.* *.partial *.upload *.uploading *.lftp-pget-status"
        " .ftpquota .xdp-* *_.gstmp .azdownload-* *._copying_"
    ),
    "files in the making of Ansible, Salt, Chef, CFEngine, RPM and apk": (
        ".ansible_tmp* __salt.tmp.* .chef-* *.cfnew *.cfsaved *.cfedited *;???????? .apk.*"
    ),
    "unfinished downloads: browsers, curl, aria2, BitTorrent": (
        "*.part *.crdownload *.download *.opdownload *.crswap *.incomplete *.aria2 *.!ut *.!qb"
        " *.!sync *.ytdl *.part-frag[0-9]*"
    ),
    "files that are open while they are deleted: NFS, FUSE, SMB": ".nfs* .fuse_hidden* .smbdel*",
    "synchronised folders: Syncthing, Nextcloud, Dropbox, iCloud, LibreOffice's locks": (
        ".~* .syncthing.* ~syncthing~* .owncloudsync.* .dropbox .stignore .*.icloud"
    ),
    "macOS and its network folders": (
        ".ds_store ._* .apdisk .com.apple.* .lsoverride .volumeicon.icns .afpdeleted* .localized"
    ),
    "Windows and Office": "thumbs.db ehthumbs.db ehthumbs_vista.db desktop.ini ~$*",
    "desktops and shells, where the folder is a home": (
        ".directory .*_history .pdbhistory .wget-hsts"
    ),
    "package managers: the configuration that was replaced": (
        "*.dpkg-* *.ucf-* *.rpmsave *.rpmnew *.rpmorig *.pacnew *.pacsave *.apk-new"
    ),
    "our own: see state/, monitor/wiring.py and decide/rolling.py": (
        "[0-9]*-????????????????.state* [0-9]*-????????????????.restart ????????????????.call"
        " [0-9]*-????????????????.scan ????????????????.ended*"
        " ????????????????.wait ????????????????.roll ????????????????.journal*"
        " ????????????????.preflight* ????????????????.written* ????????????????.pause*"
    ),
}

FOLDERS: Rows = {
    "installed packages: modules in them are watched as soon as they are loaded": (
        "site-packages dist-packages __pypackages__ *.egg-info *.dist-info .eggs"
    ),
    "virtual environments of the usual names": (
        ".venv* venv .mamba .micromamba .virtualenv virtualenv .direnv .conda .pixi .tox .nox"
    ),
    "bytecode, and caches by their name": "__pycache__ .*cache",
    "Python's tools": (
        ".hypothesis .pytype .pyre .benchmarks .ropeproject .ipynb_checkpoints .scrapy"
        " .pybuilder .pdm-build .pants.d .snakemake .wandb .virtual_documents .buildozer"
        " dask-worker-space htmlcov .pyxbld cython_debug .spyderproject .spyproject"
        " flask_session _trial_temp"
    ),
    "packages and output of JavaScript's tools": (
        "node_modules bower_components jspm_packages .npm .yarn .pnpm* .next .nuxt .output"
        " .svelte-kit .astro .parcel .turbo .vite .vitest .webpack .rollup.cache .rpt2_cache*"
        " .angular .nyc_output .docusaurus .fusebox .dynamodb .serverless .firebase .vercel"
        " .netlify .wrangler .expo .swc .grunt .quasar .tmp .temp"
    ),
    "other tools' output": (
        ".gradle .m2 .terraform .vagrant .aws-sam .stack-work .dart_tool .ansible .kitchen .bundle"
        " .cargo .rustup .metals .bloop .kotlin .cxx .swiftpm .scannerwork .sonarlint .psalm"
        " .elixir_ls .stack .cabal-sandbox dist-newstyle cdk.out .cdk.staging .rproj.user"
    ),
    "version control": ".git *.git .hg .svn _svn .bzr .jj .sl .pijul _darcs .osc .fossil",
    "editors": (
        ".idea .vscode .vscode-test .vs .fleet .zed .nova .atom .history .cursor .windsurf"
        " .claude .vim .c9 .theia .eclipse .metadata .kdev4 .komodotools .lapce .helix"
        " nbproject nppbackup __history __recovery"
    ),
    "programming assistants": ".aider.* .specstory .playwright-mcp .serena .beads",
    "databases that are folders, and what belongs to a database": (
        "*.db *.sqlite *.leveldb *.ldb *.rocksdb *.lmdb *.mdb *.duckdb *.realm.management"
    ),
    "unfinished downloads and uploads": "*.download .~tmp~ .rsync-partial",
    "macOS, Windows, Linux: trash, indexes, thumbnails": (
        ".appledouble .appledb .appledesktop .spotlight-v100 .trashes .trash .trash-*"
        " .fseventsd .temporaryitems .documentrevisions-v100 __macosx $recycle.bin lost+found"
        " .thumbnails @eadir #recycle #snapshot .snapshot .zfs"
    ),
    "synchronised folders": ".stversions .stfolder .sync .tmp.drive* .dropbox.cache",
}

# A folder that holds all the names of a row is litter, whatever it is called.
CONTENTS: Rows = {
    "a virtual environment": "pyvenv.cfg",
    "an environment of conda's": "conda-meta",
    "a cache that says so: bford.info/cachedir": "CACHEDIR.TAG",
    "a bare git repository": "HEAD objects refs",
    "a folder of CVS": "Entries Repository",
    "LevelDB or RocksDB": "CURRENT LOCK",
    "PostgreSQL": "PG_VERSION base",
    "MySQL": "ibdata1",
    "MongoDB": "WiredTiger",
    "Xapian": "iamglass",
    "Whoosh": "MAIN_WRITELOCK",
    "results that joblib keeps": "func_code.py",
    "blobs of a ZODB": ".layout",
}

# A glob with an open end, as of rotated logs, means no file with one of these suffixes: a template
# release_log.2.html, or settings for a site.db-prod.ini.
_SOURCES = "py html? xml json ya?ml toml ini cfg conf j2 jinja2? mako mo po css js sql"

_WILD = r"[*?[]|XXXXXX"
_DIGITS = r"(?:\[0-9a-f\]){2,}"
_RANDOM = {
    "CuXXXXXX": "(?-i:Cu)XXXXXX",  # coreutils': ln -f
    "XXXXXXXX": r"(?-i:(?=[a-z_]*[0-9])[a-z0-9_]{8})",
    # Of both cases; capitals alone after a small letter; or a digit before a letter.
    "XXXXXX": (
        r"(?-i:(?=[a-z0-9]*[A-Z])(?=[A-Z0-9]*[a-z])[A-Za-z0-9]{6}"
        r"|(?:(?<=[a-z])|(?<=[a-z]\.))(?=[0-9]*[A-Z])[A-Z0-9]{6}"
        r"|(?!v[0-9])(?=[a-z]*[0-9]+[a-z])[a-z0-9]{6})"
    ),
}


class _Names:
    """The names of some rows. Most are whole or have one wildcard: no regular expression then."""

    def __init__(self, rows: Rows) -> None:
        globs = {glob for names in rows.values() for glob in names.split()}
        self._whole = frozenset(glob for glob in globs if not re.search(_WILD, glob))
        endings = {glob for glob in globs if glob[0] == "*" and not re.search(_WILD, glob[1:])}
        beginnings = {glob for glob in globs if glob[-1] == "*" and not re.search(_WILD, glob[:-1])}
        self._endings = tuple(glob[1:] for glob in endings)
        self._beginnings = tuple(glob[:-1] for glob in beginnings)
        rest = sorted(globs - self._whole - endings - beginnings)
        self._rest = re.compile("|".join(map(_regex, rest)), re.IGNORECASE)

    def __contains__(self, name: str) -> bool:
        lower = name.lower()
        return (
            lower in self._whole
            or lower.endswith(self._endings)
            or lower.startswith(self._beginnings)
            or self._rest.match(name) is not None
        )


def is_litter(name: str, *, folder: bool) -> bool:
    """Whether a file or folder of that name is left out of tracked folders."""
    return name in _names(folder)


def of_dictionaries(names: Collection[str]) -> set[str]:
    """Those that are a dictionary of dbm.dumb's, a .dat and a .dir: `shelve` on Windows."""
    keys = {name.lower()[:-4] for name in names if name.lower().endswith(".dir")}
    return {name for name in names if name.lower().endswith(".dat") and name.lower()[:-4] in keys}


def is_litter_by(contents: Collection[str]) -> bool:
    """Whether a folder with these names in it is left out of tracked folders."""
    return any(all(name in contents for name in names.split()) for names in CONTENTS.values())


@cache
def _names(folder: bool) -> _Names:  # compiled only where a folder is tracked
    return _Names(FOLDERS if folder else FILES)


def _regex(glob: str) -> str:
    found = fnmatch.translate(glob)
    if glob[0] == "*" == glob[-1]:
        found = rf"(?!.*\.(?:{_SOURCES.replace(' ', '|')})\Z){found}"
    for placeholder, random in _RANDOM.items():
        found = found.replace(placeholder, random)
    # A hash's digits one by one would take 0.3 MB in each process.
    return re.sub(_DIGITS, lambda run: f"{_HEX}{{{len(run[0]) // len(_HEX)}}}", found)
