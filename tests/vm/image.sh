# Builds the kernel and initramfs of a disposable machine; sourced by tests/vm/machine.
#
# The initramfs is three concatenated archives: modules (cached by kernel), tools (cached by a
# hash of their sources) and the files of one run. The cache is build/vm/.
# shellcheck shell=bash disable=SC2034

image_cache=${EPOLLTUNE_VM_CACHE:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)/build/vm}
image_guest=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)/guest

# Copied with their dependencies.
image_module_names='virtio_pci virtio_console virtio_blk virtio_net e1000e ext4 crc32c_generic
	veth tun dummy ifb bridge tcp_diag udp_diag unix_diag inet_diag sch_netem sch_fq sch_fq_codel
	sch_mqprio sch_ingress cls_u32 act_mirred tcp_bbr nf_conntrack'
image_tool_names='bash ip tc ethtool sysctl setpriv unshare nsenter prlimit flock
	strace'

# Some of these tools are in /sbin, which an ordinary user may not have in PATH.
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin

image_have() { command -v "$1" >/dev/null; }

# Skips with the reason: no machine is available here.
image_unavailable() {
	echo "machine: skipped: $1" >&2
	exit 77
}

# Packs a directory uncompressed: TCG copies faster than it inflates.
image_pack() { # DIRECTORY FILE
	(cd "$1" && find . -print0 | LC_ALL=C sort -z | cpio --quiet -0 -o -H newc -R 0:0) >"$2"
}

# Copies a file or directory, with the libraries of an executable, into a tree in which /bin, /sbin,
# /lib and /lib64 are links into /usr.
image_put() { # ROOT SRC DEST
	local root=$1 src=$2 dest=$3 library
	[[ -e $src ]] || { echo "machine: $src: no such file" >&2; exit 64; }
	mkdir -p "$root$(dirname "$dest")"
	cp -rL "$src" "$root$dest"
	[[ -f $src && -x $src ]] || return 0
	while read -r library; do
		dest=$library
		[[ $dest == /usr/* ]] || dest=/usr$dest
		mkdir -p "$root$(dirname "$dest")"
		[[ -e $root$dest ]] || cp -L "$library" "$root$dest"
	done < <(ldd "$src" 2>/dev/null | grep -o '/[^ ]*' | sort -u)
}

# Kernel of the option --kernel, and the release of Debian whose it is.
image_releases='5.10 bullseye
6.1 bookworm
6.12 trixie
newest sid'
image_keys=/usr/share/keyrings/debian-archive-keyring.gpg

image_kernel_known() { grep -q "^${1//./\\.} " <<<"$image_releases"; } # KERNEL

# Sets image_linux and image_modules, and fetches the packages when the cache lacks them.
image_kernel() { # KERNEL FLAVOUR
	local meta=linux-image-amd64 dir=$image_cache/$1-$2
	[[ $2 != cloud ]] || meta=linux-image-cloud-amd64
	image_linux=$dir/vmlinuz image_modules=$dir/modules.cpio
	exec 9>"$dir.lock"
	flock 9
	[[ -s $image_modules ]] || image_fetch_kernel "$1" "$meta" "$dir"
	exec 9>&-
}

image_fetch_kernel() { # KERNEL META-PACKAGE DIRECTORY
	local dir=$3 name modules root deb
	for name in apt-get:apt dpkg-deb:dpkg xz:xz-utils zstd:zstd; do
		image_have "${name%%:*}" ||
			image_unavailable "fetching a Debian kernel needs ${name%%:*}; apt-get install ${name#*:}"
	done
	[[ -r $image_keys ]] ||
		image_unavailable "fetching a Debian kernel needs $image_keys; apt-get install debian-archive-keyring"
	rm -rf "$dir" "$dir.new"
	mkdir -p "$dir.new/deb" "$dir.new/lists/partial"
	image_download "$(sed -n "s/^${1//./\\.} //p" <<<"$image_releases")" "$2" "$dir.new" ||
		image_unavailable "apt-get cannot fetch the kernel $1"
	for deb in "$dir.new"/deb/*.deb; do
		dpkg-deb -x "$deb" "$dir.new/all"
	done
	modules=$(find "$dir.new/all" -path '*/lib/modules/*' -prune -print -quit)
	echo "machine: unpacking Linux ${modules##*/} under build/vm" >&2
	root=$dir.new/root/usr/lib/modules/${modules##*/}
	mkdir -p "$root"
	cp "$modules"/modules.{builtin,builtin.modinfo,order} "$root"
	# shellcheck disable=SC2086
	for name in $image_module_names; do
		image_module "$modules" "$root" "$name"
	done
	busybox depmod -b "$dir.new/root/usr" "${modules##*/}"
	image_pack "$dir.new/root" "$dir.new/modules.cpio"
	mv "$(find "$dir.new/all" -name 'vmlinuz*' -print -quit)" "$dir.new/vmlinuz"
	rm -rf "$dir.new/all" "$dir.new/root" "$dir.new/deb" "$dir.new/lists" "$dir.new/sources" "$dir.new/status"
	mv "$dir.new" "$dir"
}

# Downloads the kernel of a release, which may be split over packages, into DIRECTORY/deb. With sources and
# lists of its own, as the host may be of another release; apt verifies the signature of the release.
image_download() { # RELEASE META-PACKAGE DIRECTORY
	local mirror=${EPOLLTUNE_MIRROR:-http://deb.debian.org/debian} package packages
	local options=(-qq -o Dir::Etc::sourcelist="$3/sources" -o Dir::Etc::sourceparts=/dev/null
		-o Dir::State::lists="$3/lists" -o Dir::State::status="$3/status" -o Dir::Cache::pkgcache=
		-o Dir::Cache::srcpkgcache= -o APT::Architecture=amd64 -o APT::Sandbox::User= -o Acquire::Languages=none)
	echo "deb [signed-by=$image_keys] $mirror $1 main" >"$3/sources"
	: >"$3/status"
	apt-get "${options[@]}" update >&2 || return 1
	package=$(image_depends "$2" 'linux-image-[0-9]')
	[[ $package ]] || return 1
	mapfile -t packages < <(image_depends "$package" 'linux-(base|binary|modules)-[0-9]')
	(cd "$3/deb" && apt-get "${options[@]}" download "$package" "${packages[@]}" >&2)
}

# Prints those packages on which another depends whose names match; to image_download.
image_depends() { # PACKAGE PATTERN
	apt-cache "${options[@]}" depends "$1" | awk -v pattern="^$2" '$1 == "Depends:" && $2 ~ pattern { print $2 }'
}

# Sets image_udev: systemd-udevd with Debian's rules and .link files for network cards. Unpacked, not
# installed: installing would start it on the host.
image_udev() {
	image_udev=$image_cache/udev
	exec 9>"$image_cache/udev.lock"
	flock 9
	if [[ ! -x $image_udev/bin/udevadm ]]; then
		rm -rf "$image_udev" "$image_udev.new"
		mkdir -p "$image_udev.new/deb"
		(cd "$image_udev.new/deb" &&
			apt-get -qq -o APT::Sandbox::User= download udev libkmod2 >&2) ||
			image_unavailable 'apt-get cannot fetch udev'
		for deb in "$image_udev.new"/deb/*.deb; do
			dpkg-deb -x "$deb" "$image_udev.new"
		done
		rm -rf "$image_udev.new/deb"
		# image_put copies the libraries of executable files only.
		find "$image_udev.new" -name 'libkmod.so.2*' -type f -exec chmod +x {} +
		mv "$image_udev.new" "$image_udev"
	fi
	exec 9>&-
}

# Copies udev into a tree, with the two rules for network cards.
image_put_udev() { # ROOT
	local rule library
	library=$(cd "$image_udev" && find . -name libkmod.so.2 -print -quit)
	image_put "$1" "$image_udev/$library" "/usr/lib/${library#*/lib/}"
	image_put "$1" "$image_udev/bin/udevadm" /usr/bin/udevadm
	image_put "$1" "$image_udev/bin/udevadm" /usr/lib/systemd/systemd-udevd
	image_put "$1" "$image_udev/lib/systemd/network" /usr/lib/systemd/network
	for rule in 75-net-description 80-net-setup-link; do
		image_put "$1" "$image_udev/lib/udev/rules.d/$rule.rules" "/usr/lib/udev/rules.d/$rule.rules"
	done
}

# Copies one module, decompressed, and its dependencies; nothing where the kernel has it built in.
image_module() { # FROM TO NAME
	local from=$1 to=$2 path copy depends
	path=$(cd "$from" && find . -name "$3.ko*" -o -name "${3//_/-}.ko*" | head -n 1)
	copy=$to/${path%.ko*}.ko
	[[ $path && ! -e $copy ]] || return 0
	mkdir -p "${copy%/*}"
	case $path in
	*.xz) xz -dc "$from/$path" ;;
	*.zst) zstd -qdc "$from/$path" ;;
	*) cat "$from/$path" ;;
	esac >"$copy"
	depends=$(tr '\0' '\n' <"$copy" | sed -n 's/^depends=//p')
	for depends in ${depends//,/ }; do
		image_module "$from" "$to" "$depends"
	done
}

# Sets image_tools: busybox, the guest's scripts and other tools; with STATE also systemd-sysctl, with
# which Debian applies /etc/sysctl.d.
image_tools() { # WORK STATE
	local root=$1/tools names=() name key
	for name in $image_tool_names; do
		! image_have "$name" || names+=("$(command -v "$name")")
	done
	[[ -z $2 || ! -x /usr/lib/systemd/systemd-sysctl ]] || names+=(/usr/lib/systemd/systemd-sysctl)
	key=$(stat -L -c '%n %s %Y' "$(command -v busybox)" "$(command -v sh)" "${names[@]}" |
		sha256sum - "${BASH_SOURCE[0]}" "$image_guest"/* | sha256sum | cut -c 1-16)
	image_tools=$image_cache/tools-$key.cpio
	[[ ! -s $image_tools ]] || return 0
	mkdir -p "$root"/{dev,proc,sys,run,tmp,root,state,etc,var/lib,home/user,usr/{bin,sbin,lib,lib64}}
	for name in bin sbin lib lib64; do
		ln -s "usr/$name" "$root/$name"
	done
	image_put "$root" "$(command -v busybox)" /usr/bin/busybox
	# Not busybox's shell: it prefers its own ip, tc and sysctl to those in PATH.
	image_put "$root" "$(command -v sh)" /usr/bin/sh
	for name in "${names[@]}"; do
		case $name in
		*/systemd-sysctl) image_put "$root" "$name" /usr/lib/systemd/systemd-sysctl ;;
		*) image_put "$root" "$name" "/usr/bin/${name##*/}" ;;
		esac
	done
	cp "$image_guest/init" "$root/init"
	cp "$image_guest"/{as_user,power_cut} "$root/usr/bin"
	cp "$image_guest/modprobe" "$root/usr/sbin"
	chmod 755 "$root/init" "$root"/usr/{s,}bin/*
	printf 'root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000:user:/home/user:/bin/sh\n' >"$root/etc/passwd"
	printf 'root:x:0:\nuser:x:1000:\n' >"$root/etc/group"
	echo machine >"$root/etc/hostname"
	image_pack "$root" "$1/tools.cpio"
	mv "$1/tools.cpio" "$image_tools"
}

# Makes an empty, sparse ext4 disk with a journal.
image_disk() { # FILE
	image_have mkfs.ext4 || image_unavailable 'no mkfs.ext4 here; apt-get install e2fsprogs'
	truncate -s 64M "$1.new"
	mkfs.ext4 -q -F "$1.new"
	mv "$1.new" "$1"
}
