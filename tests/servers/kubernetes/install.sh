#!/usr/bin/env bash
# Builds kube-apiserver and etcd into target/servers/kubernetes, once, from Go modules alone.
# Binaries that are there already are taken first, by envtest's convention: KUBEBUILDER_ASSETS (a
# folder with both), else TEST_ASSET_KUBE_APISERVER and TEST_ASSET_ETCD. Exits 1 and says what is
# missing if there is no way. A cold build takes about 3 minutes on 2 free cores: run it before
# cargo compiles, not beside it.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
target=${CARGO_TARGET_DIR:-$root/target}/servers/kubernetes

if [ -x "${KUBEBUILDER_ASSETS:-/nowhere}/kube-apiserver" ] && [ -x "${KUBEBUILDER_ASSETS:-/nowhere}/etcd" ]; then
  exit 0
fi
if [ -x "${TEST_ASSET_KUBE_APISERVER:-}" ] && [ -x "${TEST_ASSET_ETCD:-}" ]; then
  exit 0
fi
# The stamp is a copy of what was built: a changed go.mod builds again.
if [ -x "$target/kube-apiserver" ] && [ -x "$target/etcd" ] && cmp -s "$here/go.mod" "$target/built.mod"; then
  exit 0
fi
if ! command -v go >/dev/null; then
  echo "the API server needs go (1.26 or newer) on the PATH to be built, or KUBEBUILDER_ASSETS" >&2
  exit 1
fi
version=$(sed -n 's|.*k8s.io/kubernetes \(v[0-9.]*\).*|\1|p' "$here/go.mod" | head -n 1)
minor=${version#v1.}
flags="-s -w"
# Without these the server calls itself v0.0.0-master.
flags+=" -X k8s.io/component-base/version.gitVersion=$version"
flags+=" -X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=${minor%%.*}"
mkdir -p "$target"
echo "building kube-apiserver $version and etcd into $target (minutes, once)" >&2
cd "$here"
CGO_ENABLED=0 GOFLAGS=-mod=readonly go build -ldflags "$flags" -o "$target/" ./kube-apiserver ./etcd
cp go.mod "$target/built.mod"
