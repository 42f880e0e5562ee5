#!/bin/sh
# A machine that reboots keeps its files and applies sysctl drop-ins. The pattern for tests of
# persistence: one disk, one script per boot.
# shellcheck source=SCRIPTDIR/boot.sh
. "$(dirname "$0")/boot.sh"

boot --state "$work/disk" - <<'END'
#!/bin/sh -e
mkdir -p /etc/sysctl.d /var/lib/epolltune
printf 'fs.file-max = 54321\nnet.core.somaxconn = 321\n' >/etc/sysctl.d/90-test.conf
printf 'net.core.somaxconn = 322\n' >/etc/sysctl.d/95-later.conf
echo kept >/var/lib/epolltune/file
echo 44444 >/proc/sys/fs/file-max
sysctl -n fs.file-max
cat /proc/sys/kernel/random/boot_id
END
[ "$status" -eq 0 ] || fail "first boot: exit status $status"
[ "$(head -n 1 "$work/out")" = 44444 ] || fail 'fs.file-max was not written'
first=$(tail -n 1 "$work/out")

# The second boot ends in a power cut, with one file flushed and a later one pending.
boot --state "$work/disk" - <<'END'
#!/bin/sh -e
cat /var/lib/epolltune/file /proc/sys/fs/file-max /proc/sys/net/core/somaxconn
cat /proc/sys/kernel/random/boot_id
echo flushed >/var/lib/epolltune/flushed
sync
echo pending >/var/lib/epolltune/pending
power_cut
END
[ "$status" -eq 125 ] || fail "second boot: exit status $status, not a power cut"
[ "$(head -n 3 "$work/out" | tr '\n' ' ')" = 'kept 54321 322 ' ] || fail 'the drop-ins are not in force'
[ "$(tail -n 1 "$work/out")" != "$first" ] || fail 'the boot id did not change'

boot --state "$work/disk" - <<'END'
#!/bin/sh
cat /var/lib/epolltune/flushed
[ ! -s /var/lib/epolltune/pending ] || echo 'nothing was cut'
END
[ "$status" -eq 0 ] || fail "third boot: exit status $status"
[ "$(cat "$work/out")" = flushed ] || fail 'no power cut, or the flushed file is lost'
