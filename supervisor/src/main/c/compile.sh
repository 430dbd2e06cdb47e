#!/bin/sh
# compile.sh TARGET: makes the static supervisor program, unless TARGET is newer than everything it is made from.
set -eu
target=$1
here=$(dirname "$0")
cc=${CC:-cc}

if [ -f "$target" ] && [ -z "$(find "$here" -type f -newer "$target")" ]; then
    exit 0
fi
if ! command -v "$cc" >/dev/null 2>&1; then
    echo "The supervisor is a C program, but there is no C compiler '$cc': install one (Debian: gcc libc6-dev) or set CC." >&2
    exit 1
fi
mkdir -p "$(dirname "$target")"
"$cc" -static -std=c17 -D_GNU_SOURCE -Wall -Wextra -Werror -O2 -fstack-protector-strong -s \
    -o "$target.new" "$here"/*.c
mv "$target.new" "$target"
