/* `epolltune check` finds limits that the tests set in namespaces and processes. */
#include "../support/checked.h"
#include "../support/support.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* Runs a shell text as root of a new user and network namespace, with loopback up. */
#define IN_NAMESPACE "unshare -Urn sh -ec 'ip link set lo up; %s'"

static void somaxconn_is_named(const char *enter, const char *options, const char *isolation)
{
	if (!namespaces_allowed())
		skip_because("user namespaces are refused");
	struct checked c =
		checked_parse(run("%s sh -ec 'ip link set lo up; "
				  "echo 37 >/proc/sys/net/core/somaxconn; "
				  "$PROGRAM check --format json --probe accept-queue %s'",
				  enter, options));
	json_t *w = checked_wall(&c, "accept-queue"),
	       *f = checked_finding(&c, "accept-queue.short");
	assert_int_equal(c.status, 2);
	assert_string_equal(checked_text(json_object_get(c.report, "host"), "isolation"),
			    isolation);
	assert_string_equal(checked_text(w, "method"), "measured");
	assert_string_equal(checked_text(w, "verdict"), "short");
	assert_string_equal(checked_text(w, "knob"), "net.core.somaxconn");
	assert_int_equal(checked_number(w, "limit"), 38);
	assert_int_equal(checked_number(w, "measured"), 38);
	assert_int_equal(checked_number(w, "needed"), 1000);
	assert_string_equal(checked_text(f, "level"), "critical");
	assert_string_equal(checked_text(f, "remedy"), "kernel");
	assert_string_equal(checked_text(f, "knob"), "net.core.somaxconn");
	assert_string_equal(checked_text(f, "current"), "37");
	assert_true(atoll(checked_text(f, "proposed")) + 1 >= 1250);
	assert_true(checked_evidence(f, "ListenOverflows", "at_current") >= 900);
	assert_true(checked_evidence(f, "ListenOverflows", "at_proposed") == 0);
	assert_true(checked_evidence(f, "clients served", "at_proposed") == 1000);
	checked_free(&c);
}

/* A network namespace, as real root if the test runs as root. */
static const char *root_namespace(void) { return geteuid() ? "unshare -Urn" : "unshare -n"; }

static void somaxconn_is_named_as_root(void **state)
{
	(void)state;
	somaxconn_is_named(root_namespace(), "", "lab");
}

static void somaxconn_is_named_in_user_namespace(void **state)
{
	(void)state;
	somaxconn_is_named("unshare -Urn", "", "lab");
}

static void somaxconn_is_named_in_place(void **state)
{
	(void)state;
	somaxconn_is_named(root_namespace(), "--in-place", "in-place");
}

static void somaxconn_is_named_unprivileged(void **state)
{
	(void)state;
	somaxconn_is_named(geteuid() ? "unshare -Urn"
				     : PROGRAM_FOR_ALL
				   "setpriv --reuid 65534 --regid 65534 --clear-groups "
				   "--no-new-privs unshare -Urn",
			   "", "lab");
}

/* The clients must use several processes then. */
static void somaxconn_is_named_with_few_descriptors(void **state)
{
	(void)state;
	somaxconn_is_named("ulimit -n 100; unshare -Urn", "", "lab");
}

/* The lab of another user cannot set its somaxconn: the listen() argument emulates it. */
static void a_read_only_sysctl_does_not_hide_the_limit(void **state)
{
	(void)state;
	if (!namespaces_allowed())
		skip_because("user namespaces are refused");
	struct checked c = checked_parse(run(
		"unshare -Urnm sh -ec 'ip link set lo up; echo 37 >/proc/sys/net/core/somaxconn; "
		"mount --bind /proc/sys /proc/sys; mount -o remount,bind,ro /proc/sys; "
		"exec unshare -Ur $PROGRAM check --format json --probe accept-queue --rate 1k'"));
	assert_int_equal(c.status, 2);
	assert_int_equal(checked_number(checked_wall(&c, "accept-queue"), "measured"), 38);
	checked_free(&c);
}

/* If no clients arrive, check judges the queue by its settings. */
static void a_dead_wire_is_not_a_short_queue(void **state)
{
	(void)state;
	if (!namespaces_allowed())
		skip_because("user namespaces are refused");
	static const char *const faults[] = {
		"ip link set lo down; $PROGRAM check --in-place",
		"echo 8 >/proc/sys/net/ipv4/conf/all/arp_ignore; $PROGRAM check",
	};
	for (size_t i = 0; i < sizeof(faults) / sizeof(*faults); i++) {
		struct checked c = checked_parse(run("unshare -Urn sh -c 'ip link set lo up; "
						     "%s --format json --probe accept-queue'",
						     faults[i]));
		json_t *w = checked_wall(&c, "accept-queue");
		assert_int_equal(c.status, 0);
		assert_string_equal(checked_text(w, "verdict"), "ok");
		assert_string_equal(checked_text(w, "method"), "derived");
		assert_string_equal(checked_text(w, "experiment"), "missed");
		assert_non_null(strstr(checked_text(json_object_get(c.report, "summary"), "answer"),
				       checked_text(w, "reason")));
		checked_finding(&c, "probe.failed");
		checked_free(&c);
	}
}

/* The load's own ports must not limit it. */
static void few_ports_do_not_limit_the_load(void **state)
{
	(void)state;
	if (!namespaces_allowed())
		skip_because("user namespaces are refused");
	struct checked c = checked_parse(
		run(IN_NAMESPACE, "echo 40000 40009 >/proc/sys/net/ipv4/ip_local_port_range; "
				  "$PROGRAM check --format json --probe accept-queue"));
	assert_int_equal(c.status, 0);
	assert_int_equal(checked_number(checked_wall(&c, "accept-queue"), "measured"), 4097);
	checked_free(&c);
}

static void both_limits_are_named(void **state)
{
	(void)state;
	if (!namespaces_allowed())
		skip_because("user namespaces are refused");
	struct checked c = checked_parse(
		run(IN_NAMESPACE, "echo 100 >/proc/sys/net/core/somaxconn; $PROGRAM check "
				  "--format json --probe accept-queue --backlog 500"));
	assert_int_equal(checked_number(checked_wall(&c, "accept-queue"), "measured"), 101);
	json_t *proposals = json_object_get(checked_finding(&c, "accept-queue.short"), "proposals");
	static const char *const expected[][2] = {{"net.core.somaxconn", "100"},
						  {"listen.backlog", "500"}};
	assert_int_equal(json_array_size(proposals), 2);
	for (size_t i = 0; i < 2; i++) {
		json_t *row = json_array_get(proposals, i);
		assert_string_equal(checked_text(row, "knob"), expected[i][0]);
		assert_string_equal(checked_text(row, "current"), expected[i][1]);
		assert_string_equal(checked_text(row, "proposed"), "2048");
	}
	checked_free(&c);
}

static void no_value_is_proposed_beyond_the_range(void **state)
{
	(void)state;
	struct checked c =
		checked_parse(run("$PROGRAM check --format json --probe accept-queue --rate 100m "
				  "--stall 60min"));
	assert_string_equal(checked_text(checked_wall(&c, "accept-queue"), "method"), "derived");
	assert_true(json_is_null(
		json_object_get(checked_finding(&c, "accept-queue.short"), "proposed")));
	checked_free(&c);
}

/* The exit status is the same in every format. */
static void the_line_format_is_for_monitoring(void **state)
{
	(void)state;
	if (!namespaces_allowed())
		skip_because("user namespaces are refused");
	struct output o = run(IN_NAMESPACE, "echo 37 >/proc/sys/net/core/somaxconn; $PROGRAM check "
					    "--quick --format line --probe accept-queue");
	assert_int_equal(o.status, 2);
	assert_string_equal(o.errors, "");
	assert_string_equal(o.out, "EPOLLTUNE CRITICAL - Not ready: 1 wall is short: accept-queue. "
				   "accept-queue 38 of 1 000 | accept-queue=38;1250:;1000:;0\n");
	output_free(&o);
}

/* Counts the findings of that id whose knob begins with `knob`; *first is the first of them. */
static size_t named(const struct checked *c, const char *id, const char *knob, json_t **first)
{
	size_t i, count = 0;
	json_t *f;
	json_array_foreach(json_object_get(c->report, "findings"), i, f)
	{
		const char *its = json_string_value(json_object_get(f, "knob"));
		if (strcmp(checked_text(f, "id"), id) || !its || strncmp(its, knob, strlen(knob)))
			continue;
		if (!count++)
			*first = f;
	}
	return count;
}

static void myths_are_reported(void **state)
{
	(void)state;
	if (!namespaces_allowed())
		skip_because("user namespaces are refused");
	static const char *const ways[] = {"--quick", "--probe myths"};
	for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
		struct checked c =
			checked_parse(run("unshare -Urn sh -ec 'cd /proc/sys/net/ipv4; "
					  "echo 5000 >tcp_max_tw_buckets; echo 0 >tcp_timestamps; "
					  "$PROGRAM check --format json %s'",
					  ways[i]));
		json_t *f = NULL;
		assert_int_equal(named(&c, "knob.myth", "net.ipv4.", &f), 2);
		assert_int_equal(named(&c, "knob.myth", "net.ipv4.tcp_max_tw_buckets", &f), 1);
		assert_string_equal(checked_text(f, "level"), "note");
		assert_string_equal(checked_text(f, "current"), "5000");
		checked_free(&c);
	}
}

/* A new network namespace has the kernel's defaults. */
static void kernel_defaults_are_not_myths(void **state)
{
	(void)state;
	if (!namespaces_allowed())
		skip_because("user namespaces are refused");
	struct checked c = checked_parse(run(IN_NAMESPACE, "$PROGRAM check --quick --format json"));
	json_t *f = NULL;
	assert_int_equal(named(&c, "knob.myth", "net.ipv4.", &f), 0);
	checked_free(&c);
}

static void a_sysroot_must_not_be_this_machine(void **state)
{
	(void)state;
	struct output o = run("$PROGRAM check --sysroot /");
	assert_int_equal(o.status, 3);
	assert_non_null(strstr(o.errors, "is this machine"));
	output_free(&o);
}

static void the_proposed_value_suffices(void **state)
{
	(void)state;
	if (!namespaces_allowed())
		skip_because("user namespaces are refused");
	struct checked c = checked_parse(run(IN_NAMESPACE,
					     "echo 2048 >/proc/sys/net/core/somaxconn; "
					     "$PROGRAM check --format json --probe accept-queue"));
	assert_int_equal(c.status, 0);
	assert_string_equal(checked_text(checked_wall(&c, "accept-queue"), "verdict"), "ok");
	assert_int_equal(checked_number(checked_wall(&c, "accept-queue"), "measured"), 2049);
	checked_free(&c);
}

static void a_tight_queue_is_a_warning(void **state)
{
	(void)state;
	if (!namespaces_allowed())
		skip_because("user namespaces are refused");
	struct checked c = checked_parse(run(IN_NAMESPACE,
					     "echo 1100 >/proc/sys/net/core/somaxconn; "
					     "$PROGRAM check --format json --probe accept-queue"));
	assert_int_equal(c.status, 1);
	assert_string_equal(checked_text(checked_wall(&c, "accept-queue"), "verdict"), "tight");
	assert_string_equal(checked_text(checked_finding(&c, "accept-queue.tight"), "proposed"),
			    "2048");
	checked_free(&c);
}

static void the_listen_argument_is_distinguished_from_somaxconn(void **state)
{
	(void)state;
	struct checked c = checked_parse(
		run("$PROGRAM check --format json --probe accept-queue --backlog 63"));
	json_t *w = checked_wall(&c, "accept-queue"),
	       *f = checked_finding(&c, "accept-queue.short");
	assert_int_equal(c.status, 2);
	assert_int_equal(checked_number(w, "measured"), 64);
	assert_string_equal(checked_text(w, "knob"), "listen.backlog");
	assert_string_equal(checked_text(f, "remedy"), "application");
	assert_string_equal(checked_text(f, "current"), "63");
	checked_free(&c);
}

static void abort_on_overflow_is_noted(void **state)
{
	(void)state;
	if (!namespaces_allowed())
		skip_because("user namespaces are refused");
	struct checked c =
		checked_parse(run(IN_NAMESPACE, "echo 1 >/proc/sys/net/ipv4/tcp_abort_on_overflow; "
						"$PROGRAM check --format json --quick"));
	assert_string_equal(
		checked_text(checked_finding(&c, "accept-queue.abort-on-overflow"), "level"),
		"note");
	checked_free(&c);
}

static void a_live_listener_is_noted(void **state)
{
	(void)state;
	if (!namespaces_allowed())
		skip_because("user namespaces are refused");
	struct checked c = checked_parse(
		run(IN_NAMESPACE, "busybox nc -l -p 8080 >/dev/null & p=$!; "
				  "for i in $(seq 300); do ss -Hltn | grep -q 8080 && break; "
				  "sleep 0.1; done; "
				  "$PROGRAM check --format json --quick; s=$?; kill $p; exit $s"));
	json_t *f = checked_finding(&c, "accept-queue.application");
	assert_int_equal(c.status, 0);
	assert_string_equal(checked_text(f, "level"), "note");
	const char *title = checked_text(f, "title");
	assert_int_equal(strncmp(title, "busybox (pid ", 13), 0);
	assert_non_null(strstr(title, ":8080 has backlog 1; "));
	checked_free(&c);
}

static void a_low_hard_limit_is_short(void **state)
{
	(void)state;
	struct checked c = checked_parse(
		run("ulimit -n 333; $PROGRAM check --format json --probe descriptors"));
	json_t *w = checked_wall(&c, "descriptors.process"),
	       *f = checked_finding(&c, "descriptors.process.short");
	assert_int_equal(c.status, 2);
	assert_string_equal(checked_text(w, "verdict"), "short");
	assert_string_equal(checked_text(w, "method"), "measured");
	assert_string_equal(checked_text(w, "knob"), "RLIMIT_NOFILE");
	/* The detail names the descriptors that the server holds, which are the difference. */
	const char *held = strstr(checked_text(w, "detail"), "less the ");
	assert_non_null(held);
	assert_int_equal(checked_number(w, "measured"), 333 - atoll(held + strlen("less the ")));
	assert_string_equal(checked_text(f, "remedy"), "process");
	assert_string_equal(checked_text(f, "current"), "333");
	assert_true(atoll(checked_text(f, "proposed")) >= 12500);
	assert_true(checked_evidence(f, "wakeups at the limit", "at_current") > 1000);
	checked_free(&c);
}

static void a_low_soft_limit_is_tight(void **state)
{
	(void)state;
	struct rlimit limit;
	getrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_max < 12600)
		skip_because("the hard limit is %llu here", (unsigned long long)limit.rlim_max);
	struct checked c = checked_parse(
		run("ulimit -Sn 333; $PROGRAM check --format json --probe descriptors"));
	assert_int_equal(c.status, 1);
	assert_string_equal(checked_text(checked_wall(&c, "descriptors.process"), "verdict"),
			    "tight");
	json_t *f = checked_finding(&c, "descriptors.process.soft-limit");
	assert_string_equal(checked_text(f, "level"), "warning");
	assert_string_equal(checked_text(f, "current"), "333");
	checked_free(&c);
}

#define SMALL "--connections 200 --rate 1k"

/* Two busy loops make the machine busy: verdicts are counts, so they do not change. */
static void verdicts_are_steady_on_a_busy_machine(void **state)
{
	(void)state;
	struct output o =
		run("ulimit -Sn $(ulimit -Hn);"
		    "timeout 400 sh -c 'while :; do :; done' & a=$!; timeout 400 sh -c 'while :; "
		    "do :; done' & b=$!;"
		    "for i in 1 2 3 4; do $PROGRAM check --format json "
		    "--probe descriptors,accept-queue | jq -c '[.walls[] | [.name, .verdict]]'; "
		    "done | sort | uniq -c | tr -s ' '; kill $a $b");
	if (strncmp(o.out, " 4 [[", 5))
		fail_msg("%s%s", o.out, o.errors);
	output_free(&o);
}

/* Compares what check must not change: global and namespace knobs, interfaces, network namespaces
 * and processes. It runs in its own PID namespace, as other processes run on the machine too. */
static const char leave_script[] =
	"snapshot() { (cat /proc/sys/fs/file-max /proc/sys/fs/nr_open "
	"/proc/sys/fs/epoll/max_user_watches /proc/sys/kernel/core_pattern; "
	"grep -rs . /proc/sys/net/core /proc/sys/net/ipv4 /proc/sys/vm | grep -v stat_refresh; "
	"ip -o link; ls -l /proc/[0-9]*/ns/net | sed \"s/.*-> //\" | sort -u; "
	"pgrep -c epolltune) 2>/dev/null; }; "
	"compare() { [ \"$1\" = \"$2\" ] && return; echo \"$3\"; echo \"$1\" >$d/a; echo \"$2\" "
	">$d/b; "
	"diff $d/a $d/b; }; "
	"d=$(mktemp -d); a=$(snapshot); $PROGRAM check >/dev/null " SMALL "; "
	"compare \"$a\" \"$(snapshot)\" changed; "
	/* Killed at several moments; its remaining processes exit by themselves. */
	"for t in 0.01 0.05 0.1 0.2 0.3; do $PROGRAM check >/dev/null 2>&1 & p=$!; sleep $t; "
	"kill -9 $p; wait $p; done 2>/dev/null; "
	"for i in $(seq 60); do b=$(snapshot); [ \"$a\" = \"$b\" ] && break; sleep 0.5; "
	"done; "
	"compare \"$a\" \"$b\" \"changed when killed\"; rm -r $d";

static void check_leaves_the_host_unchanged(void **state)
{
	(void)state;
	if (!namespaces_allowed())
		skip_because("user namespaces are refused");
	struct output o = run("unshare -Urnpf --mount-proc sh -c '%s'", leave_script);
	if (o.status || o.out[0])
		fail_msg("status %d: %s%s", o.status, o.out, o.errors);
	output_free(&o);
}

static void refused_namespaces_fall_back_to_loopback(void **state)
{
	(void)state;
	if (!namespaces_allowed())
		skip_because("user namespaces are refused");
	struct checked c = checked_parse(run("ulimit -Sn $(ulimit -Hn); unshare -Ur sh -ec "
					     "'echo 0 >/proc/sys/user/max_net_namespaces; "
					     "$PROGRAM check --format json " SMALL "'"));
	json_t *f = checked_finding(&c, "lab.refused");
	assert_int_equal(c.status, 0);
	assert_string_equal(checked_text(f, "level"), "skipped");
	assert_non_null(strstr(checked_text(f, "detail"), "user.max_user_namespaces"));
	assert_string_equal(checked_text(json_object_get(c.report, "host"), "isolation"),
			    "in-place");
	assert_string_equal(checked_text(checked_wall(&c, "accept-queue"), "method"), "measured");
	size_t refused = 0, i;
	json_t *row;
	json_array_foreach(json_object_get(c.report, "findings"), i, row) refused +=
		!strcmp(checked_text(row, "id"), "lab.refused");
	assert_int_equal(refused, 1);
	checked_free(&c);
}

/* The children of check are its probes; the test kills the first. */
static void a_killed_probe_is_reported(void **state)
{
	(void)state;
	struct checked c = checked_parse(
		run("ulimit -Sn $(ulimit -Hn); $PROGRAM check --format json --probe "
		    "accept-queue --rate 1k "
		    "--backlog 50 & p=$!; "
		    "for i in $(seq 3000); do k=$(cat /proc/$p/task/$p/children 2>/dev/null); "
		    "[ \"$k\" ] && break; sleep 0.01; done; kill -9 ${k%% *}; wait $p"));
	json_t *f = checked_finding(&c, "probe.failed");
	assert_string_equal(checked_text(f, "level"), "skipped");
	assert_non_null(strstr(checked_text(f, "detail"), "signal 9"));
	checked_free(&c);
}

static void quick_only_inspects(void **state)
{
	(void)state;
	struct checked c = checked_parse(
		run("ulimit -Sn $(ulimit -Hn); $PROGRAM check --format json --quick " SMALL));
	size_t i;
	json_t *row;
	json_array_foreach(json_object_get(c.report, "walls"), i, row)
		assert_string_not_equal(checked_text(row, "method"), "measured");
	assert_int_equal(c.status, 0);
	checked_free(&c);
}

static void no_proof_tries_nothing(void **state)
{
	(void)state;
	struct checked c =
		checked_parse(run("$PROGRAM check --format json --probe accept-queue --backlog 10 "
				  "--rate 1k --no-proof"));
	json_t *f = checked_finding(&c, "accept-queue.short");
	assert_string_equal(checked_text(f, "tried_state"), "not tried");
	assert_true(isnan(checked_evidence(f, "ListenOverflows", "at_proposed")));
	checked_free(&c);
}

static void errors_name_the_option(void **state)
{
	(void)state;
	static const struct {
		const char *options, *named;
	} odd[] = {
		{"--connections -1", "--connections"},
		{"--connections 1e9", "--connections"},
		{"--connections 10x", "--connections"},
		{"--connections 0", "--connections"},
		{"--connections ''", "--connections"},
		{"--connections 99999999999999999999", "--connections"},
		{"--rate 18446744073709551617", "--rate"},
		{"--stall 50", "--stall"},
		{"--rtt 0ms", "--rtt"},
		{"--bandwidth 1gib", "--bandwidth"},
		{"--backlog 4294967296", "--backlog"},
		{"--role client", "--role"},
		{"--target c5", "--target"},
		{"--probe nonsense", "nonsense"},
		{"--format yaml", "--format"},
		{"--sysroot /nonexistent", "/nonexistent"},
		{"--nonsense", "--nonsense"},
		{"operand", "operand"},
	};
	for (size_t i = 0; i < sizeof(odd) / sizeof(*odd); i++) {
		struct output o = run("$PROGRAM check --quick %s", odd[i].options);
		if (o.status != 3 || !strstr(o.errors, odd[i].named) || o.out[0] ||
		    strchr(o.errors, '\n') != o.errors + strlen(o.errors) - 1)
			fail_msg("check %s: status %d, \"%s\"", odd[i].options, o.status, o.errors);
		output_free(&o);
	}
}

static void output_is_complete_or_absent(void **state)
{
	(void)state;
	struct output o =
		run("d=$(mktemp -d); cd $d; echo old >report; "
		    "$PROGRAM check --quick " SMALL " --format json --output report; "
		    "head -c1 report; ls; $PROGRAM check --quick --output missing/report; "
		    "echo $?; rm -r $d");
	assert_non_null(strstr(o.out, "{report\n"));
	assert_non_null(strstr(o.out, "3\n"));
	output_free(&o);
	o = run("$PROGRAM check --quick >/dev/full");
	assert_int_equal(o.status, 3);
	assert_non_null(strstr(o.errors, "No space left"));
	output_free(&o);
}

static void progress_is_printed_on_terminals_only(void **state)
{
	(void)state;
	struct output o = run("ulimit -Sn $(ulimit -Hn); $PROGRAM check " SMALL);
	assert_string_equal(o.errors, "");
	assert_null(strchr(o.out, '\033'));
	output_free(&o);
	o = run("ulimit -Sn $(ulimit -Hn); TERM=xterm script -qec \"$PROGRAM check --color never\" "
		"/dev/null");
	assert_non_null(strstr(o.out, "\r\033[K"));
	output_free(&o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(somaxconn_is_named_as_root),
		cmocka_unit_test(somaxconn_is_named_in_user_namespace),
		cmocka_unit_test(somaxconn_is_named_in_place),
		cmocka_unit_test(somaxconn_is_named_unprivileged),
		cmocka_unit_test(somaxconn_is_named_with_few_descriptors),
		cmocka_unit_test(a_read_only_sysctl_does_not_hide_the_limit),
		cmocka_unit_test(a_dead_wire_is_not_a_short_queue),
		cmocka_unit_test(few_ports_do_not_limit_the_load),
		cmocka_unit_test(both_limits_are_named),
		cmocka_unit_test(no_value_is_proposed_beyond_the_range),
		cmocka_unit_test(the_line_format_is_for_monitoring),
		cmocka_unit_test(myths_are_reported),
		cmocka_unit_test(kernel_defaults_are_not_myths),
		cmocka_unit_test(a_sysroot_must_not_be_this_machine),
		cmocka_unit_test(the_proposed_value_suffices),
		cmocka_unit_test(a_tight_queue_is_a_warning),
		cmocka_unit_test(the_listen_argument_is_distinguished_from_somaxconn),
		cmocka_unit_test(abort_on_overflow_is_noted),
		cmocka_unit_test(a_live_listener_is_noted),
		cmocka_unit_test(a_low_hard_limit_is_short),
		cmocka_unit_test(a_low_soft_limit_is_tight),
		cmocka_unit_test(verdicts_are_steady_on_a_busy_machine),
		cmocka_unit_test(check_leaves_the_host_unchanged),
		cmocka_unit_test(refused_namespaces_fall_back_to_loopback),
		cmocka_unit_test(a_killed_probe_is_reported),
		cmocka_unit_test(quick_only_inspects),
		cmocka_unit_test(no_proof_tries_nothing),
		cmocka_unit_test(errors_name_the_option),
		cmocka_unit_test(output_is_complete_or_absent),
		cmocka_unit_test(progress_is_printed_on_terminals_only),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
