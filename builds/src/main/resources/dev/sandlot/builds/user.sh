# Makes a user with a home directory and bash, and an administrator of it when $2 is "true". Changes nothing that is
# so already, as every file that is touched becomes part of a layer.
set -eu
name=$1
admin=$2

if ! id -u "$name" >/dev/null 2>&1; then
  if command -v useradd >/dev/null 2>&1; then
    if grep -q "^$name:" /etc/group; then
      useradd --create-home --shell /bin/bash --gid "$name" "$name"
    else
      useradd --create-home --shell /bin/bash --user-group "$name"
    fi
  else
    adduser -D -s /bin/bash "$name"
  fi
  echo "user $name was created"
fi

if [ "$admin" = true ]; then
  for group in sudo wheel; do
    if grep -q "^$group:" /etc/group; then
      if ! id -nG "$name" | tr ' ' '\n' | grep -qxF "$group"; then
        if command -v usermod >/dev/null 2>&1; then
          usermod -a -G "$group" "$name"
        else
          addgroup "$name" "$group"
        fi
        echo "user $name was added to $group"
      fi
      break
    fi
  done
  if ! grep -q "^$name::" /etc/shadow; then
    passwd -d "$name" >/dev/null
  fi
  rule="$name ALL=(ALL:ALL) NOPASSWD: ALL"
  if ! grep -rqxF "$rule" /etc/sudoers /etc/sudoers.d 2>/dev/null; then
    if [ ! -e /etc/sudoers ]; then
      : > /etc/sudoers
      chmod 0440 /etc/sudoers
    fi
    echo "$rule" >> /etc/sudoers
    echo "user $name may use sudo without a password"
  fi
fi
