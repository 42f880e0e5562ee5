/* The journal and its directory: damage, full disks, two commands at once, history. */
#include "../support/apply.h"
#include "../support/support.h"

#include <stdio.h>
#include <string.h>

static void two_at_once(void **state)
{
	struct output o = inside(
		"", REPORT "somaxconn 16\nfast >/dev/null\n"
			   "epolltune rollback --state-dir $S >/dev/null\n"
			   "flock --no-fork $S/lock sleep 60 &\n"
			   "within '! flock -n $S/lock true'\n"
			   "fast; echo \"apply $?\"; somaxconn\n"
			   "epolltune rollback --state-dir $S; echo \"rollback $?\"\n"
			   "epolltune history --state-dir $S >/dev/null; echo \"history $?\"\n"
			   "kill $!\n");
	text_has(o.out, "apply 2\n16\n");
	text_has(o.out, "rollback 2\nhistory 0\n");
	text_has(o.errors, "another epolltune is changing this host");
	output_free(&o);
}

static void broken_state_is_one_error(void **state)
{
	struct output o = inside(
		"", REPORT
		"somaxconn 16\n"
		"try() { fast >/dev/null; echo \"$1 $? $(somaxconn)\"; rm -rf $S; }\n"
		"mkdir $S; echo '{\"v\":7}' >$S/journal.jsonl; try version\n"
		"mkdir $S; head -c 3000 /dev/urandom | tr '\\n' x >$S/journal.jsonl; try garbage\n"
		"ln -s /tmp $S; try link\n"
		"mkdir $S; ln -s /etc/passwd $S/journal.jsonl; try filelink\n"
		"mkdir $S; chmod 777 $S; try mode\n"
		">$S; try file\n"
		"fast >/dev/null; truncate -s -5 $S/journal.jsonl\n"
		"epolltune rollback --state-dir $S; echo \"torn $?\"; somaxconn\n");
	output_good(&o);
	text_has(o.out,
		 "version 3 16\ngarbage 3 16\nlink 3 16\nfilelink 3 16\nmode 3 16\nfile 3 16\n");
	text_has(o.out, "torn 0\n16\n");
	text_has(o.errors, "has version 7");
	text_has(o.errors, "not a journal record");
	text_has(o.errors, "is a symbolic link");
	text_has(o.errors, "writable by others");
	text_has(o.errors, "was torn");
	size_t lines = 0;
	for (const char *at = o.errors; (at = strchr(at, '\n')); at++)
		lines++;
	assert_int_equal(lines, 7); /* one for each command */
	output_free(&o);
}

/* Values are restored without a record: nothing is missing, but the run is not closed. */
static void a_rollback_without_a_record(void **state)
{
	struct output o =
		inside("", REPORT ROOM
		       "somaxconn 16; fast >/dev/null\n"
		       "room 10 epolltune rollback --state-dir $S; echo \"full $? $(somaxconn)\"\n"
		       "room 10 epolltune rollback --format json --state-dir $S | grep outcome\n"
		       "epolltune rollback --state-dir $S; echo \"again $?\"\n");
	output_good(&o);
	text_has(o.out,
		 "All values of run 1 are restored, but not all is recorded. Retry: epolltune "
		 "rollback 1 --state-dir /");
	text_has(o.out, "full 2 16\n  \"outcome\": \"unfinished\",\n");
	text_has(o.out, "Run 1 rolled back; all values restored.\nagain 0\n");
	text_lacks(o.out, "except");
	output_free(&o);
}

/* A command to paste works from the directory of another login. */
static void a_relative_state_directory(void **state)
{
	struct output o = inside("", REPORT "somaxconn 16; cd $B; S=state\n"
					    "fast --confirm 600s; sh -c 'cd /; epolltune confirm "
					    "--state-dir '$B/state\n");
	char want[160];
	output_good(&o);
	snprintf(want, sizeof(want), "unless confirmed: epolltune confirm --state-dir %s/state\n",
		 base);
	text_has(o.out, want);
	text_has(o.out, "Run 1 is confirmed");
	output_free(&o);
}

/* File systems of one page, which is full. */
static void full_disks(void **state)
{
	struct output o = inside(
		"-m --pid --fork --mount-proc", REPORT
		"somaxconn 16\n"
		"mkdir $B/small && mount -t tmpfs -o size=4k none $B/small || exit 77\n"
		"head -c 10000 /dev/zero >$B/small/fill 2>/dev/null\n"
		"S=$B/small/state; fast >/dev/null; echo \"state $? $(somaxconn)\"\n"
		"umount $B/small; S=$B/state\n"
		"boots; mount -t tmpfs -o size=4k none /etc/sysctl.d || exit 77\n"
		"head -c 10000 /dev/zero >/etc/sysctl.d/fill 2>/dev/null\n"
		"fast --persist >/dev/null; echo \"files $? $(somaxconn) $(ls -A "
		"/etc/sysctl.d)\"\n"
		"fast >/dev/null; epolltune history --state-dir $S\n"
		/* a file size limit of this process */
		"ulimit -f 1; fast --set net.ipv4.tcp_fin_timeout=61 >/dev/null; echo \"limit "
		"$?\"\n"
		"epolltune rollback --state-dir $S >/dev/null; echo \"back $? $(somaxconn)\"\n");
	if (o.status == 77)
		skip_because("no file system of its own");
	output_good(&o);
	text_has(o.out, "state 2 16\n");
	text_has(o.out, "files 2 16 fill\n");
	text_has(o.errors, "/small/state/journal.jsonl: No space left on device\n");
	text_has(o.errors,
		 "run 1 was rolled back: cannot write /etc/sysctl.d/90-epolltune.conf: No space");
	text_lacks(o.out, "unfinished");
	text_has(o.out, "back ");
	text_has(o.out, " 16\n");
	output_free(&o);
}

/* Every command reports an unfinished run, and rollback finishes it. */
static void unfinished_runs_are_reported(void **state)
{
	struct output o = inside(
		"-m", REPORT "mkdir $B/lib && mount --bind $B/lib /var/lib || exit 77\n"
			     "epolltune rollback 3; echo \"absent $?\"; epolltune history\n"
			     "somaxconn 16; S=/var/lib/epolltune; fast >/dev/null\n"
			     "epolltune version >/dev/null\n"
			     "sed -i '/\"end\"/d' $S/journal.jsonl\n"
			     "epolltune version >/dev/null; epolltune list probes >/dev/null\n"
			     "fast --set net.core.somaxconn=3000 >/dev/null; echo \"apply $?\"\n"
			     "epolltune rollback; echo \"rollback $?\"; somaxconn\n"
			     "epolltune version >/dev/null\n");
	if (o.status == 77)
		skip_because("/var/lib cannot be bound here");
	output_good(&o);
	text_has(o.errors, "no run 3: there is no journal in /var/lib/epolltune\n");
	text_has(o.out, "absent 3\nNo runs in /var/lib/epolltune.\n");
	text_has(o.out, "apply 2\n");
	text_has(o.out, "rollback 0\n16\n");
	size_t notices = 0;
	for (const char *at = o.errors; (at = strstr(at, "run 1 is unfinished (interrupted)"));
	     at++)
		notices++;
	assert_int_equal(notices, 2);
	output_free(&o);
}

static void history_gives_each_change_a_line(void **state)
{
	struct output o =
		inside("", REPORT
		       "somaxconn 16\n"
		       "fast --set net.core.somaxconn=2000,net.ipv4.tcp_fin_timeout=70 >/dev/null\n"
		       "for l in C C.UTF-8; do LC_ALL=$l epolltune history --state-dir $S; done\n");
	output_good(&o);
	text_lacks(o.out, "\\x0a");
	size_t lines = 0;
	for (const char *at = o.out; *at; at++)
		lines += *at == '\n';
	assert_int_equal(lines, 2 * 3); /* the heading and two changes, in each locale */
	output_free(&o);
}

/* An unfinished run is rolled back before a newer one that is in force. */
static void the_unfinished_run_goes_first(void **state)
{
	struct output o = inside(
		"", REPORT
		"somaxconn 16; fast >/dev/null; fast --set net.ipv4.tcp_fin_timeout=70 >/dev/null\n"
		"epolltune rollback 1 --state-dir $S >/dev/null; somaxconn 2048\n"
		"head -n -2 $S/journal.jsonl >$B/cut; cat $B/cut >$S/journal.jsonl\n"
		"fast --set net.core.somaxconn=4000 >/dev/null; echo \"apply $?\"\n"
		"epolltune rollback --state-dir $S; echo \"rollback $?\"; somaxconn\n"
		"cat /proc/sys/net/ipv4/tcp_fin_timeout\n");
	output_good(&o);
	text_has(o.errors, "run 1 is unfinished: first run epolltune rollback 1 --state-dir ");
	text_has(o.out, "apply 2\n");
	text_has(o.out, "Run 1 rolled back; all values restored.\nrollback 0\n16\n70\n");
	output_free(&o);
}

/* A state directory whose name is too long for the watchdog is an error. */
static void a_state_directory_too_long(void **state)
{
	struct output o =
		inside("", REPORT
		       "d=$(printf '%0100d' 0); mkdir -p $B/$d/$d/$d && cd $B/$d/$d/$d\n"
		       "somaxconn 16; S=state; fast --confirm 2s >/dev/null; echo \"status $?\"\n"
		       "somaxconn\n");
	output_good(&o);
	text_has(o.out, "status 2\n16\n");
	text_has(o.errors, "the name of the state directory is too long");
	output_free(&o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(two_at_once),
		TEST(broken_state_is_one_error),
		TEST(a_rollback_without_a_record),
		TEST(a_relative_state_directory),
		TEST(full_disks),
		TEST(unfinished_runs_are_reported),
		TEST(history_gives_each_change_a_line),
		TEST(the_unfinished_run_goes_first),
		TEST(a_state_directory_too_long),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
