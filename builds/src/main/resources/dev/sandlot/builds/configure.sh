# What every template has (template-build.md 8.3), after user.sh. Changes nothing that is so already.
set -eu

home=/home/user
group=$(id -gn user)
mkdir -p "$home"
if [ -d /etc/skel ]; then
  (cd /etc/skel && find . ! -type d) | while IFS= read -r file; do
    if [ ! -e "$home/$file" ] && [ ! -L "$home/$file" ]; then
      mkdir -p "$home/$(dirname "$file")"
      cp -P "/etc/skel/$file" "$home/$file"
    fi
  done
fi
find "$home" \( ! -user user -o ! -group "$group" \) -exec chown -h "user:$group" {} +

mkdir -p /usr/local /code
find /usr/local ! -type l ! -perm 777 -exec chmod 777 {} +
find /code -prune ! -perm 777 -exec chmod 777 {} +
