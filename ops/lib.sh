# lib.sh - what ops/demo and ops/test share. Sourced by bash, with `set -euo pipefail`.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

say() { printf '%s\n' "$*" >&2; }

# Names of packages of the given parts (build, run, test).
packages() {
    local part name wanted=" $* "
    while read -r part name; do
        if [[ -n $name && $wanted == *" $part "* ]]; then
            printf '%s\n' "$name"
        fi
    done < <(grep -v '^#' "$root/ops/packages")
}

# Those of them that are not installed.
missing_packages() {
    local name
    packages "$@" | while read -r name; do
        if [[ $name == npm ]] && command -v npm >/dev/null; then
            continue # it may come from elsewhere, with a newer node
        fi
        if [[ $(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null) != installed ]]; then
            printf '%s\n' "$name"
        fi
    done
}

# Installs what is missing, or says what to run.
need_packages() {
    local missing
    mapfile -t missing < <(missing_packages "$@")
    if [[ ${#missing[@]} -eq 0 ]]; then
        return
    fi
    if [[ $(id -u) -ne 0 ]]; then
        say "These Debian packages are missing; install them and run this again:"
        say "    sudo apt-get install ${missing[*]}"
        exit 1
    fi
    say "installing ${missing[*]}"
    export DEBIAN_FRONTEND=noninteractive
    apt-get -qq update >/dev/null || true # without a network what is in the cache may do
    apt-get -qq install -y --no-install-recommends "${missing[@]}" >/dev/null
}

# build PRESET: configures and builds, quietly unless it fails. Ninja configures again by itself when
# it has to; doing so each time would compile everything twice (flags of packages change places).
build() {
    local log=$root/build/$1.log
    mkdir -p "$root/build"
    if [[ ! -d $root/build/$1/bin ]]; then
        say "building $1 (the first time takes a minute)"
    fi
    local configure=(cmake --preset "$1")
    if [[ $root/build/$1/build.ninja -nt $root/CMakePresets.json ]]; then
        configure=(true)
    fi
    if ! (cd "$root" && "${configure[@]}" && cmake --build --preset "$1") >"$log" 2>&1; then
        tail -n 60 "$log" >&2
        say "the build failed; all of it: $log"
        exit 1
    fi
}
