# shellcheck shell=bash
# Sourced by ci/kubernetes. The programs of the cluster, in $cache: the servers built from Debian's source
# package, the rest out of Debian's packages, which are unpacked and not installed (etcd and the registry
# would start as services of this machine).
: "${here:?}" "${builds:?}" "${helpers:?}" "${cache=}"

recipe=1 # raise it when this file builds something else from the same source

find_cache() {
    [[ -z $cache ]] || return 0
    local version
    command -v apt-get >/dev/null || die "a cluster can be made on Debian 12 only; elsewhere name one with KUBECONFIG"
    # Nothing, also with success, where apt has no lists yet.
    candidate() { { apt-cache --no-all-versions show kubernetes-client 2>/dev/null || true; } | sed -n 's/^Version: //p'; }
    version=$(candidate)
    if [[ -z $version ]]; then
        apt_lists
        version=$(candidate)
    fi
    # Newer ones need Go modules that their source packages do not hold.
    [[ $version == 1.20.* ]] || die "the server is built from Debian 12's Kubernetes 1.20, and apt offers" \
        "'${version:-none}'; on this system name a cluster with KUBECONFIG"
    version=${version%+b[0-9]*} # a rebuild of the same source
    cache=$builds/$version-$recipe
}

apt_lists() {
    [[ -z ${fresh_lists:-} ]] || return 0
    as_root
    say "reading the lists of Debian's packages"
    apt-get -qq update >&2
    fresh_lists=yes
}

as_root() { [[ $EUID == 0 ]] || die "a cluster can be made by root only; run this as root, or name a cluster with KUBECONFIG"; }

# installed COMMAND=PACKAGE…: the packages whose commands are missing.
installed() {
    local pair missing=()
    for pair in "$@"; do command -v "${pair%%=*}" >/dev/null || missing+=("${pair#*=}"); done
    ((${#missing[@]})) || return 0
    apt_lists
    say "installing ${missing[*]}"
    DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "${missing[@]}" >&2
}

# unpacked DIRECTORY PACKAGE…
unpacked() {
    local into=$1 debs deb
    shift
    debs=$(mktemp -d)
    download() { (cd "$debs" && apt-get -qq -o APT::Sandbox::User=root download "$@" >&2); }
    download "$@" || {
        apt_lists # the old ones may name files that are gone
        download "$@"
    }
    for deb in "$debs"/*.deb; do dpkg -x "$deb" "$into"; done
    rm -rf "$debs"
}

# The programs that are not built: seconds.
tools() {
    find_cache
    [[ ! -e $cache/tools ]] || return 0
    say "fetching etcd, kubectl, a registry and network plugins from Debian's packages"
    mkdir -p "$cache/bin"
    local root=$cache/tools.new
    rm -rf "$root"
    unpacked "$root" etcd-server kubernetes-client docker-registry containernetworking-plugins
    cp "$root"/usr/bin/{etcd,kubectl,docker-registry} "$cache/bin/"
    mkdir -p "$cache/cni"
    cp "$root"/usr/lib/cni/{bridge,host-local,loopback} "$cache/cni/"
    rm -rf "$root"
    touch "$cache/tools"
}

# The programs that are built: 4 minutes on two idle cores. What a stopped build has done is kept for the
# next; in the end only the programs stay.
build() {
    tools
    [[ ! -e $cache/built ]] || return 0
    local started=$SECONDS
    say "building the servers once; this takes minutes (log: $cache/build.log)"
    installed gcc=gcc dpkg-source=dpkg-dev
    [[ -e /usr/include/stdlib.h ]] || installed no-such-command=libc6-dev
    # Another process: left of a `||` errexit does not work in this one.
    "$here/ci/kubernetes" build-servers >"$cache/build.log" 2>&1 || {
        tail -n 30 "$cache/build.log" >&2
        die "the build failed; its last lines are above, all of them: $cache/build.log"
    }
    touch "$cache/built"
    rm -rf "$cache/work"
    say "built in $((SECONDS - started)) s, kept in $cache"
}

build_servers() {
    find_cache
    local work=$cache/work version=${cache##*/}
    version=${version%-*}
    mkdir -p "$work"
    local tree=$work/go/src/k8s.io/kubernetes go=$work/root/usr/lib/go-1.19
    if [[ ! -e $tree ]]; then
        unpacked "$work/root" golang-1.19-go golang-1.19-src
        source_tree
        mkdir -p "${tree%/*}"
        mv "$work"/source/kubernetes-*/ "$tree"
    fi
    cd "$tree" || return
    # Without modules, as the source was made for: its go.mod does not suit a Go newer than 1.15.
    export GOROOT=$go GOPATH=$work/go GOCACHE=$work/gocache GO111MODULE=off GOFLAGS=-trimpath PATH=$go/bin:$PATH
    # With libc, so that `node N clock` can put another clock below them.
    export CGO_ENABLED=1
    openapi
    local name stamp='-s -w'
    for name in vendor/k8s.io/component-base/version vendor/k8s.io/client-go/pkg/version; do
        name="k8s.io/kubernetes/$name"
        stamp+=" -X $name.gitVersion=v1.20.2 -X $name.gitMajor=1 -X $name.gitMinor=20 -X $name.gitCommit=debian"
        stamp+=" -X $name.gitTreeState=archive -X $name.buildDate=2021-01-13T00:00:00Z"
    done
    # Without the clouds' libraries and the shim for Docker: 254 packages less, and the largest ones.
    nice -n 10 go build -tags providerless,dockerless -ldflags "$stamp" -o "$work/bin/" \
        ./cmd/kube-apiserver ./cmd/kube-controller-manager ./cmd/kube-scheduler ./cmd/kubelet
    gcc -Os -static -s -DVERSION=debian -o "$work/bin/pause" build/pause/linux/pause.c
    gcc -O2 -shared -fPIC -nostdlib -o "$work/bin/clock.so" "$helpers/clock.c"
    mv "$work"/bin/* "$cache/bin/"
}

# Lists of the sources beside those of this machine, from the same mirrors.
source_tree() {
    local apt=$work/apt
    rm -rf "$work/source"
    mkdir -p "$apt/lists/partial" "$apt/cache" "$work/source"
    # shellcheck disable=SC2016 # apt-get's own variables
    apt-get indextargets --format 'deb-src $(REPO_URI) $(RELEASE) $(COMPONENT)' \
        'Created-By: Packages' 'Origin: Debian' | sort -u >"$apt/sources.list"
    local options=(-qq -o APT::Sandbox::User=root -o "Dir::State::lists=$apt/lists" -o "Dir::Cache=$apt/cache"
        -o "Dir::Etc::sourcelist=$apt/sources.list" -o Dir::Etc::sourceparts=/dev/null)
    apt-get "${options[@]}" update
    (cd "$work/source" && apt-get "${options[@]}" source --only-source "kubernetes=$version")
}

# Three generated files are not in the source package: the servers' OpenAPI functions.
openapi() {
    local meta='vendor/k8s.io/apimachinery/pkg/apis/meta/v1 vendor/k8s.io/apimachinery/pkg/runtime
        vendor/k8s.io/apimachinery/pkg/version'
    nice -n 10 go build -o "$work/openapi-gen" ./vendor/k8s.io/kube-openapi/cmd/openapi-gen
    # shellcheck disable=SC2046,SC2086 # these are words
    {
        generate pkg/generated/openapi $(tagged cmd pkg vendor/k8s.io/*/ |
            grep -vE '^vendor/k8s.io/(code-generator|sample-|kube-openapi|gengo)')
        generate staging/src/k8s.io/kube-aggregator/pkg/generated/openapi \
            $(tagged $meta vendor/k8s.io/kube-aggregator/)
        generate staging/src/k8s.io/apiextensions-apiserver/pkg/generated/openapi \
            $(tagged $meta vendor/k8s.io/api/autoscaling/v1/)
    }
}
tagged() { grep -rlE '^// ?\+k8s:openapi-gen=' --include='*.go' "$@" | xargs -n1 dirname | LC_ALL=C sort -u; }
generate() {
    local into=$1
    shift
    [[ ! -s $into/zz_generated.openapi.go ]] || return 0
    nice -n 10 "$work/openapi-gen" -O zz_generated.openapi -p "k8s.io/kubernetes/$into" -r "$work/report" \
        -h vendor/k8s.io/code-generator/hack/boilerplate.go.txt \
        -i "$(printf 'k8s.io/kubernetes/%s\n' "$@" | paste -sd,)"
}
