/* What looks at limits say, and a recording of them: pure. */
#include "../support/support.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "epolltune/watch.h"
#include "report/watch.h"

#define NONE REPORT_NONE
#define LOOKS 12

static struct watch_sample *sample_make(double seconds, int64_t overflows)
{
	struct watch_sample *s = calloc(1, sizeof(*s));
	assert_non_null(s);
	s->seconds = seconds;
	for (size_t i = 0; i < WATCH_COUNTERS; i++)
		s->counters[i] = NONE;
	s->counters[WATCH_OVERFLOWS] = overflows;
	return s;
}

static struct watch_gauge *gauge(struct watch_sample *s, const char *wall, uint64_t key,
				 int64_t value, int64_t limit, int64_t lost)
{
	struct watch_gauge *g = watch_gauge(s, wall);
	snprintf(g->what, sizeof(g->what), "%s %d", wall, (int)key);
	g->key = key;
	g->value = value;
	g->limit = limit;
	g->lost = lost;
	return g;
}

static char *line_of(const struct watch *w)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	assert_non_null(out);
	watch_json(out, w);
	fclose(out);
	return text;
}

/* What a replay of the recording of all looks says; of the watch that add() was given last. */
static struct watch again;

static void record_and_replay(const struct watch *w)
{
	struct watch_sample *parsed = calloc(1, sizeof(*parsed));
	struct err e = {0};
	char *line = line_of(w);
	assert_non_null(parsed);
	if (watch_parse(line, strlen(line), parsed, &e) || watch_add(&again, parsed, &e))
		fail_msg("%s", e.text);
	assert_int_equal(again.worst, w->worst);
	for (size_t i = 0; i < w->count; i++)
		for (size_t k = 0; k < again.count && !w->rows[i].ended; k++)
			if (watch_same(&w->rows[i].now, &again.rows[k].now) &&
			    w->rows[i].verdict != again.rows[k].verdict)
				fail_msg("%s: %s, in a replay %s", w->rows[i].now.what,
					 wall_verdict_name(w->rows[i].verdict),
					 wall_verdict_name(again.rows[k].verdict));
	free(line);
	free(parsed);
}

/* Each look is recorded and replayed, too: the verdicts are the same. */
static void add(struct watch *w, struct watch_sample *s)
{
	struct err e = {0};
	if (!w->looks)
		watch_free(&again);
	if (watch_add(w, s, &e))
		fail_msg("%s", e.text);
	record_and_replay(w);
	free(s);
}

static const struct watch_row *row(const struct watch *w, const char *wall, uint64_t key)
{
	for (size_t i = 0; i < w->count; i++)
		if (w->rows[i].now.key == key && !strcmp(w->rows[i].now.kind->wall, wall))
			return &w->rows[i];
	fail_msg("no row %s %d", wall, (int)key);
	return NULL;
}

/* Looks 1 s apart at one gauge. */
static void a_row_says_how_near_its_limit_is(void **state)
{
	static const struct {
		const char *what, *wall;
		int64_t limit;
		size_t count;
		int64_t value[LOOKS], lost[LOOKS], overflows[LOOKS];
		enum wall_verdict verdict;
		int64_t recent;
		double left_s; /* -1: it does not come nearer */
		double per_s;  /* -1: unknown */
	} cases[] = {
		{"nothing waits",
		 "accept-queue",
		 511,
		 2,
		 {0, 0},
		 {7, 7},
		 {9, 9},
		 VERDICT_OK,
		 0,
		 -1,
		 0},
		{"one look shows no losses",
		 "accept-queue",
		 511,
		 1,
		 {0},
		 {7},
		 {9},
		 VERDICT_OK,
		 0,
		 -1,
		 -1},
		{"at its limit a queue takes one more",
		 "accept-queue",
		 511,
		 1,
		 {511},
		 {0},
		 {0},
		 VERDICT_TIGHT,
		 511,
		 -1,
		 -1},
		{"full", "accept-queue", 511, 1, {512}, {0}, {0}, VERDICT_SHORT, 512, 0, -1},
		{"it was full lately",
		 "accept-queue",
		 511,
		 2,
		 {512, 0},
		 {0, 0},
		 {0, 0},
		 VERDICT_TIGHT,
		 512,
		 -1,
		 0},
		{"it was full between the looks",
		 "accept-queue",
		 511,
		 2,
		 {0, 0},
		 {0, 40},
		 {0, 40},
		 VERDICT_SHORT,
		 0,
		 -1,
		 40},
		{"other packets were dropped",
		 "accept-queue",
		 511,
		 2,
		 {0, 0},
		 {0, 40},
		 {5, 5},
		 VERDICT_OK,
		 0,
		 -1,
		 0},
		{"the count wraps",
		 "accept-queue",
		 511,
		 2,
		 {512, 512},
		 {UINT32_MAX, 9},
		 {0, 10},
		 VERDICT_SHORT,
		 512,
		 0,
		 10},
		{"the counter restarted",
		 "conntrack",
		 100,
		 2,
		 {1, 1},
		 {50, 3},
		 {0, 0},
		 VERDICT_OK,
		 1,
		 -1,
		 -1},
		{"the counter restarted, and does not wrap",
		 "conntrack",
		 100,
		 2,
		 {1, 1},
		 {3000000000, 5},
		 {0, 0},
		 VERDICT_OK,
		 1,
		 -1,
		 -1},
		{"a backlog of none takes one",
		 "accept-queue",
		 0,
		 1,
		 {1},
		 {0},
		 {0},
		 VERDICT_SHORT,
		 1,
		 0,
		 -1},
		{"other limits are full at their value",
		 "conntrack",
		 100,
		 1,
		 {100},
		 {0},
		 {0},
		 VERDICT_SHORT,
		 100,
		 0,
		 -1},
		{"the kernel closes connections without TIME_WAIT then",
		 "time-wait",
		 100,
		 1,
		 {100},
		 {0},
		 {0},
		 VERDICT_TIGHT,
		 100,
		 0,
		 -1},
		{"80 %", "conntrack", 100, 1, {80}, {0}, {0}, VERDICT_OK, 80, -1, -1},
		{"less than 25 % headroom",
		 "conntrack",
		 100,
		 1,
		 {81},
		 {0},
		 {0},
		 VERDICT_TIGHT,
		 81,
		 -1,
		 -1},
		{"it drops", "conntrack", 100, 2, {9, 9}, {0, 3}, {0, 0}, VERDICT_SHORT, 9, -1, 3},
		{"no maximum of entries", "conntrack", 0, 1, {9}, {0}, {0}, VERDICT_NA, 9, -1, -1},
		{"unknown use",
		 "descriptors.process",
		 100,
		 1,
		 {NONE},
		 {NONE},
		 {0},
		 VERDICT_UNKNOWN,
		 NONE,
		 -1,
		 -1},
		{"unknown limit", "orphans", NONE, 1, {5}, {NONE}, {0}, VERDICT_UNKNOWN, 5, -1, -1},
		{"unknown limit, and it drops",
		 "softnet.backlog",
		 NONE,
		 2,
		 {5, 5},
		 {0, 10},
		 {0, 0},
		 VERDICT_TIGHT,
		 5,
		 -1,
		 10},
		{"a full backlog has dropped nothing yet",
		 "softnet.backlog",
		 1000,
		 2,
		 {1001, 1001},
		 {7, 7},
		 {0, 0},
		 VERDICT_TIGHT,
		 1001,
		 0,
		 0},
		{"it holds one more",
		 "softnet.backlog",
		 1000,
		 2,
		 {5, 1000},
		 {7, 7},
		 {0, 0},
		 VERDICT_TIGHT,
		 1000,
		 -1,
		 0},
		{"far from full",
		 "softnet.backlog",
		 1000,
		 2,
		 {400, 400},
		 {7, 7},
		 {0, 0},
		 VERDICT_OK,
		 400,
		 -1,
		 0},
		{"packets of any container are dropped now and then",
		 "softnet.backlog",
		 1000,
		 2,
		 {5, 5},
		 {0, 9},
		 {0, 0},
		 VERDICT_OK,
		 5,
		 -1,
		 9},
		{"the kernel killed a process of the group",
		 "cgroup.memory",
		 100,
		 2,
		 {9, 9},
		 {4, 5},
		 {0, 0},
		 VERDICT_SHORT,
		 9,
		 -1,
		 1},
		{"the group was refused processes",
		 "cgroup.pids",
		 100,
		 2,
		 {9, 9},
		 {0, 2},
		 {0, 0},
		 VERDICT_SHORT,
		 9,
		 -1,
		 2},
		{"rounds that end early do no harm",
		 "softnet.budget",
		 NONE,
		 2,
		 {NONE, NONE},
		 {0, 99},
		 {0, 0},
		 VERDICT_NA,
		 NONE,
		 -1,
		 99},
		{"it grows: (100 - 25) / 5",
		 "descriptors.process",
		 100,
		 6,
		 {0, 5, 10, 15, 20, 25},
		 {NONE, NONE, NONE, NONE, NONE, NONE},
		 {0},
		 VERDICT_TIGHT,
		 25,
		 15,
		 -1},
		{"it grows, and is far away",
		 "descriptors.process",
		 10000,
		 6,
		 {0, 50, 100, 150, 200, 250},
		 {NONE, NONE, NONE, NONE, NONE, NONE},
		 {0},
		 VERDICT_OK,
		 250,
		 195,
		 -1},
		{"a trend needs five looks",
		 "descriptors.process",
		 100,
		 4,
		 {0, 5, 10, 15},
		 {NONE, NONE, NONE, NONE},
		 {0},
		 VERDICT_OK,
		 15,
		 -1,
		 -1},
		{"it goes up and down",
		 "descriptors.process",
		 100,
		 6,
		 {0, 50, 0, 50, 0, 50},
		 {NONE, NONE, NONE, NONE, NONE, NONE},
		 {0},
		 VERDICT_OK,
		 50,
		 -1,
		 -1},
		{"it falls",
		 "descriptors.process",
		 100,
		 6,
		 {50, 40, 30, 20, 10, 0},
		 {NONE, NONE, NONE, NONE, NONE, NONE},
		 {0},
		 VERDICT_OK,
		 50,
		 -1,
		 -1},
		{"it grows by less than a percent",
		 "descriptors.process",
		 100000,
		 6,
		 {0, 5, 10, 15, 20, 25},
		 {NONE, NONE, NONE, NONE, NONE, NONE},
		 {0},
		 VERDICT_OK,
		 25,
		 -1,
		 -1},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct watch w = {0};
		for (size_t k = 0; k < cases[i].count; k++) {
			struct watch_sample *s = sample_make(k > 0, cases[i].overflows[k]);
			gauge(s, cases[i].wall, 1, cases[i].value[k], cases[i].limit,
			      cases[i].lost[k]);
			add(&w, s);
		}
		const struct watch_row *r = row(&w, cases[i].wall, 1);
		if (r->verdict != cases[i].verdict || r->recent != cases[i].recent)
			fail_msg("%s: %s, recent %d", cases[i].what, wall_verdict_name(r->verdict),
				 (int)r->recent);
		if (isfinite(r->left_s) ? fabs(r->left_s - cases[i].left_s) > 0.5
					: cases[i].left_s >= 0)
			fail_msg("%s: left %g s", cases[i].what, r->left_s);
		if (isnan(r->lost) ? cases[i].per_s >= 0 : fabs(r->lost - cases[i].per_s) > 0.01)
			fail_msg("%s: lost %g/s", cases[i].what, r->lost);
		watch_free(&w);
	}
}

/* Overflows are counted together: with several listeners some packets are not known to be one's. */
static void overflows_are_of_the_listener_that_must_have_them(void **state)
{
	static const struct {
		const char *what;
		int64_t full, drops[2], overflows;
		enum wall_verdict verdict[2];
		int64_t lost[2];
	} cases[] = {
		{"only one dropped", 0, {40, 0}, 40, {VERDICT_SHORT, VERDICT_OK}, {40, 0}},
		{"both may have", 0, {40, 40}, 30, {VERDICT_TIGHT, VERDICT_TIGHT}, {30, 30}},
		{"both must have", 0, {40, 40}, 80, {VERDICT_SHORT, VERDICT_SHORT}, {40, 40}},
		{"more than the other dropped",
		 0,
		 {40, 5},
		 40,
		 {VERDICT_SHORT, VERDICT_TIGHT},
		 {35, 5}},
		{"the other one has many strays",
		 0,
		 {500, 400},
		 490,
		 {VERDICT_SHORT, VERDICT_TIGHT},
		 {90, 400}},
		{"ACKs count twice", 0, {120, 80}, 100, {VERDICT_SHORT, VERDICT_SHORT}, {60, 40}},
		{"it was seen full", 512, {4, 40}, 40, {VERDICT_SHORT, VERDICT_SHORT}, {4, 36}},
		{"it was seen full, and the other one has strays",
		 512,
		 {995, 50},
		 1000,
		 {VERDICT_SHORT, VERDICT_OK},
		 {995, 0}},
		{"it was seen full, and has strays",
		 512,
		 {90, 4},
		 40,
		 {VERDICT_SHORT, VERDICT_OK},
		 {40, 0}},
		{"they are not counted",
		 512,
		 {40, 40},
		 NONE,
		 {VERDICT_SHORT, VERDICT_TIGHT},
		 {40, 40}},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct watch w = {0};
		for (int64_t k = 0; k < 2; k++) {
			struct watch_sample *s = sample_make(
				(double)k,
				cases[i].overflows == NONE ? NONE : k * cases[i].overflows);
			gauge(s, "accept-queue", 1, k ? 0 : cases[i].full, 511,
			      k * cases[i].drops[0]);
			gauge(s, "accept-queue", 2, 0, 511, k * cases[i].drops[1]);
			add(&w, s);
		}
		for (size_t k = 0; k < 2; k++) {
			const struct watch_row *r = row(&w, "accept-queue", k + 1);
			if (r->verdict != cases[i].verdict[k] ||
			    r->lost != (double)cases[i].lost[k])
				fail_msg("%s: listener %zu: %s, %g lost", cases[i].what, k + 1,
					 wall_verdict_name(r->verdict), r->lost);
		}
		watch_free(&w);
	}
}

/* One is made between both looks, and one receives a stray packet; `made` 0: it has ended again. */
static void overflows_between_the_looks_are_of_the_listener_that_was_made(void **state)
{
	static const struct {
		const char *what, *server;
		int64_t stray, made, overflows;
		enum wall_verdict verdict[2];
		double lost[2];
	} cases[] = {
		{"of the new one", "", 1, 500, 500, {VERDICT_OK, VERDICT_SHORT}, {0, 500}},
		{"of another one that ended", "", 1, 0, 500, {VERDICT_OK, 0}, {0, 0}},
		{"of several that ended", "", 100, 0, 500, {VERDICT_TIGHT, 0}, {100, 0}},
		{"of both", "", 100, 500, 600, {VERDICT_SHORT, VERDICT_SHORT}, {100, 500}},
		{"nearly all of one", "", 40, 500, 540, {VERDICT_OK, VERDICT_SHORT}, {0, 500}},
		{"of others, which are not watched",
		 "nginx",
		 1,
		 0,
		 500,
		 {VERDICT_TIGHT, 0},
		 {1, 0}},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct watch w = {0};
		for (int64_t k = 0; k < 2; k++) {
			struct watch_sample *s = sample_make((double)k, k * cases[i].overflows);
			snprintf(s->server, sizeof(s->server), "%s", cases[i].server);
			gauge(s, "accept-queue", 1, 0, 511, k * cases[i].stray);
			if (k && cases[i].made)
				gauge(s, "accept-queue", 2, 0, 511, cases[i].made)->made = true;
			add(&w, s);
		}
		for (size_t k = 0; k < (cases[i].made ? 2 : 1); k++) {
			const struct watch_row *r = row(&w, "accept-queue", k + 1);
			if (r->verdict != cases[i].verdict[k] || r->lost != cases[i].lost[k])
				fail_msg("%s: listener %zu: %s, %g lost", cases[i].what, k + 1,
					 wall_verdict_name(r->verdict), r->lost);
		}
		assert_int_equal(w.worst, cases[i].verdict[cases[i].made > 0] == VERDICT_SHORT
						  ? VERDICT_SHORT
						  : VERDICT_TIGHT);
		watch_free(&w);
	}
}

/* Its drops may be those of looks that were not recorded. */
static void a_listener_that_was_made_has_no_losses_at_a_first_look(void **state)
{
	struct watch w = {0};
	struct watch_sample *s = sample_make(0, 500);
	gauge(s, "accept-queue", 1, 0, 511, 500)->made = true;
	add(&w, s);
	assert_int_equal(w.worst, VERDICT_OK);
	watch_free(&w);
}

/* Stray packets at a listener that was full long ago are not the overflows of another one. */
static void overflows_are_first_of_those_that_are_full(void **state)
{
	static const struct {
		int64_t used[2], drops[2], overflows; /* the counters grow by that */
		enum wall_verdict verdict[2];
	} looks[] = {
		{{512, 0}, {0, 0}, 0, {VERDICT_SHORT, VERDICT_OK}},
		{{0, 0}, {1, 0}, 0, {VERDICT_TIGHT, VERDICT_OK}},
		{{0, 512}, {1, 10}, 5, {VERDICT_TIGHT, VERDICT_SHORT}},
		{{0, 0}, {1, 4}, 3, {VERDICT_TIGHT, VERDICT_SHORT}},
		{{0, 0}, {2, 1}, 2, {VERDICT_SHORT, VERDICT_TIGHT}},
	};
	struct watch w = {0};
	int64_t drops[2] = {0}, overflows = 0;
	for (size_t i = 0; i < sizeof(looks) / sizeof(*looks); i++) {
		overflows += looks[i].overflows;
		struct watch_sample *s = sample_make(i > 0, overflows);
		for (size_t k = 0; k < 2; k++) {
			drops[k] += looks[i].drops[k];
			gauge(s, "accept-queue", k + 1, looks[i].used[k], 511, drops[k]);
		}
		add(&w, s);
		for (size_t k = 0; k < 2; k++)
			if (row(&w, "accept-queue", k + 1)->verdict != looks[i].verdict[k])
				fail_msg("look %zu: listener %zu", i, k + 1);
		if (i == 2 || i == 3)
			assert_true(row(&w, "accept-queue", 1)->lost == 0);
	}
	assert_int_equal(row(&w, "accept-queue", 1)->stray, 3);
	assert_int_equal(row(&w, "accept-queue", 2)->stray, 6);
	watch_free(&w);
}

/* SYNs that were dropped at SYN queues count where stray packets do not, as overflows do. */
static void dropped_syns_count_as_overflows_do(void **state)
{
	static const struct {
		const char *what;
		int64_t half_open, drops[2], overflows, syns;
		enum wall_verdict verdict[2];
		int64_t lost; /* of the first one */
	} cases[] = {
		{"full", 49, {40, 3}, 0, 40, {VERDICT_SHORT, VERDICT_OK}, 40},
		{"it hovers", 47, {40, 0}, 0, 40, {VERDICT_SHORT, VERDICT_OK}, 40},
		{"full between the looks", 0, {40, 0}, 0, 40, {VERDICT_SHORT, VERDICT_OK}, 40},
		{"overflows besides", 49, {40, 9}, 9, 40, {VERDICT_SHORT, VERDICT_SHORT}, 40},
		{"stray packets only", 0, {40, 0}, 0, 0, {VERDICT_OK, VERDICT_OK}, 0},
		{"cookies, stray packets, and overflows of the other one",
		 49,
		 {9, 9},
		 6,
		 NONE,
		 {VERDICT_TIGHT, VERDICT_TIGHT},
		 6},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct watch w = {0};
		for (int64_t k = 0; k < 2; k++) {
			struct watch_sample *s = sample_make((double)k, k * cases[i].overflows);
			s->counters[WATCH_SYNS_DROPPED] =
				cases[i].syns == NONE ? NONE : k * cases[i].syns;
			for (size_t l = 0; l < 2; l++)
				gauge(s, "accept-queue", l + 1, 0, 511, k * cases[i].drops[l])
					->syn_room = 49;
			s->at[0].half_open = cases[i].half_open;
			add(&w, s);
		}
		for (size_t k = 0; k < 2; k++)
			if (row(&w, "accept-queue", k + 1)->verdict != cases[i].verdict[k])
				fail_msg("%s: listener %zu", cases[i].what, k + 1);
		if (row(&w, "accept-queue", 1)->lost != (double)cases[i].lost)
			fail_msg("%s: %g lost", cases[i].what, row(&w, "accept-queue", 1)->lost);
		watch_free(&w);
	}
}

static void a_process_that_does_not_accept_is_tight(void **state)
{
	struct watch w = {0};
	struct watch_sample *s = sample_make(0, 0);
	gauge(s, "accept-queue", 1, 1, 511, 0)->stuck = true;
	add(&w, s);
	assert_int_equal(w.rows[0].verdict, VERDICT_TIGHT);
	watch_free(&w);
}

/* As check has it, whose warnings ask wall_is_near(). */
static void a_wall_is_tight_where_it_is_near(void **state)
{
	static const struct {
		const char *wall;
		int64_t percent; /* the largest that is not near */
	} rows[] = {
		{"descriptors.system", 95}, {"cgroup.pids", 90},     {"orphans", 80},
		{"conntrack", 80},          {"ports.ephemeral", 80}, {"cgroup.memory", 80},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		for (int64_t more = 0; more < 2; more++) {
			struct watch w = {0};
			struct watch_sample *s = sample_make(0, 0);
			int64_t used = 100 * rows[i].percent + more;
			gauge(s, rows[i].wall, 1, used, 10000, NONE);
			add(&w, s);
			assert_int_equal(wall_is_near(rows[i].wall, used, 10000), more);
			if ((w.rows[0].verdict == VERDICT_TIGHT) != more)
				fail_msg("%s: %s at %d", rows[i].wall,
					 wall_verdict_name(w.rows[0].verdict), (int)used);
			watch_free(&w);
		}
}

static void a_full_syn_queue_is_tight(void **state)
{
	static const struct {
		int64_t half_open, room;
		enum wall_verdict verdict;
	} rows[] = {
		{481, 512, VERDICT_OK},         {482, 512, VERDICT_TIGHT},
		{49, 49, VERDICT_TIGHT},        {0, 0, VERDICT_OK},
		{600, INT64_MAX, VERDICT_OK},   {600, REPORT_NONE, VERDICT_OK},
		{REPORT_NONE, 512, VERDICT_OK},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct watch w = {0};
		struct watch_sample *s = sample_make(0, 0);
		struct watch_gauge *g = gauge(s, "accept-queue", 1, 0, 511, 0);
		g->half_open = rows[i].half_open;
		g->syn_room = rows[i].room;
		add(&w, s);
		assert_int_equal(w.rows[0].verdict, rows[i].verdict);
		watch_free(&w);
	}
}

static void throttled_periods_are_those_since_the_look_before(void **state)
{
	static const struct {
		int64_t throttled, periods;
		enum wall_verdict verdict;
	} cases[] = {{0, 10, VERDICT_OK},    {1, 10, VERDICT_TIGHT},   {3, 10, VERDICT_TIGHT},
		     {5, 10, VERDICT_SHORT}, {9, 10, VERDICT_SHORT},   {1, 600, VERDICT_OK},
		     {29, 600, VERDICT_OK},  {30, 600, VERDICT_TIGHT}, {1, 1, VERDICT_TIGHT},
		     {2, 3, VERDICT_SHORT},  {0, 0, VERDICT_OK}};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct watch w = {0};
		for (int64_t k = 0; k < 2; k++) {
			struct watch_sample *s = sample_make((double)k, 0);
			gauge(s, "cgroup.cpu", 0, 500 + k * cases[i].throttled,
			      900 + k * cases[i].periods, NONE);
			add(&w, s);
			if (!k)
				assert_int_equal(w.rows[0].used, NONE);
		}
		assert_int_equal(w.rows[0].used, cases[i].throttled);
		assert_int_equal(w.rows[0].limit, cases[i].periods);
		assert_int_equal(w.rows[0].verdict, cases[i].verdict);
		watch_free(&w);
	}
}

static void a_long_interval_does_not_hide_a_burst(void **state)
{
	static const struct {
		int64_t dropped;
		double seconds;
		enum wall_verdict verdict;
	} rows[] = {
		{9, 1, VERDICT_OK},    {10, 1, VERDICT_TIGHT},    {99, 10, VERDICT_OK},
		{99, 300, VERDICT_OK}, {100, 300, VERDICT_TIGHT}, {2000, 300, VERDICT_TIGHT},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct watch w = {0};
		for (int64_t k = 0; k < 2; k++) {
			struct watch_sample *s = sample_make(k ? rows[i].seconds : 0, 0);
			gauge(s, "softnet.backlog", 1, 0, 1000, k * rows[i].dropped);
			add(&w, s);
		}
		if (w.rows[0].verdict != rows[i].verdict)
			fail_msg("row %zu: %s", i, wall_verdict_name(w.rows[0].verdict));
		watch_free(&w);
	}
}

/* Without a limit it has no row before. */
static void a_group_without_a_limit_has_a_row_once_a_process_is_killed(void **state)
{
	static const enum wall_verdict verdicts[] = {VERDICT_SHORT, VERDICT_UNKNOWN, VERDICT_SHORT};
	static const int64_t killed[] = {1, 1, 2};
	struct watch w = {0};
	add(&w, sample_make(0, 0));
	for (size_t k = 0; k < 3; k++) {
		struct watch_sample *s = sample_make(1, 0);
		gauge(s, "cgroup.memory", 1, NONE, NONE, killed[k])->made = k == 0;
		add(&w, s);
		if (w.rows[0].verdict != verdicts[k])
			fail_msg("look %zu: %s", k, wall_verdict_name(w.rows[0].verdict));
	}
	assert_int_equal(w.worst, VERDICT_SHORT);
	watch_free(&w);
}

/* They are not read each time. */
static void throttled_periods_stay_until_they_are_read_again(void **state)
{
	static const int64_t counters[][2] = {{5, 10}, {8, 20}, {NONE, NONE}, {8, 40}};
	static const int64_t used[] = {NONE, 3, 3, 0};
	struct watch w = {0};
	for (size_t k = 0; k < 4; k++) {
		struct watch_sample *s = sample_make(k > 0, 0);
		gauge(s, "cgroup.cpu", 0, counters[k][0], counters[k][1], NONE);
		add(&w, s);
		assert_int_equal(w.rows[0].used, used[k]);
		assert_int_equal(w.rows[0].verdict, k == 0   ? VERDICT_UNKNOWN
						    : k == 3 ? VERDICT_OK
							     : VERDICT_TIGHT);
	}
	watch_free(&w);
}

/* The kernel counts both in one: orphans are the cause only where there are enough of them. */
static void a_reset_is_charged_to_orphans_only_where_they_may_be_too_many(void **state)
{
	static const struct {
		int64_t grown, orphans, limit, of_orphans, of_memory;
	} rows[] = {
		{7, 100, 100, 7, 0},  {7, 26, 100, 7, 0}, {7, 25, 100, 0, 7}, {7, 0, 0, 0, 7},
		{7, 1, 0, 7, 0},      {7, -1, 100, 0, 7}, {7, 9, NONE, 0, 7}, {0, 100, 100, 0, 0},
		{-1, 100, 100, 0, 0}, {NONE, 9, 9, 0, 0},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct watch_aborts a = {.orphans = 3, .memory = 4};
		watch_aborts_add(&a, rows[i].grown, rows[i].orphans, rows[i].limit);
		if (a.orphans != 3 + rows[i].of_orphans || a.memory != 4 + rows[i].of_memory)
			fail_msg("row %zu: %lld, %lld", i, (long long)a.orphans,
				 (long long)a.memory);
	}
}

static void the_nearest_wall_is_first(void **state)
{
	static const uint64_t order[] = {3, 4, 2, 6, 1, 5, 7};
	struct watch w = {0};
	for (int64_t k = 0; k < 6; k++) {
		struct watch_sample *s = sample_make(k > 0, k * 10);
		gauge(s, "conntrack", 1, 10, 100, 0);
		gauge(s, "conntrack", 2, 95, 100, 0);
		gauge(s, "accept-queue", 3, 9, 8, k * 10);
		gauge(s, "accept-queue", 4, 9, 8, 0);
		gauge(s, "orphans", 5, 9, NONE, 0);
		gauge(s, "descriptors.process", 6, 100 * k, 20000, NONE);
		gauge(s, "softnet.budget", 7, NONE, NONE, 0);
		add(&w, s);
	}
	for (size_t i = 0; i < sizeof(order) / sizeof(*order); i++)
		if (w.nearest[i]->now.key != order[i])
			fail_msg("place %zu: %s", i, w.nearest[i]->now.what);
	watch_free(&w);
}

static void a_row_that_has_ended_stays_for_a_while(void **state)
{
	struct watch w = {0};
	for (unsigned k = 0; k < WATCH_ENDED + 3; k++) {
		struct watch_sample *s = sample_make(k > 0, 0);
		gauge(s, "conntrack", 1, 10, 100, 0);
		if (!k)
			gauge(s, "accept-queue", 2, 9, 8, 0);
		add(&w, s);
		assert_int_equal(w.count, k <= WATCH_ENDED ? 2 : 1);
		assert_int_equal(w.nearest[0]->now.key, k ? 1 : 2);
		if (k && k <= WATCH_ENDED)
			assert_int_equal(w.nearest[1]->verdict, VERDICT_NA);
	}
	assert_int_equal(w.worst, VERDICT_SHORT);
	watch_free(&w);
}

static void overflows_of_a_listener_that_has_ended_count(void **state)
{
	struct watch w = {0};
	add(&w, sample_make(0, 5));
	assert_int_equal(w.worst, VERDICT_OK);
	add(&w, sample_make(1, 6));
	assert_int_equal(w.worst, VERDICT_TIGHT);
	watch_free(&w);
}

static void a_run_does_not_continue_the_one_before_it(void **state)
{
	struct watch w = {0};
	for (int64_t k = 0; k < 3; k++) {
		struct watch_sample *s = sample_make(k == 1, k * 10);
		gauge(s, "conntrack", 1, 10 + k, 100, k * 7);
		add(&w, s);
	}
	assert_true(isnan(w.rates[WATCH_OVERFLOWS]) && isnan(w.rows[0].lost));
	assert_int_equal(w.rows[0].recent, 12);
	watch_free(&w);
}

static void a_line_says_all_that_a_replay_needs(void **state)
{
	struct watch live = {0};
	for (int64_t k = 0; k < 8; k++) {
		struct watch_sample *s = sample_make(k ? 1.25 : 0, k * 3);
		s->counters[WATCH_SYNS_DROPPED] = 5 * k;
		snprintf(s->host, sizeof(s->host), "web-1");
		snprintf(s->server, sizeof(s->server), "nginx");
		snprintf(s->waiting, sizeof(s->waiting), k & 1 ? "several servers" : "");
		s->time = (struct timespec){1764000000 + k, 123456789 * k};
		snprintf(gauge(s, "accept-queue", UINT64_C(1) << 62, 60 * k, 511, 9 * k)->note,
			 sizeof(s->at[0].note), "pid 813 \"is\" stopped\t\xff");
		gauge(s, "cgroup.cpu", 0, k == 4 ? NONE : 3 * k, k == 4 ? NONE : 10 * k, NONE)
			->owner = REMEDY_CONTAINER;
		gauge(s, "orphans", 0, NONE, NONE, NONE)->stuck = k & 1;
		s->at[0].half_open = 7 * k;
		s->at[0].syn_room = 14;
		snprintf(s->at[0].server, sizeof(s->at[0].server), ":443");
		add(&live, s);
		char *line = line_of(&live);
		assert_int_equal(strcspn(line, "\n"), strlen(line) - 1);
		char *second = line_of(&again);
		assert_string_equal(line, second);
		free(line);
		free(second);
	}
	assert_true(row(&again, "accept-queue", UINT64_C(1) << 62)->growth > 0);
	watch_free(&live);
}

static void other_lines_are_refused(void **state)
{
#define HEAD "{\"schema\":\"epolltune.watch/1\","
	static const char *const lines[] = {
		"",
		"x",
		"[]",
		"null",
		"{}",
		"{\"schema\":\"epolltune.watch/2\",\"rows\":[]}",
		HEAD "\"rows\":{}}",
		HEAD "\"seconds\":-1,\"rows\":[]}",
		HEAD "\"seconds\":1e99,\"rows\":[]}",
		HEAD "\"seconds\":\"1\",\"rows\":[]}",
		HEAD "\"host\":1,\"rows\":[]}",
		HEAD "\"counters\":{\"Tcp.CurrEstab\":-1},\"rows\":[]}",
		HEAD "\"rows\":[1]}",
		HEAD "\"rows\":[{\"wall\":\"nic.ring\"}]}",
		HEAD "\"rows\":[{\"wall\":\"conntrack\",\"owner\":\"x\"}]}",
		HEAD "\"rows\":[{\"wall\":\"conntrack\",\"owner\":\"kernel\",\"used\":1.5}]}",
		HEAD "\"rows\":[{\"wall\":\"conntrack\",\"owner\":\"kernel\",\"what\":[]}]}",
		HEAD "\"rows\":[]",
		HEAD "\"rows\":[],\"rows\":[]}",
	};
	struct watch_sample *s = calloc(1, sizeof(*s));
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		struct err e = {0};
		if (watch_parse(lines[i], strlen(lines[i]), s, &e) != -EBADMSG || !e.text[0])
			fail_msg("taken: %s", lines[i]);
	}
	assert_int_equal(watch_parse(HEAD "\"rows\":[]}", strlen(HEAD) + 10, s, &(struct err){0}),
			 0);
	free(s);
}

static void rows_beyond_the_capacity_are_counted(void **state)
{
	struct watch_sample *s = sample_make(0, 0);
	struct watch w = {0};
	for (uint64_t i = 0; i < WATCH_GAUGES + 5; i++)
		gauge(s, "accept-queue", i + 1, 0, 511, 0);
	assert_int_equal(s->count, WATCH_GAUGES);
	assert_int_equal(s->omitted, 5);
	add(&w, s);
	assert_int_equal(w.omitted, 5);
	watch_free(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_row_says_how_near_its_limit_is),
		cmocka_unit_test(overflows_are_of_the_listener_that_must_have_them),
		cmocka_unit_test(overflows_between_the_looks_are_of_the_listener_that_was_made),
		cmocka_unit_test(a_listener_that_was_made_has_no_losses_at_a_first_look),
		cmocka_unit_test(overflows_are_first_of_those_that_are_full),
		cmocka_unit_test(dropped_syns_count_as_overflows_do),
		cmocka_unit_test(a_process_that_does_not_accept_is_tight),
		cmocka_unit_test(a_wall_is_tight_where_it_is_near),
		cmocka_unit_test(a_full_syn_queue_is_tight),
		cmocka_unit_test(a_long_interval_does_not_hide_a_burst),
		cmocka_unit_test(a_group_without_a_limit_has_a_row_once_a_process_is_killed),
		cmocka_unit_test(throttled_periods_are_those_since_the_look_before),
		cmocka_unit_test(throttled_periods_stay_until_they_are_read_again),
		cmocka_unit_test(a_reset_is_charged_to_orphans_only_where_they_may_be_too_many),
		cmocka_unit_test(the_nearest_wall_is_first),
		cmocka_unit_test(a_row_that_has_ended_stays_for_a_while),
		cmocka_unit_test(overflows_of_a_listener_that_has_ended_count),
		cmocka_unit_test(a_run_does_not_continue_the_one_before_it),
		cmocka_unit_test(a_line_says_all_that_a_replay_needs),
		cmocka_unit_test(other_lines_are_refused),
		cmocka_unit_test(rows_beyond_the_capacity_are_counted),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
