# shellcheck shell=bash
# Sourced by ci/kubernetes. The machines of the cluster: `control`, `node1` … Each is one process tree in
# namespaces of its own (net, mount, uts, pid) under $state/NAME, and begins with `init`. All that a
# machine mounted, ran or plugged in ends with its first process; only its cgroups and files stay.
: "${state:?}" "${helpers:?}" "${cache=}" "${net:?}"

# The pid of `unshare` that holds a machine. Pids are reused: it must have our init in its command line.
holder() {
    local pid
    pid=$(cat "$state/$1/pid" 2>/dev/null) || return 1
    tr '\0' ' ' 2>/dev/null <"/proc/$pid/cmdline" | grep -q "^unshare .*/init $state .* $1 \$" && echo "$pid"
}

# The pid of a machine's init, as this machine counts.
first_process() {
    local pid
    pid=$(holder "$1") && pid=$(cat "/proc/$pid/task/$pid/children") && [[ -n $pid ]] && echo "${pid% }"
}

# inside MACHINE COMMAND…
inside() {
    local pid name=$1
    shift
    pid=$(first_process "$name") || die "$name is off"
    nsenter --target "$pid" --net --mount --uts --pid "$@"
}

# On a machine's network alone, with the programs, files and pids of this one.
on_network() {
    local pid name=$1
    shift
    pid=$(first_process "$name") || die "$name is off"
    nsenter --target "$pid" --net "$@"
}

# A machine's cgroups, in every hierarchy of version 1 and the empty one beside them, or in the one of version 2.
cgroups() {
    if [[ -e /sys/fs/cgroup/cgroup.controllers ]]; then
        echo "/sys/fs/cgroup/bootgate-$1"
    else
        local hierarchy
        for hierarchy in /sys/fs/cgroup/*/; do
            [[ -L ${hierarchy%/} || ! -e $hierarchy/cgroup.procs ]] || echo "${hierarchy}bootgate-$1"
        done
    fi
}

make_cgroups() {
    local group controller part
    for group in $(cgroups "$1"); do
        mkdir -p "$group"
        if [[ -e $group/cgroup.controllers ]]; then
            for controller in cpuset cpu io memory hugetlb pids; do
                for part in "${group%/*}" "$group"; do
                    echo "+$controller" >"$part/cgroup.subtree_control" 2>/dev/null || true
                done
            done
        elif [[ -e $group/cpuset.cpus ]]; then # empty at first, and with it no process can enter
            cat "${group%/*}/cpuset.cpus" >"$group/cpuset.cpus"
            cat "${group%/*}/cpuset.mems" >"$group/cpuset.mems"
        fi
    done
}

remove_cgroups() {
    local group
    for group in $(cgroups "$1"); do
        [[ ! -d $group ]] || find "$group" -depth -type d -exec rmdir {} + 2>/dev/null || return 1
    done
}

# Everything inherited is closed: who reads our output through a pipe must not wait for a machine's end.
machine_on() {
    local name=$1
    ! holder "$name" >/dev/null || die "$name is on already"
    mkdir -p "$state/$name"
    rm -f "$state/$name/ready"
    make_cgroups "$name"
    (
        for fd in /proc/self/fd/*; do
            fd=${fd##*/}
            if ((fd > 2)); then eval "exec $fd>&-"; fi
        done
        exec setsid unshare --net --mount --propagation private --uts --pid --fork --kill-child --mount-proc \
            "$helpers/init" "$state" "$cache" "$net" "$name" </dev/null >>"$state/$name/log" 2>&1
    ) &
    echo $! >"$state/$name/pid"
    wait_for 10 first_process "$name" || die "$name did not start; see $state/$name/log"
}

machine_ready() {
    wait_for 60 ready_or_off "$1" || true
    holder "$1" >/dev/null || die "$1 ended at its start: $(tail -n 3 "$state/$1/log")"
    [[ -e $state/$1/ready ]] || die "$1 takes too long to start; see $state/$1"
}
ready_or_off() { [[ -e $state/$1/ready ]] || ! holder "$1"; }

# machines_off NAME…: as when the power is cut, nothing gets to say goodbye.
machines_off() {
    local pid name
    for name in "$@"; do ! pid=$(holder "$name") || kill -9 "$pid"; done
    for name in "$@"; do
        ! pid=$(holder "$name") || wait_for 30 gone "$pid" || die "$name (pid $pid) does not end"
        # The processes in the cgroups die after the first of their machine.
        wait_for 30 remove_cgroups "$name" || die "the cgroups of $name cannot be removed: $(cgroups "$name" | paste -sd ' ')"
        rm -f "$state/$name/pid"
    done
}
gone() { [[ ! -e /proc/$1 ]]; }

# A service of a machine: `init` starts it again whenever it ends, unless there is a file SERVICE.off.
service_off() {
    touch "$state/$1/$2.off"
    service_kill "$1" "$2"
}
service_on() { rm -f "$state/$1/$2.off"; }
service_kill() {
    local pid
    pid=$(cat "$state/$1/$2.pid" 2>/dev/null) || die "$2 of $1 did not start yet"
    inside "$1" bash -c "kill -9 $pid" || die "$2 of $1 does not run"
}
