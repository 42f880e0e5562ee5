/* apply: what a plan holds, what it asks, what it prints. Each test has its own namespaces. */
#include "../support/apply.h"
#include "../support/checked.h"
#include "../support/support.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

static void the_whole_story(void **state)
{
	struct output o =
		inside("", "somaxconn 16\n"
			   "apply --yes --probe accept-queue; echo \"first: $?\"\n"
			   "epolltune check --probe accept-queue --format json >$B/after.json; "
			   "echo \"check: $?\"\n"
			   "grep -c accept-queue.short $B/after.json\n"
			   "apply --yes --probe accept-queue; echo \"second: $?\"\n"
			   "somaxconn 99\n"
			   "epolltune rollback --state-dir $S; echo \"skipped: $?\"\n"
			   "echo \"is $(somaxconn)\"\n"
			   "epolltune rollback --force --state-dir $S; echo \"forced: $?\"\n"
			   "echo \"is $(somaxconn)\"\n"
			   "epolltune rollback --state-dir $S; echo \"again: $?\"\n");
	output_good(&o);
	assert_ptr_equal(strstr(o.out, "Not ready: 1 wall is short: accept-queue.\n\n"
				       "net.core.somaxconn\n  - 16\n  + 2048\n"),
			 o.out);
	text_has(o.out, "short → ok");
	text_has(o.out, "first: 0");
	text_has(o.out, "check: 0\n0\n");
	text_has(o.out, "Ready for this target, with --probe accept-queue only.\n\n"
			"Nothing to change.\nsecond: 0");
	text_has(o.out, "net.core.somaxconn: is 99, run 1 set 2048; modified since run 1: skipped");
	text_has(o.out, "skipped: 1\nis 99");
	text_has(o.out, "99 → 16");
	text_has(o.out, "forced: 0\nis 16");
	text_has(o.out, "Nothing to roll back.\nagain: 0");
	assert_string_equal(o.errors, "");
	output_free(&o);
}

static void the_json_has_its_documented_keys(void **state)
{
	struct output o =
		inside("", REPORT "somaxconn 16\n"
				  "fast --format json | tee $B/1.json\n"
				  "fast --format json >$B/2.json\n"
				  "epolltune rollback --state-dir $S --format json >$B/3.json\n"
				  "epolltune rollback --state-dir $S --format json >$B/4.json\n"
				  "epolltune history --state-dir $S --format json >$B/5.json\n"
				  "fast --dry-run --format json >$B/6.json\n");
	output_good(&o);
	static const struct {
		int file, changed;
		const char *outcome;
	} want[] = {{1, 1, "applied"},
		    {2, 0, "nothing to change"},
		    {3, 1, "reverted"},
		    {4, 0, "nothing to roll back"},
		    {6, 0, "planned"}};
	for (size_t i = 0; i < sizeof(want) / sizeof(*want); i++) {
		char path[96];
		snprintf(path, sizeof(path), "%s/%d.json", base, want[i].file);
		json_t *root = json_load_file(path, JSON_REJECT_DUPLICATES, NULL);
		if (!root)
			fail_msg("%s is no JSON", path);
		assert_int_equal(json_is_true(json_object_get(root, "changed")), want[i].changed);
		assert_string_equal(json_string_value(json_object_get(root, "outcome")),
				    want[i].outcome);
		json_decref(root);
	}
	assert_string_equal(o.errors, "");
	output_free(&o);
}

/* Lists the keys of an object in their order. */
static void keys_of(const char *path, char keys[512])
{
	json_t *root = json_load_file(path, JSON_REJECT_DUPLICATES, NULL);
	const char *key;
	json_t *value;
	size_t at = 0;
	if (!root)
		fail_msg("%s is no JSON", path);
	keys[0] = 0;
	json_object_foreach(root, key, value) at +=
		(size_t)snprintf(keys + at, 512 - at, "%s ", key);
	json_decref(root);
}

static const char *page_of(const char *command, char page[32768])
{
	char path[64];
	snprintf(path, sizeof(path), "man/epolltune-%s.1", command);
	FILE *in = fopen(path, "r");
	assert_non_null(in);
	page[fread(page, 1, 32767, in)] = 0;
	fclose(in);
	const char *schema = strstr(page, "\n.Sh JSON\n");
	assert_non_null(schema);
	return schema;
}

/* The keys are the same after every outcome, and the manual describes each. */
static void json_has_the_same_keys_in_every_case(void **state)
{
	struct output o =
		inside("", REPORT
		       "somaxconn 16\n"
		       "run() { f=$1; shift; \"$@\" --format json --state-dir $S >$B/$f.json; }\n"
		       "from=\"epolltune apply --yes --no-proof --from\"\n"
		       "run a1 $from $B/report.json --dry-run\n"
		       "run a2 $from /no/such/file\n"
		       "run a3 $from $B/report.json --set net.core.somaxconn=8\n"
		       "run a4 $from $B/report.json --confirm 60s\n"
		       "run a5 $from $B/report.json --set net.core.somaxconn=4000\n"
		       "run a6 epolltune confirm\n"
		       "run a7 epolltune confirm\n"
		       "run a8 $from $B/report.json\n"
		       "run r1 epolltune rollback 9\n"
		       "run r2 epolltune rollback\n"
		       "run r3 epolltune rollback\n"
		       "run a9 epolltune apply --yes --from $B/report.json --probe accept-queue\n"
		       "somaxconn 99; run r4 epolltune rollback\n"
		       "mv $S $B/away; run r5 epolltune rollback; run a0 epolltune confirm\n");
	static const struct {
		const char *file, *outcome;
	} cases[] = {
		{"a1", "planned"},
		{"a2", "refused"},
		{"a3", "refused"},
		{"a4", "waiting"},
		{"a5", "refused"},
		{"a6", "applied"},
		{"a7", "nothing to confirm"},
		{"a8", "nothing to change"},
		{"a9", "applied"},
		{"a0", "refused"},
		{"r1", "refused"},
		{"r2", "reverted"},
		{"r3", "nothing to roll back"},
		{"r4", "partly reverted"},
		{"r5", "refused"},
	};
	char page[32768], want[2][512] = {"", ""}, keys[512], path[96], item[64];
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		bool apply = cases[i].file[0] == 'a';
		snprintf(path, sizeof(path), "%s/%s.json", base, cases[i].file);
		keys_of(path, keys);
		if (!want[apply][0])
			memcpy(want[apply], keys, sizeof(keys));
		assert_string_equal(keys, want[apply]);
		json_t *root = json_load_file(path, 0, NULL);
		const char *outcome = json_string_value(json_object_get(root, "outcome"));
		if (strcmp(outcome, cases[i].outcome) != 0)
			fail_msg("%s: %s, not %s", cases[i].file, outcome, cases[i].outcome);
		assert_string_equal(json_string_value(json_object_get(root, "schema")),
				    apply ? "epolltune.apply/2" : "epolltune.rollback/2");
		const char *schema = page_of(apply ? "apply" : "rollback", page);
		const char *key;
		json_t *value;
		json_object_foreach(root, key, value)
		{
			snprintf(item, sizeof(item), ".It Li %s\n", key);
			if (!strstr(schema, item))
				fail_msg("the manual lacks \"%s\"", key);
		}
		json_decref(root);
	}
	output_free(&o);
}

static void a_preview_changes_nothing(void **state)
{
	struct output o = inside("", REPORT "somaxconn 16\n"
					    "for f in text json sysctl shell; do\n"
					    "fast --dry-run --format $f; echo \"$f: $?\"; done\n"
					    "somaxconn; test -e $S; echo \"state: $?\"\n"
					    "fast --format shell; echo \"shell: $?\"\n"
					    "somaxconn\n");
	output_good(&o);
	text_has(o.out, "text: 0");
	text_has(o.out, "json: 0");
	text_has(o.out, "net.core.somaxconn = 2048\nsysctl: 0");
	text_has(o.out, "change /proc/sys/net/core/somaxconn '16' '2048'\nshell: 0");
	text_has(o.out, "16\nstate: 1\nshell: 3\n16\n");
	text_has(o.errors, "add --dry-run");
	output_free(&o);
}

/* Answers a command's question with "no". */
static void declined(const char *command, const char *then)
{
	char shown[16384];
	assert_int_equal(terminal_run(command, "n\n", shown, sizeof(shown)), 0);
	text_has(shown, "Make this change? [y/N]");
	text_has(shown, then);
}

static void asks_once_on_a_terminal(void **state)
{
	char shown[16384], command[512];
	struct output o = inside("", REPORT);
	output_good(&o);
	output_free(&o);
	snprintf(command, sizeof(command),
		 "%s sh -c 'echo 16 >/proc/sys/net/core/somaxconn; $PROGRAM apply --state-dir "
		 "%s/state --from %s/report.json --no-proof; echo \"status $?\"; cat "
		 "/proc/sys/net/core/somaxconn'",
		 enter, base, base);
	declined(command, "status 2\r\n16\r\n");
	assert_int_equal(terminal_run(command, "y\n", shown, sizeof(shown)), 0);
	text_has(shown, "status 0\r\n2048\r\n");
	/* Asks on the terminal also where all output goes to a log. */
	snprintf(command, sizeof(command),
		 "%s sh -c 'echo 16 >/proc/sys/net/core/somaxconn; { $PROGRAM apply --state-dir "
		 "%s/logged --from %s/report.json --no-proof; echo \"status $?\"; } 2>&1 | cat'",
		 enter, base, base);
	declined(command, "status 2\r\n");
	/* A report on standard input is not an answer. */
	snprintf(command, sizeof(command),
		 "%s sh -c 'echo 16 >/proc/sys/net/core/somaxconn; $PROGRAM apply --state-dir "
		 "%s/other --from - --no-proof <%s/report.json; echo \"status $?\"'",
		 enter, base, base);
	declined(command, "status 2\r\n");
}

/* Only a whole word is a yes, and only one that is typed after the question. */
static void only_an_answer_to_the_question_counts(void **state)
{
	static const struct {
		const char *ahead, *answer;
		bool yes;
	} rows[] = {
		{"", "yes\n", true},
		{"", "Y\n", true},
		{"", "yum\n", false},
		{"", "\n", false},
		{"yum update\n", "n\n", false},
		{"y\n", "n\n", false},
		{"n\n", "y\n", true},
	};
	struct output o = inside("", REPORT);
	output_good(&o);
	output_free(&o);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char shown[16384], command[512];
		snprintf(command, sizeof(command),
			 "%s sh -c 'echo 16 >/proc/sys/net/core/somaxconn; $PROGRAM apply "
			 "--state-dir %s/state%zu --from %s/report.json --no-proof; echo \"status "
			 "$?\"; cat /proc/sys/net/core/somaxconn'",
			 enter, base, i, base);
		assert_int_equal(terminal_run_typed(command, rows[i].ahead, rows[i].answer, shown,
						    sizeof(shown)),
				 0);
		text_has(shown, rows[i].yes ? "status 0\r\n2048\r\n" : "status 2\r\n16\r\n");
	}
}

/* Without a terminal and without --yes nothing changes. */
static void no_terminal_no_change(void **state)
{
	struct output o =
		inside("", REPORT
		       "somaxconn 16; ask=\"apply --from $B/report.json --no-proof\"\n"
		       "$ask; echo \"null $? $(somaxconn)\"\n"
		       "echo n | $ask >/dev/null; echo \"no $? $(somaxconn)\"\n"
		       "echo y | $ask >/dev/null; echo \"yes $? $(somaxconn)\"\n"
		       "setsid sh -c 'epolltune apply --state-dir $S --from - --no-proof' "
		       "<$B/report.json >/dev/null; echo \"report $? $(somaxconn)\"\n"
		       "$ask --format json >$B/1.json; echo \"json $? $(somaxconn)\"\n"
		       "$ask --confirm 60s >/dev/null; echo \"confirm $? $(somaxconn)\"\n"
		       "$ask --persist --format json >/dev/null; echo \"persist $(somaxconn)\"\n"
		       "test -e $S; echo \"state $?\"; grep outcome $B/1.json\n"
		       "somaxconn 2048; $ask >/dev/null; echo \"nothing to do $?\"\n");
	output_good(&o);
	text_has(o.out, "  - 16\n  + 2048\n");
	text_has(o.out, "null 3 16\nno 3 16\nyes 3 16\nreport 3 16\njson 3 16\nconfirm 3 16\n");
	text_has(o.out, "persist 16\nstate 1\n  \"outcome\": \"refused\",\nnothing to do 0\n");
	text_has(o.errors, "epolltune: nothing was changed: there is no terminal to ask on; "
			   "add --yes to make this change\n");
	size_t lines = 0;
	for (const char *at = o.errors; (at = strchr(at, '\n')); at++)
		lines++;
	assert_int_equal(lines, 7); /* one each */
	output_free(&o);
}

/* Bad wishes are refused before a process or a lab is made, and no probe runs that is not needed.
 */
static void measures_no_more_than_needed(void **state)
{
	struct output o = inside(
		"", "command -v strace >/dev/null || exit 77\n"
		    "export ASAN_OPTIONS=detect_leaks=0\n"
		    "somaxconn 16\n"
		    "made() { n=$1; shift; strace -f -qq -o $B/trace -e "
		    "trace=clone,clone3,fork,vfork,unshare,setns epolltune apply --state-dir $S "
		    "\"$@\" </dev/null >$B/out 2>$B/err; echo \"$n $? $(wc -l <$B/trace)\"\n"
		    "cat $B/err >&2; }\n"
		    "made unknown --yes --set net.core.nosuch=1\n"
		    "made number --yes --set net.core.somaxconn=many\n"
		    "made range --yes --set net.core.somaxconn=99999999999\n"
		    "made lower --yes --set net.core.somaxconn=1\n"
		    "made absent --yes --set device.ring.rx@nosuch0=512\n"
		    "made only --yes --only net.core.somaxcon\n"
		    "made except --yes --except net.core.somaxcon\n"
		    "K=net.core.somaxconn\n"
		    "made bare --yes --set $K=20 --only $K --no-proof\n"
		    "grep Applied $B/out | cut -d. -f1; somaxconn\n"
		    "made dry --dry-run --set $K=30 --only net/core/somaxconn\n"
		    "made force --yes --set $K=20 --only $K\n"
		    "cat $B/out\n"
		    "epolltune apply --yes --state-dir $S --set $K=2048 --only $K >$B/out\n"
		    "echo \"proof $?\"; sed -n 's/^\\(Not ready.*\\|Proof.*\\)/\\1/p' $B/out\n");
	if (o.status == 77)
		skip_because("no strace");
	output_good(&o);
	text_has(o.out, "unknown 3 0\nnumber 3 0\nrange 3 0\nlower 2 0\nabsent 3 0\nonly 3 0\n"
			"except 3 0\nbare 0 0\nApplied as run 1\n20\ndry 0 0\nforce 0 0\n"
			"Nothing to change: the values of --set are in force.\n");
	text_has(o.out, "proof 0\n");
	text_has(o.out, "Proof, check --probe accept-queue,syn-queue before and after:\n");
	text_has(o.errors, "--set: unknown knob \"net.core.nosuch\"; see epolltune list knobs\n");
	text_has(o.errors, "--only: unknown knob \"net.core.somaxcon\"; did you mean "
			   "net.core.somaxconn?\n");
	output_free(&o);
}

/* Two findings that share a knob, one with several knobs: all of it is one plan. */
static void findings_share_knobs(void **state)
{
	struct output o = inside(
		"", REPORT
		"somaxconn 16; fin=$(cat /proc/sys/net/ipv4/tcp_fin_timeout)\n"
		"p() { echo \"{\\\"knob\\\":\\\"$1\\\",\\\"current\\\":\\\"$2\\\","
		"\\\"proposed\\\":\\\"$3\\\"}\"; }\n"
		"finding=\"{\\\"id\\\":\\\"syn-queue.short\\\",\\\"level\\\":\\\"critical\\\","
		"\\\"wall\\\":\\\"accept-queue\\\",\\\"title\\\":\\\"t\\\",\\\"detail\\\":\\\"\\\","
		"\\\"remedy\\\":\\\"kernel\\\",\\\"proposals\\\":[$(p net.core.somaxconn 16 1024),"
		"$(p net.ipv4.tcp_fin_timeout $fin 70),$(p listen.backlog 128 1024)],"
		"\\\"evidence\\\":[]}\"\n"
		"sed \"s/\\\"findings\\\": \\[/&$finding,/\" $B/report.json >$B/first.json\n"
		"sed \"s/\\\"evidence\\\": \\[\\] }/&,$finding/\" $B/report.json >$B/last.json\n"
		"for f in first last; do\n"
		"apply --yes --no-proof --from $B/$f.json >$B/out; echo \"$f $? $(somaxconn) "
		"$(cat /proc/sys/net/ipv4/tcp_fin_timeout)\"; grep -c 'listen.backlog  128 . 1024' "
		"$B/out\n"
		"epolltune rollback --state-dir $S >/dev/null; somaxconn; done\n");
	output_good(&o);
	text_has(o.out, "first 1 2048 70\n1\n16\nlast 1 2048 70\n1\n16\n");
	output_free(&o);
}

/* Status 3 would mean that nothing was changed. */
static void an_outcome_that_cannot_be_printed(void **state)
{
	struct output o = inside(
		"", REPORT
		"[ -w /dev/full ] || exit 77\n"
		"somaxconn 16; fast --format json >/dev/full; echo \"apply $? $(somaxconn)\"\n"
		"epolltune rollback --format json --state-dir $S >/dev/full\n"
		"echo \"rollback $? $(somaxconn)\"\n"
		"fast --confirm 600s --format json >/dev/full; echo \"wait $?\"\n"
		"epolltune confirm --format json --state-dir $S >/dev/full; echo \"confirm $?\"\n"
		"epolltune rollback --state-dir $S >/dev/full; echo \"text $? $(somaxconn)\"\n"
		"fast --confirm 600s >/dev/null; epolltune confirm --state-dir $S >/dev/full\n"
		"echo \"said $?\"; epolltune rollback --state-dir $S >/dev/null\n"
		"fast --format json --dry-run >/dev/full; echo \"plan $?\"\n"
		"fast >/dev/full; echo \"shown $? $(somaxconn)\"\n");
	if (o.status == 77)
		skip_because("no /dev/full");
	output_good(&o);
	assert_string_equal(o.out, "apply 2 2048\nrollback 2 16\nwait 2\nconfirm 2\ntext 2 16\n"
				   "said 2\nplan 3\nshown 3 16\n");
	text_has(o.errors,
		 "run 1 is applied, but its outcome was not printed: cannot write the plan: No "
		 "space left on device: see: epolltune history 1 --state-dir /");
	text_has(o.errors, "run 1 is reverted, but its outcome was not printed: cannot write ");
	text_has(o.errors, "run 2 is waiting, but its outcome was not printed: ");
	output_free(&o);
}

/* Running values that the next boot lowers: a warning of check, a manual step of apply --persist.
 */
static void an_empty_value_is_printed(void **state)
{
	struct output o = inside("", "K=net.ipv4.ip_local_reserved_ports\n"
				     "apply --yes --no-proof --set $K=8080 >/dev/null\n"
				     "echo 9090 >/proc/sys/net/ipv4/ip_local_reserved_ports\n"
				     "epolltune rollback --state-dir $S\n"
				     "epolltune rollback --force --state-dir $S\n"
				     "epolltune history 1 --state-dir $S\n");
	output_good(&o);
	text_has(o.out, "skipped (--force restores (empty))");
	text_has(o.out, "9090 → (empty)");
	text_has(o.out, "    - (empty)\n    + 8080\n");
	output_free(&o);
}

/* It starts from the values of the report, not from those of this machine. */
static void a_foreign_preview_is_of_that_machine(void **state)
{
	struct output o = inside(
		"-m --pid --fork --mount-proc", REPORT
		"somaxconn 65535\n"
		"sed -i 's/\"boot\": \"[^\"]*\"/\"boot\": \"x\"/' $B/report.json\n"
		"foreign() { apply --from $B/report.json --foreign \"$@\"; echo \"status $?\"; }\n"
		"foreign --dry-run --format sysctl\n"
		"foreign --dry-run --set net.core.somaxconn=3000\n"
		"foreign --dry-run --set net.core.somaxconn=8\n"
		"foreign --dry-run --persist\n"
		"foreign --yes --no-proof; somaxconn\n");
	output_good(&o);
	text_has(o.out, " (was 16)\nnet.core.somaxconn = 2048\nstatus 0\n");
	text_has(o.out, "net.core.somaxconn\n  - 16\n  + 3000\n");
	text_lacks(o.out, "Worst-case memory");
	text_has(o.errors, "8 is lower than the running value 16");
	text_has(o.errors, "--persist writes files of this machine");
	/* To change this one, its values count. */
	text_has(o.out, "the proposed values are in force");
	text_has(o.out, "status 0\n65535\n");
	output_free(&o);
}

/* Root of a user namespace may be uid 0 of the machine, which the kernel allows to write there. */
static void a_machine_wide_knob_is_a_step_in_a_namespace(void **state)
{
	if (!namespaces_allowed())
		skip_because("user namespaces are refused");
	struct output o = run("a=$(cat /proc/sys/fs/file-max); unshare -Urn sh -c 'd=$(mktemp -d); "
			      "$PROGRAM apply --set fs.file-max=$(($0 + 1)) --yes --state-dir $d/s "
			      "--probe accept-queue >$d/out; echo $?; "
			      "grep -c \"fs.file-max is one for the machine\" $d/out; rm -r $d' "
			      "$a; "
			      "[ $a = $(cat /proc/sys/fs/file-max) ] || echo changed");
	assert_string_equal(o.out, "1\n1\n");
	output_free(&o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_machine_wide_knob_is_a_step_in_a_namespace),
		TEST(the_whole_story),
		TEST(the_json_has_its_documented_keys),
		TEST(json_has_the_same_keys_in_every_case),
		TEST(a_preview_changes_nothing),
		TEST(asks_once_on_a_terminal),
		TEST(only_an_answer_to_the_question_counts),
		TEST(no_terminal_no_change),
		TEST(measures_no_more_than_needed),
		TEST(findings_share_knobs),
		TEST(an_outcome_that_cannot_be_printed),
		TEST(an_empty_value_is_printed),
		TEST(a_foreign_preview_is_of_that_machine),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
