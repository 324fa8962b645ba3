#!/usr/bin/env bash
# vendor.sh: the charts' library, from npm, into assets/vendor/. For another version, change both lines below;
# `npm view uplot@VERSION dist.integrity` says what the second has to be.
set -euo pipefail
cd "$(dirname "$0")"
version=1.6.32
integrity=sha512-KIMVnG68zvu5XXUbC4LQEPnhwOxBuLyW1AHtpm6IKTXImkbLgkMy+jabjLgSLMasNuGGzQm/ep3tOkyTxpiQIw==

temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
(cd "$temp" && npm pack --loglevel=error "uplot@$version" >/dev/null)
tarball=$temp/uplot-$version.tgz
got=sha512-$(openssl dgst -sha512 -binary "$tarball" | openssl base64 -A)
[ "$got" = "$integrity" ] || { echo "vendor.sh: uplot@$version has integrity $got, not $integrity" >&2; exit 1; }

tar -xzf "$tarball" -C "$temp"
rm -rf assets/vendor
mkdir -p assets/vendor
cp "$temp/package/dist/uPlot.iife.min.js" "$temp/package/dist/uPlot.min.css" assets/vendor/
cp "$temp/package/LICENSE" assets/vendor/uPlot.LICENSE
cd assets/vendor
chmod 644 ./*
openssl dgst -r -sha256 uPlot.* >SHA256SUMS
echo "uPlot $version, MIT licence, https://github.com/leeoniya/uPlot. Written by internal/dashboard/vendor.sh; not to be edited." >README
