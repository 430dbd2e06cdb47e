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

# trusting DIRECTORY BUNDLE PROGRAM: makes the trust store anew when an authority of the directory is not in it.
trusting() {
  [ -d "$1" ] && [ -f "$2" ] && command -v "$3" >/dev/null 2>&1 || return 0
  known=$(tr -d '\r\n' < "$2")
  find -L "$1" -type f | while IFS= read -r authority; do
    case "$known" in
      *"$(tr -d '\r\n' < "$authority")"*) ;;
      *) echo new; break ;;
    esac
  done | grep -q new || return 0
  echo "trusting the authorities of $1"
  "$3"
}
trusting /usr/local/share/ca-certificates /etc/ssl/certs/ca-certificates.crt update-ca-certificates
trusting /etc/pki/ca-trust/source/anchors /etc/pki/tls/certs/ca-bundle.crt update-ca-trust
trusting /etc/ca-certificates/trust-source/anchors /etc/ssl/certs/ca-certificates.crt update-ca-trust
