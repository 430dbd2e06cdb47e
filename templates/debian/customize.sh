#!/bin/bash
# Runs as root inside the new root file system, after its packages and the files beside this script are in place.
# It may be run again over its own result.
set -euo pipefail
umask 022

chmod 0644 /etc/profile /etc/profile.d/sandlot.sh /etc/apt/apt.conf.d/90sandlot /etc/dpkg/dpkg.cfg.d/sandlot
passwd --delete root >/dev/null

# Packages whose scripts link manuals expect these directories.
for section in 1 2 3 4 5 6 7 8; do mkdir -p "/usr/share/man/man$section"; done

# Each sandbox gets its own identity and resolver: plain files here, never links.
rm -f /etc/machine-id /var/lib/dbus/machine-id /etc/resolv.conf /etc/hostname /etc/hosts
: > /etc/machine-id
: > /etc/resolv.conf
printf 'localhost\n' > /etc/hostname
printf '127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n' > /etc/hosts

# What the build left behind.
rm -f /etc/apt/apt.conf.d/99mmdebstrap /etc/dpkg/dpkg.cfg.d/99mmdebstrap
rm -rf /usr/share/info /var/cache/debconf/*-old /var/lib/dpkg/*-old
find /var/log -type f -exec truncate --size 0 {} +
