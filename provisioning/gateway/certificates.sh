#!/bin/sh
# A small authority for one store: its own key, a certificate for the broker, one for each device and other client.
# The key of the authority (ca.key) stays on the machine where this runs, not on the gateway and not on a device.
# An existing key or certificate is never overwritten. Names are checked before use, and nothing is put into a shell string.
set -eu
umask 077

CA_DAYS=3650
# A good two years: long enough not to be a nuisance, short enough that renewing is practised.
DAYS=825

usage() {
  cat >&2 <<'END'
certificates.sh authority FOLDER            makes FOLDER with ca.key and ca.crt
certificates.sh gateway FOLDER NAME...      gateway.key and gateway.crt for the broker; NAME: host names and addresses that
                                            devices write in mqtt.url, the first one being its main name
certificates.sh client FOLDER NAME          NAME.key and NAME.crt; NAME: the device as in its configuration, or the name
                                            of another client as in the access list (gateway, head-office ...)
END
  exit 64
}

fail() {
  printf '%s\n' "$1" >&2
  exit "${2:-1}"
}

# What stands in names of topics (runtime/config/schema.ts), and in host names and addresses.
is_name() {
  printf '%s' "$1" | LC_ALL=C grep -Eqx '[a-z0-9][a-z0-9_-]{0,31}'
}
is_host() {
  printf '%s' "$1" | LC_ALL=C grep -Eqx '[A-Za-z0-9][A-Za-z0-9.-]{0,252}|[0-9A-Fa-f:]{2,39}'
}
is_address() {
  printf '%s' "$1" | LC_ALL=C grep -Eqx '[0-9]{1,3}(\.[0-9]{1,3}){3}|[0-9A-Fa-f:]*:[0-9A-Fa-f:]*'
}

need_new() {
  for file in "$@"; do
    [ ! -e "$file" ] || fail "$file is there already. Move it away first; it is never overwritten." 73
  done
}

new_key() {
  openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1" 2>/dev/null ||
    openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1" 2>/dev/null
}

# sign BASE COMMON_NAME EXTENSIONS...: BASE.key and BASE.crt, signed by the authority of the folder
sign() {
  base=$1 common_name=$2
  shift 2
  need_new "$base.key" "$base.crt"
  [ -r "$folder/ca.key" ] || fail "$folder/ca.key cannot be read. Make the authority first: certificates.sh authority $folder" 66
  extensions=$(mktemp)
  request=$(mktemp)
  trap 'rm -f "$extensions" "$request"' EXIT
  printf '%s\n' 'basicConstraints=critical,CA:FALSE' 'keyUsage=critical,digitalSignature' "$@" >"$extensions"
  new_key "$base.key"
  openssl req -new -sha256 -key "$base.key" -subj "/CN=$common_name" -out "$request"
  openssl x509 -req -sha256 -in "$request" -CA "$folder/ca.crt" -CAkey "$folder/ca.key" \
    -set_serial "0x$(openssl rand -hex 16)" -days "$DAYS" -extfile "$extensions" -out "$base.crt" 2>/dev/null
  chmod 644 "$base.crt"
  printf '%s\n' "$base.key" "$base.crt"
}

[ $# -ge 2 ] || usage
command=$1 folder=$2
shift 2
# openssl would read a folder that begins with a dash as an option.
case $folder in -*) folder=./$folder ;; esac

case $command in
  authority)
    [ $# -eq 0 ] || usage
    mkdir -p "$folder"
    need_new "$folder/ca.key" "$folder/ca.crt"
    new_key "$folder/ca.key"
    openssl req -new -x509 -sha256 -key "$folder/ca.key" -days "$CA_DAYS" -subj '/CN=Lethe store authority' \
      -addext 'basicConstraints=critical,CA:TRUE,pathlen:0' -addext 'keyUsage=critical,keyCertSign,cRLSign' \
      -out "$folder/ca.crt"
    chmod 644 "$folder/ca.crt"
    printf '%s\n' "$folder/ca.key" "$folder/ca.crt"
    ;;
  gateway)
    [ $# -ge 1 ] || usage
    names=
    for host in "$@"; do
      is_host "$host" || fail "A name of the gateway is \"$host\"; expected a host name or an address." 64
      if is_address "$host"; then kind=IP; else kind=DNS; fi
      names=${names:+$names,}$kind:$host
    done
    sign "$folder/gateway" "$1" 'extendedKeyUsage=serverAuth' "subjectAltName=$names"
    ;;
  client)
    [ $# -eq 1 ] || usage
    is_name "$1" || fail "The name is \"$1\"; expected 1 to 32 of a-z, 0-9, _ and -, beginning with a letter or digit." 64
    # The broker's own two files have this name.
    base=$folder/$1
    [ "$1" != gateway ] || base=$folder/gateway-client
    sign "$base" "$1" 'extendedKeyUsage=clientAuth'
    ;;
  *) usage ;;
esac
