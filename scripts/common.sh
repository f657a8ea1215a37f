# Shared by ./check, ./demo, fuzz/run and bench/run; sourced, never run.
# shellcheck shell=bash

if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
  bold=$'\033[1m' dim=$'\033[2m' red=$'\033[31m' green=$'\033[32m' yellow=$'\033[33m' plain=$'\033[0m'
else
  bold='' dim='' red='' green='' yellow='' plain=''
fi
export bold dim red green yellow plain

# say TEXT: one progress line, with the seconds since the script started.
say() { printf '%s%4ds%s  %s\n' "$dim" "$SECONDS" "$plain" "$*"; }
die() {
  printf '%s%s%s\n' "$red" "$*" "$plain" >&2
  exit 1
}

# Boost 1.81 is the oldest that will do. Debian 12 has it beside its default
# 1.74; newer distributions have something newer under the plain names.
boost_packages() {
  if [ "$(dpkg-query -W -f '${db:Status-Status}' libboost1.81-dev 2>/dev/null)" = installed ] ||
    apt-cache show libboost1.81-dev >/dev/null 2>&1; then
    echo libboost1.81-dev libboost-json1.81-dev
  else
    echo libboost-dev libboost-json-dev
  fi
}

build_packages=(meson ninja-build ccache g++ pkg-config libssl-dev libtss2-dev
  libcurl4-openssl-dev libcli11-dev libtomlplusplus-dev libfuse3-dev libcryptsetup-dev libsqlite3-dev libpq-dev)
runtime_packages=(fuse3 swtpm swtpm-tools tpm2-tools openssh-server openssh-client openssl procps util-linux curl jq
  cryptsetup-bin)
check_packages=(catch2 libbenchmark-dev clang-19 clang-tidy-19 clang-format-19 libclang-rt-19-dev
  shellcheck mandoc bash-completion python3 systemd binutils prometheus iproute2
  jose python3-jwcrypto postgresql)

# tests/boot/run: an emulated machine, and what its root is made with.
boot_packages=(qemu-system-x86 seabios ovmf swtpm mmdebstrap cryptsetup-bin cpio zstd e2fsprogs util-linux python3)

# missing_packages NAME…: those that dpkg does not know as installed.
missing_packages() {
  local name
  for name in "$@"; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null)" = installed ] || echo "$name"
  done
}

# install_packages NAME…: installs what is missing, and asks apt nothing when
# nothing is. NO_INSTALL=1 only looks.
install_packages() {
  local missing
  command -v dpkg-query >/dev/null || die "this script installs Debian packages, and there is no dpkg here"
  mapfile -t missing < <(missing_packages "$@")
  [ "${#missing[@]}" -gt 0 ] || return 0
  if [ -n "${NO_INSTALL:-}" ]; then
    die "not installed: ${missing[*]} (run without --no-install as root, or: apt-get install ${missing[*]})"
  fi
  if [ "$(id -u)" -ne 0 ]; then
    die "these packages are missing and only root can install them: apt-get install ${missing[*]}"
  fi
  say "installing ${#missing[@]} Debian packages"
  export DEBIAN_FRONTEND=noninteractive
  apt-get -qq install --yes --no-install-recommends "${missing[@]}" >/dev/null 2>&1 && return 0
  apt-get -qq update >/dev/null || die "apt-get update failed"
  apt-get -qq install --yes --no-install-recommends "${missing[@]}" >/dev/null ||
    die "apt-get could not install: ${missing[*]}"
}

# install_for SET…: package sets named build, runtime, check, boot. Boost comes with build.
install_for() {
  local names=() set boost
  for set in "$@"; do
    case $set in
    build)
      # A machine that has never seen an index does not know which Boost there is.
      if [ -z "${NO_INSTALL:-}" ] && [ "$(id -u)" -eq 0 ] && ! apt-cache show meson >/dev/null 2>&1 &&
        [ "$(dpkg-query -W -f '${db:Status-Status}' libboost1.81-dev 2>/dev/null)" != installed ]; then
        say "reading the package index"
        apt-get -qq update >/dev/null || die "apt-get update failed"
      fi
      read -ra boost < <(boost_packages)
      names+=("${build_packages[@]}" "${boost[@]}")
      ;;
    runtime) names+=("${runtime_packages[@]}") ;;
    check) names+=("${check_packages[@]}") ;;
    boot) names+=("${boot_packages[@]}") ;;
    esac
  done
  install_packages "${names[@]}"
}

# configure FOLDER OPTION…: meson setup, or the same options applied to the
# build folder that is there.
configure() {
  local folder=$1
  shift
  if [ -e "$folder/build.ninja" ]; then
    meson configure "$folder" "$@" >/dev/null
  else
    meson setup "$folder" "$@"
  fi
}

# The files of the project, whether or not this is a git checkout.
project_files() {
  if git rev-parse --git-dir >/dev/null 2>&1; then
    git ls-files --cached --others --exclude-standard -- "$@" | while IFS= read -r file; do
      if [ -e "$file" ]; then printf '%s\n' "$file"; fi
    done
  else
    local pattern arguments=()
    for pattern in "$@"; do arguments+=(-o -path "./${pattern}" -o -name "${pattern}"); done
    find . -path './build*' -prune -o -type f \( "${arguments[@]:1}" \) -print | sed 's|^\./||' | sort
  fi
}

# Every script: by name, or by its first line.
project_scripts() {
  project_files '*' | while IFS= read -r file; do
    case $file in
    *.sh) echo "$file" ;;
    fuzz/corpus/*) ;;
    *) if [ -f "$file" ] && head -c 64 "$file" | head -n 1 | grep -aqE '^#!.*\b(ba)?sh\b'; then echo "$file"; fi ;;
    esac
  done
}
