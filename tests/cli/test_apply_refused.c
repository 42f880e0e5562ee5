/* apply: what it refuses, leaves to the administrator or says that it cannot do, in one line. */
#include "../support/apply.h"
#include "../support/support.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* An ordinary user: the caller, or root without privileges in a namespace of root. */
static void without_privilege(void **state)
{
	char path[96];
	bool root = geteuid() == 0;
	snprintf(path, sizeof(path), "%s/script", base);
	FILE *out = fopen(path, "w");
	assert_non_null(out);
	fprintf(out,
		"B=%s S=%s/state PATH=%s:$PATH LC_ALL=C.UTF-8\n"
		"apply() { %s epolltune apply --state-dir $S \"$@\"; }\n" REPORT
		"was=$(cat /proc/sys/net/core/somaxconn)\n"
		"sed -i \"s/\\\"16\\\"/\\\"$was\\\"/; s/2048/$((was + 1))/\" $B/report.json\n"
		"fast; echo \"status $?\"; fast --dry-run >/dev/null; echo \"dry $?\"\n"
		"[ $was = $(cat /proc/sys/net/core/somaxconn) ]; echo \"same $?\"\n"
		"test -e $S; echo \"state $?\"\n",
		base, base, base,
		root ? "setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps=-all" : "");
	fclose(out);
	struct output o = run("chmod 777 %s; cp \"$PROGRAM\" %s/copy; ln -sf %s/copy %s/epolltune; "
			      "%s sh %s </dev/null",
			      base, base, base, base, root ? "unshare -n" : "", path);
	output_good(&o);
	text_has(o.out, "net.core.somaxconn\n  - ");
	text_has(o.out, "status 3\ndry 0\nsame 0\nstate 1\n");
	text_has(o.errors, "nothing was changed; run as root: sudo epolltune apply");
	output_free(&o);
}

/* The command to run as root has each word that was given. */
static void as_root_with_the_same_words(void **state)
{
	const char *user =
		geteuid() == 0 ? "setpriv --reuid 65534 --regid 65534 --clear-groups" : "";
	struct output o = run(
		"cd %s && chmod 755 . && cp \"$PROGRAM\" program && mkdir 'a b' ä || exit 1\n"
		"for d in 'a b' ä; do : >\"$d/journal.jsonl\"; chmod 0 \"$d/journal.jsonl\"; done\n"
		"for d in 'a b' ä; do for c in 'rollback --force 1' 'confirm --persist' 'history 1'; do "
		"%s ./program $c --state-dir \"$d\"; done; done",
		base, user);
	text_has(o.errors, "journal.jsonl: Permission denied; run as root: sudo epolltune rollback "
			   "--force --state-dir 'a b' 1\n");
	text_has(o.errors, "; run as root: sudo epolltune confirm --persist --state-dir 'a b'\n");
	text_has(o.errors, "; run as root: sudo epolltune history --state-dir 'a b' 1\n");
	text_has(strstr(o.errors, "ä"),
		 "journal.jsonl: Permission denied; run the same command as root\n");
	text_lacks(strstr(o.errors, "ä"), "sudo");
	output_free(&o);
}

static void read_only_proc_sys(void **state)
{
	struct output o = inside("-m", REPORT "somaxconn 16\n"
					      "mount --bind /proc/sys /proc/sys && "
					      "mount -o remount,bind,ro /proc/sys || exit 77\n"
					      "fast; echo \"status $?\"; somaxconn\n");
	if (o.status == 77)
		skip_because("/proc/sys cannot be made read only here");
	output_good(&o);
	text_has(o.out, "status 3\n16\n");
	text_has(o.errors, "Read-only file system");
	assert_ptr_equal(strchr(o.errors, '\n'), strrchr(o.errors, '\n'));
	output_free(&o);
}

/* What the plan leaves alone, as it has its value, may have another one by then. */
static void a_plan_from_before_another_command_is_refused(void **state)
{
	struct output o = inside(
		"", REPORT
		"somaxconn 16; mkfifo $B/report\n"
		"apply --from $B/report.json --no-proof --yes >/dev/null\n"
		"apply --from $B/report --no-proof --yes --set net.ipv4.tcp_fin_timeout=77 &\n"
		"exec 3>$B/report\n" /* it has read the journal */
		"epolltune rollback --state-dir $S >/dev/null; cat $B/report.json >&3; exec 3>&-\n"
		"wait $!; echo \"status $?, $(somaxconn) $(cat /proc/sys/net/ipv4/tcp_fin_timeout)\"\n");
	output_good(&o);
	text_has(o.out, "status 2, 16 60\n");
	text_has(o.errors, "another epolltune command changed settings meanwhile");
	output_free(&o);
}

/* The report is the first thing that a run needs, so --from shows what comes before it. */
static void a_journal_that_cannot_be_used_comes_first(void **state)
{
	struct output o = inside(
		"-m", REPORT
		"somaxconn 16; mkdir $B/ro; mount -t tmpfs -o ro none $B/ro || exit 77\n"
		"try() { epolltune apply --state-dir $2 --yes --from $B/missing.json --no-proof; "
		"echo \"$1 $?\"; }\n"
		"mkdir $S; echo '{\"v\":7}' >$S/journal.jsonl; try version $S\n"
		"fast --dry-run >/dev/null; echo \"preview $?\"; rm -r $S\n"
		">$B/plain; try file $B/plain/state; try read-only $B/ro/state\n"
		"try missing $S; test -e $S; echo \"state $?\"; somaxconn\n");
	if (o.status == 77)
		skip_because("no tmpfs here");
	output_good(&o);
	assert_string_equal(o.out, "version 3\npreview 0\nfile 3\nread-only 3\nmissing 3\n"
				   "state 1\n16\n");
	text_has(o.errors, "epolltune: nothing was changed: ");
	text_has(o.errors, "has version 7");
	text_has(o.errors, "the parent of the state directory: Not a directory");
	text_has(o.errors, "cannot create the state directory ");
	text_has(o.errors, "/ro/state: Read-only file system");
	char *report = strstr(o.errors, "missing.json");
	assert_non_null(report);
	assert_null(strstr(report + 1, "missing.json"));
	output_free(&o);
}

/* No advice to use sudo for root. */
static void root_needs_no_sudo(void **state)
{
	struct output o = inside(
		"", "try() { apply --yes --no-proof --only $1 --set $1=$2; echo \"$1 $?\"; }\n"
		    "try net.core.netdev_max_backlog 100000\n"
		    "try fs.file-max $(($(cat /proc/sys/fs/file-max) + 1))\n"
		    "w=$(cat /proc/sys/net/core/wmem_max) && try net.core.wmem_max $((w + 1))\n");
	text_lacks(o.errors, "sudo");
	text_lacks(o.errors, "as root");
	output_free(&o);
}

/* The exit status is 1 while manual steps remain, even if apply changed something. */
static void manual_steps_are_a_warning(void **state)
{
	struct output o = inside(
		"", REPORT
		"somaxconn 16\n"
		"backlog='{\"id\":\"accept-queue.application\",\"level\":\"critical\",\"wall\":"
		"\"accept-queue\",\"title\":\"t\",\"detail\":\"\",\"remedy\":\"application\","
		"\"knob\":"
		"\"listen.backlog\",\"current\":\"16\",\"proposed\":\"2048\",\"evidence\":[]},'\n"
		"sed -i \"s/\\\"findings\\\": \\[/&$backlog/\" $B/report.json\n"
		"fast --dry-run; echo \"preview $? $(somaxconn)\"\n"
		"fast >/dev/null; echo \"apply $? $(somaxconn)\"\n"
		"fast >/dev/null; echo \"again $?\"\n"
		"fast --set net.ipv4.tcp_fin_timeout=61 >/dev/null; echo \"set $?\"\n"
		"fast --only net.ipv4.tcp_fin_timeout --set net.ipv4.tcp_fin_timeout=62 "
		">/dev/null; "
		"echo \"only $?\"\n");
	output_good(&o);
	text_has(o.out, "Manual steps:\n  listen.backlog  16 → 2048\n");
	text_has(o.out, "preview 1 16\n");
	text_has(o.out, "apply 1 2048\nagain 1\nset 1\nonly 0\n");
	output_free(&o);
}

/* A machine that is not ready never gets a bare "Nothing to change". */
static void no_change_says_why(void **state)
{
	struct output o = inside(
		"", REPORT
		"somaxconn 16\n"
		"is() { sed \"s/\\\"verdict\\\": \\\"short/\\\"verdict\\\": \\\"$1/\" $B/none.json "
		">$B/$1.json; }\n"
		"from() { f=$1; shift; apply --no-proof --from $B/$f.json \"$@\"; echo \"$f $?\"; }\n"
		"sed 's/\"remedy\": \"kernel\"/\"remedy\": \"none\"/; s/\"level\": \"critical\"/\"level\": "
		"\"note\"/' $B/report.json >$B/none.json\n"
		"is short; is unknown; is ok; is tight\n"
		"from short; from unknown; from ok; from tight\n"
		"from short --only fs.file-max\n"
		"apply --no-proof --from $B/report.json --only fs.file-max; echo \"only $?\"\n"
		"apply --no-proof --from $B/report.json --except net.core.somaxconn\n"
		"from short --set net.core.somaxconn=16\n"
		"from short --format sysctl --dry-run\n"
		"apply --from $B/short.json --format json >$B/answer.json\n"
		"somaxconn 4000; from report; somaxconn\n");
	output_good(&o);
	text_has(o.out, "Not ready: 1 wall is short: accept-queue.\n\n"
			"epolltune can change nothing here: see epolltune check.\nshort 1\n");
	text_has(o.out, "Not known: 1 wall has no verdict: accept-queue.\n\n"
			"epolltune can change nothing here: see epolltune check.\n");
	text_has(o.out,
		 "unknown 3\nReady for this target.\n\nNothing to change.\nok 0\n"
		 "Ready, but 1 wall is tight: accept-queue.\n\nNothing to change.\ntight 0\n");
	text_has(o.out,
		 "Nothing to change among the selected knobs: see epolltune check.\nshort 1\n");
	text_has(o.out,
		 "accept-queue needs net.core.somaxconn, which --only does not name.\nonly 1\n");
	text_has(o.out, "accept-queue needs net.core.somaxconn, which --except excludes.\n");
	text_has(o.out, "Nothing to change: the values of --set are in force.\nshort 0\n");
	text_has(o.out, "\n# epolltune can change nothing here: see epolltune check.\nshort 1\n");
	text_has(o.out, "Nothing to change: the proposed values are in force; "
			"run epolltune check.\nreport 0\n4000\n");
	char path[96];
	snprintf(path, sizeof(path), "%s/answer.json", base);
	json_t *root = json_load_file(path, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(root);
	assert_string_equal(json_string_value(json_object_get(root, "answer")),
			    "Not ready: 1 wall is short: accept-queue.");
	assert_string_equal(json_string_value(json_object_get(root, "reason")),
			    "epolltune can change nothing here: see epolltune check.");
	json_decref(root);
	output_free(&o);
}

static void commands_can_be_pasted(void **state)
{
	char long_set[1400] = "";
	for (size_t n = 0; n < 45; n++)
		strcat(long_set, "net.ipv4.tcp_fin_timeout=61,");
	strcat(long_set, "net.core.somaxconn=1048576");
	struct output o = run(
		"cd %s && mkdir -m 755 \"a';b\" && unshare -rn sh -c '$PROGRAM apply --yes --set "
		"net.core.somaxconn=5000 --only net.core.somaxconn --no-proof "
		"--probe accept-queue --state-dir \"$0\"' \"a';b/s\"",
		base);
	char want[128];
	snprintf(want, sizeof(want), "epolltune rollback 1 --state-dir '%s/a'\\'';b/s'\n", base);
	if (o.status == 0)
		text_has(o.out, want);
	output_free(&o);
	o = run("$PROGRAM apply --set %s --probe nosuch 2>&1", long_set);
	text_lacks(o.out, "=1048\n");
	output_free(&o);
}

/* The limit of a process is a manual step, with the step before it, in every format. */
static void process_limits_are_manual_steps(void **state)
{
	struct output o = run("ulimit -n 4096; $PROGRAM apply --target c1m --probe descriptors "
			      "--dry-run");
	assert_int_equal(o.status, 1);
	text_has(o.out, "    LimitNOFILE=2097152\n");
	bool first = strstr(o.out, "first raise fs.nr_open from");
	output_free(&o);
	o = run("[ $(cat /proc/sys/fs/nr_open) -lt 2097152 ]");
	assert_int_equal(o.status, first ? 0 : 1);
	output_free(&o);
	o = run("ulimit -Sn 1024; ulimit -Hn 16000; $PROGRAM apply --probe descriptors --dry-run");
	assert_int_equal(o.status, 0);
	text_has(o.out, "Nothing to change.\nTight walls are not changed; add --tight");
	output_free(&o);
	/* The printed command works. */
	o = run("ulimit -Sn 1024; ulimit -Hn 16000; $PROGRAM apply --probe descriptors --dry-run "
		"--tight | sed -n 's/HARD/16000/; s/.*\\(prlimit --pid \\).*\\( --nofile=.*\\)/\\1$$\\2/p' "
		">%s/do; "
		". %s/do && ulimit -Sn && ulimit -Hn",
		base, base);
	text_has(o.out, "16000\n16000\n");
	output_free(&o);
	/* Reports are untrusted: their text must not escape a comment. */
	o = run("ulimit -n 4096; $PROGRAM check --target c1m --probe descriptors --format json | "
		"sed "
		"'s/\"knob\": \"RLIMIT_NOFILE\"/\"knob\": \"X\\\\necho INJECTED\"/' >%s/evil.json; "
		"grep -c INJECTED %s/evil.json; $PROGRAM apply --from %s/evil.json --dry-run "
		"--format shell | sh",
		base, base, base);
	text_lacks(o.out, "INJECTED");
	text_lacks(o.out, "0\n");
	output_free(&o);
	static const char *const formats[] = {"sysctl", "shell"};
	for (size_t i = 0; i < 2; i++) {
		o = run("ulimit -n 4096; $PROGRAM apply --target c1m --probe descriptors --dry-run "
			"--format %s",
			formats[i]);
		text_has(o.out, "\n# Manual step: RLIMIT_NOFILE  4096 -> 2097152\n");
		text_has(o.out, "\n#       LimitNOFILE=2097152\n");
		output_free(&o);
	}
}

static void errors_name_the_argument(void **state)
{
	static const char *const wrong[] = {
		"apply --confirm 0s",
		"apply --confirm 10",
		"apply --set net.core.somaxconn",
		"apply --allow-lower",
		"apply --only nosuch",
		"apply --from /no/such/file",
		"apply --set net.core.somaxconn=9,net/core/somaxconn=8",
		"path --set net.core.somaxconn=9,net.core.somaxconn=8",
		"apply --set net.core.somaxconn=9999 --except net.core.somaxconn",
		"apply --format xml",
		"apply extra",
		"rollback none",
		"rollback 1 2",
		"rollback 0",
		"history x",
		"history 1 2",
		"confirm 1",
		"diff one",
		"diff /no/a /no/b",
		"apply --window 1ms",
	};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		struct output o = run("$PROGRAM %s --state-dir %s/state", wrong[i], base);
		if (!strncmp(wrong[i], "diff", 4) || !strncmp(wrong[i], "path", 4)) {
			output_free(&o);
			o = run("$PROGRAM %s", wrong[i]);
		}
		if (o.status != 3 || !o.errors[0] ||
		    strchr(o.errors, '\n') != strrchr(o.errors, '\n'))
			fail_msg("%s: status %d, \"%s\"", wrong[i], o.status, o.errors);
		output_free(&o);
	}
	/* A mistyped state directory must not pass for an empty one. */
	struct output o =
		run("for c in 'rollback 5' history confirm; do $PROGRAM $c --state-dir %s/state; "
		    "echo $?; done",
		    base);
	assert_string_equal(o.out, "3\n3\n3\n");
	text_has(o.errors, "no journal in --state-dir ");
	output_free(&o);
	o = run("$PROGRAM rollback x --state-dir %s/state", base);
	text_has(o.errors, "RUN: \"x\" is not the number of a run; for the runs: epolltune history "
			   "--state-dir /");
	output_free(&o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(manual_steps_are_a_warning),
		TEST(without_privilege),
		TEST(as_root_with_the_same_words),
		TEST(read_only_proc_sys),
		TEST(a_plan_from_before_another_command_is_refused),
		TEST(a_journal_that_cannot_be_used_comes_first),
		TEST(root_needs_no_sudo),
		TEST(no_change_says_why),
		TEST(commands_can_be_pasted),
		TEST(process_limits_are_manual_steps),
		TEST(errors_name_the_argument),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
