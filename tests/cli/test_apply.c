/* apply, confirm, rollback and history, each test in its own namespaces. */
#include "../support/checked.h"
#include "../support/support.h"

#include <jansson.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static char base[64];

/* Enters a network namespace that has net.core: before Linux 6.11 only root has one. */
static const char *enter;

static void find_namespaces(void)
{
	static const char *const ways[] = {"unshare -Urn", "unshare -n"};
	for (size_t i = 0; i < 2 && !enter; i++) {
		struct output o = run("%s test -e /proc/sys/net/core/somaxconn", ways[i]);
		enter = o.status ? NULL : ways[i];
		output_free(&o);
	}
}

static int make_base(void **state)
{
	if (!enter)
		find_namespaces();
	if (!enter)
		skip_because("no network namespace of its own with net.core in it");
	strcpy(base, "/tmp/epolltune-apply-XXXXXX");
	if (!mkdtemp(base))
		return -1;
	struct output o = run("mkdir %s/sysctl.d; ln -s \"$PROGRAM\" %s/epolltune", base, base);
	int status = o.status;
	output_free(&o);
	return status;
}

static int remove_base(void **state)
{
	struct output o = run("rm -rf %s", base);
	output_free(&o);
	return 0;
}

/* Runs a script in a new network namespace; `more`: further options of unshare(1). The script has
 * $S, a state directory that does not exist yet, and the commands epolltune, somaxconn [VALUE],
 * boots, which makes it a machine that reads /etc/sysctl.d at boot, and within CONDITION, which
 * waits for it for up to a minute. */
static struct output inside(const char *more, const char *script)
{
	char path[96];
	snprintf(path, sizeof(path), "%s/script", base);
	FILE *out = fopen(path, "w");
	assert_non_null(out);
	fprintf(out,
		"B=%s S=%s/state PATH=%s:$PATH LC_ALL=C.UTF-8 NO_COLOR=1\n"
		"export B S PATH LC_ALL NO_COLOR\n"
		"somaxconn() { if [ $# = 0 ]; then cat /proc/sys/net/core/somaxconn\n"
		"else echo $1 >/proc/sys/net/core/somaxconn; fi; }\n"
		"within() { tries=0; until eval \"$1\"; do sleep 0.02; tries=$((tries + 1))\n"
		"[ $tries -lt 3000 ] || { echo \"never: $1\"; return; }; done; }\n"
		"apply() { epolltune apply --state-dir $S \"$@\"; }\n"
		"boots() { mount --bind $B/sysctl.d /etc/sysctl.d && mount -t tmpfs none /run && "
		"mkdir -p /run/systemd/system || exit 77; }\n"
		"%s\n",
		base, base, base, script);
	fclose(out);
	return run("%s %s sh %s </dev/null", enter, more, path);
}

static void has(const char *text, const char *needle)
{
	if (!strstr(text, needle))
		fail_msg("no \"%s\" in:\n%s", needle, text);
}

static void hasnt(const char *text, const char *needle)
{
	if (strstr(text, needle))
		fail_msg("\"%s\" in:\n%s", needle, text);
}

static void good(struct output *o)
{
	if (o->status)
		fail_msg("status %d\n%s\n%s", o->status, o->out, o->errors);
}

/* A report of this boot with one wall short, so that no experiment is needed. */
#define REPORT                                                                                     \
	"report() { cat <<END\n"                                                                   \
	"{ \"schema\": \"epolltune.report/1\", \"version\": \"0\", \"time\": "                     \
	"\"2026-01-01T00:00:00Z\","                                                                \
	" \"host\": { \"name\": \"x\", \"kernel\": \"6\", \"boot\": \"$(cat "                      \
	"/proc/sys/kernel/random/boot_id)\", \"cpus\": 1, \"memory_bytes\": 1, \"isolation\": "    \
	"\"lab\" },"                                                                               \
	" \"target\": { \"role\": \"server\", \"connections\": 10000, \"rate_per_s\": 10000,"      \
	" \"stall_us\": 100000, \"rtt_us\": 50000, \"bandwidth_bps\": 100000000 },"                \
	" \"walls\": [ { \"name\": \"accept-queue\", \"unit\": \"connections\", \"method\": "      \
	"\"measured\", \"limit\": 17, \"measured\": 17, \"needed\": 1000, \"verdict\": \"short\"," \
	" \"knob\": \"net.core.somaxconn\", \"detail\": \"\" } ],"                                 \
	" \"findings\": [ { \"id\": \"accept-queue.short\", \"level\": \"critical\", \"wall\": "   \
	"\"accept-queue\", \"title\": \"short\", \"detail\": \"\", \"remedy\": \"kernel\","        \
	" \"knob\": \"net.core.somaxconn\", \"current\": \"16\", \"proposed\": \"${1:-2048}\","    \
	" \"evidence\": [] } ] }\nEND\n}\n"                                                        \
	"report >$B/report.json\n"                                                                 \
	"fast() { apply --yes --from $B/report.json --no-proof \"$@\"; }\n"

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
	good(&o);
	assert_ptr_equal(strstr(o.out, "Not ready: 1 wall is short: accept-queue.\n\n"
				       "net.core.somaxconn\n  - 16\n  + 2048\n"),
			 o.out);
	has(o.out, "short → ok");
	has(o.out, "first: 0");
	has(o.out, "check: 0\n0\n");
	has(o.out, "Ready for this target, with --probe accept-queue only.\n\n"
		   "Nothing to change.\nsecond: 0");
	has(o.out, "net.core.somaxconn: is 99, run 1 set 2048; modified since run 1: skipped");
	has(o.out, "skipped: 1\nis 99");
	has(o.out, "99 → 16");
	has(o.out, "forced: 0\nis 16");
	has(o.out, "Nothing to roll back.\nagain: 0");
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
	good(&o);
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
	good(&o);
	has(o.out, "text: 0");
	has(o.out, "json: 0");
	has(o.out, "net.core.somaxconn = 2048\nsysctl: 0");
	has(o.out, "change /proc/sys/net/core/somaxconn '16' '2048'\nshell: 0");
	has(o.out, "16\nstate: 1\nshell: 3\n16\n");
	has(o.errors, "add --dry-run");
	output_free(&o);
}

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
	good(&o);
	has(o.out, "net.core.somaxconn\n  - ");
	has(o.out, "status 3\ndry 0\nsame 0\nstate 1\n");
	has(o.errors, "nothing was changed; run as root: sudo epolltune apply");
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
	has(o.errors, "journal.jsonl: Permission denied; run as root: sudo epolltune rollback "
		      "--force --state-dir 'a b' 1\n");
	has(o.errors, "; run as root: sudo epolltune confirm --persist --state-dir 'a b'\n");
	has(o.errors, "; run as root: sudo epolltune history --state-dir 'a b' 1\n");
	has(strstr(o.errors, "ä"),
	    "journal.jsonl: Permission denied; run the same command as root\n");
	hasnt(strstr(o.errors, "ä"), "sudo");
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
	good(&o);
	has(o.out, "status 3\n16\n");
	has(o.errors, "Read-only file system");
	assert_ptr_equal(strchr(o.errors, '\n'), strrchr(o.errors, '\n'));
	output_free(&o);
}

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
	has(o.out, "apply 2\n16\n");
	has(o.out, "rollback 2\nhistory 0\n");
	has(o.errors, "another epolltune is changing this host");
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
	good(&o);
	has(o.out, "version 3 16\ngarbage 3 16\nlink 3 16\nfilelink 3 16\nmode 3 16\nfile 3 16\n");
	has(o.out, "torn 0\n16\n");
	has(o.errors, "has version 7");
	has(o.errors, "not a journal record");
	has(o.errors, "is a symbolic link");
	has(o.errors, "writable by others");
	has(o.errors, "was torn");
	size_t lines = 0;
	for (const char *at = o.errors; (at = strchr(at, '\n')); at++)
		lines++;
	assert_int_equal(lines, 7); /* one for each command */
	output_free(&o);
}

static void a_signal_rolls_back(void **state)
{
	/* Interrupt the proof, of as many clients as make it last. */
	struct output o =
		inside("", REPORT "somaxconn 16\n"
				  "sed -i 's/\"stall_us\": 100000/\"stall_us\": 2000000/' "
				  "$B/report.json\n"
				  "for s in INT TERM HUP; do\n"
				  "env --default-signal=INT epolltune apply --state-dir $S --yes "
				  "--from $B/report.json >$B/out 2>$B/err & pid=$!\n"
				  "within '[ $(somaxconn) != 16 ]'\n"
				  "echo \"then $(somaxconn)\"; kill -$s $pid; wait $pid\n"
				  "echo \"$s $? $(somaxconn)\"; cat $B/err; tail -1 $B/out; done\n"
				  "epolltune history --state-dir $S\n");
	good(&o);
	static const char *const signals[] = {"INT", "TERM", "HUP"};
	for (size_t i = 0; i < 3; i++) {
		char want[256];
		snprintf(want, sizeof(want),
			 "then 2048\n%s 2 16\nepolltune: run %zu was rolled back: interrupted by "
			 "SIG%s",
			 signals[i], i + 1, signals[i]);
		has(o.out, want);
	}
	has(o.out, "Run 3 rolled back; all values restored.\n");
	hasnt(o.out, "unfinished");
	output_free(&o);
}

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
	good(&o);
	has(o.out, "apply 0\n2048\nother 2\n");
	has(o.out, "Run 1 is confirmed: the changes stay until the next boot.");
	has(o.out, "\nconfirm 0\n");
	has(o.out, "No run waits to be confirmed.\nagain 0\n2048\n16\nbrief 0\n");
	has(o.out, "late 2\n");
	has(o.errors, "run 1 waits for confirmation and will be rolled back in ");
	has(o.errors, "run 2 was already rolled back: not confirmed in time");
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
	good(&o);
	has(o.out, "Run 1 rolled back, not confirmed in time; all values restored.\nlate 2 16\n");
	has(o.out, "document 2 16\n");
	has(o.out, "Confirmed: the changes stay until the next boot.");
	has(o.out, "\nconfirmed 0 2048\n");
	has(o.out, "stopped 2 16\n");
	has(o.out, "Run 4 rolled back, interrupted by SIGTERM; all values restored.\n");
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
	good(&o);
	has(o.out, "2048\n16\n1\n");
	has(o.out, "Run 1: reverted, not confirmed in time");
	output_free(&o);
}

/* Runs a command in a terminal, types `answer` at its question, and returns the exit status. */
static int in_terminal(const char *command, const char *answer, char *shown, size_t size)
{
	int master;
	pid_t pid = forkpty(&master, NULL, NULL, NULL);
	assert_true(pid >= 0);
	if (pid == 0) {
		execl("/bin/sh", "sh", "-c", command, (char *)NULL);
		_exit(127);
	}
	size_t n = 0;
	bool typed = false;
	shown[0] = 0;
	for (;;) {
		struct pollfd p = {master, POLLIN, 0};
		if (poll(&p, 1, 60000) == 0) {
			struct output o = run("ps -s %d -o pid,stat,wchan:20,args", (int)pid);
			fail_msg("nothing for a minute after \"%s\" from\n%s", shown, o.out);
		}
		ssize_t got = n < size - 1 ? read(master, shown + n, size - 1 - n) : 0;
		if (got <= 0)
			break;
		n += (size_t)got;
		shown[n] = 0;
		if (!typed && strstr(shown, "[y/N]"))
			typed = write(master, answer, strlen(answer)) > 0;
	}
	shown[n] = 0;
	int status;
	close(master);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Answers a command's question with "no". */
static void declined(const char *command, const char *then)
{
	char shown[16384];
	assert_int_equal(in_terminal(command, "n\n", shown, sizeof(shown)), 0);
	has(shown, "Make this change? [y/N]");
	has(shown, then);
}

static void asks_once_on_a_terminal(void **state)
{
	char shown[16384], command[512];
	struct output o = inside("", REPORT);
	good(&o);
	output_free(&o);
	snprintf(command, sizeof(command),
		 "%s sh -c 'echo 16 >/proc/sys/net/core/somaxconn; $PROGRAM apply --state-dir "
		 "%s/state --from %s/report.json --no-proof; echo \"status $?\"; cat "
		 "/proc/sys/net/core/somaxconn'",
		 enter, base, base);
	declined(command, "status 2\r\n16\r\n");
	assert_int_equal(in_terminal(command, "y\n", shown, sizeof(shown)), 0);
	has(shown, "status 0\r\n2048\r\n");
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
	good(&o);
	has(o.out, "status 2, 16 60\n");
	has(o.errors, "another epolltune command changed settings meanwhile");
	output_free(&o);
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
	good(&o);
	has(o.out, "  - 16\n  + 2048\n");
	has(o.out, "null 3 16\nno 3 16\nyes 3 16\nreport 3 16\njson 3 16\nconfirm 3 16\n");
	has(o.out, "persist 16\nstate 1\n  \"outcome\": \"refused\",\nnothing to do 0\n");
	has(o.errors, "epolltune: nothing was changed: there is no terminal to ask on; "
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
	good(&o);
	has(o.out, "unknown 3 0\nnumber 3 0\nrange 3 0\nlower 2 0\nabsent 3 0\nonly 3 0\n"
		   "except 3 0\nbare 0 0\nApplied as run 1\n20\ndry 0 0\nforce 0 0\n"
		   "Nothing to change: the values of --set are in force.\n");
	has(o.out, "proof 0\n");
	has(o.out, "Proof, check --probe accept-queue,syn-queue before and after:\n");
	has(o.errors, "--set: unknown knob \"net.core.nosuch\"; see epolltune list knobs\n");
	has(o.errors, "--only: unknown knob \"net.core.somaxcon\"; did you mean "
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
	good(&o);
	has(o.out, "first 1 2048 70\n1\n16\nlast 1 2048 70\n1\n16\n");
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
	good(&o);
	assert_ptr_equal(strstr(o.out, "again 2\n"), o.out);
	has(o.out, "\"refused\"");
	has(o.out, "run 1 waits for confirmation and will be rolled back in ");
	has(o.out, "check 2\n");
	has(o.out, "preview 0\nthen 0\n");
	has(o.errors, " s: first run epolltune confirm --state-dir ");
	has(strstr(o.errors, "----"), "run 1 will be rolled back in ");
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
	hasnt(o.errors, "sudo");
	hasnt(o.errors, "as root");
	output_free(&o);
}

static void counts_down_on_a_terminal(void **state)
{
	char shown[16384], command[512];
	struct output o = inside("", REPORT);
	good(&o);
	output_free(&o);
	snprintf(command, sizeof(command),
		 "%s sh -c 'echo 16 >/proc/sys/net/core/somaxconn; $PROGRAM apply --yes --confirm "
		 "3s "
		 "--state-dir %s/state --from %s/report.json --no-proof; echo \"status $?\"; cat "
		 "/proc/sys/net/core/somaxconn'",
		 enter, base, base);
	assert_int_equal(in_terminal(command, "", shown, sizeof(shown)), 0);
	has(shown, "will be rolled back in 3 s. Confirm with: epolltune confirm");
	/* A busy machine may skip a second. */
	if (!strstr(shown, "will be rolled back in 1 s"))
		has(shown, "will be rolled back in 2 s");
	has(shown, "Run 1 rolled back, not confirmed in time; all values restored.");
	has(shown, "status 2\r\n16\r\n");
}

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
	good(&o);
	has(o.out,
	    "77 after a reboot, not 2048: /etc/sysctl.d/99-other.conf:1\n    overrides our line");
	has(o.out, "at the next boot /etc/sysctl.d/99-other.conf:1 overrides our line: sets 77");
	has(o.out, "apply 1\n# Written by epolltune");
	has(o.out, "\nnet.core.somaxconn = 2048\n644 0\n");
	has(o.out, "the proposed values are in force; run epolltune check.\n\n"
		   "Manual steps:\n");
	has(o.out, "again 1\n");
	has(o.out, "(file): line removed");
	has(o.out, "rollback 0\n0\n16\n");
	has(o.out, "2048 after a reboot, as now");
	has(o.out, "later 0\nnet.core.somaxconn = 2048\n0\n2048\n16\n");
	has(o.out, "whole 0\n0\n16\n");
	has(o.out, "The values last until the next boot; the same command with --persist keeps "
		   "them.\n0\n");
	has(o.out, "is confirmed: the changes stay, also after a reboot.\n");
	has(o.out, "is confirmed: the changes stay until the next boot. To keep them: epolltune "
		   "confirm --persist --state-dir /");
	has(o.out, "net.core.somaxconn = 2048\nkept 0\n");
	has(o.out, "ro 3\n16\n");
	has(o.errors, "Read-only file system");
	hasnt(o.out, "unfinished");
	output_free(&o);
}

static void a_useless_change_is_rolled_back(void **state)
{
	/* A knob that has no effect on its wall. */
	struct output o = inside(
		"", REPORT
		"somaxconn 16; cat /proc/sys/net/ipv4/tcp_fin_timeout\n"
		"sed -i 's/net.core.somaxconn/net.ipv4.tcp_fin_timeout/g; s/\"16\"/\"60\"/; "
		"s/2048/61/' $B/report.json\n"
		"apply --yes --from $B/report.json --probe accept-queue; echo \"status $?\"\n"
		"cat /proc/sys/net/ipv4/tcp_fin_timeout\n"
		"apply --yes --from $B/report.json --probe accept-queue --format json >$B/1.json\n"
		"grep outcome $B/1.json\n");
	has(o.out, "60\n");
	has(o.out, "Run 1 rolled back; all values restored.\nstatus 2\n60\n");
	has(o.out, "\"outcome\": \"reverted\"");
	has(o.errors,
	    "run 1 was rolled back: 60 → 61 did not improve accept-queue: it is still short");
	output_free(&o);
}

/* A report is of a target and of what was given beside it. */
static void the_proof_has_the_backlog_of_its_report(void **state)
{
	struct output o =
		inside("", REPORT "somaxconn 16; report >$B/report.json\n"
				  "sed -i 's/\"walls\"/\"backlog\": 1500, &/' $B/report.json\n"
				  "grep -q backlog $B/report.json || exit 70\n"
				  "apply --yes --from $B/report.json --probe accept-queue\n");
	has(o.out, "1 501");
	hasnt(o.out, "2 049");
	output_free(&o);
}

/* The proof of --server is a check without that server: its limits are not those of this shell, and
 * it may have more sockets than the test server. */
static void another_server_proves_nothing(void **state)
{
	struct output o = inside(
		"--pid --fork --mount-proc",
		"ip link set lo up; somaxconn 128\n"
		"serve() { (ulimit -n 20000 && exec epolltune serve --port 8000 --workers $1 "
		">$B/served 2>&1) & server=$!\n"
		"within 'grep -q 8000 $B/served || ! kill -0 $server'; kill -0 $server || exit 77; }\n"
		"try() { name=$1; shift; apply --probe accept-queue,descriptors --yes \"$@\"\n"
		"echo \"$name $? $(somaxconn)\"; epolltune rollback --state-dir $S >/dev/null; }\n"
		"serve 1; (ulimit -n 4096; try limits --server :8000\n"
		"epolltune check --server :8000 --probe accept-queue,descriptors --format json "
		">$B/report.json\n"
		"try report --from $B/report.json); kill $server; wait $server\n"
		"serve 8; try sockets --server :8000; kill $server\n");
	if (o.status == 77)
		skip_because("the limit of descriptors is below 20000");
	has(o.out, "limits 1 2048\n");
	has(o.out, "BEFORE is of this server, AFTER of a new one with the limits");
	has(o.out, "report 1 2048\n");
	has(o.out, "accept-queue: is still short");
	has(o.out, "sockets 1 256\n");
	hasnt(o.out, "descriptors.process");
	output_free(&o);
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
	good(&o);
	assert_string_equal(o.out, "0\n16\n0\n16\n0\n16\n");
	output_free(&o);
}

static void a_later_run_is_named(void **state)
{
	struct output o = inside(
		"", REPORT "somaxconn 16; fast >/dev/null\n"
			   "fast --set net.core.somaxconn=3000 >/dev/null\n"
			   "epolltune rollback 1 --state-dir $S; echo \"first $? $(somaxconn)\"\n"
			   "epolltune rollback --state-dir $S; echo \"newest $? $(somaxconn)\"\n"
			   "epolltune rollback --state-dir $S; echo \"rest $? $(somaxconn)\"\n"
			   /* Both set the same. */
			   "S=$B/same; somaxconn 16; fast >/dev/null; somaxconn 16\n"
			   "fast >/dev/null; epolltune rollback 1 --state-dir $S\n"
			   "echo \"same $? $(somaxconn)\"; epolltune rollback --state-dir $S\n"
			   "echo \"then $? $(somaxconn)\"; epolltune rollback 2 --state-dir $S\n"
			   "echo \"back $?\"; epolltune rollback 9 --state-dir $S\n"
			   "echo \"none $?\"; epolltune history 9 --state-dir $S\n");
	assert_int_equal(o.status, 3);
	has(o.out, "Run 1 was not rolled back: its values were modified since. To restore them "
		   "anyway: epolltune rollback 1 --force --state-dir /");
	has(o.out, "Run 2 was rolled back already.\nback 0\n");
	has(o.out, "none 3\n");
	has(o.errors, "epolltune: no run 9; for the runs: epolltune history --state-dir /");
	has(strchr(o.errors, '\n'), "epolltune: no run 9; for the runs: epolltune history --state");
	has(o.out, "same 1 2048\n");
	has(o.out, "then 0 16\n");
	has(o.out, "is 3000, run 1 set 2048; modified since run 1 by run 2:");
	has(o.out, "first 1 3000\n");
	has(o.out, "newest 0 2048\n");
	has(o.out, "rest 0 16\n");
	output_free(&o);
}

static void a_later_run_elsewhere_keeps_nothing(void **state)
{
	struct output o = inside(
		"", REPORT "somaxconn 16; fast >/dev/null\n"
			   "unshare -n sh -c 'echo 16 >/proc/sys/net/core/somaxconn\n"
			   "epolltune apply --state-dir $S --yes --from $B/report.json --no-proof' "
			   ">/dev/null\n"
			   "epolltune rollback 1 --state-dir $S; echo \"first $? $(somaxconn)\"\n");
	good(&o);
	has(o.out, "first 0 16\n");
	output_free(&o);
}

/* After a reboot: only a run of this boot and namespace, or of a boot whose line was there at this
 * one, has left the value that is found. */
static void a_run_of_another_boot_keeps_nothing(void **state)
{
	struct output o = inside(
		"-m --pid --fork --mount-proc", REPORT
		"boots\n"
		"boot=$(cat /proc/sys/kernel/random/boot_id)\n"
		"of() { sed -i \"/\\\"run\\\":$1,/s/$boot/$2/\" $S/journal.jsonl; }\n"
		"back() { epolltune rollback $1 --state-dir $S; echo \"$2 $? $(somaxconn)\"; }\n"
		/* run 1 persists; after a reboot run 2 sets the same elsewhere */
		"somaxconn 16; fast --persist >/dev/null; of 1 earlier\n"
		"unshare -n sh -c 'echo 16 >/proc/sys/net/core/somaxconn\n"
		"epolltune apply --state-dir $S --yes --from $B/report.json --no-proof' >/dev/null\n"
		"back 1 elsewhere\n"
		/* run 3 persists; run 4 sets the same again in a boot between */
		"somaxconn 16; fast --persist >/dev/null; of 3 earlier\n"
		"somaxconn 16; fast >/dev/null; of 4 between\n"
		"back 3 between\n"
		/* run 5 persists; run 6 sets the same again in this boot */
		"somaxconn 16; fast --persist >/dev/null; of 5 earlier\n"
		"somaxconn 16; fast >/dev/null\n"
		"back 5 here\n");
	if (o.status == 77)
		skip_because("/etc/sysctl.d cannot be bound here");
	good(&o);
	has(o.out, "elsewhere 0 4096\n");
	has(o.out, "between 0 4096\n");
	has(o.out, "modified since run 5 by run 6");
	has(o.out, "here 1 2048\n");
	output_free(&o);
}

/* As the disk is full: the journal cannot grow by more than so many bytes. */
#define ROOM                                                                                       \
	"room() { n=$1; shift; prlimit --fsize=$(($(stat -c %s $S/journal.jsonl) + n)) \"$@\"; }\n"

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
	good(&o);
	has(o.errors, "run 1 is confirmed, but not completed: cannot write to /");
	has(o.errors, "correct that and run: epolltune confirm --state-dir /");
	has(o.errors,
	    "run 1 was confirmed, but not completed: first run epolltune confirm --state");
	hasnt(o.errors, "unfinished");
	has(o.out, "full 2\n1\n");
	has(o.out, "complete it with: epolltune confirm --state-dir /");
	has(o.out, "apply 2\n"
		   "Run 1 was confirmed before and is complete now.\nagain 0\n"
		   "No run waits to be confirmed.\nonce 0\n"
		   "Run 1 was confirmed: it stays.\nNothing to roll back.\npending 0\n"
		   "Nothing to roll back.\nonce 0\n2048\n1\n");
	has(o.out, "Run 1 was confirmed before a reboot and is complete now; what the reboot has "
		   "reset stays reset.\nrebooted 0\n");
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
	good(&o);
	has(o.errors, "run 1 is confirmed, but not persisted: cannot ");
	has(o.errors, "correct that and run: epolltune confirm --persist --state-dir /");
	has(o.out, "net.core.somaxconn (file): has its old value already\nfailed 2\n");
	has(o.out, " current net.core.somaxconn\n");
	has(o.out, "Run 1 was confirmed before; its lines are written now.\n");
	has(o.out, "later 0\n1\n");
	has(strstr(o.out, "later 0"), "net.core.somaxconn (and file)\n");
	has(o.out, "No run waits to be confirmed.\nonce 0\n1\n");
	has(o.out, "back 0 16\n");
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
	good(&o);
	assert_string_equal(o.out, "apply 2 2048\nrollback 2 16\nwait 2\nconfirm 2\ntext 2 16\n"
				   "said 2\nplan 3\nshown 3 16\n");
	has(o.errors,
	    "run 1 is applied, but its outcome was not printed: cannot write the plan: No "
	    "space left on device: see: epolltune history 1 --state-dir /");
	has(o.errors, "run 1 is reverted, but its outcome was not printed: cannot write ");
	has(o.errors, "run 2 is waiting, but its outcome was not printed: ");
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
	good(&o);
	has(o.out, "All values of run 1 are restored, but not all is recorded. Retry: epolltune "
		   "rollback 1 --state-dir /");
	has(o.out, "full 2 16\n  \"outcome\": \"unfinished\",\n");
	has(o.out, "Run 1 rolled back; all values restored.\nagain 0\n");
	hasnt(o.out, "except");
	output_free(&o);
}

/* A command to paste works from the directory of another login. */
static void a_relative_state_directory(void **state)
{
	struct output o = inside("", REPORT "somaxconn 16; cd $B; S=state\n"
					    "fast --confirm 600s; sh -c 'cd /; epolltune confirm "
					    "--state-dir '$B/state\n");
	char want[160];
	good(&o);
	snprintf(want, sizeof(want), "unless confirmed: epolltune confirm --state-dir %s/state\n",
		 base);
	has(o.out, want);
	has(o.out, "Run 1 is confirmed");
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
	good(&o);
	has(o.out, "state 2 16\n");
	has(o.out, "files 2 16 fill\n");
	has(o.errors, "/small/state/journal.jsonl: No space left on device\n");
	has(o.errors,
	    "run 1 was rolled back: cannot write /etc/sysctl.d/90-epolltune.conf: No space");
	hasnt(o.out, "unfinished");
	has(o.out, "back ");
	has(o.out, " 16\n");
	output_free(&o);
}

static void another_namespace_or_boot(void **state)
{
	struct output o =
		inside("", REPORT
		       "somaxconn 16; fast >/dev/null\n"
		       "unshare -n sh -c 'epolltune rollback --state-dir $S; echo \"there $?\"'\n"
		       "somaxconn; epolltune rollback --state-dir $S; echo \"here $?\"; somaxconn\n"
		       /* another boot: what does not persist is lost */
		       "fast >/dev/null\n"
		       "sed -i 's/\"boot\":\"[^\"]*\"/\"boot\":\"another\"/' $S/journal.jsonl\n"
		       "epolltune rollback --state-dir $S; echo \"boot $?\"; somaxconn\n");
	good(&o);
	has(o.out, "belongs to network namespace");
	has(o.out, "there 1\n2048\n");
	has(o.out, "here 0\n16\n");
	has(o.out, "a reboot has reset it");
	has(o.out, "boot 0\n2048\n");
	output_free(&o);
}

/* A run of a namespace that is gone is closed once; history says so before. */
static void a_namespace_that_is_gone(void **state)
{
	if (geteuid() != 0)
		skip_because("an ordinary user cannot look into the processes of others");
	/* The number of a namespace is reused at once: only its cookie differs. */
	struct output o = run(
		"export S=%s/state PATH=%s:$PATH LC_ALL=C.UTF-8\n"
		"a() { epolltune apply --yes --no-proof --only net.core.somaxconn --set "
		"net.core.somaxconn=$1 --state-dir $S; }\n"
		"b() { unshare -n sh -c \"epolltune apply --yes --no-proof --only net.core.somaxconn "
		"--set net.core.somaxconn=$1 --state-dir $S $2\" >/dev/null; }\n"
		"b 5000; epolltune history --state-dir $S\n"
		"epolltune rollback --state-dir $S; echo \"once $?\"\n"
		"epolltune rollback --state-dir $S; echo \"twice $?\"\n"
		"epolltune history --state-dir $S | grep -c reverted\n"
		/* held by a process, by a mount and by a descriptor */
		"unshare -n sh -c 'epolltune apply --yes --no-proof --only net.core.somaxconn --set "
		"net.core.somaxconn=5001 --state-dir $S >/dev/null; echo >$S/go; exec sleep 60' & p=$!\n"
		"until [ -e $S/go ]; do sleep 0.02; done\n"
		"epolltune rollback --force --state-dir $S >/dev/null; echo \"held $?\"\n"
		"export p; unshare -m sh -c 'touch \"$S/a b\" && mount --bind /proc/$p/ns/net \"$S/a b\" "
		"&& echo >$S/bound; exec sleep 60' & m=$!\n"
		"until [ -e $S/bound ]; do sleep 0.02; done\n"
		"exec 7</proc/$p/ns/net; kill $p; wait $p 2>/dev/null\n"
		"epolltune rollback --force --state-dir $S >/dev/null; echo \"open $?\"\n"
		"nsenter --net=/proc/self/fd/7 epolltune history --state-dir $S | tail -1\n"
		"exec 7<&-\n"
		"epolltune rollback --force --state-dir $S >/dev/null; echo \"mounted $?\"\n"
		"kill $m; wait $m 2>/dev/null\n"
		"unshare -n epolltune rollback --state-dir $S; echo \"reused $?\"\n",
		base, base);
	good(&o);
	has(o.out, " lost with its namespace root 402");
	has(o.out, "net.core.somaxconn: nothing to roll back: its network namespace is gone\n"
		   "Run 1 rolled back; none of its changes was in force.\nonce 0\n"
		   "Nothing to roll back.\ntwice 0\n1\n");
	has(o.out, "held 1\nopen 1\n");
	has(o.out, " applied ");
	has(o.out, " current ");
	has(o.out, "mounted 1\n");
	has(o.out, "reused 0\n");
	output_free(&o);
}

/* After a reboot the value before the run is none to restore: another file's is, or the kernel's
 * own. */
static void the_earlier_boots_value_is_not_restored(void **state)
{
	struct output o = inside(
		"-m --pid --fork --mount-proc", REPORT
		"boots\n"
		"reboot() { sed -i 's/\"boot\":\"[^\"]*\"/\"boot\":\"another\"/' $S/journal.jsonl; }\n"
		"back() { epolltune rollback --state-dir $S; echo \"$1 $? $(somaxconn)\"; }\n"
		"somaxconn 16; fast --persist >/dev/null; reboot; back default\n"
		"echo net.core.somaxconn=77 >/etc/sysctl.d/10-other.conf\n"
		"somaxconn 16; fast --persist >/dev/null; reboot; back file\n"
		"rm /etc/sysctl.d/10-other.conf\n"
		"w=$(cat /proc/sys/net/ipv4/tcp_wmem | cut -f1-2)\n"
		"apply --yes --no-proof --persist --only net.ipv4.tcp_wmem --set "
		"\"net.ipv4.tcp_wmem=$w 9000000\" >/dev/null; reboot; back unknown\n"
		"somaxconn 16; fast --persist >/dev/null; back 'same boot'\n"
		"fast >/dev/null; reboot; epolltune history --state-dir $S | tail -1\n");
	if (o.status == 77)
		skip_because("/etc/sysctl.d cannot be bound here");
	good(&o);
	has(o.out, "2048 → 4096 (the kernel's default; 16 was of an earlier\n    boot)");
	has(o.out, "default 0 4096\n");
	has(o.out,
	    "2048 → 77 (set by /etc/sysctl.d/10-other.conf:1; 16 was of\n    an earlier boot)");
	has(o.out, "file 0 77\n");
	has(o.out, "earlier boot; that of this boot is unknown)");
	has(o.out, "unknown 0 77\n");
	has(o.out, "same boot 0 16\n");
	has(o.out, " lost at a reboot ");
	has(o.out, " earlier boot ");
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
	good(&o);
	has(o.out, "skipped (--force restores (empty))");
	has(o.out, "9090 → (empty)");
	has(o.out, "    - (empty)\n    + 8080\n");
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
	good(&o);
	has(o.out, "Manual steps:\n  net.core.somaxconn  2048\n");
	has(o.out, "99-other.conf:1 overrides our line: sets 77");
	has(o.out, "is confirmed: the changes stay; for the next boot see the manual steps.\n");
	has(o.out, "status 1\n");
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
		"echo net.core.somaxconn=512 >/etc/sysctl.d/80-before.conf; drift last\n");
	if (o.status == 77)
		skip_because("/etc/sysctl.d or /run cannot be mounted here");
	good(&o);
	has(o.out, "none 0\n");
	has(o.out, "net.core.somaxconn is 2048 now, and 512 after a reboot");
	has(o.out, "/etc/sysctl.d/99-other.conf:1 sets 512 at boot");
	has(o.out, "--only net.core.somaxconn --set net.core.somaxconn=512 --allow-lower");
	has(o.out, "Ready, but 1 warning: knob.drift");
	has(o.out, "lower 1\nother 0\n");
	has(o.out, "/etc/sysctl.d/99-other.conf:1 sets 512 at the next boot");
	has(o.out, "persist 1\n2048\n0\nraised 1\n");
	has(o.out, "higher 0\n");
	has(o.out, "equal 0\n");
	hasnt(strstr(o.out, "== equal"), "drift: ");
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
	good(&o);
	has(o.errors, "no run 3: there is no journal in /var/lib/epolltune\n");
	has(o.out, "absent 3\nNo runs in /var/lib/epolltune.\n");
	has(o.out, "apply 2\n");
	has(o.out, "rollback 0\n16\n");
	size_t notices = 0;
	for (const char *at = o.errors; (at = strstr(at, "run 1 is unfinished (interrupted)"));
	     at++)
		notices++;
	assert_int_equal(notices, 2);
	output_free(&o);
}

static void a_failure_rolls_back(void **state)
{
	/* The table accepts the second value, the kernel does not. */
	struct output o = inside(
		"", REPORT
		"somaxconn 16; cat /proc/sys/net/ipv4/tcp_congestion_control >$B/was\n"
		"fast --set net.ipv4.tcp_congestion_control=nosuch; echo \"status $?\"\n"
		"somaxconn; cmp /proc/sys/net/ipv4/tcp_congestion_control $B/was && echo same\n"
		"epolltune history --state-dir $S\n");
	good(&o);
	has(o.out, "status 2\n16\nsame\n");
	has(o.errors, "run 1 was rolled back: cannot write \"nosuch\"");
	has(o.out, "reverted");
	output_free(&o);
}

static void history_gives_each_change_a_line(void **state)
{
	struct output o =
		inside("", REPORT
		       "somaxconn 16\n"
		       "fast --set net.core.somaxconn=2000,net.ipv4.tcp_fin_timeout=70 >/dev/null\n"
		       "for l in C C.UTF-8; do LC_ALL=$l epolltune history --state-dir $S; done\n");
	good(&o);
	hasnt(o.out, "\\x0a");
	size_t lines = 0;
	for (const char *at = o.out; *at; at++)
		lines += *at == '\n';
	assert_int_equal(lines, 2 * 3); /* the heading and two changes, in each locale */
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
	good(&o);
	assert_string_equal(o.out, "below 0\nvm.swappiness = 7\nagain 0\nvm.swappiness = 7\n"
				   "above 0\n# mine\nvm.swappiness = 7\n"
				   "again 0\n# mine\nvm.swappiness = 7\ncleared 0\n0\n");
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
	good(&o);
	has(o.out, "there 1\nconfirm 2\nuntouched\nown 0\n");
	has(o.out, "Run 2 rolled back; all values restored.\nback 0\n20\n2048\n16\n");
	has(o.out, "cut 1\nuntouched\n");
	has(o.out, "Run 3 rolled back; all values restored.\n16\n");
	output_free(&o);
}

/* A journal of version 1 with one applied item, as of another network namespace or boot. */
#define JOURNALLED                                                                                 \
	"journal() { # KIND SCOPE NAME FROM TO BOOT NETNS\n"                                       \
	"mkdir -p -m 755 $S; h='{\"v\":1,\"run\":1,\"time\":1,\"event\":'\n"                       \
	"printf '%s\"begin\",\"by\":\"a\",\"command\":\"c\",\"boot\":\"%s\",\"netns\":\"%s\","     \
	"\"confirm_s\":0,\"persist\":false}\\n' \"$h\" $6 $7 >$S/journal.jsonl\n"                  \
	"printf '%s\"intent\",\"n\":0,\"kind\":\"%s\",\"scope\":\"%s\",\"name\":\"%s\","           \
	"\"from\":\"%s\",\"to\":\"%s\",\"why\":\"w\"}\\n' \"$h\" $1 $2 $3 $4 $5 "                  \
	">>$S/journal.jsonl\n"                                                                     \
	"printf '%s\"done\",\"n\":0,\"became\":\"%s\"}\\n%s\"end\"}\\n' \"$h\" $5 \"$h\" "         \
	">>$S/journal.jsonl; cp $S/journal.jsonl $B/before; }\n"                                   \
	"boot=$(cat /proc/sys/kernel/random/boot_id)\n"                                            \
	"here=$(stat -Lc %i /proc/self/ns/net)\n"

/* A run is rolled back newest first: two changes of one knob, of which only the second is in force.
 */
static void rollback_goes_backwards(void **state)
{
	struct output o = inside(
		"", JOURNALLED REPORT
		"somaxconn 16\n"
		"fast >/dev/null; netns=$(sed -n 's/.*\"netns\":\"\\([^\"]*\\)\".*/\\1/p' "
		"$S/journal.jsonl)\n"
		"journal sysctl netns net.core.somaxconn 16 2048 $boot $netns\n"
		"sed -i '$d' $S/journal.jsonl\n"
		"r='{\"v\":1,\"run\":1,\"time\":1,\"event\":'\n"
		"echo \"$r\\\"intent\\\",\\\"n\\\":1,\\\"kind\\\":\\\"sysctl\\\",\\\"scope\\\":"
		"\\\"netns\\\",\\\"name\\\":\\\"net.core.somaxconn\\\",\\\"from\\\":\\\"2048\\\","
		"\\\"to\\\":\\\"4096\\\",\\\"why\\\":\\\"w\\\"}\" >>$S/journal.jsonl\n"
		"echo \"$r\\\"done\\\",\\\"n\\\":1,\\\"became\\\":\\\"4096\\\"}\" "
		">>$S/journal.jsonl\n"
		"echo \"$r\\\"end\\\"}\" >>$S/journal.jsonl\n"
		"somaxconn 4096; epolltune rollback --state-dir $S; echo \"status $? "
		"$(somaxconn)\"\n"
		/* and a run that apply makes and rolls back itself */
		"fast --set net.ipv4.tcp_fin_timeout=71,net.ipv4.tcp_congestion_control=nosuch "
		">/dev/null\n"
		"sed -n 's/.*\"reverted\".*\"n\":\\([0-9]*\\).*/n \\1/p' $S/journal.jsonl\n");
	good(&o);
	has(o.out, "4096 → 2048");
	has(o.out, "2048 → 16");
	has(o.out, "status 0 16\n");
	has(o.out, "n 1\nn 0\nn 2\nn 1\nn 0\n");
	output_free(&o);
}

/* A change that is not readable now can be rolled back later. */
static void unreachable_changes_stay(void **state)
{
	struct output o = inside(
		"", JOURNALLED
		"test -e /proc/sys/net/core/netdev_max_backlog && exit 77\n"
		"journal sysctl system net.core.netdev_max_backlog 1000 2000 $boot 1\n"
		"epolltune rollback --state-dir $S; echo \"system $?\"\n"
		"cmp $S/journal.jsonl $B/before && echo untouched\n"
		/* a journal without the index: whether the interface was removed is unknown */
		"epolltune apply --yes --state-dir $S --set net.core.somaxconn=5000 --only "
		"net.core.somaxconn --probe accept-queue --no-proof >/dev/null\n"
		"netns=$(sed -n 's/.*\"netns\":\"\\([^\"]*\\)\".*/\\1/p' $S/journal.jsonl | "
		"tail -1)\n"
		"journal device netns device.channels@nosuch0 1 2 $boot $netns\n"
		"epolltune rollback --state-dir $S; echo \"device $?\"\n"
		"epolltune rollback --state-dir $S >/dev/null; echo \"still $?\"\n"
		"epolltune rollback --force --state-dir $S; echo \"given up $?\"\n"
		"epolltune rollback --state-dir $S; echo \"then $?\"\n");
	if (o.status == 77)
		skip_because("net.core.netdev_max_backlog is visible in every namespace here");
	good(&o);
	has(o.out, "belongs to network namespace 1");
	has(o.out, "Run 1 was not rolled back: epolltune cannot access its values from here.\n"
		   "system 1\nuntouched\n");
	has(o.out, "NOT rolled back: not accessible");
	has(o.out, "device 1\nstill 1\n");
	has(o.out, "none of its changes was in force.\ngiven up 0\n");
	has(o.out, "Nothing to roll back.\nthen 0\n");
	output_free(&o);
}

/* The proof uses the report's target and the probes of the changed knobs. */
static void the_proof_uses_the_target_of_the_report(void **state)
{
	struct output o =
		inside("", REPORT "somaxconn 16\n"
				  "sed -i 's/\"rate_per_s\": 10000/\"rate_per_s\": 1000/; "
				  "s/\"needed\": 1000/\"needed\": "
				  "100/; s/2048/128/' $B/report.json\n"
				  "apply --yes --from $B/report.json; echo \"apply $?\"\n"
				  "apply --yes --from $B/report.json --rate 5k; echo \"both $?\"\n"
				  "sed -i 's/\"rtt_us\": 50000/\"rtt_us\": 0/' $B/report.json\n"
				  "apply --yes --from $B/report.json; echo \"zero $?\"\n");
	good(&o);
	has(o.out, "check --probe accept-queue,syn-queue before and after:");
	has(o.out, "short → ok");
	has(o.out, "Applied as run 1. Roll back with: epolltune rollback 1");
	has(o.out, "apply 0\n");
	hasnt(o.out, "napi.latency");
	has(o.out, "both 3\n");
	has(o.errors, "--from uses the target of its report");
	has(o.out, "zero 3\n");
	has(o.errors, "no --rtt takes 0");
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
	good(&o);
	has(o.out, " (was 16)\nnet.core.somaxconn = 2048\nstatus 0\n");
	has(o.out, "net.core.somaxconn\n  - 16\n  + 3000\n");
	hasnt(o.out, "Worst-case memory");
	has(o.errors, "8 is lower than the running value 16");
	has(o.errors, "--persist writes files of this machine");
	/* To change this one, its values count. */
	has(o.out, "the proposed values are in force");
	has(o.out, "status 0\n65535\n");
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
	good(&o);
	has(o.errors, "run 1 is unfinished: first run epolltune rollback 1 --state-dir ");
	has(o.out, "apply 2\n");
	has(o.out, "Run 1 rolled back; all values restored.\nrollback 0\n16\n70\n");
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
	good(&o);
	has(o.errors, "run 1 was lost at a reboot before it was confirmed; close it with: "
		      "epolltune rollback 1 --state-dir /");
	has(o.out, "confirm 2\n0\n1\n");
	has(o.out, "rollback 0\n");
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
	good(&o);
	has(o.out, "a reboot has reset it\n"
		   "Run 1 rolled back; none of its changes was in force.\nfirst 0 2048\n"
		   "second 0 16\n");
	has(o.out, "sets 2048 again at");
	has(o.out, "To remove that line:\n    epolltune rollback 4 --state-dir /");
	has(o.out, "third 1 16\nfourth 0\n0\n");
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
	good(&o);
	has(o.out, "apply 2 16\n");
	has(o.out, "files 2\n0\n");
	has(o.out, "Run 1 is confirmed: the changes stay until the next boot.\nwithout 0\n");
	has(o.errors, "the network namespace of process 1 only, and this is another one");
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
	good(&o);
	has(o.out, "apply 2 16\n");
	has(o.out, "files 2\nRun 1 is confirmed: the changes stay until the next boot.\n0\n");
	has(o.out, "chroot 2\nsystemd 0 90-epolltune.conf\n");
	has(o.errors,
	    "--persist: this is a container, and its files do not apply at boot: use it on "
	    "the host, or set the values in the definition of the container");
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
	good(&o);
	has(o.out, "Run 1 is confirmed: the changes stay until the next boot.");
	has(o.out, "\n2048\n");
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
	good(&o);
	assert_string_equal(o.out, "new 0\n16\n71\n0\n");
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
	good(&o);
	has(o.out, "status 2\n16\n");
	has(o.errors, "the name of the state directory is too long");
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
	good(&o);
	assert_string_equal(o.out, "2\n  \"changed\": true,\n  \"outcome\": \"applied\",\n"
				   "  \"run\": 1,\n1\n2048\n");
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
	good(&o);
	has(o.out, "Manual steps:\n  listen.backlog  16 → 2048\n");
	has(o.out, "preview 1 16\n");
	has(o.out, "apply 1 2048\nagain 1\nset 1\nonly 0\n");
	output_free(&o);
}

/* "Nothing to change" is a warning while a wall is short. */
static void a_wall_that_stays_short_is_a_warning(void **state)
{
	struct output o =
		inside("", REPORT
		       "somaxconn 16\n"
		       "sed -i 's/\"remedy\": \"kernel\"/\"remedy\": \"application\"/; "
		       "s/net.core.somaxconn/listen.backlog/g' $B/report.json\n"
		       "fast; echo \"manual $?\"\n"
		       "sed -i 's/\"verdict\": \"short\"/\"verdict\": \"unknown\"/; "
		       "s/critical/warning/' $B/report.json\n"
		       "fast; echo \"unknown $?\"; somaxconn\n"
		       /* one of two is not writable from a namespace */
		       "w=$(cat /proc/sys/net/core/wmem_max) || { echo denied 1 2000; exit 0; }\n"
		       "fast --set net.core.somaxconn=2000,net.core.wmem_max=$((w + 1)); "
		       "echo \"denied $? $(somaxconn)\"\n");
	good(&o);
	has(o.out, "No kernel setting helps here: the manual steps are for the "
		   "application.\n\nManual steps:\n");
	has(o.out, "manual 1\n");
	has(o.out, "denied 1 2000\n");
	has(o.out, "unknown 3\n16\n");
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
	good(&o);
	has(o.out, "Not ready: 1 wall is short: accept-queue.\n\n"
		   "epolltune can change nothing here: see epolltune check.\nshort 1\n");
	has(o.out, "Not known: 1 wall has no verdict: accept-queue.\n\n"
		   "epolltune can change nothing here: see epolltune check.\n");
	has(o.out, "unknown 3\nReady for this target.\n\nNothing to change.\nok 0\n"
		   "Ready, but 1 wall is tight: accept-queue.\n\nNothing to change.\ntight 0\n");
	has(o.out, "Nothing to change among the selected knobs: see epolltune check.\nshort 1\n");
	has(o.out, "accept-queue needs net.core.somaxconn, which --only does not name.\nonly 1\n");
	has(o.out, "accept-queue needs net.core.somaxconn, which --except excludes.\n");
	has(o.out, "Nothing to change: the values of --set are in force.\nshort 0\n");
	has(o.out, "\n# epolltune can change nothing here: see epolltune check.\nshort 1\n");
	has(o.out, "Nothing to change: the proposed values are in force; "
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

/* The count-down ends by a rollback, or with a killed watchdog. */
static void counts_down_to_other_ends(void **state)
{
	char shown[16384], command[1024];
	struct output o = inside("", REPORT);
	good(&o);
	output_free(&o);
	snprintf(command, sizeof(command),
		 "%s sh -c 'echo 16 >/proc/sys/net/core/somaxconn; (until grep -q wait "
		 "%s/state/journal.jsonl 2>/dev/null; do sleep 0.1; done; $PROGRAM rollback "
		 "--state-dir %s/state) >/dev/null 2>&1 & $PROGRAM apply --yes --confirm 60s "
		 "--state-dir %s/state --from %s/report.json --no-proof; echo \"status $?\"'",
		 enter, base, base, base, base);
	assert_int_equal(in_terminal(command, "", shown, sizeof(shown)), 0);
	has(shown, "Run 1 rolled back, by epolltune rollback; all values restored.");
	has(shown, "status 2\r\n");
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
	assert_int_equal(in_terminal(command, "", shown, sizeof(shown)), 0);
	has(shown, "is not confirmed and its rollback watchdog has exited; confirm with: epolltune "
		   "confirm");
	has(shown, "status 2\r\n2048\r\n");
	has(shown, " waiting, but not watched ");
	has(shown,
	    "Run 1: waiting, but not watched\r\n  the rollback watchdog has exited; roll back "
	    "with: epolltune rollback 1");
	hasnt(shown, "s left");
	has(shown, " not confirmed in time ");
	has(shown, "Run 1 is confirmed, after its deadline: the changes stay until the next boot.");
	has(shown, " applied ");
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
		has(o.out, want);
	output_free(&o);
	o = run("$PROGRAM apply --set %s --probe nosuch 2>&1", long_set);
	hasnt(o.out, "=1048\n");
	output_free(&o);
}

/* An interface without loss after its change is not a proof under load. */
static void no_loss_is_not_a_proof(void **state)
{
	struct output o =
		inside("", REPORT
		       "ip link add name v0 numrxqueues 4 numtxqueues 4 type veth peer name v1 && "
		       "ethtool -L v0 rx 1 || exit 9\n"
		       "report 3 | sed 's/accept-queue.short/nic.queues.one-cpu/; "
		       "s/accept-queue/nic.queues/g; s/net.core.somaxconn/device.channels@v0/g; "
		       "s/\"current\": \"16\"/\"current\": \"1\"/' >$B/nic.json\n"
		       "apply --yes --from $B/nic.json --probe nic --allow-link-reset; echo "
		       "\"status $?\"\n"
		       "ethtool -l v0 | grep RX: | tail -n 1\n");
	if (o.status == 9) {
		output_free(&o);
		skip_because("no veth, or no ethtool");
	}
	good(&o);
	has(o.out, "proven only under load");
	has(o.out, "not all of it proven");
	has(o.out, "status 1\n");
	has(o.out, "RX:\t\t3\n");
	output_free(&o);
}

/* The limit of a process is a manual step, with the step before it, in every format. */
static void process_limits_are_manual_steps(void **state)
{
	struct output o = run("ulimit -n 4096; $PROGRAM apply --target c1m --probe descriptors "
			      "--dry-run");
	assert_int_equal(o.status, 1);
	has(o.out, "    LimitNOFILE=2097152\n");
	bool first = strstr(o.out, "first raise fs.nr_open from");
	output_free(&o);
	o = run("[ $(cat /proc/sys/fs/nr_open) -lt 2097152 ]");
	assert_int_equal(o.status, first ? 0 : 1);
	output_free(&o);
	o = run("ulimit -Sn 1024; ulimit -Hn 16000; $PROGRAM apply --probe descriptors --dry-run");
	assert_int_equal(o.status, 0);
	has(o.out, "Nothing to change.\nTight walls are not changed; add --tight");
	output_free(&o);
	/* The printed command works. */
	o = run("ulimit -Sn 1024; ulimit -Hn 16000; $PROGRAM apply --probe descriptors --dry-run "
		"--tight | sed -n 's/.*\\(prlimit --pid \\).*\\( --nofile=.*\\)/\\1$$\\2/p' "
		">%s/do; "
		". %s/do && ulimit -Sn && ulimit -Hn",
		base, base);
	has(o.out, "16000\n16000\n");
	output_free(&o);
	/* Reports are untrusted: their text must not escape a comment. */
	o = run("ulimit -n 4096; $PROGRAM check --target c1m --probe descriptors --format json | "
		"sed "
		"'s/\"knob\": \"RLIMIT_NOFILE\"/\"knob\": \"X\\\\necho INJECTED\"/' >%s/evil.json; "
		"grep -c INJECTED %s/evil.json; $PROGRAM apply --from %s/evil.json --dry-run "
		"--format shell | sh",
		base, base, base);
	hasnt(o.out, "INJECTED");
	hasnt(o.out, "0\n");
	output_free(&o);
	static const char *const formats[] = {"sysctl", "shell"};
	for (size_t i = 0; i < 2; i++) {
		o = run("ulimit -n 4096; $PROGRAM apply --target c1m --probe descriptors --dry-run "
			"--format %s",
			formats[i]);
		has(o.out, "\n# Manual step: RLIMIT_NOFILE  4096 -> 2097152\n");
		has(o.out, "\n#       LimitNOFILE=2097152\n");
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
	has(o.errors, "no journal in --state-dir ");
	output_free(&o);
	o = run("$PROGRAM rollback x --state-dir %s/state", base);
	has(o.errors, "RUN: \"x\" is not the number of a run; for the runs: epolltune history "
		      "--state-dir /");
	output_free(&o);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_base, remove_base)

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
		TEST(rollback_goes_backwards),
		TEST(manual_steps_are_a_warning),
		TEST(a_preview_changes_nothing),
		TEST(without_privilege),
		TEST(as_root_with_the_same_words),
		TEST(read_only_proc_sys),
		TEST(two_at_once),
		TEST(broken_state_is_one_error),
		TEST(a_signal_rolls_back),
		TEST(confirm_in_time_or_not),
		TEST(process_1_waits),
		TEST(the_watchdog_survives),
		TEST(asks_once_on_a_terminal),
		TEST(a_plan_from_before_another_command_is_refused),
		TEST(no_terminal_no_change),
		TEST(measures_no_more_than_needed),
		TEST(findings_share_knobs),
		TEST(a_pending_run_is_named),
		TEST(root_needs_no_sudo),
		TEST(counts_down_on_a_terminal),
		TEST(persists_and_removes_again),
		TEST(a_useless_change_is_rolled_back),
		TEST(the_proof_has_the_backlog_of_its_report),
		TEST(another_server_proves_nothing),
		TEST(the_watchdog_without_a_journal),
		TEST(a_later_run_is_named),
		TEST(a_later_run_elsewhere_keeps_nothing),
		TEST(a_run_of_another_boot_keeps_nothing),
		TEST(a_confirmed_run_stays),
		TEST(lines_that_are_written_later),
		TEST(an_outcome_that_cannot_be_printed),
		TEST(a_rollback_without_a_record),
		TEST(a_relative_state_directory),
		TEST(full_disks),
		TEST(another_namespace_or_boot),
		TEST(a_namespace_that_is_gone),
		TEST(the_earlier_boots_value_is_not_restored),
		TEST(an_empty_value_is_printed),
		TEST(confirm_has_its_steps),
		TEST(drift_is_reported),
		TEST(unfinished_runs_are_reported),
		TEST(a_failure_rolls_back),
		TEST(no_loss_is_not_a_proof),
		TEST(history_gives_each_change_a_line),
		TEST(lines_of_others_are_kept),
		TEST(another_namespace_disarms_nothing),
		TEST(unreachable_changes_stay),
		TEST(the_proof_uses_the_target_of_the_report),
		TEST(a_foreign_preview_is_of_that_machine),
		TEST(the_unfinished_run_goes_first),
		TEST(another_boot_is_not_confirmed),
		TEST(runs_and_files_of_two_boots),
		TEST(no_files_from_another_namespace),
		TEST(no_files_of_a_container),
		TEST(the_watchdog_of_a_run_that_was_decided),
		TEST(a_watchdog_knows_its_run),
		TEST(a_state_directory_too_long),
		TEST(confirm_reports_failures_as_json),
		TEST(a_wall_that_stays_short_is_a_warning),
		TEST(no_change_says_why),
		TEST(counts_down_to_other_ends),
		TEST(commands_can_be_pasted),
		TEST(process_limits_are_manual_steps),
		TEST(errors_name_the_argument),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
