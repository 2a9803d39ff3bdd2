#!/usr/bin/env bash
# Builds what pip installs, the wheel and the source package, and tries them as a user would.
#
# scripts/wheel.sh [--out DIR] [--wheel FILE] [--interpreter PYTHON] [--quick]
#   --out DIR              where both go (target/wheel)
#   --wheel FILE           try this wheel, instead of building one
#   --interpreter PYTHON   a wheel for this Python alone; a free-threaded one, from 3.14 on, takes no other
#   --quick                do not build the source package again, which takes as long as the wheel
#
# On Linux zig is the linker, which knows the symbols of each glibc: the wheel runs where there is 2.17 or later (manylinux2014).
# Without zig, and elsewhere, the linker of the system is. Tools are installed from PyPI, into a folder that goes afterwards.
# It fails if the wheel is over 8 MB, is not for manylinux_2_28 or older, or does not work on a Python that is found here.
set -euo pipefail
cd "$(dirname "$0")/.."

out=target/wheel wheel="" interpreter="" quick=""
while [ $# -gt 0 ]; do
    case "$1" in
        --out) out="$2"; shift 2 ;;
        --wheel) wheel="$(realpath "$2")"; shift 2 ;;
        --interpreter) interpreter="$2"; shift 2 ;;
        --quick) quick=yes; shift ;;
        *) sed -n '2,12s/^# \{0,1\}//p' "$0"; exit 2 ;;
    esac
done
mkdir -p "$out"
out="$(cd "$out" && pwd)"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
# Dependencies that are built already are not built again for the source package.
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$PWD/target}"

environment() { # DIR [PYTHON]: without pip, so that nothing is there but what is tried
    "${2:-python3}" -m venv --without-pip "$1"
}
python3 -m venv "$work/tools"
tools="$work/tools/bin"
pip() { "$tools/python" -m pip --quiet --disable-pip-version-check "$@"; }
# The pip of an older Python takes no wheel for a free-threaded one.
pip install --upgrade 'pip>=25'
pip install 'maturin==1.16.0' 'twine==7.0.0' 'auditwheel==6.8.2'

linux=""
if [ "$(uname -s)" = Linux ] && ! ldd --version 2>&1 | grep -qi musl; then
    linux=yes
fi
if [ -z "$wheel" ]; then
    how=(--release --locked --out "$out")
    [ -z "$interpreter" ] || how+=(--interpreter "$interpreter")
    if [ -z "$linux" ]; then
        :
    elif pip install 'ziglang==0.17.1'; then
        how+=(--zig --compatibility manylinux2014)
    else
        echo "there is no zig for this machine"
    fi
    echo "== the wheel, by maturin build ${how[*]}"
    rm -f "$out"/parcap-*.whl
    (cd python && PATH="$tools:$PATH" maturin build --quiet "${how[@]}")
    wheel="$(ls "$out"/parcap-*.whl)"
fi

echo "== the source package"
rm -f "$out"/parcap-*.tar.gz
(cd python && PATH="$tools:$PATH" maturin sdist --out "$out" >"$work/sdist" 2>&1) || { cat "$work/sdist"; exit 1; }
source="$(ls "$out"/parcap-*.tar.gz)"
tar tzf "$source" | sed 's,^[^/]*/,,' | sort >"$work/files"
for needed in Cargo.lock Cargo.toml LICENSE-APACHE LICENSE-MIT README.md PKG-INFO lib/parcap/__init__.py lib/parcap/py.typed \
    pyproject.toml python/Cargo.toml python/README.md python/src/lib.rs src/lib.rs templates/page.html; do
    grep -qxF "$needed" "$work/files" || { echo "$source lacks $needed" >&2; exit 1; }
done
if grep -E '^(\.c|\.github|benches|data|docs|fuzz|packaging|python/tests|scripts|target|tests)|\.(pcap|parquet)' "$work/files"; then
    echo "$source has what nothing is built of" >&2
    exit 1
fi
"$tools/twine" check --strict "$wheel" "$source"

echo "== sizes, and the oldest glibc"
for file in "$wheel" "$source"; do
    size="$(wc -c <"$file")"
    echo "$size bytes: $(basename "$file")"
    [ "$size" -le 8000000 ] || { echo "more than 8 MB" >&2; exit 1; }
done
if [ -n "$linux" ]; then
    "$tools/auditwheel" show "$wheel" | tee "$work/audit"
    oldest="$(tr '\n' ' ' <"$work/audit" | sed -n 's/.*platform tag: *"manylinux_2_\([0-9]*\)_.*/\1/p')"
    [ "${oldest:-99}" -le 28 ] || { echo "it needs a newer glibc than that of manylinux_2_28" >&2; exit 1; }
fi

try() { # WHEEL PYTHON NAME
    environment "$work/$3" "$2"
    pip --python "$work/$3/bin/python" install --no-index --no-deps "$1"
    # Elsewhere, so that no module is found that was not installed.
    (cd "$work" && "$work/$3/bin/python" "$OLDPWD/scripts/try_wheel.py")
}

echo "== the wheel, on each Python that is here"
tried="" pythons=(python3 python3.{11..15} "$HOME"/.pyenv/versions/*/bin/python3)
[ -z "$interpreter" ] || pythons=("$interpreter")
for python in "${pythons[@]}"; do
    # The full version, and whether it is free-threaded; nothing if it is too old, or only the name of one.
    asked='import sys; sys.version_info >= (3, 11) and print(sys.version.split()[0] + sys.abiflags)'
    version="$("$python" -c "$asked" 2>/dev/null)" || continue
    [ -n "$version" ] || continue
    case " $tried " in *" $version "*) continue ;; esac
    # One wheel is not for both kinds.
    [ -n "$interpreter" ] || [ "${version%t}" = "$version" ] || continue
    try "$wheel" "$python" "wheel-$version"
    tried="$tried $version"
done
[ -n "$tried" ] || { echo "there is no Python to try it on" >&2; exit 1; }

if [ -n "$quick" ]; then
    echo "== NOT DONE: a wheel from the source package"
else
    echo "== a wheel from the source package, without the repository"
    mkdir "$work/elsewhere"
    cp "$source" "$work/elsewhere"
    (cd "$work/elsewhere" && pip wheel --no-deps --wheel-dir made parcap-*.tar.gz)
    try "$(ls "$work"/elsewhere/made/parcap-*.whl)" "${interpreter:-python3}" from-source
fi
echo "== all works: $out"
