/* A report read back from JSON, and two of them side by side. */
#include "../support/support.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "report/compare.h"
#include "report/compare_bench.h"
#include "report/conditions.h"
#include "report/parse.h"
#include "sample_report.h"

static char path[64];

static int make_file(void **state)
{
	strcpy(path, "/dev/shm/epolltune-report-XXXXXX");
	int fd = mkstemp(path);
	close(fd);
	return fd < 0;
}

static int remove_file(void **state) { return unlink(path); }

static char *json_of(const struct report *r)
{
	char *text = NULL;
	size_t size = 0;
	struct err e;
	FILE *out = open_memstream(&text, &size);
	assert_int_equal(render_json(out, r, NULL, &e), 0);
	fclose(out);
	return text;
}

static void put(const char *text)
{
	FILE *out = fopen(path, "w");
	assert_non_null(out);
	fputs(text, out);
	fclose(out);
}

/* What is given to check, and a report that is full. */
static void sample_options(struct report *r)
{
	sample_short(r);
	r->backlog = 511;
	r->peers = 4000;
	r->lost = 7;
	r->target.destinations = 4;
	r->gentle = r->quick = r->require_measured = true;
	report_text(r->probes, "ports,udp");
	report_text(r->findings[0].about, "nginx");
}

static struct report *sample(void)
{
	struct report *r = calloc(1, sizeof(*r));
	assert_non_null(r);
	sample_short(r);
	r->target.datagrams_only = true;
	report_text(r->host.boot, "37e4d331-d507-4244-aa37-5f1ccd0fb59c");
	report_text(r->host.netns, "4026531833.3");
	report_accept(r, &(struct acceptance){.id = "accept-queue.short",
					      .until = 2000000000 / 86400 * 86400,
					      .value = 4097,
					      .reason = "known"});
	return r;
}

static void the_same_again(void **state)
{
	struct report *r = sample(), *back = calloc(1, sizeof(*back));
	struct err e = {0};
	char *before = json_of(r);
	put(before);
	if (report_parse(path, back, &e) < 0)
		fail_msg("%s", e.text);
	char *after = json_of(back);
	assert_string_equal(before, after);
	assert_string_equal(back->host.boot, r->host.boot);
	assert_true(back->walls[1].limit == r->walls[1].limit);
	assert_int_equal(report_counter_value(back, "TcpExt.ListenOverflows"), 5729);
	assert_int_equal(back->listed, 2);
	assert_int_equal(back->listeners[0].drops, UINT32_MAX);
	assert_int_equal(back->listeners[1].kind, LISTENER_UNIX);
	free(before), free(after), free(r), free(back);
}

/* Each member that the program writes and reads: written again, it is the same. */
static void every_report_is_the_same_again(void **state)
{
	static void (*const samples[])(struct report *) = {
		sample_short, sample_healthy, sample_unknown, sample_observed, sample_options};
	for (size_t i = 0; i < sizeof(samples) / sizeof(*samples); i++) {
		struct report *r = calloc(1, sizeof(*r)), *back = calloc(1, sizeof(*back));
		struct err e = {0};
		samples[i](r);
		char *text = json_of(r);
		put(text);
		if (report_parse(path, back, &e) < 0)
			fail_msg("%s", e.text);
		char *again = json_of(back);
		assert_string_equal(again, text);
		assert_int_equal(back->lost, r->lost);
		assert_int_equal(back->backlog, r->backlog);
		assert_int_equal(back->peers, r->peers);
		assert_int_equal(back->observed.headroom_percent, r->observed.headroom_percent);
		free(text), free(again), free(r), free(back);
	}
}

/* What the answer depends on, too: apply --from gives that of its report. */
static void the_same_answer(void **state)
{
	static const struct {
		bool measured, quick;
		const char *only;
		enum report_isolation isolation;
		enum probe_state state;
	} cases[] = {
		{.only = ""},
		{.only = "ports,udp"},
		{.only = "", .measured = true},
		{.only = "", .quick = true},
		{.only = "ports", .quick = true},
		{.only = "", .isolation = ISOLATION_SYSROOT},
		{.only = "", .state = PROBE_FAILED},
		{.only = "", .state = PROBE_FAILED, .measured = true},
		{.only = "", .state = PROBE_CRASHED},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct report *r = calloc(1, sizeof(*r)), *back = calloc(1, sizeof(*back));
		char answer[REPORT_ANSWER], again[REPORT_ANSWER];
		struct err e = {0};
		sample_head(r);
		r->host.isolation = cases[i].isolation;
		r->require_measured = cases[i].measured;
		r->quick = cases[i].quick;
		report_text(r->probes, "%s", cases[i].only);
		sample_wall(r, "accept-queue", "connections", METHOD_DERIVED, 4097, REPORT_NONE, 5);
		r->walls[0].experiment = i % 2 ? EXPERIMENT_MISSED : EXPERIMENT_NONE;
		report_text(r->walls[0].assumed, "%s", i % 3 ? "" : "net.ipv4.tcp_mem");
		r->ran[0] = (struct report_probe){.name = "ports", .state = cases[i].state};
		r->probe_count = 1;
		char *text = json_of(r);
		put(text);
		if (report_parse(path, back, &e) < 0)
			fail_msg("%s", e.text);
		report_answer(r, answer);
		report_answer(back, again);
		assert_string_equal(answer, again);
		assert_int_equal(report_exit_status(r), report_exit_status(back));
		free(text), free(r), free(back);
	}
}

/* More listeners than fit, and the names that a hostile process gave. */
static void listeners_beyond_the_capacity(void **state)
{
	struct report *r = sample(), *back = calloc(1, sizeof(*back));
	struct err e = {0};
	while (r->listener_count < REPORT_LISTENERS + 7)
		memset(report_listener(r)->address, 0xff, sizeof(r->listeners->address) - 1);
	char *text = json_of(r);
	put(text);
	if (report_parse(path, back, &e) < 0)
		fail_msg("%s", e.text);
	assert_int_equal(back->listed, REPORT_LISTENERS);
	assert_int_equal(back->listener_count, REPORT_LISTENERS + 7);
	assert_memory_equal(back->listeners[5].address, "\xef\xbf\xbd", 3);
	free(text), free(r), free(back);
}

/* A report of an earlier version. */
static void reports_without_counters_are_read(void **state)
{
	struct report *r = sample(), *back = calloc(1, sizeof(*back));
	struct err e = {0};
	char *text = json_of(r);
	json_t *root = json_loads(text, 0, NULL);
	json_object_del(root, "listeners");
	json_object_del(root, "listener_count");
	json_object_del(root, "counters");
	json_object_del(json_object_get(root, "host"), "netns");
	free(text);
	text = json_dumps(root, 0);
	put(text);
	assert_int_equal(report_parse(path, back, &e), 0);
	assert_int_equal(back->listener_count, 0);
	assert_int_equal(back->counter_count, 0);
	json_decref(root);
	free(text), free(r), free(back);
}

/* The sample with one text in place of another. */
static void refuses(const char *from, const char *to, int code, const char *needle)
{
	struct report *r = sample(), *back = calloc(1, sizeof(*back));
	struct err e = {0};
	char *text = json_of(r), *at = strstr(text, from);
	assert_non_null(at);
	FILE *out = fopen(path, "w");
	assert_non_null(out);
	fprintf(out, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
	fclose(out);
	assert_int_equal(report_parse(path, back, &e), code);
	if (!strstr(e.text, needle) || !strstr(e.text, path))
		fail_msg("\"%s\" does not contain \"%s\"", e.text, needle);
	free(text), free(r), free(back);
}

static void refuses_what_is_no_report(void **state)
{
	refuses("epolltune.report/1", "epolltune.report/2", -EPROTO, "report/2");
	refuses("\"schema\"", "\"scheme\"", -EPROTO, "not written by epolltune");
	refuses("\"walls\"", "\"wall\"", -EBADMSG, "walls");
	refuses("\"measured\": 19994", "\"measured\": \"many\"", -EBADMSG, "walls[0].measured");
	refuses("\"verdict\": \"ok\"", "\"verdict\": \"fine\"", -EBADMSG, "walls[0].verdict");
	refuses("\"role\": \"server\"", "\"role\": \"client\"", -EBADMSG, "target.role");
	refuses("\"name\": \"descriptors.system\"", "\"name\": \"descriptors.process\"", -EBADMSG,
		"walls[1].name");
	refuses("\"current\": \"511\"", "\"current\": [511]", -EBADMSG, "findings[0].current");
	refuses("\"cpus\": 2", "\"cpus\": -2", -EBADMSG, "host.cpus");
	refuses("\"time\": \"20", "\"time\": \"yesterday 20", -EBADMSG, "time");
	refuses("\"listeners\": [", "\"listeners\": [1,", -EBADMSG, "listeners[0].kind");
	refuses("\"depth\": 512", "\"depth\": 4294967296", -EBADMSG, "listeners[0].depth");
	refuses("\"kind\": \"unix\"", "\"kind\": \"udp\"", -EBADMSG, "listeners[1].kind");
	refuses("Overflows\": 5729", "Overflows\": -1", -EBADMSG, "counters");
	refuses("Overflows\": 5729", "Overflows\": \"1\"", -EBADMSG, "counters");
	refuses("{", "{ ,", -EBADMSG, "invalid JSON");
	/* A knob's value that would be cut must not be. */
	char big[300] = "\"current\": \"";
	memset(big + strlen(big), '9', 200);
	strcat(big, "\"");
	refuses("\"current\": \"511\"", big, -EBADMSG, "longer than 79");

	struct report *back = calloc(1, sizeof(*back));
	struct err e = {0};
	put("");
	assert_int_equal(report_parse(path, back, &e), -EBADMSG);
	assert_int_equal(report_parse("/no/such/report", back, &e), -ENOENT);
	assert_int_equal(report_parse("/dev/zero", back, &e), -EBADMSG);
	assert_int_equal(report_parse("/", back, &e), -EISDIR);
	free(back);
}

/* Any byte may be wrong: read or refused, with a reason. */
static void damaged_at_every_byte(void **state)
{
	struct report *r = sample(), *back = calloc(1, sizeof(*back));
	char *text = json_of(r);
	size_t refused = 0, size = strlen(text);
	for (size_t at = 0; at < size; at++) {
		struct err e = {0};
		text[at] ^= 0x01;
		put(text);
		int failed = report_parse(path, back, &e);
		assert_true(failed ? e.text[0] && failed == -e.code : !e.text[0]);
		refused += failed != 0;
		text[at] ^= 0x01;
	}
	assert_true(refused > size / 4);
	free(text), free(r), free(back);
}

static void one_wall(struct report *r, int64_t measured, int64_t needed)
{
	sample_wall(r, "accept-queue", "connections", METHOD_MEASURED, measured, measured, needed);
}

static void rounds_are_joined(void **state)
{
	enum { OK = VERDICT_OK, TIGHT = VERDICT_TIGHT, SHORT = VERDICT_SHORT };
	static const struct {
		int64_t measured[3];
		int verdicts[3];
		int verdict;
		int64_t median, lowest, highest;
	} cases[] = {
		{{30, 10, 20}, {OK, OK, OK}, OK, 20, 10, 30},
		/* By chance the first is the odd one out. */
		{{30, 10, 11}, {OK, SHORT, SHORT}, SHORT, 11, 10, 30},
		{{10, 30, 31}, {SHORT, OK, TIGHT}, OK, 30, 10, 31},
		{{30, REPORT_NONE, 31},
		 {OK, VERDICT_UNKNOWN, OK},
		 VERDICT_UNKNOWN,
		 REPORT_NONE,
		 0,
		 0},
		{{REPORT_NONE, 30, 31},
		 {VERDICT_UNKNOWN, OK, OK},
		 VERDICT_UNKNOWN,
		 REPORT_NONE,
		 0,
		 0},
		/* Of the settings alone. */
		{{REPORT_NONE, REPORT_NONE, REPORT_NONE},
		 {TIGHT, TIGHT, TIGHT},
		 TIGHT,
		 REPORT_NONE,
		 0,
		 0},
		{{REPORT_NONE, REPORT_NONE, REPORT_NONE},
		 {OK, TIGHT, OK},
		 VERDICT_UNKNOWN,
		 REPORT_NONE,
		 0,
		 0},
	};
	struct report *r = calloc(3, sizeof(*r));
	assert_non_null(r);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		for (size_t k = 0; k < 3; k++) {
			report_init(&r[k]);
			struct wall *w = report_wall(&r[k], "application.rate");
			w->measured = cases[i].measured[k];
			w->verdict = (enum wall_verdict)cases[i].verdicts[k];
		}
		compare_rounds(r, 3);
		const struct wall *w = &r->walls[0];
		assert_int_equal(w->verdict, cases[i].verdict);
		assert_int_equal(w->measured, cases[i].median);
		assert_int_equal(w->lowest, cases[i].lowest);
		assert_int_equal(w->highest, cases[i].highest);
	}
	free(r);
}

/* Without a rate, a round's latencies were measured at another one than those of the rounds after
 * it. */
static void a_latency_at_a_rate_of_its_own_is_unknown(void **state)
{
	struct report *r = calloc(1, sizeof(*r));
	assert_non_null(r);
	report_init(r);
	report_wall(r, "application.rate")->measured = 4001;
	struct wall *w = report_wall(r, "application.latency.p99");
	w->measured = 70;
	w->verdict = VERDICT_OK;
	assert_int_equal(compare_rate(r), 2000);
	assert_int_equal(w->measured, 70);
	r->walls[0].measured = REPORT_NONE;
	assert_int_equal(compare_rate(r), 0);
	assert_int_equal(w->measured, REPORT_NONE);
	assert_int_equal(w->verdict, VERDICT_UNKNOWN);
	assert_string_equal(w->reason, "its rate is not that of the other rounds");
	free(r);
}

/* By their ids: what most of three rounds have. */
static void rounds_have_the_findings_of_most(void **state)
{
	static const char *const ids[3][3] = {
		{"application.stuck", "application.rate.short"},
		{"application.rate.short", "accept-queue.short", "accept-queue.short"},
		{"accept-queue.short", "application.connections.short", "accept-queue.short"},
	};
	struct report *r = calloc(3, sizeof(*r));
	assert_non_null(r);
	for (size_t k = 0; k < 3; k++) {
		report_init(&r[k]);
		for (size_t i = 0; i < 3 && ids[k][i]; i++) {
			struct finding *f = report_finding_blank(&r[k]);
			report_text(f->id, "%s", ids[k][i]);
		}
	}
	compare_rounds(r, 3);
	assert_int_equal(r->finding_count, 3);
	assert_string_equal(r->findings[0].id, "application.rate.short");
	assert_string_equal(r->findings[1].id, "accept-queue.short");
	assert_string_equal(r->findings[2].id, "accept-queue.short");
	free(r);
}

static void verdicts_side_by_side(void **state)
{
	static const struct {
		int64_t before, after;
		enum compare_verdict want;
		int status;
	} cases[] = {
		{17, 2049, COMPARE_BETTER, 0},  {2049, 17, COMPARE_WORSE, 2},
		{2049, 1100, COMPARE_WORSE, 1}, {17, 18, COMPARE_MOVED, 0},
		{2000, 2010, COMPARE_SAME, 0},  {17, 17, COMPARE_SAME, 0},
		{1100, 17, COMPARE_WORSE, 2},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct report *r = calloc(2, sizeof(*r));
		one_wall(&r[0], cases[i].before, 1000);
		one_wall(&r[1], cases[i].after, 1000);
		assert_int_equal(compare_wall(&r[0].walls[0], &r[1].walls[0]), cases[i].want);
		assert_int_equal(compare_status(&r[0], &r[1]), cases[i].status);
		free(r);
	}
	static const struct {
		int64_t before, after;
		unsigned spread;
		enum compare_verdict want;
	} gains[] = {
		/* The verdict changes, and the figure by more than the spread. */
		{17, 2049, 35, COMPARE_BETTER},
		{2049, 17, 35, COMPARE_WORSE},
		{1251, 1249, 0, COMPARE_WORSE},
		{1251, 1249, 1, COMPARE_SAME},
		{1200, 1300, 35, COMPARE_SAME},
		/* Short stays short. */
		{17, 129, 35, COMPARE_BETTER},
		{129, 17, 35, COMPARE_WORSE},
		{100, 120, 35, COMPARE_SAME},
		/* What the target does not need is no gain, and no loss. */
		{2049, 65536, 0, COMPARE_SAME},
		{65536, 2049, 0, COMPARE_SAME},
	};
	for (size_t i = 0; i < sizeof(gains) / sizeof(*gains); i++) {
		struct report *r = calloc(2, sizeof(*r));
		one_wall(&r[0], gains[i].before, 1000);
		one_wall(&r[1], gains[i].after, 1000);
		assert_int_equal(compare_gain(&r[0].walls[0], &r[1].walls[0], gains[i].spread),
				 gains[i].want);
		/* An upper bound that is higher is no loss. */
		r[0].walls[0].verdict = VERDICT_OK;
		r[1].walls[0].verdict = VERDICT_TIGHT;
		if (gains[i].after > gains[i].before)
			assert_int_equal(compare_gain(&r[0].walls[0], &r[1].walls[0], 0),
					 COMPARE_SAME);
		free(r);
	}
	/* Of repeated runs: only ranges that do not overlap differ. */
	struct wall a = {.verdict = VERDICT_OK,
			 .method = METHOD_MEASURED,
			 .measured = 100,
			 .lowest = 80,
			 .highest = 120},
		    b = a;
	b.measured = 150;
	b.lowest = 120;
	b.highest = 160;
	assert_int_equal(compare_wall(&a, &b), COMPARE_SAME);
	b.verdict = VERDICT_SHORT;
	assert_int_equal(compare_wall(&a, &b), COMPARE_SAME);
	b.lowest = 121;
	assert_int_equal(compare_wall(&a, &b), COMPARE_WORSE);
	b.verdict = VERDICT_OK;
	assert_int_equal(compare_wall(&b, &a), COMPARE_MOVED);
	struct wall unknown = {.verdict = VERDICT_UNKNOWN}, ok = {.verdict = VERDICT_OK};
	assert_int_equal(compare_wall(&unknown, &ok), COMPARE_UNKNOWN);
	assert_int_equal(compare_wall(&unknown, &unknown), COMPARE_SAME);
	assert_int_equal(compare_gain(&ok, &unknown, 0), COMPARE_UNKNOWN);
	struct wall lacks = {.verdict = VERDICT_SHORT};
	/* No experiment shows that it was better; a comparison does not let it pass. */
	assert_int_equal(compare_wall(&unknown, &lacks), COMPARE_UNKNOWN);
	assert_int_equal(compare_gain(&unknown, &lacks, 0), COMPARE_UNKNOWN);
	struct wall none = {.verdict = VERDICT_NA};
	assert_int_equal(compare_wall(&ok, &none), COMPARE_UNKNOWN);
	assert_int_equal(compare_wall(&none, &ok), COMPARE_UNKNOWN);
	assert_int_equal(compare_wall(&none, &none), COMPARE_SAME);
	/* A wall that now applies must not pass as a difference of no kind. */
	struct wall bad = {.verdict = VERDICT_SHORT};
	assert_int_equal(compare_wall(&none, &bad), COMPARE_WORSE);
	assert_int_equal(compare_gain(NULL, &bad, 5), COMPARE_WORSE);
	assert_int_equal(compare_wall(&bad, &none), COMPARE_UNKNOWN);
	assert_int_equal(compare_wall(NULL, &ok), COMPARE_NEW);
	assert_int_equal(compare_wall(&ok, NULL), COMPARE_GONE);
}

static void new_finding(struct report *r, enum finding_level level, bool accepted)
{
	if (level == LEVEL_NOTE)
		return;
	struct finding *f = finding_made(r, "accept-queue.full", level, "");
	f->observed = true;
	f->accepted = accepted;
	report_text(f->wall, "accept-queue");
}

static void a_wall_that_asks_and_had_no_verdict_is_worse_but_for_a_proof(void **state)
{
	static const struct {
		enum wall_verdict before, after;
		int status;
		const char *change, *proof;
		bool was_accepted, is_accepted;
	} cases[] = {
		{VERDICT_UNKNOWN, VERDICT_SHORT, 2, "worse", "unknown", false, false},
		{VERDICT_UNKNOWN, VERDICT_TIGHT, 1, "worse", "unknown", false, false},
		{VERDICT_UNKNOWN, VERDICT_OK, 0, "unknown", "unknown", false, false},
		{VERDICT_NA, VERDICT_SHORT, 2, "worse", "worse", false, false},
		{VERDICT_NA, VERDICT_OK, 0, "unknown", "unknown", false, false},
		{VERDICT_SHORT, VERDICT_UNKNOWN, 3, "unknown", "unknown", false, false},
		{VERDICT_UNKNOWN, VERDICT_UNKNOWN, 0, "same", "same", false, false},
		/* An accepted wall asks for nothing. */
		{VERDICT_OK, VERDICT_SHORT, 0, "same", "worse", .is_accepted = true},
		{VERDICT_NA, VERDICT_SHORT, 0, "unknown", "worse", .is_accepted = true},
		{VERDICT_TIGHT, VERDICT_SHORT, 0, "better", "worse", .is_accepted = true},
		{VERDICT_SHORT, VERDICT_SHORT, 0, "better", "same", .is_accepted = true},
		{VERDICT_SHORT, VERDICT_SHORT, 0, "same", "same", true, true},
		{VERDICT_SHORT, VERDICT_OK, 0, "better", "better", .was_accepted = true},
		{VERDICT_SHORT, VERDICT_UNKNOWN, 3, "unknown", "unknown", .was_accepted = true},
		/* That has expired. */
		{VERDICT_SHORT, VERDICT_SHORT, 2, "worse", "same", .was_accepted = true},
		{VERDICT_TIGHT, VERDICT_TIGHT, 1, "worse", "same", .was_accepted = true},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct report *r = calloc(2, sizeof(*r));
		one_wall(&r[0], 1100, 1000);
		one_wall(&r[1], 1100, 1000);
		r[0].walls[0].verdict = cases[i].before;
		r[1].walls[0].verdict = cases[i].after;
		r[0].walls[0].accepted = cases[i].was_accepted;
		r[1].walls[0].accepted = cases[i].is_accepted;
		for (enum compare_purpose p = COMPARE_TO_DIFF; p <= COMPARE_TO_PROVE; p++) {
			struct comparison c;
			struct err e;
			const char *want = p == COMPARE_TO_DIFF ? cases[i].change : cases[i].proof;
			assert_int_equal(compare_reports(&c, &r[0], &r[1], p, &e), 0);
			json_t *row = json_array_get(json_object_get(c.body, "walls"), 0);
			assert_string_equal(json_string_value(json_object_get(row, "change")),
					    want);
			assert_string_equal(c.rows[0].cell[4], want);
			comparison_free(&c);
		}
		assert_int_equal(compare_status(&r[0], &r[1]), cases[i].status);
		free(r);
	}
}

/* "nginx, nginx, redis": the servers of which the report says the same. */
static void same_findings(struct report *r, const char *of, enum finding_level level)
{
	char servers[64];
	snprintf(servers, sizeof(servers), "%s", of);
	for (char *rest = servers, *one; (one = strsep(&rest, ", "));) {
		if (!*one)
			continue;
		struct finding *f = finding_made(r, "accept-queue.overflowing", level, one);
		f->observed = true;
		report_text(f->about, "%s", strcmp(one, "?") ? one : "");
	}
}

static void a_finding_of_another_server_is_another(void **state)
{
	static const struct {
		const char *before, *after;
		int status;
		size_t gone, new, worse;
	} cases[] = {
		{"nginx", "nginx", 0, 0, 0, 0},
		{"nginx", "redis", 2, 1, 1, 1},
		{"nginx", "redis, nginx", 2, 0, 1, 1},
		{"redis, nginx", "nginx, redis", 0, 0, 0, 0},
		{"redis, nginx", "nginx", 0, 1, 0, 0},
		/* Of one server, as many. */
		{"nginx", "nginx, nginx", 2, 0, 1, 1},
		{"nginx, nginx", "nginx", 0, 1, 0, 0},
		{"", "nginx, nginx", 2, 0, 2, 2},
		/* Of a report that does not say of which: as many. */
		{"?", "nginx", 0, 0, 0, 0},
		{"?", "nginx, nginx", 2, 0, 1, 1},
		{"nginx", "?", 0, 0, 0, 0},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct report *r = calloc(2, sizeof(*r));
		report_init(&r[0]);
		report_init(&r[1]);
		same_findings(&r[0], cases[i].before, LEVEL_CRITICAL);
		same_findings(&r[1], cases[i].after, LEVEL_CRITICAL);
		json_t *o = compare_json(&r[0], &r[1], COMPARE_TO_DIFF),
		       *f = json_object_get(o, "findings");
		size_t gone = json_array_size(json_object_get(f, "gone"));
		size_t new = json_array_size(json_object_get(f, "new"));
		size_t worse = json_array_size(json_object_get(f, "worse"));
		int status = compare_status(&r[0], &r[1]);
		if (status != cases[i].status || gone != cases[i].gone || new != cases[i].new ||
		    worse != cases[i].worse)
			fail_msg("%s → %s: %d, gone %zu, new %zu, worse %zu", cases[i].before,
				 cases[i].after, status, gone, new, worse);
		json_decref(o);
		free(r);
	}
}

/* What makes the verdict of check worse makes that of diff worse. */
static void what_makes_the_verdict_is_worse(void **state)
{
	static const struct {
		enum finding_level before, after;
		bool was_accepted, is_accepted;
		enum wall_verdict verdict; /* of the second */
		enum probe_state probe;
		int status;
		const char *text, *junit;
	} cases[] = {
		{.after = LEVEL_CRITICAL,
		 .status = 2,
		 .text = "+ accept-queue.full: critical: ",
		 .junit = "failures=\"1\" errors=\"0\""},
		{.after = LEVEL_WARNING,
		 .status = 1,
		 .text = "+ accept-queue.full: warning: ",
		 .junit = "failures=\"1\" errors=\"0\""},
		{.before = LEVEL_WARNING,
		 .after = LEVEL_CRITICAL,
		 .status = 2,
		 .text = "+ accept-queue.full: critical: ",
		 .junit = "failures=\"1\" errors=\"0\""},
		{.before = LEVEL_CRITICAL,
		 .after = LEVEL_CRITICAL,
		 .was_accepted = true,
		 .status = 2,
		 .text = "critical",
		 .junit = "failures=\"1\""},
		{.before = LEVEL_CRITICAL, .after = LEVEL_CRITICAL, .junit = "failures=\"0\""},
		{.before = LEVEL_CRITICAL, .junit = "failures=\"0\""},
		{.after = LEVEL_CRITICAL, .is_accepted = true, .junit = "failures=\"0\""},
		{.verdict = VERDICT_UNKNOWN,
		 .status = 3,
		 .text = "+ verdict: Not known: 1 wall has no verdict: accept-queue.",
		 .junit = "failures=\"0\" errors=\"2\""},
		{.probe = PROBE_CRASHED,
		 .status = 3,
		 .text = "+ verdict: Not known: probe ports crashed.",
		 .junit = "failures=\"0\" errors=\"1\""},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct report *r = calloc(2, sizeof(*r));
		struct comparison c;
		struct err e;
		char *text[2];
		size_t size;
		one_wall(&r[0], 2000, 1000);
		one_wall(&r[1], 2000, 1000);
		r[1].walls[0].verdict = cases[i].verdict;
		r[1].ran[0] = (struct report_probe){.name = "ports", .state = cases[i].probe};
		r[1].probe_count = 1;
		new_finding(&r[0], cases[i].before, cases[i].was_accepted);
		new_finding(&r[1], cases[i].after, cases[i].is_accepted);
		assert_int_equal(compare_reports(&c, &r[0], &r[1], COMPARE_TO_DIFF, &e), 0);
		assert_int_equal(c.status, cases[i].status);
		c.command = "epolltune diff";
		for (size_t k = 0; k < 2; k++) {
			FILE *out = open_memstream(&text[k], &size);
			struct render_style style = {.width = 200};
			assert_int_equal((k ? comparison_render_junit
					    : comparison_render_text)(out, &c, &style, &e),
					 0);
			fclose(out);
		}
		assert_non_null(strstr(text[0], cases[i].text ? cases[i].text : ""));
		assert_non_null(strstr(text[1], cases[i].junit));
		comparison_free(&c);
		free(text[0]), free(text[1]), free(r);
	}
}

static void a_table_and_findings(void **state)
{
	struct report *before = sample(), *after = calloc(1, sizeof(*after));
	struct render_style style = {.width = 80};
	struct err e;
	char *text = NULL;
	size_t size;
	report_init(after);
	sample_wall(after, "accept-queue", "connections", METHOD_MEASURED, 8193, 8193, 5000);
	finding_made(after, "buffers.new", LEVEL_NOTE, "new");
	before->lost = 2;
	FILE *out = open_memstream(&text, &size);
	assert_int_equal(compare_text(out, before, after, COMPARE_TO_DIFF, &style, &e), 0);
	fclose(out);
	assert_non_null(strstr(text, "short, accepted -> ok"));
	assert_non_null(strstr(text, "better"));
	assert_non_null(strstr(text, "- accept-queue.short"));
	assert_non_null(strstr(text, "+ buffers.new"));
	assert_non_null(strstr(text, "\nBefore: 2 further walls or findings omitted: the report is "
				     "full.\n"));
	for (const char *at = text; *at; at += strcspn(at, "\n"), at += *at == '\n')
		assert_true(strcspn(at, "\n") <= 80);
	json_t *o = compare_json(before, after, COMPARE_TO_DIFF);
	assert_non_null(o);
	json_t *rows = json_object_get(o, "walls");
	assert_int_equal(json_array_size(rows), before->wall_count);
	json_decref(o);
	free(text), free(before), free(after);
}

static json_t *bench(const char *metric, double median, double min, double max)
{
	json_t *root = json_pack("{s:s, s:[{s:s, s:s, s:i, s:i, s:s, s:s, s:f, s:f, s:f, s:s}]}",
				 "schema", COMPARE_BENCH_SCHEMA, "results", "bench", "wait",
				 "variant", "poll", "n", 10, "active", 1, "metric", metric, "unit",
				 "x", "median", median, "min", min, "max", max, "conditions", "c");
	assert_non_null(root);
	return root;
}

static void figures_within_their_spread_are_the_same(void **state)
{
	static const struct {
		const char *metric;
		double before[3], after[3];
		const char *want;
	} cases[] = {
		{"cost", {100, 90, 110}, {200, 190, 210}, "worse"},
		{"cost", {200, 190, 210}, {100, 90, 110}, "better"},
		{"rate", {100, 90, 110}, {200, 190, 210}, "better"},
		{"rate", {200, 190, 210}, {100, 90, 110}, "worse"},
		{"cost", {100, 90, 250}, {200, 190, 210}, "same"},
		{"cost", {100, 90, 110}, {200, 95, 210}, "same"},
		{"cost", {100, 100, 100}, {104, 104, 104}, "same"},
		{"events", {1, 1, 1}, {2, 2, 2}, "moved"},
	};
	static const char *const paths[2] = {"a", "b"};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const double *x = cases[i].before, *y = cases[i].after;
		json_t *both[2] = {bench(cases[i].metric, x[0], x[1], x[2]),
				   bench(cases[i].metric, y[0], y[1], y[2])};
		struct bench_comparison *c;
		struct err e = {0};
		const json_t *documents[2] = {both[0], both[1]};
		assert_int_equal(bench_comparison_make(&c, documents, paths, &e), 0);
		json_t *o = bench_comparison_json(c);
		const char *change = json_string_value(json_object_get(
			json_array_get(json_object_get(o, "results"), 0), "change"));
		assert_string_equal(change, cases[i].want);
		assert_int_equal(bench_comparison_status(c), !strcmp(change, "worse"));
		json_decref(o);
		bench_comparison_free(c);
		json_decref(both[0]);
		json_decref(both[1]);
	}
}

static void refuses_what_is_no_bench(void **state)
{
	static const char *const paths[2] = {"a", "b"};
	static const char *const bad[] = {
		"{\"schema\":\"epolltune.report/1\",\"results\":[]}",
		"{\"schema\":\"epolltune.bench/1\"}",
		"{\"schema\":\"epolltune.bench/1\",\"results\":[1]}",
		"{\"schema\":\"epolltune.bench/1\",\"results\":[{\"bench\":\"x\"}]}",
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		json_t *good = bench("cost", 1, 1, 1), *other = json_loads(bad[i], 0, NULL);
		const json_t *documents[2] = {good, other};
		struct bench_comparison *c;
		struct err e = {0};
		int r = bench_comparison_make(&c, documents, paths, &e);
		assert_true(r == -EBADMSG || r == -EPROTO);
		assert_memory_equal(e.text, "b: ", 3);
		bench_comparison_free(c);
		json_decref(good);
		json_decref(other);
	}
}

static json_t *document(const char *kernel, json_int_t memory, json_int_t rate)
{
	return json_pack("{s:s, s:{s:s, s:I}, s:{s:I}}", "version", "1", "host", "kernel", kernel,
			 "memory_bytes", memory, "target", "rate_per_s", rate);
}

static void conditions_that_differ_are_named(void **state)
{
	json_t *documents[2] = {document("6.1", 1 << 30, 10), document("6.18", 1 << 30, 20)};
	json_t *list = conditions_compare(documents);
	assert_int_equal(json_array_size(list), 2);
	char text[512] = "";
	FILE *out = fmemopen(text, sizeof(text), "w");
	conditions_print(out, list, &(struct render_style){.width = 80});
	fclose(out);
	assert_string_equal(text, "The conditions differ:\n"
				  "  kernel       6.1 -> 6.18\n"
				  "  rate         10/s -> 20/s\n\n");
	json_decref(list);
	json_decref(documents[1]);
	/* Other subjects, and probes: null, and none, is all of them. Older versions do not write
	 * all numbers of the target. */
	documents[1] = document("6.1", 1 << 30, 10);
	json_t *target = json_object_get(documents[1], "target");
	json_object_set_new(target, "destinations", json_integer(4));
	list = conditions_compare(documents);
	assert_int_equal(json_array_size(list), 1);
	json_decref(list);
	json_object_set_new(target, "destinations", json_integer(1));
	json_object_set_new(documents[0], "only", json_null());
	json_object_set_new(documents[1], "server",
			    json_pack("{s:s, s:s}", "asked", ":443", "name", "nginx"));
	list = conditions_compare(documents);
	assert_int_equal(json_array_size(list), 2);
	json_decref(list);
	json_object_set_new(documents[1], "only", json_string("udp"));
	json_object_set_new(documents[0], "peers", json_null());
	json_object_set_new(documents[1], "peers", json_integer(4000));
	list = conditions_compare(documents);
	struct condition_text differs;
	assert_true(condition_text(list, 2, &differs));
	assert_string_equal(differs.label, "probes");
	assert_string_equal(differs.before, "all");
	assert_true(condition_text(list, 3, &differs));
	assert_string_equal(differs.label, "peers");
	assert_string_equal(differs.before, "none given");
	assert_string_equal(differs.after, "4 000");
	assert_true(condition_text(list, 0, &differs));
	assert_string_equal(differs.label, "server");
	assert_string_equal(differs.after, ":443");
	json_decref(list);
	json_decref(documents[1]);
	/* A few pages more are the same memory; what is of an odd type differs, no more. */
	documents[1] = document("6.1", (1 << 30) + 4096, 10);
	list = conditions_compare(documents);
	assert_int_equal(json_array_size(list), 0);
	json_decref(list);
	json_object_set_new(documents[1], "host", json_string("odd"));
	json_object_set_new(documents[1], "version", json_array());
	list = conditions_compare(documents);
	assert_int_equal(json_array_size(list), 3);
	out = fmemopen(text, sizeof(text), "w");
	conditions_print(out, list, &(struct render_style){.width = 80});
	fclose(out);
	json_decref(list);
	json_decref(documents[0]);
	json_decref(documents[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(conditions_that_differ_are_named),
		cmocka_unit_test_setup_teardown(the_same_again, make_file, remove_file),
		cmocka_unit_test_setup_teardown(every_report_is_the_same_again, make_file,
						remove_file),
		cmocka_unit_test_setup_teardown(the_same_answer, make_file, remove_file),
		cmocka_unit_test_setup_teardown(listeners_beyond_the_capacity, make_file,
						remove_file),
		cmocka_unit_test_setup_teardown(reports_without_counters_are_read, make_file,
						remove_file),
		cmocka_unit_test_setup_teardown(refuses_what_is_no_report, make_file, remove_file),
		cmocka_unit_test_setup_teardown(damaged_at_every_byte, make_file, remove_file),
		cmocka_unit_test(rounds_are_joined),
		cmocka_unit_test(a_latency_at_a_rate_of_its_own_is_unknown),
		cmocka_unit_test(rounds_have_the_findings_of_most),
		cmocka_unit_test(verdicts_side_by_side),
		cmocka_unit_test(a_wall_that_asks_and_had_no_verdict_is_worse_but_for_a_proof),
		cmocka_unit_test(a_finding_of_another_server_is_another),
		cmocka_unit_test(what_makes_the_verdict_is_worse),
		cmocka_unit_test(a_table_and_findings),
		cmocka_unit_test(figures_within_their_spread_are_the_same),
		cmocka_unit_test(refuses_what_is_no_bench),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
