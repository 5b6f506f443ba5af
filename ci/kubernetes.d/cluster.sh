# shellcheck shell=bash
# Sourced by ci/kubernetes. What makes a cluster out of machines: keys, configurations, images.
: "${here:?}" "${state:?}" "${builds:?}" "${cache=}" "${net:?}" "${nodes:?}" "${registry:?}"

kubectl() {
    if [[ -e $state/kubeconfig ]] && holder control >/dev/null; then
        "$cache/bin/kubectl" --kubeconfig "$state/kubeconfig" "$@"
    elif command -v kubectl >/dev/null; then
        command kubectl "$@"
    else
        "$cache/bin/kubectl" "$@"
    fi
}

make_cluster() {
    local n started=$SECONDS
    as_root
    build
    "$here/ci/engine" >&2
    "$here/ci/images" test >&2
    installed containerd=containerd runc=runc openssl=openssl ip=iproute2 mount=mount
    remove # what a killed `up` left
    [[ -z $(ip -4 addr show to "$net.0/24") ]] ||
        die "this machine has addresses in $net.0/24 already; name another network: BOOTGATE_KUBERNETES_NET=10.99.0"
    say "making a cluster of one control plane and $nodes nodes"
    keys
    configurations
    machine_on control
    machine_ready control
    # The cable between this computer and the switch; it goes when `control` goes.
    ip link add bootgate-k8s type veth peer name computer netns "$(first_process control)"
    ip addr add "$net.254/24" dev bootgate-k8s
    ip link set bootgate-k8s up
    plug computer
    for ((n = 1; n <= nodes; n++)); do mkdir -p "$state/node$n"; done
    for ((n = 1; n <= nodes; n++)); do node_on "$n"; done
    for ((n = 1; n <= nodes; n++)); do machine_ready "node$n"; done
    wait_for 90 kubectl get --raw /readyz || die "the API server is not ready; see $state/control/kube-apiserver.log"
    pause_image
    for ((n = 1; n <= nodes; n++)); do
        wait_for 60 kubectl get node "node$n" || die "node$n does not report; see $state/node$n/kubelet.log"
    done
    kubectl wait --for=condition=Ready node --all --timeout=120s >&2
    # They share the cores of this computer: what boots on several at once gets a part of them only. So
    # a gate takes them for machines of several kinds, unless a test labels them anew.
    for ((n = 1; n <= nodes; n++)); do
        kubectl label node "node$n" "node.kubernetes.io/instance-type=part-$n" >&2
    done
    wait_for 60 kubectl get serviceaccount default || die "the controller manager is not ready; see $state/control"
    touch "$state/up"
    say "up in $((SECONDS - started)) s; 'ci/kubernetes down' removes it"
}

# Plugs a cable whose other end has this name into the switch.
plug() {
    wait_for 10 on_network control ip link set "$1" master switch up || die "the switch has no cable '$1'"
}

node_on() {
    machine_on "node$1"
    on_network control ip link add "node$1" type veth peer name eth0 netns "$(first_process "node$1")"
    plug "node$1"
}

# kubeconfig FILE USER [GROUP]: who has this file is that user.
kubeconfig() {
    local token
    token=$(openssl rand -hex 16)
    echo "$token,$2,$2,\"${3:-}\"" >>"$state/tokens"
    mkdir -p "$(dirname "$1")"
    cat >"$1" <<Y
apiVersion: v1
kind: Config
clusters: [{name: bootgate, cluster: {server: "https://$net.1:6443", certificate-authority-data: $(base64 -w0 "$state/server.crt")}}]
users: [{name: bootgate, user: {token: $token}}]
contexts: [{name: bootgate, context: {cluster: bootgate, user: bootgate}}]
current-context: bootgate
Y
}

keys() {
    mkdir -p "$state"
    chmod 700 "$state"
    printf 'cache=%q net=%q\n' "$cache" "$net" >"$state/made-with"
    # Valid since yesterday: nodes may have another clock.
    LD_PRELOAD=$cache/bin/clock.so BOOTGATE_CLOCK=-86400 openssl req -x509 -newkey rsa:2048 -nodes -days 365 -subj /O=system:masters/CN=bootgate \
        -addext "subjectAltName=IP:$net.1,IP:10.96.0.1,DNS:kubernetes.default.svc" \
        -keyout "$state/server.key" -out "$state/server.crt" 2>/dev/null
    : >"$state/tokens"
    kubeconfig "$state/kubeconfig" admin system:masters
    kubeconfig "$state/control/kube-controller-manager.kubeconfig" system:kube-controller-manager
    kubeconfig "$state/control/kube-scheduler.kubeconfig" system:kube-scheduler
    for ((n = 1; n <= nodes; n++)); do
        kubeconfig "$state/node$n/kubelet.kubeconfig" "system:node:node$n" system:nodes
    done
}

# All paths are those inside a machine.
configurations() {
    local rig=/run/rig/state
    cat >"$state/registry.yaml" <<Y
version: 0.1
log: {level: error}
storage: {filesystem: {rootdirectory: /var/lib/registry}, delete: {enabled: true}}
http: {addr: "$registry"}
Y
    # restrict_oom_score_adj: without CAP_SYS_RESOURCE a score below one's own is refused.
    cat >"$state/containerd.toml" <<Y
version = 2
[plugins."io.containerd.internal.v1.opt"]
  path = "/var/lib/opt"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "$registry/bootgate-pause:1"
  restrict_oom_score_adj = true
[plugins."io.containerd.grpc.v1.cri".cni]
  bin_dir = "/run/rig/cache/cni"
  conf_dir = "/run/cni.d"
[plugins."io.containerd.grpc.v1.cri".registry]
  config_path = "$rig/registries"
# Last, for a node with another clock to append to: see init.
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"
Y
    mkdir -p "$state/registries/$registry"
    cat >"$state/registries/$registry/hosts.toml" <<Y
server = "http://$registry"
[host."http://$registry"]
Y
    for ((n = 1; n <= nodes; n++)); do
        # imageGC and eviction: neither must happen for want of space on a small computer's disk.
        cat >"$state/node$n/kubelet.yaml" <<Y
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
authentication: {anonymous: {enabled: false}, webhook: {enabled: true}, x509: {clientCAFile: $rig/server.crt}}
authorization: {mode: Webhook}
cgroupDriver: cgroupfs
cgroupRoot: /bootgate-node$n
failSwapOn: false
makeIPTablesUtilChains: false
resolvConf: $rig/resolv.conf
imageGCHighThresholdPercent: 100
evictionHard: {memory.available: 100Mi, nodefs.available: 1%, imagefs.available: 1%, nodefs.inodesFree: 1%}
Y
        cat >"$state/node$n/cni.conflist" <<Y
{"cniVersion": "0.4.0", "name": "pods", "plugins": [{"type": "bridge", "bridge": "cni0",
 "isGateway": true, "ipMasq": false, "ipam": {"type": "host-local", "dataDir": "/run/cni",
 "ranges": [[{"subnet": "10.250.$n.0/24"}]], "routes": [{"dst": "0.0.0.0/0"}]}}]}
Y
    done
    : >"$state/resolv.conf"
}

# push_images IMAGE…: from the local Docker into the registry, by way of node1's containerd, which pushes
# layers as they are; `docker push` would compress them, and wants a registry with a certificate.
push_images() {
    local image into=(inside node1 ctr -n push images)
    wait_for 30 "${into[@]}" ls || die "containerd of node1 does not answer; see $state/node1/containerd.log"
    for image in "$@"; do
        [[ ! -e $state/pushed/$image || $(docker image inspect -f '{{.Id}}' "$image") != "$(cat "$state/pushed/$image")" ]] || continue
        docker image inspect "$image" >/dev/null 2>&1 || die "the local Docker has no image '$image'"
        docker save "$image" | "${into[@]}" import --no-unpack - >/dev/null
        "${into[@]}" tag --force "docker.io/library/$image" "$registry/$image" >/dev/null
        "${into[@]}" push --plain-http "$registry/$image" >/dev/null
        "${into[@]}" rm "docker.io/library/$image" "$registry/$image" >/dev/null
        mkdir -p "$state/pushed"
        docker image inspect -f '{{.Id}}' "$image" >"$state/pushed/$image"
        say "$registry/$image is in the registry"
    done
}

# forget NODE IMAGE: removes an image there by its name, with or without tag or digest, under all its names.
forget() {
    local names containerd=(inside "$1" ctr -n k8s.io images)
    mapfile -t names < <("${containerd[@]}" ls | awk -v image="$2" '
        NR > 1 { digest[$1] = $3 }
        END {
            for (name in digest) if (name == image || index(name, image ":") == 1 || index(name, image "@") == 1) gone[digest[name]]
            for (name in digest) if (digest[name] in gone) print name
        }')
    ((${#names[@]})) || die "$1 has no image '$2'; it has: $("${containerd[@]}" ls -q | grep -v ^sha256: | paste -sd ' ')"
    "${containerd[@]}" rm --sync "${names[@]}" >/dev/null
}

# Below every pod. Each node has it from the beginning, whatever becomes of its way to the registry.
pause_image() {
    tar -C "$cache/bin" -c pause | docker import --change 'ENTRYPOINT ["/pause"]' - bootgate-pause:1 >/dev/null
    push_images bootgate-pause:1
    for ((n = 1; n <= nodes; n++)); do
        wait_for 30 inside "node$n" ctr -n k8s.io images pull --plain-http "$registry/bootgate-pause:1" ||
            die "node$n cannot pull from the registry; see $state/control/registry.log"
    done
}

no_cable() { ! ip link show bootgate-k8s || ip link del bootgate-k8s; }

remove() {
    local machines=("$state"/node[1-9] "$state"/control)
    machines_off "${machines[@]##*/}"
    # By hand, for the kernel takes networks apart up to a minute after their last process.
    wait_for 30 no_cable || die "the network interface bootgate-k8s cannot be removed"
    # Files of a machine are busy until the last of its processes is gone.
    wait_for 20 rm -rf --one-file-system "$state" || die "cannot remove $state"
    ! docker image inspect bootgate-pause:1 >/dev/null 2>&1 || docker image rm bootgate-pause:1 >/dev/null
}

down() {
    remove
    if [[ ${1:-} == --purge ]]; then rm -rf "$builds"; fi
    say "nothing is left of the cluster"
}
