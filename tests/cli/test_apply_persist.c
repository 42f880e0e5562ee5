/* What apply, confirm and rollback write to the files of a boot, and what they leave there. */
#include "../support/apply.h"
#include "../support/support.h"

#include <string.h>

static void persists_and_removes_again(void **state)
{
	struct output o = inside(
		"-m --pid --fork --mount-proc", REPORT
		"boots\n"
		"F=/etc/sysctl.d/90-epolltune.conf\n"
		"echo net.core.somaxconn=77 >/etc/sysctl.d/99-other.conf\n"
		"somaxconn 16\n"
		"fast --persist; echo \"apply $?\"; cat $F; stat -c '%a %u' $F\n"
		"fast --persist; echo \"again $?\"\n"
		"rm /etc/sysctl.d/99-other.conf\n"
		"epolltune rollback --state-dir $S; echo \"rollback $?\"; ls -A /etc/sysctl.d | wc "
		"-l; somaxconn\n"
		/* without --persist, then with it */
		"fast | tail -n 1; ls -A /etc/sysctl.d | wc -l\n"
		"fast --persist; echo \"later $?\"; grep ^net $F\n"
		"epolltune rollback --state-dir $S >/dev/null; ls -A /etc/sysctl.d | wc -l; "
		"somaxconn\n"
		"epolltune rollback --state-dir $S >/dev/null; somaxconn\n"
		/* written by confirm */
		"fast --persist --confirm 60s >/dev/null; ls -A /etc/sysctl.d | wc -l\n"
		"epolltune confirm --state-dir $S; grep ^net $F\n"
		"epolltune rollback --state-dir $S; echo \"whole $?\"; ls -A /etc/sysctl.d | wc "
		"-l; somaxconn\n"
		"fast --confirm 60s >/dev/null; epolltune confirm --persist --state-dir $S; grep "
		"^net $F\n"
		"epolltune rollback --state-dir $S >/dev/null; ls -A /etc/sysctl.d | wc -l; "
		"somaxconn\n"
		/* first without it: the command that is printed works */
		"fast --confirm 60s >/dev/null; epolltune confirm --state-dir $S; "
		"epolltune confirm --persist --state-dir $S; grep ^net $F; echo \"kept $?\"\n"
		"epolltune rollback --state-dir $S >/dev/null\n"
		"mount -o remount,bind,ro /etc/sysctl.d || exit 77\n"
		"fast --persist; echo \"ro $?\"; somaxconn; epolltune history --state-dir $S\n");
	if (o.status == 77)
		skip_because("/etc/sysctl.d cannot be bound here");
	output_good(&o);
	text_has(
		o.out,
		"77 after a reboot, not 2048: /etc/sysctl.d/99-other.conf:1\n    overrides our line");
	text_has(o.out,
		 "at the next boot /etc/sysctl.d/99-other.conf:1 overrides our line: sets 77");
	text_has(o.out, "apply 1\n# Written by epolltune");
	text_has(o.out, "\nnet.core.somaxconn = 2048\n644 0\n");
	text_has(o.out, "the proposed values are in force; run epolltune check.\n\n"
			"Manual steps:\n");
	text_has(o.out, "again 1\n");
	text_has(o.out, "(file): line removed");
	text_has(o.out, "rollback 0\n0\n16\n");
	text_has(o.out, "2048 after a reboot, as now");
	text_has(o.out, "later 0\nnet.core.somaxconn = 2048\n0\n2048\n16\n");
	text_has(o.out, "whole 0\n0\n16\n");
	text_has(o.out,
		 "The values last until the next boot; the same command with --persist keeps "
		 "them.\n0\n");
	text_has(o.out, "is confirmed: the changes stay, also after a reboot.\n");
	text_has(o.out,
		 "is confirmed: the changes stay until the next boot. To keep them: epolltune "
		 "confirm --persist --state-dir /");
	text_has(o.out, "net.core.somaxconn = 2048\nkept 0\n");
	text_has(o.out, "ro 3\n16\n");
	text_has(o.errors, "Read-only file system");
	text_lacks(o.out, "unfinished");
	output_free(&o);
}

/* The lines could not be written: none is listed, and confirm --persist writes them later. */
static void lines_that_are_written_later(void **state)
{
	struct output o = inside(
		"-m --pid --fork --mount-proc", REPORT
		"boots\n"
		"mount -o remount,bind,ro /etc/sysctl.d || exit 77\n"
		"somaxconn 16; fast --confirm 600s >/dev/null\n"
		"epolltune confirm --persist --state-dir $S; echo \"failed $?\"\n"
		"epolltune history --state-dir $S | grep somaxconn\n"
		"mount -o remount,bind,rw /etc/sysctl.d || exit 77\n"
		"epolltune confirm --persist --state-dir $S; echo \"later $?\"\n"
		"grep -c '^net.core.somaxconn = 2048' /etc/sysctl.d/90-epolltune.conf\n"
		"epolltune history --state-dir $S | grep somaxconn\n"
		"sed -i 's/ = 2048/ = 3072/' /etc/sysctl.d/90-epolltune.conf; somaxconn 3072\n"
		"epolltune confirm --persist --state-dir $S; echo \"once $?\"\n"
		"grep -c '^net.core.somaxconn = 3072' /etc/sysctl.d/90-epolltune.conf\n"
		"sed -i 's/ = 3072/ = 2048/' /etc/sysctl.d/90-epolltune.conf; somaxconn 2048\n"
		"epolltune rollback --state-dir $S; echo \"back $? $(somaxconn)\"; ls -A /etc/sysctl.d\n");
	if (o.status == 77)
		skip_because("/etc/sysctl.d cannot be bound here");
	output_good(&o);
	text_has(o.errors, "run 1 is confirmed, but not persisted: cannot ");
	text_has(o.errors, "correct that and run: epolltune confirm --persist --state-dir /");
	text_has(o.out, "net.core.somaxconn (file): has its old value already\nfailed 2\n");
	text_has(o.out, " current net.core.somaxconn\n");
	text_has(o.out, "Run 1 was confirmed before; its lines are written now.\n");
	text_has(o.out, "later 0\n1\n");
	text_has(strstr(o.out, "later 0"), "net.core.somaxconn (and file)\n");
	text_has(o.out, "No run waits to be confirmed.\nonce 0\n1\n");
	text_has(o.out, "back 0 16\n");
	output_free(&o);
}

static void drift_is_reported(void **state)
{
	struct output o = inside(
		"-m --pid --fork --mount-proc", REPORT
		"boots\n"
		"drift() { echo \"== $1\"; epolltune check --probe drift; echo \"$1 $?\"; }\n"
		"F=/etc/sysctl.d/99-other.conf; somaxconn 2048\n"
		"drift none; echo net.core.somaxconn=512 >$F; drift lower\n"
		"unshare -n sh -c 'epolltune check --probe drift >/dev/null; echo \"other $?\"'\n"
		"fast --persist; echo \"persist $?\"; somaxconn\n"
		"fast --persist --except net.core.somaxconn | grep -c boot\n"
		"somaxconn 16; fast --persist >/dev/null; echo \"raised $?\"\n"
		"echo net.core.somaxconn=4096 >$F; drift higher\n"
		"echo net.core.somaxconn=2048 >$F; drift equal\n"
		"echo net.core.somaxconn=512 >/etc/sysctl.d/80-before.conf; drift last\n"
		"rm $F; echo net.core.somaxconn=65535 >/etc/sysctl.d/80-before.conf\n"
		"somaxconn 16; fast --persist >/dev/null; echo \"more $?\"; ls /etc/sysctl.d\n"
		"mv /etc/sysctl.d/80-before.conf $F; somaxconn 16; fast --persist; echo \"later $?\"\n");
	if (o.status == 77)
		skip_because("/etc/sysctl.d or /run cannot be mounted here");
	output_good(&o);
	text_has(o.out, "none 0\n");
	text_has(o.out, "net.core.somaxconn is 2048 now, and 512 after a reboot");
	text_has(o.out, "/etc/sysctl.d/99-other.conf:1 sets 512 at boot");
	text_has(o.out, "--only net.core.somaxconn --set net.core.somaxconn=512 --allow-lower");
	text_has(o.out, "Ready, but 1 warning: knob.drift");
	text_has(o.out, "lower 1\nother 0\n");
	text_has(o.out, "/etc/sysctl.d/99-other.conf:1 sets 512 at the next boot");
	text_has(o.out, "persist 1\n2048\n0\nraised 1\n");
	text_has(o.out, "higher 0\n");
	text_has(o.out, "equal 0\n");
	text_has(o.out, "more 0\n80-before.conf\n");
	text_has(o.out, "later 0\n");
	text_lacks(strstr(o.out, "== equal"), "drift: ");
	output_free(&o);
}

/* A longer time and a weaker reuse are worse. */
static void drift_to_a_worse_value_is_a_warning(void **state)
{
	struct output o =
		inside("-m --pid --fork --mount-proc",
		       "boots\n"
		       "drift() { echo $2 >/proc/sys/net/ipv4/$1\n"
		       "echo net.ipv4.$1=$3 >/etc/sysctl.d/99-x.conf\n"
		       "epolltune check --probe drift >/dev/null; echo \"$1 $3 $?\"; }\n"
		       "drift tcp_keepalive_time 280 7200; drift tcp_keepalive_time 7200 300\n"
		       "drift tcp_tw_reuse 1 2; drift tcp_tw_reuse 2 1\n");
	if (o.status == 77)
		skip_because("/etc/sysctl.d or /run cannot be mounted here");
	output_good(&o);
	assert_string_equal(o.out, "tcp_keepalive_time 7200 1\ntcp_keepalive_time 300 0\n"
				   "tcp_tw_reuse 2 1\ntcp_tw_reuse 1 0\n");
	output_free(&o);
}

/* Lines that others add to epolltune's file stay; rollback removes a file that has only its head
 * left. */
static void lines_of_others_are_kept(void **state)
{
	struct output o =
		inside("-m --pid --fork --mount-proc", REPORT
		       "boots\n"
		       "F=/etc/sysctl.d/90-epolltune.conf\n"
		       "try() { fast --persist >/dev/null; $1; epolltune rollback --state-dir $S "
		       ">/dev/null; echo \"$1 $?\"; grep -v epolltune $F; }\n"
		       "below() { echo 'vm.swappiness = 7' >>$F; }\n"
		       "again() { :; }\n"
		       "above() { sed -i '2a # mine' $F; }\n"
		       "cleared() { sed -i '/mine/d; /swappiness/d' $F; }\n"
		       "somaxconn 16\n"
		       "try below; try again; try above; try again; try cleared\n"
		       "ls -A /etc/sysctl.d | wc -l\n");
	if (o.status == 77)
		skip_because("/etc/sysctl.d cannot be bound here");
	output_good(&o);
	assert_string_equal(o.out, "below 0\nvm.swappiness = 7\nagain 0\nvm.swappiness = 7\n"
				   "above 0\n# mine\nvm.swappiness = 7\n"
				   "again 0\n# mine\nvm.swappiness = 7\ncleared 0\n0\n");
	output_free(&o);
}

/* Two boots and two runs: each rollback reverts its own run and says what the files will set. */
static void runs_and_files_of_two_boots(void **state)
{
	struct output o = inside(
		"-m --pid --fork --mount-proc", REPORT
		"boots\n"
		/* run 1, a reboot that resets it, run 2 which persists */
		"somaxconn 16; fast >/dev/null\n"
		"sed -i 's/\"boot\":\"[^\"]*\"/\"boot\":\"another\"/' $S/journal.jsonl\n"
		"somaxconn 16; fast --persist >/dev/null\n"
		"epolltune rollback 1 --state-dir $S; echo \"first $? $(somaxconn)\"\n"
		"epolltune rollback --state-dir $S >/dev/null; echo \"second $? $(somaxconn)\"\n"
		/* run 3 changes it, run 4 writes the line: a rollback of 3 warns of the line */
		"fast >/dev/null; fast --persist >/dev/null\n"
		"epolltune rollback 3 --state-dir $S; echo \"third $? $(somaxconn)\"\n"
		"epolltune rollback --state-dir $S >/dev/null; echo \"fourth $?\"\n"
		"ls -A /etc/sysctl.d | wc -l\n");
	if (o.status == 77)
		skip_because("/etc/sysctl.d cannot be bound here");
	output_good(&o);
	text_has(o.out, "a reboot has reset it\n"
			"Run 1 rolled back; none of its changes was in force.\nfirst 0 2048\n"
			"second 0 16\n");
	text_has(o.out, "sets 2048 again at");
	text_has(o.out, "To remove that line:\n    epolltune rollback 4 --state-dir /");
	text_has(o.out, "third 1 16\nfourth 0\n0\n");
	output_free(&o);
}

/* apply and confirm write files only in the network namespace of process 1. */
static void no_files_from_another_namespace(void **state)
{
	struct output o = inside("-m", REPORT
				 "boots\n"
				 "somaxconn 16; fast --persist --confirm 60s >/dev/null; echo "
				 "\"apply $? $(somaxconn)\"\n"
				 "fast --confirm 60s >/dev/null\n"
				 "epolltune confirm --persist --state-dir $S; echo \"files $?\"\n"
				 "ls -A /etc/sysctl.d | wc -l\n"
				 "epolltune confirm --state-dir $S; echo \"without $?\"\n");
	if (o.status == 77)
		skip_because("/etc/sysctl.d cannot be bound here");
	output_good(&o);
	text_has(o.out, "apply 2 16\n");
	text_has(o.out, "files 2\n0\n");
	text_has(o.out, "Run 1 is confirmed: the changes stay until the next boot.\nwithout 0\n");
	text_has(o.errors, "the network namespace of process 1 only, and this is another one");
	output_free(&o);
}

/* Nor in a container, whose files end with it; one that boots with systemd reads them. */
static void no_files_of_a_container(void **state)
{
	struct output o = inside(
		"-m --pid --fork --mount-proc", REPORT
		"mount --bind $B/sysctl.d /etc/sysctl.d && mount -t tmpfs none /run || exit "
		"77\n"
		"somaxconn 16; fast --persist >/dev/null; echo \"apply $? $(somaxconn)\"\n"
		"fast --confirm 60s >/dev/null\n"
		"epolltune confirm --persist --state-dir $S; echo \"files $?\"\n"
		"epolltune confirm --state-dir $S; ls -A /etc/sysctl.d | wc -l\n"
		/* the host's namespaces, but another root directory */
		"mkdir -p /run/systemd/system || exit 77\n"
		"mkdir $B/other && mount -t tmpfs none $B/other && cd $B/other && "
		"mkdir bin && for d in usr lib lib64 etc proc sys dev tmp run; do [ -e /$d ] || "
		"continue; mkdir $d; mount --rbind /$d $d; done || exit 77\n"
		"rmdir bin; ln -s usr/bin bin\n"
		"at=$(dirname \"$(readlink -f \"$(command -v epolltune)\")\"); mkdir -p .$at && mount --bind $at .$at || "
		"exit 77\n"
		"chroot . /bin/sh -c 'epolltune apply --state-dir $S --yes --no-proof --persist "
		"--only net.core.somaxconn --set net.core.somaxconn=3000'; echo \"chroot $?\"\n"
		"cd /; apply --yes --no-proof --persist --only net.core.somaxconn --set "
		"net.core.somaxconn=3000 >/dev/null; echo \"systemd $? $(ls -A "
		"/etc/sysctl.d)\"\n");
	if (o.status == 77)
		skip_because("directories cannot be mounted here");
	output_good(&o);
	text_has(o.out, "apply 2 16\n");
	text_has(o.out, "files 2\nRun 1 is confirmed: the changes stay until the next boot.\n0\n");
	text_has(o.out, "chroot 2\nsystemd 0 90-epolltune.conf\n");
	text_has(o.errors,
		 "--persist: this is a container, and its files do not apply at boot: use it on "
		 "the host, or set the values in the definition of the container");
	output_free(&o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(persists_and_removes_again),
		TEST(lines_that_are_written_later),
		TEST(drift_is_reported),
		TEST(drift_to_a_worse_value_is_a_warning),
		TEST(lines_of_others_are_kept),
		TEST(runs_and_files_of_two_boots),
		TEST(no_files_from_another_namespace),
		TEST(no_files_of_a_container),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
