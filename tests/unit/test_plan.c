/* Plans made from reports, in a network namespace of the test. */
#include "../support/findings.h"
#include "../support/support.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "epolltune/knob.h"
#include "epolltune/wording.h"
#include "tune/plan.h"
#include "tune/plan_render.h"

static struct host *host;
static struct change_site site;
static struct report *report;
static struct plan *plan;
static struct plan_options options;
static bool allowed;

static void set(const char *knob, const char *value)
{
	struct err e = {0};
	if (change_kind_find("sysctl")->write(&site, knob, value, &e) < 0)
		fail_msg("%s", e.text);
}

static int enter(void **state)
{
	struct err e;
	/* Before Linux 6.11 only root's network namespaces have net.core. */
	allowed = unshare(CLONE_NEWNET) == 0 || namespace_enter() == 0;
	int r = host_open(&host, "/", &e);
	site = (struct change_site){.host = host, .root = "", .files = host};
	report = calloc(1, sizeof(*report));
	plan = calloc(1, sizeof(*plan));
	allowed = allowed && host_has(host, "proc/sys/net/core/somaxconn");
	return r || !report || !plan;
}

static int leave(void **state)
{
	host_close(host);
	free(report);
	free(plan);
	return 0;
}

static int fresh(void **state)
{
	struct host_identity here;
	struct err e;
	report_init(report);
	if (host_identity(host, &here, &e) < 0)
		return -1;
	report_text(report->host.boot, "%s", here.boot);
	options = (struct plan_options){0};
	if (!allowed)
		return 0;
	set("net.core.somaxconn", "16");
	set("net.ipv4.tcp_rmem", "4096 131072 262144");
	set("net.ipv4.tcp_wmem", "4096 16384 4194304");
	set("net.ipv4.ip_local_port_range", "40000 40099");
	return 0;
}

static struct finding *propose(const char *wall, enum wall_verdict verdict, const char *knob,
			       const char *current, const char *proposed)
{
	struct wall *w = report_wall(report, wall);
	char id[48];
	w->verdict = verdict;
	snprintf(id, sizeof(id), "%s.short", wall);
	struct finding *f = finding_made(
		report, id, verdict == VERDICT_SHORT ? LEVEL_CRITICAL : LEVEL_WARNING, wall);
	f->remedy = REMEDY_KERNEL;
	report_text(f->wall, "%s", wall);
	finding_propose(f, knob, current, proposed);
	return f;
}

static void made(void)
{
	struct err e = {0};
	if (plan_make(plan, report, &options, &site, &e) < 0)
		fail_msg("%s", e.text);
}

static void refused(int code, const char *needle)
{
	struct err e = {0};
	assert_int_equal(plan_make(plan, report, &options, &site, &e), code);
	if (!strstr(e.text, needle))
		fail_msg("\"%s\" lacks \"%s\"", e.text, needle);
}

static void needs_namespace(void)
{
	if (!allowed)
		skip_because("no network namespace of its own with net.core in it");
}

static void only_short_walls(void **state)
{
	needs_namespace();
	propose("accept-queue", VERDICT_SHORT, "net.core.somaxconn", "16", "2048");
	propose("buffers.receive", VERDICT_TIGHT, "net.ipv4.tcp_rmem", "4096 131072 262144",
		"4096 131072 8388608");
	propose("ports.ephemeral", VERDICT_OK, "net.ipv4.ip_local_port_range", "40000 40099",
		"1024 65535");
	made();
	assert_int_equal(plan->count, 1);
	assert_string_equal(plan->changes[0].name, "net.core.somaxconn");
	assert_string_equal(plan->changes[0].from, "16");
	assert_string_equal(plan->changes[0].to, "2048");
	assert_int_equal(plan->changes[0].scope, CHANGE_NETNS);
	assert_string_equal(plan->changes[0].wall, "accept-queue");
	assert_true(plan->changes[0].cost_bytes > 0);
	options.tight = true;
	made();
	assert_int_equal(plan->count, 2);
	options.only = "net/ipv4/tcp_rmem";
	made();
	assert_int_equal(plan->count, 1);
	assert_string_equal(plan->changes[0].name, "net.ipv4.tcp_rmem");
	options.only = NULL;
	options.except = "net.ipv4.tcp_rmem,net.core.somaxconn";
	made();
	assert_int_equal(plan->count, 0);
	options.except = "net.core.somaxcon";
	refused(-EINVAL, "net.core.somaxcon");
}

/* Field by field, for a range at both ends; the wishes of two findings are joined. */
static void values_never_go_down(void **state)
{
	needs_namespace();
	propose("a", VERDICT_SHORT, "net.ipv4.tcp_rmem", "4096 131072 262144",
		"4096 87380 8388608");
	propose("b", VERDICT_SHORT, "net.ipv4.tcp_rmem", "4096 131072 262144",
		"8192 131072 4194304");
	propose("c", VERDICT_SHORT, "net.ipv4.ip_local_port_range", "40000 40099", "40050 65535");
	propose("d", VERDICT_SHORT, "net.core.somaxconn", "16", "8");
	propose("e", VERDICT_SHORT, "net.ipv4.tcp_rmem", "4096 131072 262144",
		"4096 131072 300000");
	made();
	assert_int_equal(plan->count, 2);
	assert_string_equal(plan->changes[0].to, "8192 131072 8388608");
	assert_string_equal(plan->changes[1].to, "40000 65535");
	assert_int_equal(plan->manual_count, 1);
	assert_string_equal(plan->manual[0].action,
			    "This lowers the value; to allow it:\n  epolltune apply --only "
			    "net.core.somaxconn --set net.core.somaxconn=8 --allow-lower");
	/* Of the same target, which the proof is for. */
	report->target.idle_us = 350000000;
	made();
	assert_non_null(strstr(plan->manual[0].action,
			       "  epolltune apply --idle 350s --only net.core.somaxconn --set "));

	report_init(report);
	struct host_identity here;
	struct err e;
	assert_int_equal(host_identity(host, &here, &e), 0);
	report_text(report->host.boot, "%s", here.boot);
	options.set = "net.core.somaxconn=8";
	refused(-PLAN_REFUSED, "--allow-lower");
	options.allow_lower = true;
	made();
	assert_string_equal(plan->changes[0].to, "8");
	options.set = "net.core.somaxconn=16";
	made();
	assert_int_equal(plan->count, 0);
	options.set = "net.core.somaxconn=20,net.ipv4.tcp_rmem=4096 131072 300000";
	made();
	assert_int_equal(plan->count, 2);
}

/* The kernel's own tcp_wmem on 64 KiB pages. */
static void fields_that_do_not_ascend_are_planned(void **state)
{
	static const char before[] = "65536 16384 4194304", after[] = "65536 16384 8388608";
	needs_namespace();
	set("net.ipv4.tcp_wmem", before);
	propose("a", VERDICT_SHORT, "net.ipv4.tcp_wmem", before, after);
	for (int foreign = 0; foreign <= 1; foreign++) {
		options.foreign = options.preview = foreign;
		if (foreign)
			strcpy(report->host.boot, "another");
		made();
		assert_int_equal(plan->count, 1);
		assert_string_equal(plan->changes[0].from, before);
		assert_string_equal(plan->changes[0].to, after);
	}
}

static void what_is_refused_leaves_the_other_proposals(void **state)
{
	needs_namespace();
	propose("a", VERDICT_SHORT, "net.core.somaxconn", "16", "2147483648");
	propose("b", VERDICT_SHORT, "net.ipv4.tcp_rmem", "4096 131072 262144",
		"4096 131072 8388608");
	made();
	assert_int_equal(plan->count, 1);
	assert_string_equal(plan->changes[0].to, "4096 131072 8388608");
	assert_int_equal(plan->manual_count, 1);
	assert_string_equal(plan->manual[0].action, "Not possible here: net.core.somaxconn: "
						    "2147483648 is outside 0 to 2147483647.");
}

/* tcp_tw_reuse 1 is no less than 2. Of lists of ports all are kept. */
static void choices_and_lists_have_no_order(void **state)
{
	needs_namespace();
	propose("a", VERDICT_SHORT, "net.ipv4.tcp_tw_reuse", "2", "1");
	propose("b", VERDICT_SHORT, "net.ipv4.ip_local_reserved_ports", "", "9090,9091");
	propose("c", VERDICT_SHORT, "net.ipv4.ip_local_reserved_ports", "", "33000");
	made();
	assert_int_equal(plan->count, 2);
	assert_string_equal(plan->changes[0].from, "2");
	assert_string_equal(plan->changes[0].to, "1");
	assert_string_equal(plan->changes[1].from, "");
	assert_string_equal(plan->changes[1].to, "9090-9091,33000");
	assert_int_equal(plan->manual_count, 0);
}

/* A proposal of several knobs is one plan: what epolltune can set is a change, the rest a step. */
static void all_knobs_of_a_finding(void **state)
{
	needs_namespace();
	struct finding *f = propose("accept-queue", VERDICT_SHORT, "listen.backlog", "128", "2048");
	f->remedy = REMEDY_APPLICATION;
	finding_propose(f, "net.core.somaxconn", "16", "2048");
	made();
	assert_int_equal(plan->count, 1);
	assert_string_equal(plan->changes[0].name, "net.core.somaxconn");
	assert_string_equal(plan->changes[0].to, "2048");
	assert_int_equal(plan->manual_count, 1);
	assert_string_equal(plan->manual[0].knob, "listen.backlog");
	assert_non_null(strstr(plan->manual[0].action, "backlog=2048;"));
	options.only = "net.core.somaxconn";
	made();
	assert_int_equal(plan->count, 1);
	assert_int_equal(plan->manual_count, 0);
}

/* Of several findings with the same knob the largest value counts in each order. */
static void the_largest_of_several_findings(void **state)
{
	needs_namespace();
	static const char *const values[][2] = {{"2048", "1024"}, {"1024", "2048"}};
	for (size_t i = 0; i < 2; i++) {
		fresh(NULL);
		struct finding *f = propose("accept-queue", VERDICT_SHORT, "net.core.somaxconn",
					    "16", values[i][0]);
		finding_propose(f, "listen.backlog", "128", values[i][0]);
		f = propose("syn-queue", VERDICT_SHORT, "listen.backlog", "128", values[i][1]);
		finding_propose(f, "net.core.somaxconn", "16", values[i][1]);
		f = propose("descriptors.process", VERDICT_SHORT, "RLIMIT_NOFILE", "1024",
			    values[i][0]);
		f->proposals[0].field = LIMIT_HARD;
		f = propose("epoll.watches", VERDICT_SHORT, "RLIMIT_NOFILE", "1024", values[i][1]);
		f->proposals[0].field = LIMIT_HARD;
		made();
		assert_int_equal(plan->count, 1);
		assert_string_equal(plan->changes[0].to, "2048");
		assert_int_equal(plan->manual_count, 2);
		for (size_t m = 0; m < 2; m++) {
			assert_string_equal(plan->manual[m].proposed, "2048");
			assert_non_null(strstr(plan->manual[m].action, "2048"));
			assert_null(strstr(plan->manual[m].action, "1024"));
		}
	}
}

/* Two servers drop connections: a step for each, although no wall is short. */
static void trouble_of_the_running_machine_is_a_step(void **state)
{
	needs_namespace();
	fresh(NULL);
	report_wall(report, "accept-queue")->verdict = VERDICT_OK;
	for (size_t i = 0; i < 2; i++) {
		struct finding *f = finding_made(report, "accept-queue.slow", LEVEL_CRITICAL, "");
		report_text(f->title, "server %zu is slow", i);
		report_text(f->advice, "Resume server %zu.", i);
		f->observed = true;
		f->remedy = REMEDY_APPLICATION;
	}
	finding_made(report, "accept-queue.full", LEVEL_WARNING, "")->observed = true;
	made();
	assert_int_equal(plan->count, 0);
	assert_int_equal(plan->manual_count, 2);
	assert_string_equal(plan->manual[1].knob, "accept-queue.slow");
	assert_string_equal(plan->manual[1].why, "server 1 is slow");
	assert_string_equal(plan->manual[1].action, "Resume server 1.");
	options.only = "net.core.somaxconn";
	made();
	assert_int_equal(plan->manual_count, 0);
}

static void a_soft_limit_keeps_the_hard_one(void **state)
{
	needs_namespace();
	struct finding *f =
		propose("descriptors.process", VERDICT_SHORT, "RLIMIT_NOFILE", "1024", "16384");
	f->remedy = REMEDY_PROCESS;
	f->proposals[0].field = LIMIT_HARD;
	made();
	assert_non_null(strstr(plan->manual[0].action, "LimitNOFILE=16384\n"));
	assert_non_null(strstr(plan->manual[0].action, "--nofile=16384"));
	f->proposals[0].field = LIMIT_SOFT;
	made();
	assert_non_null(strstr(plan->manual[0].action, "LimitNOFILE=16384:HARD\n"));
	assert_non_null(strstr(plan->manual[0].action, "--nofile=16384:HARD\n"));
}

/* OpenRC starts no unit. */
static void a_limit_is_set_where_the_service_manager_reads_it(void **state)
{
	const struct knob *k = knob_find("RLIMIT_NOFILE");
	static const struct {
		bool openrc, soft;
		const char *has, *lacks;
	} rows[] = {
		{false, false, "LimitNOFILE=16384\n", "rc_ulimit"},
		{true, false,
		 "/etc/conf.d/NAME:\n    rc_ulimit=\"-n 16384\"\n  rc-service NAME restart\nFor a",
		 "ystemd"},
		{true, true, "rc_ulimit=\"-Sn 16384\"", "ystemd"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct wording w = {0};
		char text[1024];
		wording_set(&w, "proposed", "16384");
		wording_flag(&w, "soft", rows[i].soft);
		wording_flag(&w, "openrc", rows[i].openrc);
		wording_fill(&w, k->steps, text, sizeof(text));
		if (!strstr(text, rows[i].has) || strstr(text, rows[i].lacks))
			fail_msg("row %zu: %s", i, text);
	}
}

/* --set overrides the proposals of check. */
static void set_overrides_proposals(void **state)
{
	needs_namespace();
	propose("accept-queue", VERDICT_SHORT, "net.core.somaxconn", "16", "2048");
	options.set = "net.core.somaxconn=512";
	made();
	assert_int_equal(plan->count, 1);
	assert_string_equal(plan->changes[0].to, "512");
	options.set = "net.core.somaxconn=16";
	made();
	assert_int_equal(plan->count, 0);
	static const char *const bad[] = {"net.core.somaxconn",
					  "vm.swappiness=1",
					  "net.core.somaxconn=many",
					  "=1",
					  "",
					  "RLIMIT_NOFILE=1 2",
					  "net.core.somaxconn=99999999999",
					  "net.core.somaxconn=17,"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct err e = {0};
		options.set = bad[i];
		int r = plan_make(plan, report, &options, &site, &e);
		if ((r != -EINVAL && r != -ERANGE) || !e.text[0])
			fail_msg("--set %s: %d %s", bad[i], r, e.text);
	}
}

static void set_names_what_the_options_let_change(void **state)
{
	needs_namespace();
	options.set = "net.core.somaxconn=17";
	options.except = "net/core/somaxconn";
	refused(-EINVAL, "--set and --except both name net.core.somaxconn");
	options.except = NULL;
	options.only = "net.ipv4.tcp_rmem";
	refused(-EINVAL, "--set net.core.somaxconn: --only does not name it");
	options.only = NULL;
	options.set = "RLIMIT_NOFILE=5000";
	refused(-EINVAL, "--set RLIMIT_NOFILE: a limit of a process, not a sysctl; "
			 "see epolltune explain RLIMIT_NOFILE");
}

/* What an earlier run wrote, and the kernel made something else of, is not written again. */
static void what_the_kernel_rounded_is_in_force(void **state)
{
	static struct change standing = {.name = "net.core.somaxconn", .state = CHANGE_DONE};
	needs_namespace();
	options.standing = &standing;
	options.standing_count = 1;
	strcpy(standing.became, "16");
	static const char *const rounded[] = {"10", "20"};
	for (size_t i = 0; i < 2; i++) {
		char set_to[40];
		strcpy(standing.to, rounded[i]);
		snprintf(set_to, sizeof(set_to), "net.core.somaxconn=%s", rounded[i]);
		options.set = set_to;
		made();
		assert_int_equal(plan->count, 0);
	}
	options.set = "net.core.somaxconn=21";
	made();
	assert_int_equal(plan->count, 1);
	options.set = NULL;
	propose("accept-queue", VERDICT_SHORT, "net.core.somaxconn", "16", "20");
	made();
	assert_int_equal(plan->count, 0);
	assert_int_equal(plan->in_force, 1);
	/* It has another value since. */
	set("net.core.somaxconn", "12");
	options.foreign = true;
	made();
	assert_int_equal(plan->count, 1);
}

static const char *to_of(const char *name)
{
	for (size_t i = 0; i < plan->count; i++)
		if (!strcmp(plan->changes[i].name, name))
			return plan->changes[i].to;
	return "none";
}

/* A preview for another machine starts from the values of its report. */
static void a_foreign_preview_starts_from_the_report(void **state)
{
	needs_namespace();
	set("net.core.somaxconn", "65535");
	set("net.ipv4.tcp_rmem", "16384 1048576 4194304");
	set("net.ipv4.ip_local_reserved_ports", "8080");
	strcpy(report->host.boot, "another");
	propose("a", VERDICT_SHORT, "net.core.somaxconn", "128", "4096");
	propose("b", VERDICT_SHORT, "net.ipv4.tcp_rmem", "4096 131072 262144",
		"4096 131072 5242880");
	propose("c", VERDICT_SHORT, "net.ipv4.ip_local_reserved_ports", "", "9090");
	propose("d", VERDICT_SHORT, "device.ring.rx@eth7", "256", "4096");
	propose("e", VERDICT_SHORT, "net.core.netdev_max_backlog", "", "5000");
	options.foreign = options.preview = true;
	made();
	assert_true(plan->elsewhere);
	assert_string_equal(to_of("net.core.somaxconn"), "4096");
	assert_string_equal(to_of("net.ipv4.tcp_rmem"), "4096 131072 5242880");
	assert_string_equal(to_of("net.ipv4.ip_local_reserved_ports"), "9090");
	assert_int_equal(plan->count, 3);
	/* The link may be lost, and a value is unknown. */
	assert_int_equal(plan->manual_count, 2);
	assert_non_null(strstr(plan->manual[1].action, "does not have the value of"));
	/* Whether that card carries the connection to that machine is unknown. */
	options.allow_reset = true;
	made();
	assert_string_equal(to_of("device.ring.rx@eth7"), "none");
	options.confirm = true;
	made();
	assert_string_equal(to_of("device.ring.rx@eth7"), "4096");
	assert_int_equal(plan->changes[0].cost_bytes, REPORT_NONE);
	assert_int_equal(plan->after.machine, 0);
	plan_permit(plan, &site);
	assert_int_equal(plan->count, 4);
	options.set = "net.core.somaxconn=100";
	refused(-PLAN_REFUSED, "lower than the running value 128");
	options.set = "net.ipv4.tcp_max_syn_backlog=4096";
	made();
	assert_non_null(strstr(plan->manual[1].action, "does not have its value"));
	assert_string_equal(plan->manual[1].proposed, "4096");
	options.set = NULL;
	strcpy(report->findings[0].proposals[0].current, "1; reboot");
	refused(-EINVAL, "a.short");
	/* A report of this boot is of this machine. */
	fresh(NULL);
	propose("a", VERDICT_SHORT, "net.core.somaxconn", "16", "4096");
	options.foreign = options.preview = true;
	made();
	assert_false(plan->elsewhere);
}

static void stale_or_foreign_reports(void **state)
{
	needs_namespace();
	propose("accept-queue", VERDICT_SHORT, "net.core.somaxconn", "15", "2048");
	refused(-PLAN_REFUSED, "was 15");
	/* A value that is high enough already is not refused. */
	set("net.core.somaxconn", "2048");
	made();
	assert_int_equal(plan->count, 0);
	set("net.core.somaxconn", "16");
	strcpy(report->host.boot, "another");
	refused(-PLAN_REFUSED, "--foreign");
	report->host.boot[0] = 0;
	refused(-PLAN_REFUSED, "--foreign");
	options.foreign = true;
	made();
	assert_int_equal(plan->count, 1);
	assert_string_equal(plan->changes[0].from, "16");
}

static void hostile_reports(void **state)
{
	needs_namespace();
	struct finding *f =
		propose("accept-queue", VERDICT_SHORT, "net.core.somaxconn", "16", "1; reboot");
	refused(-EINVAL, "accept-queue.short");
	strcpy(f->proposals[0].proposed, "2048");
	strcpy(f->title, "two\nreboot #");
	made();
	assert_null(strpbrk(plan->changes[0].why, "\n\r\t"));
	strcpy(f->proposals[0].knob, "kernel.core_pattern");
	made();
	assert_int_equal(plan->count, 0);
	assert_int_equal(plan->manual_count, 1);
}

#define LINE "\nreboot INJECTED\r\x1b[2J\xc2\x9b"

static char *preview(const char *format);

/* Lines that the plan itself has: those of the values, in quotes or behind a known name. */
static bool is_generated(const char *line)
{
	static const char *const heads[] = {"change /proc/sys/net/", "net.core.", "net.ipv4."};
	for (size_t i = 0; i < sizeof(heads) / sizeof(*heads); i++)
		if (!strncmp(line, heads[i], strlen(heads[i])))
			return true;
	return !*line || *line == '#';
}

/* No text of a report is a line of what an operator executes, nor a command to a terminal. */
static void no_text_of_a_report_is_executed(void **state)
{
	static const struct {
		const char *knob, *current, *proposed;
	} rows[] = {
		{"net.core.somaxconn", "16", "4096"},
		{"net.core.netdev_max_backlog", "", "5000" LINE}, /* its value is unknown */
		{"kernel.x" LINE, "1" LINE, "2" LINE},
		{"device.ring.rx@e" LINE, "256", "4096"},
		{"device.napi.threaded@e" LINE, "0", "1"},
		{"device.napi.threaded@..", "0", "1"},
		{"RLIMIT_NOFILE", "1024" LINE, "4096" LINE},
		{"server.max_connections", "1024", "4096; reboot INJECTED"},
		{"net.ipv4.tcp_fin_timeout", "60\n", "30\n"}, /* lowers it */
		{"net.core.somaxconn", "16", ""},             /* happens now */
	};
	static const char *const formats[] = {"shell", "sysctl", "text", "html"};
	needs_namespace();
	strcpy(report->host.boot, "another");
	options.foreign = options.preview = options.allow_reset = options.confirm = true;
	report_text(report->probes, "ports; reboot INJECTED" LINE);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char wall[32];
		snprintf(wall, sizeof(wall), "w%zu" LINE, i);
		struct finding *f = propose(wall, VERDICT_SHORT, rows[i].knob, rows[i].current,
					    rows[i].proposed);
		report_text(f->title, "t" LINE);
		report_text(f->advice, "a" LINE);
		f->observed = !rows[i].proposed[0];
	}
	made();
	assert_true(plan->elsewhere && plan->count && plan->manual_count > 4);
	for (size_t i = 0; i < sizeof(formats) / sizeof(*formats); i++) {
		char *text = preview(formats[i]), *rest = text, *end, *line;
		for (char *at = text; *at; at++)
			if (((unsigned char)*at < ' ' && !strchr("\n\t", *at)) || *at == 0x7f ||
			    !strncmp(at, "\xc2\x9b", 2))
				fail_msg("a control character in %s: %s", formats[i], text);
		while ((end = strstr(rest, "\n}\n"))) /* the functions of a script */
			rest = end + 3;
		while (i < 2 && (line = strsep(&rest, "\n")))
			if (!is_generated(line))
				fail_msg("%s: line \"%s\"", formats[i], line);
		/* quoted, and not in a command of the catalogue */
		assert_null(strstr(text, "probe ports;"));
		assert_null(strstr(text, "nofile=4096 "));
		assert_null(strstr(text, "maxclients 4096;"));
		free(text);
	}
	const struct plan_result result = {.plan = plan, .reason = "why" LINE};
	char *text = NULL;
	size_t size, count = plan->count;
	FILE *out = open_memstream(&text, &size);
	plan->count = 0;
	plan_comments(out, &result);
	plan->count = count;
	fclose(out);
	assert_non_null(strstr(text, "\n# why\n# reboot INJECTED?"));
	free(text);
}

static void memory_is_summed(void **state)
{
	needs_namespace();
	struct host_facts facts;
	host_facts(host, &facts);
	options.set = "net.ipv4.tcp_rmem=4096 131072 16777216";
	made();
	assert_int_equal(plan->after.receive, 16777216);
	assert_int_equal(plan->after.send, 4194304);
	assert_int_equal(plan->after.fixed, report->target.connections * KNOB_SOCKET_BYTES);
	assert_true(plan->after.sum >= plan->before.sum && plan->after.sum <= facts.memory_bytes);
	/* tcp_mem limits all buffers together. */
	int64_t buffers = (16777216 - 262144) * (int64_t)report->target.connections;
	assert_int_equal(plan->changes[0].cost_bytes,
			 buffers < (int64_t)plan->after.cap ? buffers : (int64_t)plan->after.cap);
	options.set = "net.core.somaxconn=2000000";
	made();
	assert_int_equal(plan->changes[0].cost_bytes,
			 (int64_t)report->target.connections * KNOB_SOCKET_BYTES);
	/* A proxy has two sockets for each. */
	report->target.role = TARGET_PROXY;
	made();
	assert_int_equal(plan->changes[0].cost_bytes,
			 2 * (int64_t)report->target.connections * KNOB_SOCKET_BYTES);
	assert_int_equal(plan->after.connections, 2 * report->target.connections);
	assert_int_equal(plan->after.fixed, 2 * report->target.connections * KNOB_SOCKET_BYTES);
	report->target.role = TARGET_SERVER;
	options.set = "net.ipv4.tcp_rmem=4096 131072 16777216";
	made();
	/* More sockets than the machine can hold, and a plan that needs more memory. */
	report->target.connections = facts.memory_bytes / KNOB_SOCKET_BYTES;
	report->target.connections -= facts.memory_bytes / 64 / KNOB_SOCKET_BYTES;
	set("net.ipv4.tcp_rmem", "4096 8192 8192");
	set("net.ipv4.tcp_wmem", "4096 4096 4096");
	plan->target = report->target;
	options.set = "net.ipv4.tcp_rmem=4096 131072 16777216";
	struct err e = {0};
	int r = plan_make(plan, report, &options, &site, &e);
	if (plan->before.sum < plan->after.sum) {
		assert_int_equal(r, -PLAN_REFUSED);
		assert_non_null(strstr(e.text, "this machine has"));
	} else {
		assert_int_equal(r, 0); /* both are at the kernel's own limit */
	}
	/* A plan that needs no more memory than before is not refused. */
	options.set = "net.core.somaxconn=17";
	made();
	assert_true(plan->after.sum > plan->after.machine);
}

/* All buffers together are limited by the third field of tcp_mem, in pages of that machine. */
static void memory_is_that_of_the_pages(void **state)
{
	static const char machine[] = "tests/hosts/debian-12-ppc64le";
	struct err e = {0};
	struct host *captured;
	if (access(machine, F_OK))
		skip_because("no captured machine here");
	assert_int_equal(host_open(&captured, machine, &e), 0);
	struct change_site there = {.host = captured, .root = "", .files = captured};
	struct plan_options own = {0};
	assert_int_equal(plan_make(plan, NULL, &own, &there, &e), 0);
	assert_int_equal(plan->before.cap, UINT64_C(2916) * 65536);
	assert_false(plan->before.cap_assumed);
	own.set = "net.ipv4.tcp_mem=1458 1945 1000000";
	assert_int_equal(plan_make(plan, NULL, &own, &there, &e), -PLAN_REFUSED);
	assert_non_null(strstr(e.text, "this machine has"));
	host_close(captured);
}

/* What the kernel rounds up is planned as what it becomes, and compared with what runs. */
static void numbers_are_planned_as_the_kernel_rounds_them(void **state)
{
	static const struct {
		const char *machine, *set, *to; /* NULL: no change */
	} rows[] = {
		{"tests/hosts/linux-6.18", "net.netfilter.nf_conntrack_buckets=300000", "300032"},
		{"tests/hosts/linux-6.18", "net.netfilter.nf_conntrack_buckets=262100", NULL},
		{"tests/hosts/debian-12-6.1", "net.core.rps_sock_flow_entries=3000", "4096"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct err e = {0};
		struct host *captured;
		if (access(rows[i].machine, F_OK))
			skip_because("no captured machine here");
		assert_int_equal(host_open(&captured, rows[i].machine, &e), 0);
		struct change_site there = {.host = captured, .root = "", .files = captured};
		struct plan_options own = {.set = rows[i].set};
		assert_int_equal(plan_make(plan, NULL, &own, &there, &e), 0);
		assert_int_equal(plan->count, !!rows[i].to);
		if (rows[i].to)
			assert_string_equal(plan->changes[0].to, rows[i].to);
		host_close(captured);
	}
	/* The same of another machine, so that a script which is run again finds what it wrote. */
	char normal[CHANGE_VALUE];
	assert_int_equal(change_kind_find("sysctl")->running->form("net.core.rps_sock_flow_entries",
								   "3000", normal, NULL),
			 0);
	assert_string_equal(normal, "4096");
}

static void limits_of_others_are_manual_steps(void **state)
{
	needs_namespace();
	struct finding *f =
		propose("descriptors.process", VERDICT_SHORT, "RLIMIT_NOFILE", "333", "16384");
	f->remedy = REMEDY_PROCESS;
	f = propose("accept-queue", VERDICT_SHORT, "listen.backlog", "511", "2048");
	f->remedy = REMEDY_APPLICATION;
	made();
	assert_int_equal(plan->count, 0);
	assert_int_equal(plan->manual_count, 2);
	assert_non_null(strstr(plan->manual[0].action, "LimitNOFILE=16384"));
	assert_non_null(strstr(plan->manual[1].action, "backlog=2048"));
	/* Of two findings about one number the step names the larger. */
	f = propose("syn-queue", VERDICT_SHORT, "listen.backlog", "511", "1024");
	f->remedy = REMEDY_APPLICATION;
	made();
	assert_int_equal(plan->manual_count, 2);
	assert_non_null(strstr(plan->manual[1].action, "backlog=2048"));
	assert_non_null(strstr(plan->manual[1].why, "accept-queue"));
	/* Of a server that is known the finding has the line. */
	report_text(report->server.asked, "nginx");
	report_text(report->findings[1].advice, "nginx: listen ADDRESS backlog=2048;");
	made();
	assert_string_equal(plan->manual[1].action, "nginx: listen ADDRESS backlog=2048;");
	assert_non_null(strstr(plan->manual[0].action, "LimitNOFILE=16384"));
}

/* A knob of the whole machine: recent kernels show it in a namespace, older ones hide it. */
static void knobs_of_the_host_are_manual_steps(void **state)
{
	needs_namespace();
	char running[CHANGE_VALUE];
	struct err e;
	bool seen = change_kind_find("sysctl")->read(&site, "net.core.rmem_max", running, &e) == 0;
	propose("accept-queue", VERDICT_SHORT, "net.core.somaxconn", "16", "2048");
	propose("buffers.receive", VERDICT_SHORT, "net.core.rmem_max", seen ? running : "212992",
		"2147483647");
	made();
	assert_int_equal(plan->count, seen ? 2 : 1);
	plan_permit(plan, &site);
	assert_int_equal(plan->count, 1);
	assert_int_equal(plan->blocked, 0);
	assert_int_equal(plan->manual_count, 1);
	assert_string_equal(plan->manual[0].knob, "net.core.rmem_max");
	options.only = "net.core.rmem_max";
	made();
	plan_permit(plan, &site);
	assert_int_equal(plan->count, 0);
	assert_int_equal(plan->blocked, 0);
	assert_int_equal(plan->manual_count, 1);
	if (seen)
		assert_non_null(strstr(plan->manual[0].action,
				       "On the host: sysctl -w net.core.rmem_max=2147483647."));
}

/* What plan, rollback and previews call of every kind. */
static void kinds_are_complete(void **state)
{
	static const char *const names[] = {"sysctl", "device", "sysctl.d", "link", "udev"};
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		const struct change_kind *k = change_kind_find(names[i]);
		assert_non_null(k);
		assert_true(k->check && k->read && k->write);
		const struct change_running *r = k->running;
		const struct change_file *f = k->file;
		assert_true(!r != !f);
		assert_true(!r || (r->has && r->scope && r->normal && r->form && r->hidden &&
				   r->file && r->shell && r->sysctl));
		assert_true(!f || (f->directory && f->path && f->setting && f->line && f->look));
	}
	assert_null(change_kind_find("hosts"));
}

static char *preview(const char *format)
{
	char *text = NULL;
	size_t size;
	struct err e;
	FILE *out = open_memstream(&text, &size);
	const struct plan_result result = {.plan = plan};
	const struct render_style style = {.width = 80, .utf8 = true};
	assert_int_equal(plan_format_find(format)->render(out, &result, &style, &e), 0);
	fclose(out);
	return text;
}

/* Walls that the target does not need leave nothing to ask about. */
static void walls_without_a_verdict_are_named(void **state)
{
	struct err e;
	struct render_style style = {.width = 80, .utf8 = true};
	struct plan_result result = {.plan = plan,
				     .answer = "Not ready: 1 wall is short: accept-queue.",
				     .before = report,
				     .reasons = "epolltune check --rate 50k --verbose"};
	char *text;
	size_t size;
	*plan = (struct plan){0};
	report_wall(report, "accept-queue")->verdict = VERDICT_SHORT;
	struct wall *w = report_wall(report, "conntrack");
	report_wall(report, "softnet.backlog")->verdict = w->verdict = VERDICT_UNKNOWN;
	for (int needed = 0; needed < 2; needed++) {
		w->needed = needed ? 20000 : REPORT_NONE;
		FILE *out = open_memstream(&text, &size);
		assert_int_equal(plan_render_text(out, &result, &style, &e), 0);
		fclose(out);
		assert_int_equal(!!strstr(text, "\n1 wall has no verdict: conntrack.\n"
						"For the reasons:\n  epolltune check --rate 50k "
						"--verbose\n"),
				 needed);
		assert_int_equal(!!strstr(text, "no verdict"), needed);
		assert_int_equal(!!strstr(text, "2 further walls or findings omitted"), needed);
		free(text);
		report->lost = 2;
	}
}

static void an_empty_value_is_printed(void **state)
{
	needs_namespace();
	set("net.ipv4.ip_local_reserved_ports", "8080");
	options.set = "net.ipv4.ip_local_reserved_ports=";
	options.allow_lower = true;
	made();
	char *text = preview("text");
	assert_non_null(strstr(text, "\n  - 8080\n  + (empty)\n"));
	free(text);
	set("net.ipv4.ip_local_reserved_ports", "");
	options.set = "net.ipv4.ip_local_reserved_ports=8080";
	made();
	text = preview("sysctl");
	assert_non_null(strstr(text, "(was (empty))\n"));
	free(text);
}

static void previews(void **state)
{
	needs_namespace();
	propose("accept-queue", VERDICT_SHORT, "net.core.somaxconn", "16", "2048");
	propose("buffers.receive", VERDICT_SHORT, "net.ipv4.tcp_rmem", "4096 131072 262144",
		"4096 131072 8388608");
	made();
	char *text = preview("text");
	assert_non_null(strstr(text, "net.core.somaxconn\n  - 16\n  + 2048\n"));
	free(text);
	text = preview("sysctl");
	assert_non_null(strstr(text, "\nnet.ipv4.tcp_rmem = 4096 131072 8388608\n"));
	free(text);
	text = preview("json");
	json_t *o = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(o);
	assert_true(json_is_false(json_object_get(o, "changed")));
	assert_int_equal(json_array_size(json_object_get(o, "changes")), 2);
	json_decref(o);
	free(text);

	/* The script makes its changes once, and refuses where a value differs. */
	text = preview("shell");
	char file[] = "/tmp/epolltune-script-XXXXXX";
	int fd = mkstemp(file);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	free(text);
	struct output o1 = run("sh %s", file);
	assert_int_equal(o1.status, 0);
	output_free(&o1);
	char value[CHANGE_VALUE];
	struct err e;
	assert_int_equal(change_kind_find("sysctl")->read(&site, "net.ipv4.tcp_rmem", value, &e),
			 0);
	assert_string_equal(value, "4096 131072 8388608");
	o1 = run("sh %s", file);
	assert_int_equal(o1.status, 0);
	assert_string_equal(o1.out, "");
	output_free(&o1);
	set("net.core.somaxconn", "99");
	o1 = run("sh %s", file);
	assert_int_equal(o1.status, 2);
	assert_non_null(strstr(o1.errors, "not changed"));
	output_free(&o1);
	unlink(file);
}

#define TEST(name) cmocka_unit_test_setup(name, fresh)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(only_short_walls),
		TEST(values_never_go_down),
		TEST(fields_that_do_not_ascend_are_planned),
		TEST(what_is_refused_leaves_the_other_proposals),
		TEST(choices_and_lists_have_no_order),
		TEST(all_knobs_of_a_finding),
		TEST(the_largest_of_several_findings),
		TEST(trouble_of_the_running_machine_is_a_step),
		TEST(a_soft_limit_keeps_the_hard_one),
		TEST(a_limit_is_set_where_the_service_manager_reads_it),
		TEST(set_overrides_proposals),
		TEST(set_names_what_the_options_let_change),
		TEST(what_the_kernel_rounded_is_in_force),
		TEST(a_foreign_preview_starts_from_the_report),
		TEST(an_empty_value_is_printed),
		TEST(stale_or_foreign_reports),
		TEST(hostile_reports),
		TEST(no_text_of_a_report_is_executed),
		TEST(memory_is_summed),
		TEST(memory_is_that_of_the_pages),
		TEST(numbers_are_planned_as_the_kernel_rounds_them),
		TEST(limits_of_others_are_manual_steps),
		TEST(knobs_of_the_host_are_manual_steps),
		TEST(kinds_are_complete),
		TEST(walls_without_a_verdict_are_named),
		TEST(previews),
	};
	return cmocka_run_group_tests(tests, enter, leave);
}
