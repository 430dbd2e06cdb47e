#!/bin/sh
# Makes an image fit for sandboxes (template-build.md 8.2): sh provision.sh FAMILY GROUP
# FAMILY is debian, redhat, arch, alpine or nixos; GROUP is the group of administrators.
# What is there already is left alone, so that a second run changes nothing.
set -eu
umask 022
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export LC_ALL=C DEBIAN_FRONTEND=noninteractive
family=$1
group=$2

programs='bash sudo curl git jq less socat ip ss ping fusermount3 pgrep useradd find'

has_certificates() {
  for bundle in /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt /etc/ssl/cert.pem \
    /etc/ca-certificates/extracted/tls-ca-bundle.pem; do
    if [ -s "$bundle" ]; then return 0; fi
  done
  return 1
}

missing() {
  for program in $programs; do
    command -v "$program" >/dev/null 2>&1 || echo "$program"
  done
  has_certificates || echo certificates
}

package() {
  case "$family:$1" in
    *:certificates) echo ca-certificates ;;
    redhat:ip | redhat:ss) echo iproute ;;
    *:ip | *:ss) echo iproute2 ;;
    debian:ping) echo iputils-ping ;;
    *:ping) echo iputils ;;
    *:fusermount3) echo fuse3 ;;
    debian:pgrep | alpine:pgrep) echo procps ;;
    *:pgrep) echo procps-ng ;;
    debian:useradd) echo passwd ;;
    redhat:useradd) echo shadow-utils ;;
    *:useradd) echo shadow ;;
    *:find) echo findutils ;;
    *) echo "$1" ;;
  esac
}

install() {
  echo "installing: $*"
  case "$family" in
    debian)
      apt-get -q update
      apt-get -q -y --no-install-recommends install "$@"
      apt-get clean
      rm -rf /var/lib/apt/lists/*
      ;;
    redhat)
      for tool in dnf microdnf yum; do
        if command -v "$tool" >/dev/null 2>&1; then break; fi
      done
      "$tool" -y --setopt=install_weak_deps=0 install "$@"
      "$tool" clean all
      ;;
    arch)
      pacman -Sy --noconfirm --needed "$@"
      rm -rf /var/cache/pacman/pkg/*
      ;;
    alpine)
      apk add --no-cache "$@"
      ;;
    *)
      echo "images of this distribution must have these already" >&2
      return 1
      ;;
  esac
}

# write FILE: replaces it by what comes in when that is something else
write() {
  new=$(cat)
  if [ ! -f "$1" ] || [ "$(cat "$1")" != "$new" ]; then
    mkdir -p "${1%/*}"
    printf '%s\n' "$new" > "$1"
    chmod 0644 "$1"
  fi
}

lacking=$(missing)
if [ -n "$lacking" ]; then
  packages=
  for program in $lacking; do
    name=$(package "$program")
    case " $packages " in *" $name "*) ;; *) packages="$packages $name" ;; esac
  done
  # shellcheck disable=SC2086
  install $packages
  lacking=$(missing)
  if [ -n "$lacking" ]; then
    echo "still missing:" $lacking >&2
    exit 1
  fi
fi

# Root has no password, and there is a group of administrators.
if [ -f /etc/shadow ] && ! grep -q '^root::' /etc/shadow; then
  sed -i 's/^root:[^:]*:/root::/' /etc/shadow
fi
grep -q "^$group:" /etc/group || groupadd -r "$group"

# Login shells: PATH as it was handed over comes first, bash is the shell, the user's files are read.
if [ -f /etc/profile ] && grep -q 'PATH=' /etc/profile && ! grep -q SANDLOT_PATH /etc/profile; then
  { echo 'SANDLOT_PATH=${PATH-}'; cat /etc/profile; } > /etc/profile.sandlot
  cat /etc/profile.sandlot > /etc/profile
  rm /etc/profile.sandlot
fi
write /etc/profile.d/zz-sandlot.sh <<'END'
# Directories that were in PATH before the profile come first, then those that the profile added.
if [ -n "${SANDLOT_PATH-}" ]; then
  sandlot_rest=$PATH:
  PATH=$SANDLOT_PATH
  while [ -n "$sandlot_rest" ]; do
    sandlot_one=${sandlot_rest%%:*}
    sandlot_rest=${sandlot_rest#*:}
    case ":$PATH:" in
      *":$sandlot_one:"*) ;;
      *) [ -z "$sandlot_one" ] || PATH=$PATH:$sandlot_one ;;
    esac
  done
  export PATH
fi
unset SANDLOT_PATH sandlot_rest sandlot_one
export SHELL=/bin/bash
PS1='\w $ '
if [ -n "${BASH_VERSION-}" ] && [ -z "${sandlot_login-}" ]; then
  sandlot_login=1
  if [ -r ~/.bashrc ]; then . ~/.bashrc; fi
  # bash reads ~/.profile by itself unless one of these is there.
  if [ -r ~/.bash_profile ] || [ -r ~/.bash_login ]; then
    if [ -r ~/.profile ]; then . ~/.profile; fi
  fi
  unset sandlot_login
fi
END
if [ ! -f /etc/profile ]; then
  write /etc/profile <<'END'
for script in /etc/profile.d/*.sh; do
  [ -r "$script" ] && . "$script"
done
unset script
END
fi

# Anyone may install there (template-build.md 8.3). Done here, once for each image, as every file that is touched is
# copied into a layer.
mkdir -p /usr/local
find /usr/local ! -type l ! -perm 777 -exec chmod 777 {} +

# Each sandbox gets an identity of its own.
if [ -s /etc/machine-id ]; then : > /etc/machine-id; fi
if [ -f /var/lib/dbus/machine-id ] && [ ! -L /var/lib/dbus/machine-id ]; then rm -f /var/lib/dbus/machine-id; fi
