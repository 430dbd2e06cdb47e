#!/bin/sh
# compile.sh TARGET [FLAG...]: makes the supervisor program, unless TARGET is newer than everything it is made from.
# Without flags it is static and optimized.
set -eu
target=$1
shift
here=$(dirname "$0")
cc=${CC:-cc}

if [ -f "$target" ] && [ -z "$(find "$here" -type f -newer "$target")" ]; then
    exit 0
fi
if ! command -v "$cc" >/dev/null 2>&1; then
    echo "The supervisor is a C program, but there is no C compiler '$cc': install one (Debian: gcc libc6-dev) or set CC." >&2
    exit 1
fi
[ $# -gt 0 ] || set -- -static -O2 -fstack-protector-strong -s
mkdir -p "$(dirname "$target")"
"$cc" -std=c17 -D_GNU_SOURCE -Wall -Wextra -Werror "$@" -o "$target.new" "$here"/*.c
mv "$target.new" "$target"
