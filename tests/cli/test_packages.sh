#!/bin/sh
# What a build needs and lacks is named in one line, with the command of the distribution.
. "$(dirname "$0")/../lib.sh"

# shellcheck disable=SC2016 # the script expands it
# A pkg-config that knows all but these.
lacking() { # NAME…
	printf '#!/bin/sh\nfor i in %s; do [ "$2" != $i ] || exit 1; done\n' "$*" >pkg-config
	chmod +x pkg-config
}

missing() { # ID [ID_LIKE]: of a distribution
	printf 'ID=%s\nID_LIKE="%s"\n' "$1" "${2-}" >os-release
	expect 1 env OS_RELEASE="$PWD/os-release" PKG_CONFIG=./pkg-config CC=sh "$root/src/share/packaging/packages"
}

test_each_distribution_gets_its_command() {
	lacking libnl-3.0 libnl-route-3.0 smartcols
	missing debian
	refused 'missing to build: libnl-3.0 libnl-route-3.0 smartcols; as root, run: apt-get install libnl-3-dev libnl-route-3-dev libsmartcols-dev'
	missing linuxmint 'ubuntu debian'
	refused 'apt-get install libnl-3-dev libnl-route-3-dev libsmartcols-dev'
	missing fedora
	refused 'run: dnf install libnl3-devel libsmartcols-devel'
	missing rocky 'rhel centos fedora'
	refused 'dnf install libnl3-devel libsmartcols-devel'
	missing alpine
	refused 'run: apk add libnl3-dev util-linux-dev'
	missing arch
	refused 'run: pacman -S libnl util-linux-libs'
	missing other
	refused 'smartcols; install these and their headers'
}

test_nothing_is_said_where_nothing_is_missing() {
	lacking
	expect 0 env PKG_CONFIG=./pkg-config CC=sh "$root/src/share/packaging/packages"
	quiet
}

test_a_missing_compiler_is_named() {
	lacking
	expect 1 env PKG_CONFIG=./pkg-config CC=no-such-compiler OS_RELEASE=/dev/null "$root/src/share/packaging/packages"
	refused 'missing to build: cc;'
}

run_tests "$@"
