#!/usr/bin/env bash
# Builds the Debian package, target/debian/parcap_*.deb: the program, and what it prints itself (manual page, completions).
#
# scripts/package.sh [--parcap PATH] [--without KEY]...
#   --parcap PATH   package this program, instead of building one
#   --without KEY   a key of the example configuration that the program need not have yet; it is left out of the package
#
# cargo-deb is needed (`cargo install cargo-deb`). Every key of packaging/parcap.toml, those in comments too, must be known to
# the program: an example that does not work is worse than none.
set -euo pipefail
cd "$(dirname "$0")/.."

program="" without=()
while [ $# -gt 0 ]; do
    case "$1" in
        --parcap) program="$(realpath "$2")"; shift 2 ;;
        --without) without+=("$2"); shift 2 ;;
        *) sed -n '2,9s/^# \{0,1\}//p' "$0"; exit 2 ;;
    esac
done
target="${CARGO_TARGET_DIR:-target}"
made=target/package
mkdir -p "$made" target/release
if [ -z "$program" ]; then
    cargo build --release --locked
    program="$(realpath "$target/release/parcap")"
fi
[ "$program" -ef target/release/parcap ] || cp "$program" target/release/parcap

echo "== what the program prints itself"
"$program" man >"$made/parcap.1"
"$program" completions bash >"$made/parcap.bash"
"$program" completions zsh >"$made/_parcap"
"$program" completions fish >"$made/parcap.fish"
for file in parcap.1 parcap.bash _parcap parcap.fish; do
    [ -s "$made/$file" ] || { echo "$file is empty" >&2; exit 1; }
done
bash -n "$made/parcap.bash"

echo "== the example configuration"
cp packaging/parcap.toml "$made/parcap.toml"
for key in "${without[@]}"; do
    sed -i "/^#\{0,1\}$key = /d" "$made/parcap.toml"
done
sed 's/^#\([a-z-]* = \)/\1/' "$made/parcap.toml" >"$made/all-keys.toml"
# Where figures go need not be there yet on this machine.
PARCAP_METRICS_FILE="$made/parcap.prom" \
    "$program" convert data/captures --out "$made/no-lake" --dry-run --config "$made/all-keys.toml" >/dev/null
[ ! -e "$made/no-lake" ] || { echo "a dry run made a lake" >&2; exit 1; }

echo "== the package"
export SOURCE_DATE_EPOCH="${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || date +%s)}"
# What is packaged lies below target/, wherever it was built.
env -u CARGO_TARGET_DIR cargo deb --no-build
