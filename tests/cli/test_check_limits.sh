#!/bin/sh
# The lab works with low limits, few ports and in nested namespaces, or check names what stopped it.
# shellcheck source=SCRIPTDIR/../lib.sh
. "$(dirname "$0")/../lib.sh"

net=/proc/sys/net
check='epolltune check --format json --connections 10 --rate 10 --rtt 20ms --bandwidth 1mbit'
ready='all(.findings[]; .id != "probe.failed" and .id != "lab.refused" and .id != "lab.uncopied")'
measured() { echo "wall(\"$1\") | .method == \"measured\" and .verdict == \"ok\""; } # WALL

test_few_descriptors_suffice() {
	needs_tun
	in_namespace
	ulimit -n 48
	expect any $check --probe descriptors,accept-queue,syn-queue,buffers,ports,readiness
	json "$ready" "$(measured descriptors.process)" "$(measured buffers.send)" 'wall("accept-queue").experiment == "done"'
}

test_too_few_descriptors_are_named() {
	in_namespace
	ulimit -n 16
	expect any $check --probe accept-queue
	json 'wall("accept-queue") | .method == "derived" and (.reason | contains("RLIMIT_NOFILE is 16"))'
}

test_too_little_address_space_is_named() {
	needs_tun
	in_namespace
	! sanitized || exit 0
	ulimit -v 200000
	named='wall("syn-queue") | .method == "measured" or (.reason | contains("Cannot allocate memory"))'
	expect_known "$named" any $check --probe syn-queue
	json "$named"
}

test_a_limit_on_files_stops_only_output_to_a_file() {
	(ulimit -f 0 && epolltune check --quick --probe myths) 2>err | cat >piped
	quiet
	contains piped Ready
	{ sh -c 'ulimit -f 0; exec epolltune check --quick --probe myths' >file; } 2>&1 | cat >said || true
	contains said 'cannot write the report: File too large'
}

test_too_few_processes_are_named() {
	[ "$(id -u)" -eq 0 ] || skip 'root only: others have processes already'
	in_namespace -n
	chmod 755 "$work" "$work/.."
	install -m 755 "$PROGRAM" copy
	expect any setpriv --reuid 54321 --regid 54321 --clear-groups prlimit --nproc=2 ./copy check --format json --probe accept-queue
	json '.summary.answer | contains("limit on processes is reached (ulimit -u")'
}

one_port() { # LOW HIGH
	in_namespace
	echo "$1" "$2" >$net/ipv4/ip_local_port_range
	expect any epolltune check --format json --connections 1 --rate 1 --rtt 20ms --bandwidth 1mbit --probe ports,buffers,readiness
	json "$ready" "wall(\"ports.ephemeral\").measured == $2 - $1 + 1"
	"${3:-:}"
}
buffers_are_measured() { json "$(measured buffers.receive)" "$(measured buffers.send)"; }
test_a_range_of_one_port_suffices() { needs_tun && one_port 40000 40000 buffers_are_measured; }
test_a_range_of_two_ports_suffices() { needs_tun && one_port 40000 40001 buffers_are_measured; }

test_a_lab_opens_in_nested_namespaces() {
	in_namespace
	expect 0 unshare -Urnm unshare -Urn $check --probe accept-queue
	json "$(measured accept-queue)"
}

test_a_missing_proc_is_named() {
	! sanitized || exit 0
	[ "$(id -u)" -eq 0 ] || skip 'root only: others may not unmount it'
	in_namespace -nm
	umount -l /proc
	expect 3 $check --probe accept-queue
	mount -t proc proc /proc 2>/dev/null || true
	json 'wall("accept-queue").reason // finding("lab.refused").detail | contains("/proc is not mounted")'
}

test_a_missing_sys_is_no_matter() {
	! sanitized || exit 0
	[ "$(id -u)" -eq 0 ] || skip 'root only: others may not unmount it'
	in_namespace -nm
	umount -l /sys
	expect 0 $check --probe accept-queue
	json "$(measured accept-queue)"
}

run_tests "$@"
