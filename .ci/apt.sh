# Sourced: installs Debian packages when root, else names them.

say() { printf '%s\n' "$*" >&2; }

apt_install() {
    if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null 2>&1; then
        say "missing: $*"
        say "install it and try again, for example: sudo apt-get install $*"
        exit 1
    fi
    say "installing $*"
    DEBIAN_FRONTEND=noninteractive
    export DEBIAN_FRONTEND
    apt-get -qq -o DPkg::Lock::Timeout=300 install -y --no-install-recommends "$@" >/dev/null 2>&1 ||
        { apt-get -qq -o DPkg::Lock::Timeout=300 update >&2 && apt-get -qq -o DPkg::Lock::Timeout=300 install -y --no-install-recommends "$@" >&2; }
}

need() { command -v "$1" >/dev/null 2>&1 || apt_install "$2"; }
