#include "../support/findings.h"
#include "../support/support.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static struct report r, part;

static int reset(void **state)
{
	report_init(&r);
	report_init(&part);
	return 0;
}

static void a_new_wall_is_empty(void **state)
{
	struct wall *w = report_wall(&r, "accept-queue");
	assert_string_equal(w->name, "accept-queue");
	assert_true(w->limit == REPORT_NONE && w->measured == REPORT_NONE &&
		    w->needed == REPORT_NONE);
	assert_int_equal(w->verdict, VERDICT_UNKNOWN);
	assert_int_equal(w->method, METHOD_INSPECTED);
	w->limit = 7;
	assert_ptr_equal(report_wall(&r, "accept-queue"), w);
	assert_int_equal(w->limit, 7);
	assert_int_equal(r.wall_count, 1);
	assert_ptr_equal(report_find(&r, "accept-queue"), w);
	assert_null(report_find(&r, "syn-queue"));
}

static void nothing_is_lost_silently(void **state)
{
	char name[32];
	for (int i = 0; i < REPORT_WALLS + 2; i++) {
		snprintf(name, sizeof(name), "wall.%d", i);
		report_wall(&r, name)->verdict = VERDICT_OK;
	}
	for (int i = 0; i < REPORT_FINDINGS + 3; i++) {
		snprintf(name, sizeof(name), "%d", i);
		assert_non_null(finding_made(&r, "a.b", LEVEL_NOTE, name));
	}
	assert_int_equal(r.wall_count, REPORT_WALLS);
	assert_int_equal(r.finding_count, REPORT_FINDINGS);
	assert_int_equal(r.lost, 5);
	report_join(&part, &r);
	assert_int_equal(part.lost, 5);
	/* The same again is the same. */
	report_join(&part, &r);
	assert_int_equal(part.wall_count, REPORT_WALLS);
	assert_int_equal(part.finding_count, REPORT_FINDINGS);
	assert_int_equal(part.lost, 10);
}

static void counters_and_listeners_are_joined(void **state)
{
	report_counter(&part, "TcpExt.ListenOverflows", 5);
	report_counter(&part, "TcpExt.ListenOverflows", 6);
	for (int i = 0; i < REPORT_LISTENERS + 3; i++)
		report_listener(&part)->cookie = (uint64_t)i + 1;
	report_join(&r, &part);
	assert_int_equal(r.counter_count, 1);
	assert_int_equal(report_counter_value(&r, "TcpExt.ListenOverflows"), 6);
	assert_int_equal(report_counter_value(&r, "TcpExt.ListenDrops"), -1);
	assert_int_equal(r.listed, REPORT_LISTENERS);
	assert_int_equal(r.listener_count, REPORT_LISTENERS + 3);
	assert_int_equal(r.listeners[REPORT_LISTENERS - 1].cookie, REPORT_LISTENERS);
	char name[32];
	for (int i = 0; i < REPORT_COUNTERS + 3; i++) {
		snprintf(name, sizeof(name), "counter.%d", i);
		report_counter(&r, name, i);
	}
	assert_int_equal(r.counter_count, REPORT_COUNTERS);
}

/* In each order of the probes: the status depends on it. */
static void a_note_gives_way_to_a_critical_finding(void **state)
{
	for (size_t i = 0; i < REPORT_FINDINGS; i++)
		report_text(report_finding_blank(&r)->id, "note.%zu", i);
	struct finding *f = report_finding_blank(&part);
	report_text(f->id, "readiness.lost-edge");
	f->level = LEVEL_CRITICAL;
	report_text(report_finding_blank(&part)->id, "another.note");
	report_join(&r, &part);
	assert_int_equal(r.finding_count, REPORT_FINDINGS);
	assert_int_equal(r.lost, 2);
	assert_int_equal(report_exit_status(&r), 2);
	assert_string_equal(r.findings[REPORT_FINDINGS - 1].id, "readiness.lost-edge");
}

static void text_is_cut_with_a_mark(void **state)
{
	char field[9];
	report_text(field, "%s", "12345678");
	assert_string_equal(field, "12345678");
	report_text(field, "%s", "123456789");
	assert_string_equal(field, "12345…");
	report_text(field, "%s", "1234µµµµ");
	assert_string_equal(field, "1234…");
	char tiny[3];
	report_text(tiny, "%s", "123");
	assert_string_equal(tiny, "");
	char long_text[300];
	memset(long_text, '1', sizeof(long_text));
	long_text[sizeof(long_text) - 1] = 0;
	struct finding *f = finding_made(&r, "a.b", LEVEL_NOTE, long_text);
	assert_int_equal(strlen(f->title), sizeof(f->title) - 1);
}

static void evidence_that_fits_is_kept(void **state)
{
	struct finding *f = finding_made(&r, "a.b", LEVEL_NOTE, "t");
	for (int i = 0; i < FINDING_EVIDENCE + 2; i++)
		finding_evidence(f, "ListenOverflows", "SYNs", i, NAN);
	assert_int_equal(f->evidence_count, FINDING_EVIDENCE);
	assert_true(isnan(f->evidence[0].at_proposed));
}

static void verdicts_at_their_edges(void **state)
{
	assert_int_equal(report_verdict(999, 1000), VERDICT_SHORT);
	assert_int_equal(report_verdict(1000, 1000), VERDICT_TIGHT);
	assert_int_equal(report_verdict(1249, 1000), VERDICT_TIGHT);
	assert_int_equal(report_verdict(1250, 1000), VERDICT_OK);
	assert_int_equal(report_verdict(1, 1), VERDICT_TIGHT);
	assert_int_equal(report_verdict(2, 1), VERDICT_OK);
	assert_int_equal(report_verdict(0, REPORT_NONE), VERDICT_OK);
	assert_int_equal(report_verdict(0, 0), VERDICT_OK);
	assert_int_equal(report_verdict(REPORT_NONE, 1), VERDICT_UNKNOWN);
	assert_int_equal(report_verdict(REPORT_NONE, REPORT_NONE), VERDICT_UNKNOWN);
	assert_int_equal(report_verdict(INT64_MAX, INT64_MAX), VERDICT_TIGHT);
	assert_int_equal(report_margin(1001), 1252);
	assert_true(report_margin(UINT64_MAX) == UINT64_MAX);
}

static void worst_part_gives_the_status(void **state)
{
	assert_int_equal(report_exit_status(&r), 0);
	report_wall(&r, "a")->verdict = VERDICT_OK;
	finding_made(&r, "a.b", LEVEL_NOTE, "n");
	finding_made(&r, "a.b", LEVEL_SKIPPED, "s");
	assert_int_equal(report_exit_status(&r), 0);
	struct wall *b = report_wall(&r, "b");
	b->verdict = VERDICT_UNKNOWN;
	assert_int_equal(report_exit_status(&r), 0); /* not needed */
	b->needed = 1;
	assert_int_equal(report_exit_status(&r), 3);
	finding_made(&r, "a.b", LEVEL_WARNING, "w");
	assert_int_equal(report_exit_status(&r), 3); /* unknown beats tight */
	b->needed = REPORT_NONE;
	assert_int_equal(report_exit_status(&r), 1);
	b->needed = 1;
	report_wall(&r, "c")->verdict = VERDICT_SHORT;
	report_wall(&r, "d")->verdict = VERDICT_TIGHT;
	struct report_summary s = report_summarize(&r);
	assert_int_equal(s.status, VERDICT_SHORT);
	assert_string_equal(report_status_name(s.status), "critical");
	assert_int_equal(s.ok, 1);
	assert_int_equal(s.tight, 1);
	assert_int_equal(s.short_, 1);
	assert_int_equal(s.unknown, 1);
	assert_int_equal(report_exit_status(&r), 2);
	finding_made(&part, "a.b", LEVEL_CRITICAL, "c");
	assert_int_equal(report_exit_status(&part), 2);
}

static void answer_is(const char *text)
{
	char answer[REPORT_ANSWER];
	report_answer(&r, answer);
	assert_string_equal(answer, text);
}

static struct wall *wall_made(const char *name, enum wall_verdict verdict)
{
	struct wall *w = report_wall(&r, name);
	w->verdict = verdict;
	w->needed = 1;
	return w;
}

static void the_answer_says_what_the_status_means(void **state)
{
	wall_made("accept-queue", VERDICT_OK);
	answer_is("Ready for this target.");
	report_text(r.probes, "accept-queue");
	answer_is("Ready for this target, with --probe accept-queue only.");
	r.probes[0] = 0;
	r.quick = true;
	answer_is("Ready for this target, by the settings; nothing was measured.");
	r.quick = false;
	finding_made(&r, "knob.myth", LEVEL_WARNING, "");
	answer_is("Ready, but 1 warning: knob.myth.");
	wall_made("syn-queue", VERDICT_TIGHT);
	answer_is("Ready, but 1 wall is tight: syn-queue; 1 warning: knob.myth.");
	wall_made("buffers.send", VERDICT_UNKNOWN);
	answer_is("Not known: 1 wall has no verdict: buffers.send; also: 1 wall is tight: "
		  "syn-queue; 1 warning: knob.myth.");
	struct finding *f = finding_made(&r, "accept-queue.waiting", LEVEL_WARNING, "");
	report_text(f->answer, "nginx does not accept connections");
	answer_is("Not known: 1 wall has no verdict: buffers.send; also: nginx does not accept "
		  "connections; 1 wall is tight: syn-queue; 1 warning: knob.myth.");
	wall_made("time-wait", VERDICT_SHORT);
	wall_made("ports.ephemeral", VERDICT_SHORT);
	answer_is("Not ready: 2 walls are short: time-wait, ports.ephemeral.");
	finding_made(&r, "accept-queue.overflowing", LEVEL_CRITICAL, "")->observed = true;
	answer_is("Not ready: 2 walls are short: time-wait, ports.ephemeral; 1 critical finding: "
		  "accept-queue.overflowing.");
}

/* What limits the answer is said of every kind of ready. */
static void ready_names_what_limits_the_answer(void **state)
{
	report_text(r.probes, "accept-queue");
	r.quick = true;
	wall_made("accept-queue", VERDICT_TIGHT);
	answer_is(
		"Ready, but 1 wall is tight: accept-queue; by the settings; nothing was measured; "
		"with --probe accept-queue only.");
	r.host.isolation = ISOLATION_SYSROOT;
	answer_is("Ready, but 1 wall is tight: accept-queue; by the settings of the captured "
		  "machine; nothing was measured; with --probe accept-queue only.");
	r.walls[0].verdict = VERDICT_OK;
	r.host.isolation = ISOLATION_LAB;
	struct finding *f = finding_made(&r, "accept-queue.full", LEVEL_WARNING, "");
	report_text(f->answer, "the accept queue of nginx is full");
	answer_is("The accept queue of nginx is full; otherwise ready for this target, by the "
		  "settings; nothing was measured; with --probe accept-queue only.");
	r.quick = false;
	answer_is("The accept queue of nginx is full; otherwise ready for this target, with "
		  "--probe accept-queue only.");
}

/* Without any verdict it is not ready; a report without walls has only findings to judge. */
static void walls_without_verdict_are_not_ready(void **state)
{
	assert_int_equal(report_exit_status(&r), 0);
	wall_made("accept-queue", VERDICT_UNKNOWN)->needed = REPORT_NONE;
	assert_int_equal(report_exit_status(&r), 3);
	answer_is("Not known: no wall has a verdict.");
	wall_made("syn-queue", VERDICT_OK);
	assert_int_equal(report_exit_status(&r), 0);
}

static void the_answer_says_clauses_of_findings_once(void **state)
{
	static const char *const processes[] = {"nginx", "nginx", "a", "b", "c", "d", "e"};
	wall_made("accept-queue", VERDICT_OK);
	for (size_t i = 0; i < sizeof(processes) / sizeof(*processes); i++) {
		struct finding *f = finding_made(&r, "accept-queue.overflowing", LEVEL_WARNING, "");
		report_text(f->answer, "%s drops", processes[i]);
		f->observed = true;
	}
	finding_made(&r, "knob.myth", LEVEL_WARNING, "");
	answer_is("Ready, but nginx drops; a drops; b drops; c drops and 2 more; 1 warning: "
		  "knob.myth.");
	r.findings[0].level = LEVEL_CRITICAL;
	answer_is("Not ready: nginx drops.");
	wall_made("time-wait", VERDICT_SHORT);
	answer_is("Not ready: nginx drops; 1 wall is short: time-wait.");
}

/* One rule: a wall that fell back is named with its reason; --measured makes the status unknown. */
static void the_answer_names_what_was_not_measured(void **state)
{
	static const char *const walls[] = {"syn-queue", "buffers.receive", "buffers.send"};
	for (size_t i = 0; i < 3; i++) {
		struct wall *w = wall_made(walls[i], VERDICT_OK);
		w->experiment = EXPERIMENT_MISSED;
		report_text(w->reason, "/dev/net/tun cannot be opened");
	}
	answer_is("Ready, with 3 walls derived, not measured: syn-queue, buffers.receive, "
		  "buffers.send: /dev/net/tun cannot be opened.");
	assert_int_equal(report_exit_status(&r), 0);
	r.require_measured = true;
	answer_is("Not known: 3 walls derived, not measured: syn-queue, buffers.receive, "
		  "buffers.send: /dev/net/tun cannot be opened.");
	assert_int_equal(report_exit_status(&r), 3);
}

/* The same of a wall whose knob could not be read. */
static void the_answer_names_what_was_assumed(void **state)
{
	struct wall *w = wall_made("buffers.memory", VERDICT_OK);
	report_text(w->assumed, "net.ipv4.tcp_mem");
	answer_is("Ready, with 1 wall assumed, not read: buffers.memory (net.ipv4.tcp_mem).");
	assert_int_equal(report_exit_status(&r), 0);
	w = wall_made("orphans", VERDICT_OK);
	report_text(w->assumed, "net.ipv4.tcp_max_orphans");
	w->experiment = EXPERIMENT_MISSED;
	answer_is("Ready, with 1 wall derived, not measured: orphans; 2 walls assumed, not read: "
		  "buffers.memory (net.ipv4.tcp_mem), orphans (net.ipv4.tcp_max_orphans).");
	w->needed = REPORT_NONE;
	r.require_measured = true;
	answer_is("Not known: 1 wall assumed, not read: buffers.memory (net.ipv4.tcp_mem).");
	assert_int_equal(report_exit_status(&r), 3);
	r.require_measured = false;
	wall_made("accept-queue", VERDICT_TIGHT);
	answer_is("Ready, but 1 wall is tight: accept-queue; 1 wall assumed, not read: "
		  "buffers.memory (net.ipv4.tcp_mem).");
	wall_made("syn-queue", VERDICT_SHORT);
	answer_is("Not ready: 1 wall is short: syn-queue.");
}

static void what_is_accepted_returns_when_it_is_worse(void **state)
{
	static const struct {
		const char *wall;
		enum wall_method method;
		int64_t now, value, until;
		enum acceptance_state state;
	} cases[] = {
		{"accept-queue", METHOD_RUNNING, 100, 100, 0, ACCEPTANCE_VALID},
		{"accept-queue", METHOD_RUNNING, 99, 100, 0, ACCEPTANCE_WORSE},
		{"accept-queue", METHOD_MEASURED, 95, 100, 0, ACCEPTANCE_VALID},
		{"accept-queue", METHOD_MEASURED, 94, 100, 0, ACCEPTANCE_WORSE},
		{"accept-queue", METHOD_RUNNING, REPORT_NONE, 100, 0, ACCEPTANCE_VALID},
		{"napi.latency", METHOD_INSPECTED, 99, 100, 0, ACCEPTANCE_VALID},
		{"napi.latency", METHOD_INSPECTED, 101, 100, 0, ACCEPTANCE_WORSE},
		{"accept-queue", METHOD_RUNNING, 1, REPORT_NONE, 1000, ACCEPTANCE_EXPIRED},
		{"accept-queue", METHOD_RUNNING, 1, REPORT_NONE, 1001, ACCEPTANCE_VALID},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		report_init(&r);
		r.time.tv_sec = 1000;
		struct wall *w = wall_made(cases[i].wall, VERDICT_SHORT);
		w->method = cases[i].method;
		w->limit = w->measured = cases[i].now;
		struct finding *f = finding_made(&r, "accept-queue.short", LEVEL_CRITICAL, "");
		report_text(f->wall, "%s", cases[i].wall);
		report_accept(&r, &(struct acceptance){.id = "accept-queue.short",
						       .until = cases[i].until,
						       .value = cases[i].value});
		assert_int_equal(f->acceptance, cases[i].state);
		assert_int_equal(f->accepted, cases[i].state == ACCEPTANCE_VALID);
		assert_int_equal(w->accepted, f->accepted);
		assert_int_equal(report_exit_status(&r), f->accepted ? 0 : 2);
	}
}

/* Also within a probe, and the least level first. */
static void a_critical_finding_always_has_room(void **state)
{
	static const struct {
		const char *id; /* of those that fill the report */
		enum wall_verdict filled;
	} cases[] = {
		{"counters.past", VERDICT_OK},
		{"lab.refused", VERDICT_OK},
		{"knob.drift", VERDICT_OK},
		{"counters.growing", VERDICT_TIGHT},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		report_init(&r);
		wall_made("accept-queue", VERDICT_OK);
		for (size_t k = 0; k < REPORT_FINDINGS; k++)
			report_text(report_finding(&r, cases[i].id, NULL)->title, "%zu", k);
		assert_int_equal(report_summarize(&r).status, cases[i].filled);
		report_finding(&r, cases[i].id, NULL);
		assert_int_equal(r.lost, 1);
		/* What did not fit may have been more than those are. */
		assert_int_equal(report_summarize(&r).status,
				 cases[i].filled == VERDICT_OK ? VERDICT_OK : VERDICT_UNKNOWN);
		report_finding(&r, "conntrack.full", NULL);
		assert_int_equal(r.finding_count, REPORT_FINDINGS);
		assert_int_equal(r.lost, 2);
		assert_string_equal(r.findings[REPORT_FINDINGS - 1].id, "conntrack.full");
		assert_int_equal(report_exit_status(&r), 2);
	}
	report_init(&r);
	wall_made("accept-queue", VERDICT_OK);
	for (size_t k = 0; k <= REPORT_FINDINGS; k++)
		report_text(report_finding(&r, "counters.growing", NULL)->title, "%zu", k);
	answer_is("Not known: there are more findings than a report holds; also: the kernel's loss "
		  "counters grow.");
}

/* A quota that stops the server shows in a window, if it can be read at all. */
static void a_quota_that_is_not_known_is_not_ready_for_a_server(void **state)
{
	wall_made("accept-queue", VERDICT_OK);
	struct wall *w = report_wall(&r, "cgroup.cpu");
	answer_is("Ready for this target.");
	report_text(r.server.asked, "nginx");
	answer_is("Not known: 1 wall has no verdict: cgroup.cpu.");
	assert_int_equal(report_exit_status(&r), 3);
	r.server.asked[0] = 0;
	r.require_measured = true;
	answer_is("Not known: 1 wall has no verdict: cgroup.cpu.");
	w->accepted = true;
	answer_is("Ready for this target.");
	w->accepted = false;
	w->verdict = VERDICT_NA;
	answer_is("Ready for this target.");
	/* Of what no server decides nothing is asked. */
	report_wall(&r, "softnet.backlog");
	answer_is("Ready for this target.");
}

/* What is known of a batch server excuses no other. */
static void a_critical_finding_is_accepted_by_name(void **state)
{
	static const struct {
		const char *id, *about, *server;
		enum finding_level level;
		const char *named;
		enum acceptance_state state;
	} cases[] = {
		{"listeners.halted", "nginx", "nginx", LEVEL_CRITICAL, "", ACCEPTANCE_UNNAMED},
		{"listeners.halted", "batchd", "nginx", LEVEL_WARNING, "", ACCEPTANCE_VALID},
		{"listeners.halted", "nginx", "nginx", LEVEL_CRITICAL, "batchd", ACCEPTANCE_NONE},
		{"listeners.halted", "batchd", "batchd", LEVEL_CRITICAL, "batchd",
		 ACCEPTANCE_VALID},
		{"listeners.halted", "batchd2", "", LEVEL_CRITICAL, "batchd", ACCEPTANCE_NONE},
		{"ports.ephemeral.used", "proxy to 10.0.0.1:80", "", LEVEL_CRITICAL, "proxy",
		 ACCEPTANCE_VALID},
		{"ports.ephemeral.used", "proxy to 10.0.0.1:80", "", LEVEL_CRITICAL,
		 "proxy to 10.0.0.2:80", ACCEPTANCE_NONE},
		/* One that the machine has once, and of which a server makes it critical. */
		{"cgroup.pids.refused", "", "nginx", LEVEL_CRITICAL, "", ACCEPTANCE_UNNAMED},
		{"cgroup.pids.refused", "", "nginx", LEVEL_CRITICAL, "nginx", ACCEPTANCE_VALID},
		{"cgroup.pids.refused", "", "", LEVEL_WARNING, "", ACCEPTANCE_VALID},
		{"buffers.memory.exhausted", "", "nginx", LEVEL_CRITICAL, "", ACCEPTANCE_VALID},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct acceptance a = {.value = REPORT_NONE};
		char text[ACCEPTANCE_TEXT];
		report_init(&r);
		wall_made("accept-queue", VERDICT_OK);
		report_text(r.server.name, "%s", cases[i].server);
		struct finding *f = finding_made(&r, cases[i].id, cases[i].level, "");
		f->observed = true;
		report_text(f->about, "%s", cases[i].about);
		report_text(a.id, "%s", cases[i].id);
		report_text(a.about, "%s", cases[i].named);
		report_accept(&r, &a);
		assert_int_equal(f->acceptance, cases[i].state);
		assert_int_equal(report_exit_status(&r) == 0, cases[i].state == ACCEPTANCE_VALID);
		if (cases[i].state == ACCEPTANCE_UNNAMED)
			assert_non_null(strstr(acceptance_text(&r, f, text), "=nginx"));
	}
}

static void a_crashed_probe_makes_the_answer_unknown(void **state)
{
	wall_made("accept-queue", VERDICT_OK);
	r.ran[0] = (struct report_probe){.name = "ports", .state = PROBE_CRASHED};
	r.probe_count = 1;
	answer_is("Not known: probe ports crashed.");
	assert_int_equal(report_exit_status(&r), 3);
}

/* Growing drops, full queues: no setting shows them. */
static void a_probe_that_observed_nothing_makes_the_answer_unknown(void **state)
{
	wall_made("accept-queue", VERDICT_OK);
	r.ran[0] = (struct report_probe){.name = "counters", .state = PROBE_UNOBSERVED};
	r.probe_count = 1;
	answer_is("Not known: probe counters could not observe this machine.");
	assert_int_equal(report_exit_status(&r), 3);
	wall_made("time-wait", VERDICT_SHORT);
	answer_is("Not ready: 1 wall is short: time-wait.");
}

/* What it would have found is missing from the report. */
static void the_answer_names_a_failed_probe(void **state)
{
	r.ran[0] = (struct report_probe){.name = "readiness", .state = PROBE_FAILED};
	r.probe_count = 1;
	answer_is("Not known: probe readiness failed.");
	assert_int_equal(report_exit_status(&r), 3);
	wall_made("accept-queue", VERDICT_OK);
	answer_is("Ready for this target, but probe readiness failed.");
	assert_int_equal(report_exit_status(&r), 0);
	r.require_measured = true;
	answer_is("Not known: probe readiness failed.");
	assert_int_equal(report_exit_status(&r), 3);
	r.require_measured = false;
	wall_made("syn-queue", VERDICT_TIGHT);
	answer_is("Ready, but 1 wall is tight: syn-queue; probe readiness failed.");
	wall_made("time-wait", VERDICT_SHORT);
	answer_is("Not ready: 1 wall is short: time-wait.");
}

/* The same of experiments of no wall that were not tried: others that were skipped are of none that
 * an answer needs. */
static void the_answer_names_what_was_not_tried(void **state)
{
	finding_made(&r, "napi.latency.untried", LEVEL_SKIPPED, "s");
	struct finding *f = finding_made(&r, "manners.untried", LEVEL_SKIPPED, "s");
	report_text(f->answer, "some have no result");
	answer_is("Not known: some have no result.");
	wall_made("accept-queue", VERDICT_OK);
	answer_is("Ready for this target, but some have no result.");
	assert_int_equal(report_exit_status(&r), 0);
	r.require_measured = true;
	answer_is("Not known: some have no result.");
	assert_int_equal(report_exit_status(&r), 3);
	f->accepted = true;
	answer_is("Ready for this target; accepted: manners.untried.");
	f->accepted = r.require_measured = false;
	wall_made("syn-queue", VERDICT_TIGHT);
	answer_is("Ready, but 1 wall is tight: syn-queue; some have no result.");
	wall_made("time-wait", VERDICT_SHORT);
	answer_is("Not ready: 1 wall is short: time-wait.");
}

/* Whether a text of the row has {name} too, so that what fills the row sets it; {who} and {whose}
 * are set together, and {endpoint} with the name of a listener. */
static bool has_word(const struct finding_row *row, const char *name, size_t length)
{
	if (!strncmp(name, "who}", 4) && has_word(row, "whose", 5))
		return true;
	if (!strncmp(name, "endpoint}", 9))
		return has_word(row, "listener", 8) || has_word(row, "socket", 6);
	const char *const texts[] = {row->title, row->detail, row->advice, row->answer};
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		for (const char *at = texts[i] ? texts[i] : ""; (at = strchr(at, '{')); at++)
			if (!strncmp(at + 1, name, length) && strchr("}?", at[1 + length]))
				return true;
	return false;
}

/* Every finding of the catalogue is of a wall or a probe, and its texts are whole. */
static void rows_of_the_catalogue_are_whole(void **state)
{
	for (size_t i = 0; i < finding_row_count(); i++) {
		const struct finding_row *row = finding_row_at(i);
		assert_ptr_equal(finding_row_find(row->id), row);
		assert_non_null(strchr(row->id, '.'));
		assert_true(row->title[0] && row->meaning[0] && row->action[0] && row->proof[0]);
		/* Only texts for reports are templates. */
		assert_null(strpbrk(row->meaning, "{\\"));
		assert_null(strpbrk(row->action, "{\\"));
		assert_null(strpbrk(row->proof, "{\\"));
		if (row->wall && *row->wall && !wall_row_find(row->wall))
			fail_msg("%s is of wall %s, which has no row", row->id, row->wall);
		assert_true(strlen(row->id) < sizeof(r.findings[0].id));
		for (const char *at = row->about ? row->about : ""; (at = strchr(at, '{')); at++)
			if (!has_word(row, at + 1, strcspn(at + 1, "}")))
				fail_msg("%s: no text has what it is about: %s", row->id, at);
		assert_true(!row->about || row->observed);
	}
	assert_true(wall_row_count() <= REPORT_WALLS);
	for (size_t i = 0; i < wall_row_count(); i++)
		assert_true(strlen(wall_row_at(i)->name) < sizeof(r.walls[0].name) &&
			    strlen(wall_row_at(i)->unit) < sizeof(r.walls[0].unit));
}

static void joining_appends(void **state)
{
	report_wall(&r, "a")->limit = 1;
	finding_made(&r, "a.b", LEVEL_NOTE, "first");
	report_wall(&part, "b")->limit = 2;
	finding_made(&part, "b.c", LEVEL_WARNING, "second");
	report_join(&r, &part);
	assert_int_equal(r.wall_count, 2);
	assert_int_equal(r.walls[1].limit, 2);
	assert_int_equal(r.finding_count, 2);
	assert_string_equal(r.findings[1].title, "second");
	assert_int_equal(r.lost, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_new_wall_is_empty, reset),
		cmocka_unit_test_setup(nothing_is_lost_silently, reset),
		cmocka_unit_test_setup(counters_and_listeners_are_joined, reset),
		cmocka_unit_test_setup(a_note_gives_way_to_a_critical_finding, reset),
		cmocka_unit_test_setup(text_is_cut_with_a_mark, reset),
		cmocka_unit_test_setup(evidence_that_fits_is_kept, reset),
		cmocka_unit_test_setup(verdicts_at_their_edges, reset),
		cmocka_unit_test_setup(worst_part_gives_the_status, reset),
		cmocka_unit_test_setup(the_answer_says_what_the_status_means, reset),
		cmocka_unit_test_setup(ready_names_what_limits_the_answer, reset),
		cmocka_unit_test_setup(walls_without_verdict_are_not_ready, reset),
		cmocka_unit_test_setup(the_answer_says_clauses_of_findings_once, reset),
		cmocka_unit_test_setup(the_answer_names_what_was_not_measured, reset),
		cmocka_unit_test_setup(the_answer_names_what_was_assumed, reset),
		cmocka_unit_test_setup(a_critical_finding_always_has_room, reset),
		cmocka_unit_test_setup(what_is_accepted_returns_when_it_is_worse, reset),
		cmocka_unit_test_setup(a_quota_that_is_not_known_is_not_ready_for_a_server, reset),
		cmocka_unit_test_setup(a_critical_finding_is_accepted_by_name, reset),
		cmocka_unit_test_setup(a_crashed_probe_makes_the_answer_unknown, reset),
		cmocka_unit_test_setup(a_probe_that_observed_nothing_makes_the_answer_unknown,
				       reset),
		cmocka_unit_test_setup(the_answer_names_a_failed_probe, reset),
		cmocka_unit_test_setup(the_answer_names_what_was_not_tried, reset),
		cmocka_unit_test(rows_of_the_catalogue_are_whole),
		cmocka_unit_test_setup(joining_appends, reset),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
