/* apply --confirm: the watchdog that rolls back, the countdown, and confirm. */
#include "../support/apply.h"
#include "../support/support.h"

#include <stdio.h>
#include <string.h>

static void confirm_in_time_or_not(void **state)
{
	struct output o = inside(
		"--pid --fork --mount-proc", REPORT
		"somaxconn 16\n"
		"fast --confirm 60s; echo \"apply $?\"; somaxconn\n"
		"fast --set net.core.somaxconn=3000 >/dev/null; echo \"other $?\"\n"
		"epolltune confirm --state-dir $S; echo \"confirm $?\"\n"
		"epolltune confirm --state-dir $S; echo \"again $?\"\n"
		"within '! pgrep -f epolltune-watch >/dev/null'; somaxconn\n"
		"epolltune rollback --state-dir $S >/dev/null; somaxconn\n"
		"fast --confirm 1s >/dev/null; echo \"brief $?\"; within '[ $(somaxconn) = 16 ]'\n"
		"within '! pgrep -f epolltune-watch >/dev/null'\n"
		"epolltune confirm --state-dir $S; echo \"late $?\"\n"
		"epolltune history --state-dir $S\n");
	output_good(&o);
	text_has(o.out, "apply 0\n2048\nother 2\n");
	text_has(o.out, "Run 1 is confirmed: the changes stay until the next boot.");
	text_has(o.out, "\nconfirm 0\n");
	text_has(o.out, "No run waits to be confirmed.\nagain 0\n2048\n16\nbrief 0\n");
	text_has(o.out, "late 2\n");
	text_has(o.errors, "run 1 waits for confirmation and will be rolled back in ");
	text_has(o.errors, "run 2 was already rolled back: not confirmed in time");
	output_free(&o);
}

/* The kernel ends the watchdog with process 1 of a container: that one waits for it. */
static void process_1_waits(void **state)
{
	struct output o = inside(
		"", REPORT
		"somaxconn 16\n"
		"first() { unshare --pid --fork --kill-child --mount-proc epolltune apply --yes "
		"--from $B/report.json --no-proof --state-dir $S \"$@\"; }\n"
		"first --confirm 1s; echo \"late $? $(somaxconn)\"\n"
		"first --confirm 1s --format json >/dev/null; echo \"document $? $(somaxconn)\"\n"
		"{ within '[ $(somaxconn) = 2048 ]'; within 'epolltune confirm --state-dir $S "
		"2>/dev/null | grep -q stay'; } &\n"
		"first --confirm 60s; echo \"confirmed $? $(somaxconn)\"; wait\n"
		"somaxconn 16; first --confirm 60s >$B/out & within '[ $(somaxconn) = 2048 ]'\n"
		"within 'grep -q Applied $B/out'\n"
		"kill -TERM $(pgrep -f \"^epolltune apply.* --state-dir $S --confirm 60s\\$\"); wait $!\n"
		"echo \"stopped $? $(somaxconn)\"; cat $B/out\n");
	output_good(&o);
	text_has(o.out,
		 "Run 1 rolled back, not confirmed in time; all values restored.\nlate 2 16\n");
	text_has(o.out, "document 2 16\n");
	text_has(o.out, "Confirmed: the changes stay until the next boot.");
	text_has(o.out, "\nconfirmed 0 2048\n");
	text_has(o.out, "stopped 2 16\n");
	text_has(o.out, "Run 4 rolled back, interrupted by SIGTERM; all values restored.\n");
	output_free(&o);
}

/* The watchdog survives the terminal, its session and the program. */
static void the_watchdog_survives(void **state)
{
	struct output o = inside(
		"--pid --fork --mount-proc", REPORT
		"somaxconn 16\n"
		"cat >$B/in-terminal <<'END'\n"
		"epolltune apply --state-dir $S --from $B/report.json --no-proof --yes --confirm "
		"4s\n"
		"END\n"
		"script -qc \"sh $B/in-terminal\" $B/typescript >/dev/null 2>&1 </dev/null & "
		"terminal=$!\n"
		"within \"grep -q '\\\"wait\\\"' $S/journal.jsonl 2>/dev/null\"; somaxconn\n"
		"kill -KILL $terminal; kill -HUP -- -$(pgrep -f in-terminal | head -1) "
		"2>/dev/null\n"
		"for p in $(pgrep -f in-terminal) $(pgrep -x epolltune); do kill -TERM $p; kill "
		"-KILL $p; done 2>/dev/null\n"
		"within '[ $(somaxconn) = 16 ]'; within '! pgrep -x epolltune-watch >/dev/null'\n"
		"somaxconn; grep -c '\"rollback\"' $S/journal.jsonl\n"
		"epolltune history 1 --state-dir $S\n");
	output_good(&o);
	text_has(o.out, "2048\n16\n1\n");
	text_has(o.out, "Run 1: reverted, not confirmed in time");
	output_free(&o);
}

/* A run that waits is named before anything is measured, also by a preview. */
static void a_pending_run_is_named(void **state)
{
	struct output o = inside(
		"", REPORT
		"somaxconn 16; fast --confirm 60s >/dev/null\n"
		"fast; echo \"again $?\"; fast --format json >$B/1.json\n"
		"grep -E 'outcome|reason' $B/1.json\n"
		"apply --yes; echo \"check $?\"\n"
		"echo ---- >&2; fast --dry-run; echo \"preview $?\"\n"
		"epolltune rollback --state-dir $S >/dev/null; fast >/dev/null; echo \"then $?\"\n");
	output_good(&o);
	assert_ptr_equal(strstr(o.out, "again 2\n"), o.out);
	text_has(o.out, "\"refused\"");
	text_has(o.out, "run 1 waits for confirmation and will be rolled back in ");
	text_has(o.out, "check 2\n");
	text_has(o.out, "preview 0\nthen 0\n");
	text_has(o.errors, " s: first run epolltune confirm --state-dir ");
	text_has(strstr(o.errors, "----"), "run 1 will be rolled back in ");
	output_free(&o);
}

static void counts_down_on_a_terminal(void **state)
{
	char shown[16384], command[512];
	struct output o = inside("", REPORT);
	output_good(&o);
	output_free(&o);
	snprintf(command, sizeof(command),
		 "%s sh -c 'echo 16 >/proc/sys/net/core/somaxconn; $PROGRAM apply --yes --confirm "
		 "3s "
		 "--state-dir %s/state --from %s/report.json --no-proof; echo \"status $?\"; cat "
		 "/proc/sys/net/core/somaxconn'",
		 enter, base, base);
	assert_int_equal(terminal_run(command, "", shown, sizeof(shown)), 0);
	text_has(shown, "will be rolled back in 3 s. Confirm with: epolltune confirm");
	/* A busy machine may skip a second. */
	if (!strstr(shown, "will be rolled back in 1 s"))
		text_has(shown, "will be rolled back in 2 s");
	text_has(shown, "Run 1 rolled back, not confirmed in time; all values restored.");
	text_has(shown, "status 2\r\n16\r\n");
}

/* A line that wraps cannot be replaced, and the window scrolls. */
static void the_count_down_fits_a_narrow_terminal(void **state)
{
	char shown[16384], command[512];
	size_t pieces = 0;
	struct output o = inside("", REPORT);
	output_good(&o);
	output_free(&o);
	snprintf(command, sizeof(command),
		 "stty cols 28; %s sh -c 'echo 16 >/proc/sys/net/core/somaxconn; $PROGRAM apply "
		 "--yes --confirm 2s --state-dir %s/state --from %s/report.json --no-proof'",
		 enter, base, base);
	assert_int_equal(terminal_run(command, "", shown, sizeof(shown)), 2);
	const char *whole = "Confirm with: epolltune confirm";
	char *once = strstr(shown, whole);
	assert_non_null(once);
	assert_null(strstr(once + 1, whole));
	for (char *at = strstr(once, "\r\033[K"); at; at = strstr(at + 1, "\r\033[K"), pieces++) {
		size_t length = strcspn(at + 1, "\r\n");
		/* The last one is followed by the outcome of the run. */
		if (strstr(at + 1, "\r\033[K") && length > strlen("\033[K") + 27)
			fail_msg("%zu bytes: %s", length, at);
	}
	assert_true(pieces > 2);
}

/* The watchdog rolls back even if the journal is lost. */
static void the_watchdog_without_a_journal(void **state)
{
	struct output o = inside("", REPORT "somaxconn 16\n"
					    "fast --confirm 1s >/dev/null; echo $?; rm -rf $S\n"
					    "within '[ $(somaxconn) = 16 ]'; somaxconn\n"
					    "fast --confirm 1s >/dev/null; echo $?\n"
					    "echo garbage >$S/journal.jsonl\n"
					    "within '[ $(somaxconn) = 16 ]'; somaxconn\n"
					    "rm -r $S; fast --confirm 1s >/dev/null; echo $?\n"
					    ": >$S/journal.jsonl\n"
					    "within '[ $(somaxconn) = 16 ]'; somaxconn\n");
	output_good(&o);
	assert_string_equal(o.out, "0\n16\n0\n16\n0\n16\n");
	output_free(&o);
}

/* The confirmation is recorded, the end is not: the run stays, and is completed later. */
static void a_confirmed_run_stays(void **state)
{
	struct output o = inside(
		"", REPORT ROOM
		"somaxconn 16; fast --confirm 600s >/dev/null\n"
		"room 90 epolltune confirm --state-dir $S; echo \"full $?\"\n"
		"tail -1 $S/journal.jsonl | grep -c '\"confirm\"'; cp -r $S $B/later\n"
		"epolltune history 1 --state-dir $S\n"
		"fast --set net.core.somaxconn=3000; echo \"apply $?\"\n"
		"epolltune confirm --state-dir $S; echo \"again $?\"\n"
		"epolltune confirm --state-dir $S; echo \"once $?\"\n"
		"fast --dry-run >/dev/null\n"
		/* at boot */
		"S=$B/later; epolltune rollback --pending --state-dir $S; echo \"pending $?\"\n"
		"epolltune rollback --pending --state-dir $S; echo \"once $?\"; somaxconn\n"
		"epolltune history --state-dir $S | grep -c applied\n"
		"sed -i '$d; s/\"boot\":\"[^\"]*\"/\"boot\":\"another\"/' $S/journal.jsonl\n"
		"epolltune confirm --persist --state-dir $S; echo \"rebooted $?\"\n");
	output_good(&o);
	text_has(o.errors, "run 1 is confirmed, but not completed: cannot write to /");
	text_has(o.errors, "correct that and run: epolltune confirm --state-dir /");
	text_has(o.errors,
		 "run 1 was confirmed, but not completed: first run epolltune confirm --state");
	text_lacks(o.errors, "unfinished");
	text_has(o.out, "full 2\n1\n");
	text_has(o.out, "complete it with: epolltune confirm --state-dir /");
	text_has(o.out, "apply 2\n"
			"Run 1 was confirmed before and is complete now.\nagain 0\n"
			"No run waits to be confirmed.\nonce 0\n"
			"Run 1 was confirmed: it stays.\nNothing to roll back.\npending 0\n"
			"Nothing to roll back.\nonce 0\n2048\n1\n");
	text_has(o.out,
		 "Run 1 was confirmed before a reboot and is complete now; what the reboot has "
		 "reset stays reset.\nrebooted 0\n");
	output_free(&o);
}

/* The lines that confirm writes are planned by it: so are the steps. */
static void confirm_has_its_steps(void **state)
{
	struct output o = inside("-m --pid --fork --mount-proc",
				 REPORT "boots\n"
					"somaxconn 16\n"
					"echo net.core.somaxconn=77 >/etc/sysctl.d/99-other.conf\n"
					"fast --persist --confirm 60s >/dev/null\n"
					"epolltune confirm --state-dir $S; echo \"status $?\"\n");
	if (o.status == 77)
		skip_because("/etc/sysctl.d or /run cannot be mounted here");
	output_good(&o);
	text_has(o.out, "Manual steps:\n  net.core.somaxconn  2048\n");
	text_has(o.out, "99-other.conf:1 overrides our line: sets 77");
	text_has(o.out,
		 "is confirmed: the changes stay; for the next boot see the manual steps.\n");
	text_has(o.out, "status 1\n");
	output_free(&o);
}

/* From another network namespace, rollback reverts and records nothing and leaves the watchdog
 * running; runs of that namespace can be rolled back. */
static void another_namespace_disarms_nothing(void **state)
{
	struct output o = inside(
		"", REPORT
		"somaxconn 16; fast --confirm 10s >/dev/null; cp $S/journal.jsonl $B/before\n"
		"unshare -n sh -c 'echo 20 >/proc/sys/net/core/somaxconn\n"
		"epolltune rollback --state-dir $S; echo \"there $?\"\n"
		"epolltune confirm --state-dir $S >/dev/null; echo \"confirm $?\"\n"
		"cmp $S/journal.jsonl $B/before && echo untouched\n"
		"epolltune apply --yes --from $B/report.json --no-proof --only net.core.somaxconn --set "
		"net.core.somaxconn=3000 --foreign --state-dir $S >/dev/null; echo \"own $?\"\n"
		"epolltune rollback --state-dir $S; echo \"back $?\"\n"
		"cat /proc/sys/net/core/somaxconn'\n"
		"somaxconn; within '[ $(somaxconn) = 16 ]'; somaxconn\n"
		/* an unfinished run stays unfinished */
		"fast >/dev/null; sed -i '$d' $S/journal.jsonl; cp $S/journal.jsonl $B/before\n"
		"unshare -n epolltune rollback --state-dir $S >/dev/null; echo \"cut $?\"\n"
		"cmp $S/journal.jsonl $B/before && echo untouched\n"
		"epolltune rollback --state-dir $S; somaxconn\n");
	output_good(&o);
	text_has(o.out, "there 1\nconfirm 2\nuntouched\nown 0\n");
	text_has(o.out, "Run 2 rolled back; all values restored.\nback 0\n20\n2048\n16\n");
	text_has(o.out, "cut 1\nuntouched\n");
	text_has(o.out, "Run 3 rolled back; all values restored.\n16\n");
	output_free(&o);
}

static void another_boot_is_not_confirmed(void **state)
{
	struct output o =
		inside("-m --pid --fork --mount-proc", REPORT
		       "boots\n"
		       "somaxconn 16; fast --confirm 60s >/dev/null; somaxconn 16\n"
		       "sed -i 's/\"boot\":\"[^\"]*\"/\"boot\":\"another\"/' $S/journal.jsonl\n"
		       "epolltune confirm --persist --state-dir $S; echo \"confirm $?\"\n"
		       "ls -A /etc/sysctl.d | wc -l; tail -1 $S/journal.jsonl | grep -c wait\n"
		       "epolltune rollback --state-dir $S; echo \"rollback $?\"\n");
	if (o.status == 77)
		skip_because("/etc/sysctl.d cannot be bound here");
	output_good(&o);
	text_has(o.errors, "run 1 was lost at a reboot before it was confirmed; close it with: "
			   "epolltune rollback 1 --state-dir /");
	text_has(o.out, "confirm 2\n0\n1\n");
	text_has(o.out, "rollback 0\n");
	output_free(&o);
}

/* It sees a decision though the journal is gone when it looks. */
static void the_watchdog_of_a_run_that_was_decided(void **state)
{
	struct output o =
		inside("--pid --fork --mount-proc",
		       REPORT "somaxconn 16; fast --confirm 600s >/dev/null\n"
			      "pkill -STOP -x epolltune-watch; epolltune confirm --state-dir $S\n"
			      "rm -r $S; pkill -CONT -x epolltune-watch\n"
			      "within '! pgrep -x epolltune-watch >/dev/null'; somaxconn\n");
	output_good(&o);
	text_has(o.out, "Run 1 is confirmed: the changes stay until the next boot.");
	text_has(o.out, "\n2048\n");
	output_free(&o);
}

/* The journal is replaced: the watchdog of the old run 1 ignores the new one and rolls back its
 * own. */
static void a_watchdog_knows_its_run(void **state)
{
	struct output o = inside(
		"", REPORT
		"was=$(cat /proc/sys/net/ipv4/tcp_fin_timeout); somaxconn 16\n"
		"fast --confirm 3s >/dev/null; mv $S $B/away; sleep 1\n"
		"apply --yes --from $B/report.json --no-proof --except net.core.somaxconn --confirm 60s "
		"--set net.ipv4.tcp_fin_timeout=71 >/dev/null; echo \"new $?\"\n"
		"within '[ $(somaxconn) = 16 ]'; somaxconn\n"
		"cat /proc/sys/net/ipv4/tcp_fin_timeout; grep -c rollback $S/journal.jsonl\n"
		"epolltune rollback --state-dir $S >/dev/null\n");
	output_good(&o);
	assert_string_equal(o.out, "new 0\n16\n71\n0\n");
	output_free(&o);
}

static void confirm_reports_failures_as_json(void **state)
{
	struct output o = inside(
		"-m --pid --fork --mount-proc", REPORT
		"boots; mount -t tmpfs -o size=4k none /etc/sysctl.d || exit 77\n"
		"somaxconn 16; fast --confirm 60s >/dev/null\n"
		"head -c 10000 /dev/zero >/etc/sysctl.d/fill 2>/dev/null\n"
		"epolltune confirm --persist --format json --state-dir $S >$B/1.json; echo $?\n"
		"grep -E 'changed|outcome|\"run\"' $B/1.json; grep -c No.space $B/1.json; "
		"somaxconn\n");
	if (o.status == 77)
		skip_because("no file system of its own");
	output_good(&o);
	assert_string_equal(o.out, "2\n  \"changed\": true,\n  \"outcome\": \"applied\",\n"
				   "  \"run\": 1,\n1\n2048\n");
	output_free(&o);
}

/* The count-down ends by a rollback, or with a killed watchdog. */
static void counts_down_to_other_ends(void **state)
{
	char shown[16384], command[1024];
	struct output o = inside("", REPORT);
	output_good(&o);
	output_free(&o);
	snprintf(command, sizeof(command),
		 "%s sh -c 'echo 16 >/proc/sys/net/core/somaxconn; (until grep -q wait "
		 "%s/state/journal.jsonl 2>/dev/null; do sleep 0.1; done; $PROGRAM rollback "
		 "--state-dir %s/state) >/dev/null 2>&1 & $PROGRAM apply --yes --confirm 60s "
		 "--state-dir %s/state --from %s/report.json --no-proof; echo \"status $?\"'",
		 enter, base, base, base, base);
	assert_int_equal(terminal_run(command, "", shown, sizeof(shown)), 0);
	text_has(shown, "Run 1 rolled back, by epolltune rollback; all values restored.");
	text_has(shown, "status 2\r\n");
	snprintf(
		command, sizeof(command),
		"%s --pid --fork --mount-proc sh -c 'echo 16 >/proc/sys/net/core/somaxconn; "
		"(until pgrep -x epolltune-watch && grep -q wait %s/other/journal.jsonl; do sleep "
		"0.1; done; sleep 0.5; pkill -KILL -x epolltune-watch) >/dev/null 2>&1 & $PROGRAM "
		"apply --yes --confirm 600s --state-dir %s/other --from %s/report.json --no-proof; "
		"echo \"status $?\"; cat /proc/sys/net/core/somaxconn; for c in history \"history "
		"1\"; do $PROGRAM $c --state-dir %s/other; done; "
		/* then as after the deadline */
		"sed -i \"s/\\(deadline_ms.:\\)[0-9]*/\\11/\" %s/other/journal.jsonl; "
		"for c in history confirm history; do $PROGRAM $c --state-dir %s/other; done'",
		enter, base, base, base, base, base, base);
	assert_int_equal(terminal_run(command, "", shown, sizeof(shown)), 0);
	text_has(shown,
		 "is not confirmed and its rollback watchdog has exited; confirm with: epolltune "
		 "confirm");
	text_has(shown, "status 2\r\n2048\r\n");
	text_has(shown, " waiting, but not watched ");
	text_has(shown,
		 "Run 1: waiting, but not watched\r\n  the rollback watchdog has exited; roll back "
		 "with: epolltune rollback 1");
	text_lacks(shown, "s left");
	text_has(shown, " not confirmed in time ");
	text_has(shown,
		 "Run 1 is confirmed, after its deadline: the changes stay until the next boot.");
	text_has(shown, " applied ");
	/* as after a rollback that could not be recorded */
	snprintf(
		command, sizeof(command),
		"%s --pid --fork --mount-proc sh -c 'echo 16 >/proc/sys/net/core/somaxconn; "
		"(until pgrep -x epolltune-watch && grep -q wait %s/third/journal.jsonl; do sleep "
		"0.1; done; echo 16 >/proc/sys/net/core/somaxconn; pkill -KILL -x epolltune-watch) "
		">/dev/null 2>&1 & $PROGRAM apply --yes --confirm 600s --state-dir %s/third --from "
		"%s/report.json --no-proof; echo \"status $?\"'",
		enter, base, base, base);
	assert_int_equal(terminal_run(command, "", shown, sizeof(shown)), 0);
	text_has(shown, "run 1 was rolled back, but that was not recorded; close it with: "
			"epolltune rollback 1");
	text_lacks(shown, "confirm with");
	text_has(shown, "status 2\r\n");
}

/* The watchdog restores the values, but cannot write the journal. */
static void a_rollback_without_a_record(void **state)
{
	struct output o = inside(
		"-m --pid --fork --mount-proc", REPORT
		"boots; somaxconn 16\n"
		/* stopped before it has rolled back */
		"until fast --confirm 3s >/dev/null && pkill -STOP -x epolltune-watch && "
		"[ $(somaxconn) = 2048 ]; do pkill -CONT -x epolltune-watch\n"
		"within '! pgrep -x epolltune-watch >/dev/null'; done\n"
		"mount --bind $S $S && mount -o remount,bind,ro $S || exit 77\n"
		"pkill -CONT -x epolltune-watch; within '! pgrep -x epolltune-watch >/dev/null'\n"
		"somaxconn; umount $S\n"
		"epolltune confirm --state-dir $S; echo \"confirm $?\"\n"
		"epolltune confirm --persist --state-dir $S; echo \"persist $?\"\n"
		"ls -A /etc/sysctl.d | wc -l; tail -1 $S/journal.jsonl | grep -c '\"wait\"'\n"
		"epolltune confirm --format json --state-dir $S 2>/dev/null >$B/1.json\n"
		"grep -E 'outcome|manual' $B/1.json; echo ---- >&2; fast; echo \"apply $?\"\n"
		"epolltune rollback --state-dir $S; echo \"rollback $?\"\n");
	if (o.status == 77)
		skip_because("no mounts of its own");
	output_good(&o);
	text_has(o.out, "16\nconfirm 2\npersist 2\n0\n1\n");
	text_has(o.out, "\"outcome\": \"refused\",\n");
	text_has(o.out, "\"manual\": [],\napply 2\n");
	text_has(o.out, "rolled back; all values restored.\nrollback 0\n");
	text_has(o.errors, "was rolled back, but that was not recorded; close it with: epolltune "
			   "rollback ");
	text_has(strstr(o.errors, "----"), "was rolled back, but that was not recorded");
	output_free(&o);
}

/* While the run waits, another program changes one value, then both. */
static void what_is_not_in_force_is_not_confirmed(void **state)
{
	struct output o = inside(
		"-m --pid --fork --mount-proc", REPORT
		"boots; somaxconn 16; fin=/proc/sys/net/ipv4/tcp_fin_timeout\n"
		"both() { fast --confirm 600s --set net.ipv4.tcp_fin_timeout=71 >/dev/null; }\n"
		"both; somaxconn 4096\n"
		"epolltune confirm --persist --state-dir $S; echo \"one $?\"\n"
		"cat $fin; grep -h ^net /etc/sysctl.d/*; tail -1 $S/journal.jsonl | grep -c end\n"
		"epolltune rollback --force --state-dir $S >/dev/null; cat $fin\n"
		"both; somaxconn 4096; echo 99 >$fin; epolltune confirm --state-dir $S\n"
		"echo \"none $?\"; tail -1 $S/journal.jsonl | grep -c wait\n"
		"somaxconn 16; epolltune confirm --persist --state-dir $S; echo \"both $?\"\n"
		"grep -h ^net /etc/sysctl.d/*; tail -1 $S/journal.jsonl | grep -c wait\n"
		"epolltune rollback --state-dir $S >/dev/null; echo \"rollback $?\"\n");
	if (o.status == 77)
		skip_because("/etc/sysctl.d or /run cannot be mounted here");
	output_good(&o);
	text_has(o.out, "Run 1 is confirmed, except for the values below: the changes stay; ");
	text_has(o.out, "Manual steps:\n  net.core.somaxconn  4096 → 2048\n"
			"    net.core.somaxconn is 4096, run 1 set 2048\n"
			"    To set it again:\n"
			"      epolltune apply --only net.core.somaxconn "
			"--set net.core.somaxconn=2048 --allow-lower");
	text_has(o.out, "one 1\n71\nnet.ipv4.tcp_fin_timeout = 71\n1\n60\n");
	text_has(o.errors, "run 2 is not in force: net.core.somaxconn is 4096, run 2 set 2048; "
			   "net.ipv4.tcp_fin_timeout is 99, run 2 set 71; close it with: epolltune "
			   "rollback 2 --state-dir ");
	text_has(o.out, "none 2\n1\nboth 2\n1\nrollback 1\n");
	output_free(&o);
}

/* A watchdog that is late has not decided otherwise. */
static void the_watchdog_rolls_back_after_its_deadline(void **state)
{
	struct output o =
		inside("--pid --fork --mount-proc", REPORT
		       "somaxconn 16; fast --confirm 600s >/dev/null\n"
		       "pkill -STOP -x epolltune-watch\n"
		       "sed -i 's/\\(deadline_ms.:\\)[0-9]*/\\11/' $S/journal.jsonl\n"
		       "epolltune confirm --state-dir $S; echo \"confirm $?\"\n"
		       "pkill -KILL -x epolltune-watch; epolltune rollback --state-dir $S\n");
	output_good(&o);
	text_has(o.errors, "too late: the rollback watchdog of run 1 is rolling it back");
	text_has(o.out, "confirm 2\n");
	output_free(&o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(confirm_in_time_or_not),
		TEST(process_1_waits),
		TEST(the_watchdog_survives),
		TEST(a_pending_run_is_named),
		TEST(counts_down_on_a_terminal),
		TEST(the_count_down_fits_a_narrow_terminal),
		TEST(the_watchdog_without_a_journal),
		TEST(a_confirmed_run_stays),
		TEST(confirm_has_its_steps),
		TEST(another_namespace_disarms_nothing),
		TEST(another_boot_is_not_confirmed),
		TEST(the_watchdog_of_a_run_that_was_decided),
		TEST(a_watchdog_knows_its_run),
		TEST(a_rollback_without_a_record),
		TEST(what_is_not_in_force_is_not_confirmed),
		TEST(the_watchdog_rolls_back_after_its_deadline),
		TEST(confirm_reports_failures_as_json),
		TEST(counts_down_to_other_ends),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
