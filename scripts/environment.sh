# Sourced by scripts/sigscope and scripts/test: a venv that has the package and what it needs.
# shellcheck shell=bash

say() { printf '%s\n' "$*" >&2; }

fail() {
    say "$1"
    say "  $2"
    exit 5
}

# The first interpreter that is new enough.
interpreter() {
    local python
    for python in "${PYTHON:-python3}" python3.13 python3.12 python3.11 python3.10; do
        if command -v "$python" >/dev/null &&
            "$python" -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null; then
            command -v "$python"
            return
        fi
    done
    fail "sigscope needs Python 3.10 or newer" "apt-get install python3 python3-venv"
}

# environment DIRECTORY REQUIREMENT [PYTHON]: made once, and anew when setup.cfg has changed.
# Two first calls at a time wait for each other.
environment() {
    local venv=$1 requirement=$2 python=${3:-} stamp=$1/.made-for
    local checkout=${requirement%%\[*} wanted
    wanted=$(cksum <"$checkout/setup.cfg")
    [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ] && return
    mkdir -p "$venv" 2>/dev/null ||
        fail "cannot make $venv" "choose a checkout that you may write to, or: pip install ."
    exec 9>"$venv/.lock"
    flock 9
    if [ "$(cat "$stamp" 2>/dev/null)" != "$wanted" ]; then
        [ -n "$python" ] || python=$(interpreter)
        say "making ${venv#"$checkout"/} (once; about half a minute) ..."
        "$python" -m venv "$venv" >&2 ||
            fail "$python cannot make a venv" "apt-get install python3-venv"
        "$venv/bin/python" -m pip install -qq --disable-pip-version-check \
            --editable "$requirement" >&2 ||
            fail "pip could not install what sigscope needs" "see the lines above; then try again"
        printf '%s\n' "$wanted" >"$stamp"
    fi
    exec 9>&-
}
