#!/usr/bin/env bash
# Images of the shipped templates for a test engine: images.sh CACHE full|light NAME… with the engine in DOCKER_HOST. The full ones are made by images/build;
# the light ones, from the same Dockerfiles, lack what isn't needed to run a shell and a notebook, and are called demiurge-test/light-….
# They are kept in CACHE until their makings change.
#
# Public bases that the engine can't fetch are made of what this machine has: Debian's packages by debootstrap, and its own Node.
set -euo pipefail
cache=$1 kind=$2
shift 2
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
images=$(cd "$here/../../../images" && pwd)
mkdir -p "$cache"
exec 9>"$cache/lock"
flock 9
scratch=$(mktemp -d "$cache/scratch.XXXXXX")
trap 'rm -rf "$scratch"' EXIT

say() { printf '%(%T)T %s\n' -1 "$*"; }

debian() { # like the public slim image: without documentation, and without waiting for the disk at each package
  local root=$scratch/debian
  debootstrap --variant=minbase bookworm "$root" >"$cache/debootstrap.log" 2>&1 || { tail -n 5 "$cache/debootstrap.log" >&2; return 1; }
  printf '%s\n' force-unsafe-io 'path-exclude /usr/share/doc/*' 'path-exclude /usr/share/info/*' 'path-exclude /usr/share/locale/*' 'path-exclude /usr/share/man/*' \
    >"$root/etc/dpkg/dpkg.cfg.d/slim"
  rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/* "$root"/usr/share/{doc,info,locale,man}/*
  # Whom this machine trusts beside Debian's authorities, where what it fetches is read on the way.
  mkdir -p "$root/usr/local/share/ca-certificates"
  cp /usr/local/share/ca-certificates/*.crt "$root/usr/local/share/ca-certificates/" 2>/dev/null || true
  tar -C "$root" --numeric-owner -cf "$cache/debian.tar.new" .
  mv "$cache/debian.tar.new" "$cache/debian.tar"
}

node_parts() { # a folder for /usr/local: Node with its headers, and npm
  local program parts=$scratch/node
  program=$(readlink -f "$(type -P node)")
  mkdir -p "$parts/bin" "$parts/include" "$parts/lib/node_modules"
  cp "$program" "$parts/bin/node"
  cp -r "${program%/bin/node}/include/node" "$parts/include/"
  cp -r "$(npm root --global)/npm" "$parts/lib/node_modules/"
  ln -s ../lib/node_modules/npm/bin/npm-cli.js "$parts/bin/npm"
  ln -s ../lib/node_modules/npm/bin/npx-cli.js "$parts/bin/npx"
}

base() { # the public image of that name, or what stands in for it
  ! docker image inspect "$1" >/dev/null 2>&1 || return 0
  ! timeout 300 docker pull -q "$1" >/dev/null 2>&1 || return 0
  case $1 in
    debian:*)
      [ -f "$cache/debian.tar" ] || debian
      docker import -c 'CMD ["bash"]' - "$1" <"$cache/debian.tar" >/dev/null
      ;;
    node:20-*)
      [[ $(node --version) == v20.* ]] || { echo "$1 can't be fetched, and Node 20 isn't on this machine." >&2; return 1; }
      base debian:bookworm-slim
      node_parts
      printf '%s\n' 'FROM debian:bookworm-slim' 'COPY . /usr/local/' 'RUN groupadd --gid 1000 node && useradd --uid 1000 --gid node --shell /bin/bash --create-home node' \
        'ENV NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt' 'CMD ["node"]' >"$scratch/node/Dockerfile"
      docker build -q -t "$1" "$scratch/node" >/dev/null
      ;;
  esac
  say "$1 could not be fetched and is made of this machine's parts."
}

tag() {
  local prefix=demiurge/
  [ "$kind" = full ] || prefix=demiurge-test/light-
  case $1 in jupyter) echo "${prefix}jupyterlab:latest" ;; *) echo "$prefix$1:latest" ;; esac
}

make() {
  case $kind-$1 in
    light-terminal) docker build --build-arg PACKAGES=procps --tag "$(tag terminal)" "$images/terminal" ;;
    light-jupyter) docker build --build-arg "BASE=$(tag terminal)" --build-arg "PACKAGES=curl jupyter-notebook python3-ipykernel" --tag "$(tag jupyter)" "$images/jupyter" ;;
    # One of n8n's packages comes from outside of npm's registry; what the registry has of it is older.
    full-n8n) BUILD_OPTIONS='--build-arg N8N_OVERRIDES={"xlsx":"0.18.5"}' "$images/build" n8n ;;
    full-*) "$images/build" "$1" ;;
  esac
}

for name in "$@"; do
  parts=$name
  [ "$name" != jupyter ] || parts="terminal jupyter"
  # shellcheck disable=SC2086
  key=$(cd "$images" && find "$here/images.sh" build $parts -type f | sort | xargs sha256sum | sha256sum | cut -c1-16)
  kept=$cache/$kind-$name-$key.tar
  if [ -f "$kept" ]; then
    docker load -q <"$kept" >/dev/null
    say "$(tag "$name") was kept."
    continue
  fi
  case $name in code-server | n8n) base node:20-bookworm-slim ;; *) base debian:bookworm-slim ;; esac
  started=$SECONDS
  make "$name" >"$cache/$kind-$name.log" 2>&1 || { grep -v TAR_ENTRY "$cache/$kind-$name.log" | tail -n 40 >&2; exit 1; }
  say "$(tag "$name") was built in $((SECONDS - started)) s: $(docker image inspect --format '{{.Size}}' "$(tag "$name")") bytes."
  rm -f "$cache/$kind-$name"-*.tar
  docker save "$(tag "$name")" >"$kept.new"
  mv "$kept.new" "$kept"
done
