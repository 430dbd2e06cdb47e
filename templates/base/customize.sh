#!/bin/bash
# Runs as root inside the new root file system, after its packages and the files beside this script are in place.
# It may be run again over its own result.
set -euo pipefail
umask 022

chmod 0440 /etc/sudoers.d/sandlot
chmod 0644 /etc/profile /etc/profile.d/sandlot.sh /etc/skel/.bashrc /etc/skel/.profile \
  /etc/apt/apt.conf.d/90sandlot /etc/dpkg/dpkg.cfg.d/sandlot

# Accounts: user with bash and password-less sudo; root and user have empty passwords.
id user >/dev/null 2>&1 || useradd --create-home --shell /bin/bash --uid 1000 --user-group user
usermod --append --groups sudo user
passwd --delete root >/dev/null
passwd --delete user >/dev/null
rm -f /home/user/.bash_logout /etc/skel/.bash_logout
cp -rT /etc/skel /home/user
cp -T /etc/skel/.bashrc /root/.bashrc
cp -T /etc/skel/.profile /root/.profile
chown -R user:user /home/user
chmod 0755 /home/user

# Places anyone may write: global installs by pip and npm, and the code directory.
python=$(python3 -c 'import sys; print("python%d.%d" % sys.version_info[:2])')
mkdir -p "/usr/local/lib/$python/dist-packages" /usr/local/lib/node_modules /code
find /usr/local ! -type l -exec chmod 0777 {} +
chmod 0777 /code

# Packages whose scripts link manuals expect these directories.
for section in 1 2 3 4 5 6 7 8; do mkdir -p "/usr/share/man/man$section"; done

# Each sandbox gets its own identity and resolver: plain files here, never links.
rm -f /etc/machine-id /var/lib/dbus/machine-id /etc/resolv.conf /etc/hostname /etc/hosts
: > /etc/machine-id
: > /etc/resolv.conf
printf 'localhost\n' > /etc/hostname
printf '127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n' > /etc/hosts
printf 'LANG=C.UTF-8\n' > /etc/default/locale

# What the build left behind.
rm -f /etc/apt/apt.conf.d/99mmdebstrap /etc/dpkg/dpkg.cfg.d/99mmdebstrap /etc/ssh/ssh_host_*
rm -rf /usr/share/info /var/cache/debconf/*-old /var/lib/dpkg/*-old /root/.npm
find /var/log -type f -exec truncate --size 0 {} +
