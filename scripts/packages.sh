# Installs system packages where programs are missing. To be sourced by bash.

# Runs a command as root: directly, or through sudo where that asks for no password.
as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

may_be_root() {
  [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null
}

# install_missing PROGRAM:PACKAGE ... : installs the packages of the programs that are not there. A PROGRAM with a
# slash is a file. Says exactly what to install, and fails, where that cannot be done from here.
install_missing() {
  local pair program packages=()
  for pair in "$@"; do
    program=${pair%%:*}
    # A user's PATH has no sbin on Debian, where these programs are.
    case $program in
      */*) [ -e "$program" ] && continue ;;
      *) PATH="$PATH:/usr/sbin:/sbin" command -v "$program" >/dev/null && continue ;;
    esac
    packages+=("${pair#*:}")
  done
  [ ${#packages[@]} -eq 0 ] && return 0

  if ! command -v apt-get >/dev/null; then
    echo "Missing programs; install the packages that your system has for: ${packages[*]}" >&2
    return 1
  fi
  if ! may_be_root; then
    echo "Missing system packages. Install them with: sudo apt-get install ${packages[*]}" >&2
    return 1
  fi
  echo "Installing system packages: ${packages[*]}" >&2
  if ! as_root apt-get update -qq >&2 || ! as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends "${packages[@]}" </dev/null >/dev/null; then
    echo "apt-get could not install: ${packages[*]}" >&2
    return 1
  fi
}

# load_br_netfilter: Flannel needs this kernel module, which nothing loads by itself and a rootless lab can't load.
# Where it can't be done from here either, `hoplab doctor` names it and what to do.
load_br_netfilter() {
  [ -e /proc/sys/net/bridge/bridge-nf-call-iptables ] || ! may_be_root && return 0
  as_root sh -c 'PATH="$PATH:/usr/sbin:/sbin"; modprobe br_netfilter' 2>/dev/null || return 0
}
