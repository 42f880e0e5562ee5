/* The verdicts and findings of the buffers of one and of all connections, by settings and outcome.
 */
#include "../support/support.h"
#include "../support/verdict.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "epolltune/buffers.h"
#include "judge/judge.h"
#include "judge/verdict.h"

#define RMEM "net.ipv4.tcp_rmem"
#define WMEM "net.ipv4.tcp_wmem"
#define SCALING "net.ipv4.tcp_window_scaling"
#define SHARE "net.ipv4.tcp_adv_win_scale"
#define MODERATE "net.ipv4.tcp_moderate_rcvbuf"
#define MBIT UINT64_C(1000000)
#define GBIT UINT64_C(1000000000)
#define MS UINT64_C(1000)

struct row {
	const char *wall;
	uint64_t rtt_us, bandwidth_bps;
	const char *settings;
	int64_t reached; /* by an experiment; 0: none */
	int64_t limit;
	enum wall_verdict verdict;
	const char *id, *proposals;
	enum finding_remedy remedy;
};

static const struct row rows[] = {
	/* 125 MB/s over 20 ms need a window of 2.5 MB: half of a buffer, with 25 % headroom. */
	{"buffers.receive", 20 * MS, GBIT, RMEM "=4096 131072 262144", 0, 13107200, VERDICT_SHORT,
	 "buffers.receive.short", RMEM " 4096 131072 262144 -> 4096 131072 6291456", REMEDY_KERNEL},
	{"buffers.receive", 20 * MS, GBIT, RMEM "=4096 131072 2500000", 0, 125000000, VERDICT_TIGHT,
	 "buffers.receive.tight", RMEM " 4096 131072 2500000 -> 4096 131072 6291456",
	 REMEDY_KERNEL},
	/* Between the margin and twice the margin only an experiment gives a verdict. */
	{"buffers.receive", 20 * MS, GBIT, RMEM "=4096 131072 3125000", 0, 156250000,
	 VERDICT_UNKNOWN, "", "", REMEDY_NONE},
	{"buffers.receive", 20 * MS, GBIT, RMEM "=4096 131072 6249999", 0, 312499950,
	 VERDICT_UNKNOWN, "", "", REMEDY_NONE},
	{"buffers.receive", 20 * MS, GBIT, RMEM "=4096 131072 6250000", 0, 312500000, VERDICT_OK,
	 "", "", REMEDY_NONE},
	/* A send buffer exceeds its maximum by two segments. */
	{"buffers.send", 20 * MS, GBIT, WMEM "=4096 16384 262144", 0, 19660800, VERDICT_SHORT,
	 "buffers.send.short", WMEM " 4096 16384 262144 -> 4096 16384 6291456", REMEDY_KERNEL},
	/* An experiment shows how much of the buffer becomes window. The proposal has a reserve for
	 * smaller packets and a busy machine, and its settings alone give the verdict ok. */
	{"buffers.receive", 20 * MS, GBIT, RMEM "=4096 131072 262144", 9400000, 13107200,
	 VERDICT_SHORT, "buffers.receive.short", RMEM " 4096 131072 262144 -> 4096 131072 6291456",
	 REMEDY_KERNEL},
	{"buffers.receive", 20 * MS, GBIT, RMEM "=4096 131072 262144", 6550000, 13107200,
	 VERDICT_SHORT, "buffers.receive.short", RMEM " 4096 131072 262144 -> 4096 131072 9437184",
	 REMEDY_KERNEL},
	{"buffers.receive", 20 * MS, GBIT, RMEM "=4096 131072 3276800", 130000000, 163840000,
	 VERDICT_TIGHT, "buffers.receive.tight", RMEM " 4096 131072 3276800 -> 4096 131072 6291456",
	 REMEDY_KERNEL},
	{"buffers.send", 20 * MS, GBIT, WMEM "=4096 16384 4194304", 170000000, 216268800,
	 VERDICT_OK, "", "", REMEDY_NONE},
	/* A run differs from another: what it misses by less than a tenth is tight. */
	{"buffers.send", 20 * MS, GBIT, WMEM "=4096 16384 4194304", 119375000, 216268800,
	 VERDICT_TIGHT, "buffers.send.tight", WMEM " 4096 16384 4194304 -> 4096 16384 7864320",
	 REMEDY_KERNEL},
	{"buffers.send", 20 * MS, GBIT, WMEM "=4096 16384 4194304", 112500001, 216268800,
	 VERDICT_TIGHT, "buffers.send.tight", WMEM " 4096 16384 4194304 -> 4096 16384 7864320",
	 REMEDY_KERNEL},
	{"buffers.send", 20 * MS, GBIT, WMEM "=4096 16384 4194304", 112500000, 216268800,
	 VERDICT_SHORT, "buffers.send.short", WMEM " 4096 16384 4194304 -> 4096 16384 7864320",
	 REMEDY_KERNEL},
	/* What a small send buffer exceeds its maximum by is no share of a larger one. */
	{"buffers.send", 20 * MS, GBIT, WMEM "=4096 16384 16384", 1560000, 7372800, VERDICT_SHORT,
	 "buffers.send.short", WMEM " 4096 16384 16384 -> 4096 16384 6291456", REMEDY_KERNEL},
	/* The proposal assumes at least a tenth. */
	{"buffers.receive", 20 * MS, GBIT, RMEM "=4096 131072 262144", 1000, 13107200,
	 VERDICT_SHORT, "buffers.receive.short", RMEM " 4096 131072 262144 -> 4096 131072 31457280",
	 REMEDY_KERNEL},
	/* Each switch alone. */
	{"buffers.receive", 40 * MS, 100 * MBIT, RMEM "=4096 131072 6291456;" SCALING "=0", 0,
	 1638375, VERDICT_SHORT, "buffers.receive.short", SCALING " 0 -> 1", REMEDY_KERNEL},
	{"buffers.send", 40 * MS, 100 * MBIT, WMEM "=4096 16384 4194304;" SCALING "=0", 1500000,
	 1638375, VERDICT_SHORT, "buffers.send.short", SCALING " 0 -> 1", REMEDY_KERNEL},
	{"buffers.receive", 40 * MS, 100 * MBIT,
	 RMEM "=4096 131072 6291456;" SCALING "=1;" MODERATE "=0", 0, 3276800, VERDICT_SHORT,
	 "buffers.receive.short", MODERATE " 0 -> 1", REMEDY_KERNEL},
	/* A switch that is off does not matter if the window suffices. */
	{"buffers.receive", 1 * MS, 100 * MBIT, RMEM "=4096 131072 6291456;" SCALING "=0", 0,
	 65535000, VERDICT_OK, "", "", REMEDY_NONE},
	/* Both switches and a small third field: all three are proposed. */
	{"buffers.receive", 40 * MS, 100 * MBIT,
	 RMEM "=4096 131072 262144;" SCALING "=0;" MODERATE "=0", 1500000, 1638375, VERDICT_SHORT,
	 "buffers.receive.short",
	 SCALING " 0 -> 1, " RMEM " 4096 131072 262144 -> 4096 131072 1310720, " MODERATE " 0 -> 1",
	 REMEDY_KERNEL},
	/* The application has set the buffer: no sysctl helps. */
	{"buffers.receive", 10 * MS, 100 * MBIT, RMEM "=4096 131072 6291456; SO_RCVBUF=16384", 0,
	 1638400, VERDICT_SHORT, "buffers.receive.short", "", REMEDY_APPLICATION},
	{"buffers.receive", 10 * MS, 100 * MBIT,
	 RMEM "=4096 131072 6291456; SO_RCVBUF=16384;" MODERATE "=0", 110000, 1638400,
	 VERDICT_SHORT, "buffers.receive.short", "", REMEDY_APPLICATION},
	{"buffers.receive", 10 * MS, 100 * MBIT, RMEM "=4096 131072 6291456; SO_RCVBUF=524288", 0,
	 52428800, VERDICT_OK, "", "", REMEDY_NONE},
	{"buffers.send", 10 * MS, 100 * MBIT, WMEM "=4096 16384 4194304; SO_SNDBUF=16384", 938000,
	 14745600, VERDICT_SHORT, "buffers.send.short", "", REMEDY_APPLICATION},
	/* The knobs are not readable. */
	{"buffers.receive", 20 * MS, GBIT, SCALING "=0", 0, REPORT_NONE, VERDICT_UNKNOWN, "", "",
	 REMEDY_NONE},
	/* The kernel's maximum; no window is larger than 1 GiB. */
	{"buffers.receive", 500 * MS, 14 * GBIT, RMEM "=4096 131072 6291456", 0, 12582912,
	 VERDICT_SHORT, "buffers.receive.short",
	 RMEM " 4096 131072 6291456 -> 4096 131072 2147483647", REMEDY_KERNEL},
	{"buffers.receive", 500 * MS, 40 * GBIT, RMEM "=4096 131072 6291456", 0, 12582912,
	 VERDICT_SHORT, "buffers.receive.short", "", REMEDY_APPLICATION},
};

static struct target target_of(uint64_t rtt_us, uint64_t bandwidth_bps)
{
	struct target t = target_default();
	t.rtt_us = rtt_us;
	t.bandwidth_bps = bandwidth_bps;
	return t;
}

static void each_row_gets_its_verdict(void **state)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct row *row = &rows[i];
		const struct experiment *x = verdict_experiment("buffers", row->wall);
		struct target t = target_of(row->rtt_us, row->bandwidth_bps);
		struct settings s = verdict_settings(x, row->settings);
		struct outcome o = verdict_outcome(row->reached, true);
		const struct report *r = verdict_of(x, &t, &s, row->reached ? &o : NULL);
		verdict_is(row->settings, r, row->limit, row->verdict, row->id, row->proposals,
			   row->remedy);
	}
}

/* Before 6.6 the share is a setting: 5 MB of buffer, of which 2 500 000 bytes each 20 ms are
 * needed. */
static void a_share_that_is_set_is_known(void **state)
{
#define BUFFER(bytes) RMEM "=4096 131072 " bytes ";" SCALING "=1;" MODERATE "=1;" SHARE "="
	static const struct {
		unsigned kernel;
		const char *settings;
		int64_t limit;
		enum wall_verdict verdict;
		const char *id, *proposals;
	} shares[] = {
		{KERNEL(6, 5), BUFFER("6250000") "1", 156250000, VERDICT_OK, "", ""},
		{KERNEL(6, 5), BUFFER("6249998") "1", 156249950, VERDICT_TIGHT,
		 "buffers.receive.tight", RMEM " 4096 131072 6249998 -> 4096 131072 6291456"},
		{KERNEL(6, 5), BUFFER("4000000") "1", 100000000, VERDICT_SHORT,
		 "buffers.receive.short", RMEM " 4096 131072 4000000 -> 4096 131072 6291456"},
		{KERNEL(5, 10), BUFFER("6291456") "-2", 78643200, VERDICT_SHORT,
		 "buffers.receive.short", SHARE " -2 -> 1"},
		{KERNEL(5, 10), BUFFER("4194304") "-3", 26214400, VERDICT_SHORT,
		 "buffers.receive.short",
		 SHARE " -3 -> 1, " RMEM " 4096 131072 4194304 -> 4096 131072 6291456"},
		{KERNEL(5, 10), BUFFER("12582912") "-2", 157286400, VERDICT_OK, "", ""},
		{KERNEL(5, 10), BUFFER("6291456") "0", 314572800, VERDICT_OK, "", ""},
		/* More than half takes packets that waste no memory. */
		{KERNEL(6, 5), BUFFER("4000000") "2", 200000000, VERDICT_UNKNOWN, "", ""},
		{KERNEL(6, 6), BUFFER("6250000") "-2", 312500000, VERDICT_OK, "", ""},
	};
#undef BUFFER
	const struct experiment *x = verdict_experiment("buffers", "buffers.receive");
	struct target t = target_of(20 * MS, GBIT);
	for (size_t i = 0; i < sizeof(shares) / sizeof(*shares); i++) {
		struct settings s = verdict_settings(x, shares[i].settings);
		s.machine.kernel = shares[i].kernel;
		verdict_is(shares[i].settings, verdict_of(x, &t, &s, NULL), shares[i].limit,
			   shares[i].verdict, shares[i].id, shares[i].proposals,
			   *shares[i].id ? REMEDY_KERNEL : REMEDY_NONE);
	}
}

/* A buffer that would do is none the worse. */
static void a_buffer_that_may_be_set_is_unknown(void **state)
{
	static const struct {
		const char *wall, *settings;
		int64_t bytes;
		enum wall_verdict verdict;
	} cases[] = {
		{"buffers.receive", RMEM "=4096 131072 6291456", 262144, VERDICT_UNKNOWN},
		{"buffers.receive", RMEM "=4096 131072 6291456", 524288, VERDICT_OK},
		{"buffers.send", WMEM "=4096 65536 4194304", 32768, VERDICT_UNKNOWN},
	};
	struct target t = target_of(10 * MS, 100 * MBIT);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const struct experiment *x = verdict_experiment("buffers", cases[i].wall);
		struct settings s = verdict_settings(x, cases[i].settings);
		s.at[BUFFER_FIXED][1] = cases[i].bytes;
		const struct wall *w = &verdict_of(x, &t, &s, NULL)->walls[0];
		assert_int_equal(w->verdict, cases[i].verdict);
	}
}

/* Whose buffers a listener has, by its size and by connections to it. */
static void the_origin_of_a_buffer_is_known_by_its_connections(void **state)
{
	static const struct {
		enum buffer_side side;
		int64_t bytes, triple[3];
		struct connection_state c; /* no peer's scale or buffer: no connection */
		enum buffer_origin origin;
	} cases[] = {
#define R BUFFER_RECEIVE
#define S BUFFER_SEND
#define RMEMS {4096, 131072, 6291456}
#define WMEMS                                                                                      \
	{                                                                                          \
		4096, 16384, 4194304                                                               \
	}
		{R, 0, RMEMS, {0}, BUFFER_AUTOTUNED},
		{R, 131072, RMEMS, {0}, BUFFER_AUTOTUNED},
		{R, 16384, RMEMS, {0}, BUFFER_SET},
		{R, 16384, RMEMS, {.receive_buffer = 16384, .receive_scale = 0}, BUFFER_SET},
		{R, 262144, RMEMS, {0}, BUFFER_UNSURE},
		{R, 262144, RMEMS, {.receive_buffer = 262144, .receive_scale = 3}, BUFFER_SET},
		{R,
		 262144,
		 RMEMS,
		 {.receive_buffer = 262144, .receive_scale = 7},
		 BUFFER_AUTOTUNED},
		/* The peer does not scale windows. */
		{R, 262144, RMEMS, {.receive_buffer = 262144, .receive_scale = -1}, BUFFER_UNSURE},
		/* The sysctl was lower when it began to listen. */
		{R, 16384, RMEMS, {.receive_buffer = 90000, .receive_scale = -1}, BUFFER_AUTOTUNED},
		{R, 16384, RMEMS, {.receive_buffer = 16384, .receive_scale = 7}, BUFFER_AUTOTUNED},
		{R, 87380, RMEMS, {0}, BUFFER_AUTOTUNED},
		/* A window that something else keeps small, as a route. */
		{R,
		 131072,
		 RMEMS,
		 {.receive_buffer = 131072, .receive_scale = 0},
		 BUFFER_AUTOTUNED},
		{R, 16384, {REPORT_NONE, REPORT_NONE, REPORT_NONE}, {0}, BUFFER_AUTOTUNED},
		{S, 16384, WMEMS, {0}, BUFFER_AUTOTUNED},
		{S, 16384, WMEMS, {.send_buffer = 46080}, BUFFER_AUTOTUNED},
		{S, 16384, WMEMS, {.send_buffer = 16384}, BUFFER_SET},
		{S, 16384, {4096, 16384, 16384}, {.send_buffer = 16384}, BUFFER_AUTOTUNED},
		{S, 8192, WMEMS, {0}, BUFFER_SET},
		{S, 32768, WMEMS, {0}, BUFFER_UNSURE},
		{S, 262144, WMEMS, {.send_buffer = 262144}, BUFFER_UNSURE},
		{S, 16384, {4096, 65536, 4194304}, {0}, BUFFER_AUTOTUNED},
#undef R
#undef S
#undef RMEMS
#undef WMEMS
	};
	static struct connection_states c;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		c.at[0] = cases[i].c;
		c.count = c.at[0].receive_buffer || c.at[0].send_buffer;
		enum buffer_origin origin =
			buffer_origin(cases[i].side, cases[i].bytes, cases[i].triple, &c);
		if (origin != cases[i].origin)
			fail_msg("case %zu: %d", i, origin);
	}
}

static void a_window_over_another_rtt_makes_a_derived_wall(void **state)
{
	const struct experiment *x = verdict_experiment("buffers", "buffers.receive");
	struct target t = target_of(10 * MS, 3 * GBIT);
	struct settings s = verdict_settings(x, RMEM "=4096 131072 2621440");
	struct outcome o = verdict_outcome(211000000, true);
	const struct wall *w = &verdict_of(x, &t, &s, &o)->walls[0];
	assert_int_equal(w->method, METHOD_MEASURED);
	o.derived = true;
	w = &verdict_of(x, &t, &s, &o)->walls[0];
	assert_int_equal(w->method, METHOD_DERIVED);
	assert_int_equal(w->experiment, EXPERIMENT_DONE);
	assert_int_equal(w->limit, 211000000);
	assert_false(w->at_most);
}

/* The kernel accepts a triple in any order. */
static void the_third_field_is_never_below_the_second(void **state)
{
	const struct experiment *x = verdict_experiment("buffers", "buffers.send");
	struct target t = target_of(20 * MS, GBIT);
	struct settings s = verdict_settings(x, WMEM "=4096 16384 262144");
	s.at[0][1] = 16777216;
	assert_int_equal(verdict_of(x, &t, &s, NULL)->walls[0].limit, 19660800);
	assert_non_null(strstr(verdict_proposals(verdict_of(x, &t, &s, NULL)),
			       "-> 4096 16777216 16777216"));
}

/* The kernel accepts fields that do not ascend. */
static void a_receive_buffer_begins_with_the_second_field(void **state)
{
	const struct experiment *x = verdict_experiment("buffers", "buffers.receive");
	struct target t = target_of(20 * MS, GBIT);
	struct settings s = verdict_settings(x, RMEM "=4096 131072 262144");
	s.at[0][1] = 8388608;
	const struct report *r = verdict_of(x, &t, &s, NULL);
	assert_int_equal(r->walls[0].limit, 419430400);
	assert_int_equal(r->walls[0].verdict, VERDICT_OK);
	assert_int_equal(r->finding_count, 0);
}

static void without_an_outcome_the_settings_give_the_verdict(void **state)
{
	const struct experiment *x = verdict_experiment("buffers", "buffers.receive");
	struct target t = target_of(20 * MS, GBIT);
	struct settings s = verdict_settings(x, RMEM "=4096 131072 262144");
	struct outcome o = verdict_outcome(REPORT_NONE, false);
	o.state = OUTCOME_INCONCLUSIVE;
	strcpy(o.why, "the machine was busy");
	const struct wall *w = &verdict_of(x, &t, &s, &o)->walls[0];
	assert_int_equal(w->verdict, VERDICT_SHORT);
	assert_int_equal(w->method, METHOD_DERIVED);
	assert_int_equal(w->experiment, EXPERIMENT_MISSED);
	assert_string_equal(w->reason, "the machine was busy");
}

/* Scales the proposal `third` for `now`; 0: there is nothing to scale. */
static int64_t scaled(uint64_t rtt_us, int64_t second, int64_t now, int64_t third, unsigned percent)
{
	const struct experiment *x = verdict_experiment("buffers", "buffers.receive");
	struct target t = target_of(rtt_us, 100 * MBIT);
	struct settings running = verdict_settings(x, "");
	running.at[0][1] = second;
	running.at[0][2] = now;
	struct settings s = running;
	s.at[0][2] = third;
	return x->scale(&t, &running, &s, percent) ? s.at[0][2] : 0;
}

static void a_proof_searches_in_the_third_field(void **state)
{
	assert_int_equal(scaled(20 * MS, 131072, 262144, 4000000, 125), 5000000);
	assert_int_equal(scaled(20 * MS, 131072, 262144, 4000000, 50), 2000000);
	/* A switch is the remedy. */
	assert_int_equal(scaled(20 * MS, 131072, 6291456, 6291456, 125), 0);
	/* It is known to be too small, or below the second field. */
	assert_int_equal(scaled(20 * MS, 131072, 2000000, 4000000, 50), 0);
	assert_int_equal(scaled(20 * MS, 3000000, 262144, 4000000, 50), 3000000);
	assert_int_equal(scaled(20 * MS, 4000000, 262144, 4000000, 50), 0);
	/* Half of the value would take too long. */
	assert_int_equal(scaled(101 * MS, 131072, 262144, 4000000, 50), 0);
	assert_int_equal(scaled(101 * MS, 131072, 262144, 4000000, 125), 5000000);
	/* The kernel's maximum. */
	assert_int_equal(scaled(20 * MS, 131072, 262144, 2000000000, 125), INT_MAX);
	assert_int_equal(scaled(20 * MS, 131072, 262144, INT_MAX, 125), 0);
}

/* Half of the proposal is not enough, and a proof at it must exceed the margin. */
static void a_proof_has_a_reserve(void **state)
{
	static const struct {
		int64_t reached;
		bool suffices;
	} proofs[] = {{156250000, false}, {210937499, false}, {210937500, true}};
	const struct experiment *x = verdict_experiment("buffers", "buffers.receive");
	struct target t = target_of(20 * MS, GBIT);
	struct settings s = verdict_settings(x, RMEM "=4096 131072 6291456");
	for (size_t i = 0; i < sizeof(proofs) / sizeof(*proofs); i++) {
		struct outcome o = verdict_outcome(proofs[i].reached, false);
		assert_int_equal(verdict_of(x, &t, &s, &o)->walls[0].verdict, VERDICT_OK);
		assert_int_equal(outcome_suffices(x, &t, &s, &o), proofs[i].suffices);
	}
	s = verdict_settings(x, RMEM "=4096 131072 3145728");
	assert_int_not_equal(verdict_of(x, &t, &s, NULL)->walls[0].verdict, VERDICT_OK);
	/* A count needs none. */
	x = verdict_experiment("accept-queue", "accept-queue");
	t = target_default();
	s = verdict_settings(x, "net.core.somaxconn=4096");
	struct outcome o = verdict_outcome(1250, true);
	assert_true(outcome_suffices(x, &t, &s, &o));
}

static void a_path_beyond_the_wire_is_refused(void **state)
{
	const struct probe *p = probe_find("buffers");
	struct target t = target_of(50 * MS, 100 * MBIT);
	struct lab_options lab = {.bandwidth_bps = 1};
	assert_null(p->refuses(&t));
	p->shape(&t, &lab);
	assert_int_equal(lab.rtt_us, 50 * MS);
	assert_int_equal(lab.bandwidth_bps, 0);
	/* The same window over twice the RTT. */
	t = target_of(10 * MS, 3 * GBIT);
	assert_null(p->refuses(&t));
	p->shape(&t, &lab);
	assert_int_equal(lab.rtt_us, 20 * MS);
	t = target_of(500 * MS, 10 * GBIT);
	assert_non_null(strstr(p->refuses(&t), "64 MiB over at most 1 s"));
	t = target_of(2000 * MS, MBIT);
	assert_non_null(p->refuses(&t));
	p->shape(&t, &lab);
	assert_int_equal(lab.rtt_us, 1000 * MS);
}

struct memory_row {
	uint64_t connections, memory_mib, request_bytes;
	const char *settings;
	int64_t limit;
	enum wall_verdict verdict;
	const char *id, *proposals;
	enum finding_remedy remedy;
	const char *says; /* part of the wall's detail */
	int64_t used;     /* pages */
};

#define TCP_MEM "net.ipv4.tcp_mem"
#define MIB INT64_C(1048576)

static const struct memory_row memory_rows[] = {
	{10000, 16384, 0, TCP_MEM "=196608 262144 393216", 1024 * MIB, VERDICT_OK, "", "",
	 REMEDY_NONE, "holds about 4 KiB of buffer. Beyond the second field", 0},
	/* 12 500 pages are needed with headroom. */
	{10000, 16384, 0, TCP_MEM "=7500 12500 18750", 51200000, VERDICT_OK, "", "", REMEDY_NONE,
	 "", 0},
	{10000, 16384, 0, TCP_MEM "=7500 12499 18750", 51195904, VERDICT_TIGHT,
	 "buffers.memory.tight", TCP_MEM " 7500 12499 18750 -> 9375 12500 18750", REMEDY_KERNEL, "",
	 0},
	{10000, 16384, 0, TCP_MEM "=7500 9999 18750", 40955904, VERDICT_SHORT,
	 "buffers.memory.short", TCP_MEM " 7500 9999 18750 -> 9375 12500 18750", REMEDY_KERNEL, "",
	 0},
	{10000, 16384, 0, TCP_MEM "=9500 9999 999999", 40955904, VERDICT_SHORT,
	 "buffers.memory.short", TCP_MEM " 9500 9999 999999 -> 9500 12500 999999", REMEDY_KERNEL,
	 "", 0},
	/* A measured size replaces the assumed one. */
	{10000, 16384, 8192, TCP_MEM "=7500 12500 18750", 51200000, VERDICT_SHORT,
	 "buffers.memory.short", TCP_MEM " 7500 12500 18750 -> 18750 25000 37500", REMEDY_KERNEL,
	 "was measured to hold 8 KiB", 0},
	/* Half of the memory is the limit: no knob helps. */
	{10000, 64, 0, TCP_MEM "=196608 262144 393216", 32 * MIB, VERDICT_SHORT,
	 "buffers.memory.short", "", REMEDY_NONE, "half of the memory", 0},
	{10000, 80, 0, TCP_MEM "=750 1250 1875", 5120000, VERDICT_SHORT, "buffers.memory.short", "",
	 REMEDY_NONE, "", 0},
	/* tcp_mem is not visible: the kernel's default is assumed. */
	{10000, 16384, 0, "", 1024 * MIB, VERDICT_OK, "", "", REMEDY_NONE, "could not be read. Its",
	 0},
	{1000000, 16384, 0, "", 1024 * MIB, VERDICT_SHORT, "buffers.memory.short",
	 TCP_MEM "  -> 937500 1250000 1875000", REMEDY_KERNEL, "6 %", 0},
	{10000, 0, 0, "", REPORT_NONE, VERDICT_UNKNOWN, "", "", REMEDY_NONE, "could not be read",
	 0},
	/* Pages in use are no longer free; a proposal keeps them. */
	{10000, 16384, 0, TCP_MEM "=9000 13500 20250", 51200000, VERDICT_OK, "", "", REMEDY_NONE,
	 "3.91 MiB are in use now", 1000},
	{10000, 16384, 0, TCP_MEM "=9000 10000 20250", 36864000, VERDICT_SHORT,
	 "buffers.memory.short", TCP_MEM " 9000 10000 20250 -> 10125 13500 20250", REMEDY_KERNEL,
	 "3.91 MiB", 1000},
	{10000, 16384, 0, TCP_MEM "=43257 57676 86514", 0, VERDICT_SHORT, "buffers.memory.short",
	 TCP_MEM " 43257 57676 86514 -> 75312 100416 150624", REMEDY_KERNEL, "343 MiB", 87916},
	/* The maximum of int64. */
	{10000, 0, 0, TCP_MEM "=1 9223372036854775806 9223372036854775807", INT64_MAX, VERDICT_OK,
	 "", "", REMEDY_NONE, "", 0},
};

static void each_memory_gets_its_verdict(void **state)
{
	const struct experiment *x = verdict_experiment("buffers", "buffers.memory");
	for (size_t i = 0; i < sizeof(memory_rows) / sizeof(*memory_rows); i++) {
		const struct memory_row *row = &memory_rows[i];
		struct target t = target_default();
		t.connections = row->connections;
		struct settings s = verdict_settings(x, row->settings);
		s.machine.memory_bytes = row->memory_mib << 20;
		s.machine.tcp_pages = row->used;
		s.taken.request_bytes = row->request_bytes;
		s.taken.measured = row->request_bytes;
		const struct report *r = verdict_of(x, &t, &s, NULL);
		const struct wall *w = &r->walls[0];
		const struct finding *f = r->finding_count ? &r->findings[0] : NULL;
		if (w->limit != row->limit || w->verdict != row->verdict ||
		    w->method != METHOD_DERIVED || !strstr(w->detail, row->says) ||
		    strcmp(f ? f->id : "", row->id) != 0 ||
		    strcmp(verdict_proposals(r), row->proposals) != 0 ||
		    (f && (f->remedy != row->remedy || strchr(f->detail, '{') ||
			   strchr(f->advice, '{'))))
			fail_msg("row %zu: limit %lld, %s, %s [%s] %s; %s; %s", i,
				 (long long)w->limit, wall_verdict_name(w->verdict), f ? f->id : "",
				 verdict_proposals(r), f ? finding_remedy_name(f->remedy) : "",
				 w->detail, f ? f->detail : "");
	}
}

/* The field that ends the growth of buffers, or allocations, whichever is smaller. */
static void the_field_that_limits_is_named(void **state)
{
	static const struct {
		int64_t fields[3], limit; /* pages */
		const char *says, *proposals;
	} cases[] = {
		{{7500, 9999, 18750},
		 9999,
		 "Beyond the second field of tcp_mem, in pages, for all sockets together, no "
		 "buffer grows.",
		 "9375 12500 18750"},
		{{7500, 60000, 9999},
		 9999,
		 "Beyond the third field of tcp_mem, in pages, for all sockets together, nothing "
		 "is allocated.",
		 "9375 60000 60000"},
		{{9999, 60000, 100}, 9999, "Beyond the first field", "9999 60000 60000"},
		{{9999, 200, 100}, 9999, "Beyond the first field", "9999 12500 18750"},
	};
	const struct experiment *x = verdict_experiment("buffers", "buffers.memory");
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct target t = target_default();
		struct settings s = verdict_settings(x, "");
		memcpy(s.at[0], cases[i].fields, sizeof(s.at[0]));
		report_text(s.text[0], "now");
		const struct report *r = verdict_of(x, &t, &s, NULL);
		char proposal[64];
		snprintf(proposal, sizeof(proposal), TCP_MEM " now -> %s", cases[i].proposals);
		if (r->walls->limit != cases[i].limit * 4096 ||
		    r->walls->verdict != VERDICT_SHORT ||
		    !strstr(r->walls->detail, cases[i].says) ||
		    strcmp(verdict_proposals(r), proposal) != 0)
			fail_msg("case %zu: %lld [%s] %s", i, (long long)r->walls->limit,
				 verdict_proposals(r), r->walls->detail);
	}
}

/* What is in use may be of the connections that are open, as far as those go, or of others. */
static void buffers_of_open_connections_are_not_needed_again(void **state)
{
	static const struct {
		enum target_role role;
		uint64_t open, opened;
		int64_t used; /* pages */
		int64_t needed, needed_max;
		enum wall_verdict verdict;
		const char *proposals;
		bool portless;
	} cases[] = {
		{TARGET_SERVER, 0, 0, 5000, 10000, REPORT_NONE, VERDICT_SHORT,
		 TCP_MEM " 9000 13500 20250 -> 13125 17500 26250", false},
		{TARGET_SERVER, 10000, 0, 5000, 5000, 10000, VERDICT_TIGHT,
		 TCP_MEM " 9000 13500 20250 -> 13125 17500 26250", false},
		{TARGET_SERVER, 10000, 0, 1000, 9000, 10000, VERDICT_OK, "", false},
		{TARGET_SERVER, 2000, 0, 5000, 8000, 10000, VERDICT_TIGHT,
		 TCP_MEM " 9000 13500 20250 -> 13125 17500 26250", false},
		{TARGET_SERVER, 1000, 0, 5000, 9000, 10000, VERDICT_SHORT,
		 TCP_MEM " 9000 13500 20250 -> 13125 17500 26250", false},
		{TARGET_SERVER, 20000, 0, 13500, 1, 10000, VERDICT_SHORT,
		 TCP_MEM " 9000 13500 20250 -> 19500 26000 39000", false},
		{TARGET_PROXY, 2000, 0, 5000, 18000, 20000, VERDICT_SHORT,
		 TCP_MEM " 9000 13500 20250 -> 22500 30000 45000", false},
		{TARGET_PROXY, 2000, 2000, 5000, 16000, 20000, VERDICT_SHORT,
		 TCP_MEM " 9000 13500 20250 -> 22500 30000 45000", false},
		/* Its servers are at UNIX sockets. */
		{TARGET_PROXY, 2000, 0, 3000, 8000, 10000, VERDICT_TIGHT,
		 TCP_MEM " 9000 13500 20250 -> 11625 15500 23250", true},
	};
	const struct experiment *x = verdict_experiment("buffers", "buffers.memory");
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct target t = target_default();
		struct settings s = verdict_settings(x, TCP_MEM "=9000 13500 20250");
		t.role = cases[i].role;
		s.portless = cases[i].portless;
		s.machine.memory_bytes = UINT64_C(16384) << 20;
		s.machine.tcp_pages = cases[i].used;
		s.taken.open = cases[i].open;
		s.taken.opened = cases[i].opened;
		const struct report *r = verdict_of(x, &t, &s, NULL);
		const struct wall *w = r->walls;
		int64_t max = cases[i].needed_max;
		if (w->needed != cases[i].needed * 4096 ||
		    w->needed_max != (max == REPORT_NONE ? max : max * 4096) ||
		    w->verdict != cases[i].verdict ||
		    strcmp(verdict_proposals(r), cases[i].proposals) != 0)
			fail_msg("row %zu: %lld to %lld, %s [%s]", i, (long long)w->needed,
				 (long long)w->needed_max, wall_verdict_name(w->verdict),
				 verdict_proposals(r));
		assert_true((max != REPORT_NONE) ==
			    !!strstr(w->detail, "that the server has open"));
	}
}

/* A knob that cannot be read has its default: such a verdict names it. */
static void a_default_that_is_assumed_is_named(void **state)
{
	static const struct {
		const char *probe, *wall, *settings, *assumed;
		int64_t reached; /* by a run; 0: none */
		uint64_t rate;
	} cases[] = {
		{"buffers", "buffers.memory", TCP_MEM "=375000 500000 750000", "", 0, 1000},
		{"buffers", "buffers.memory", "", "net.ipv4.tcp_mem", 0, 1000},
		{"buffers", "buffers.receive", RMEM "=4096 131072 6291456", SCALING, 0, 1000},
		{"buffers", "buffers.receive", RMEM "=4096 131072 6291456;" SCALING "=1", MODERATE,
		 0, 1000},
		{"buffers", "buffers.send", WMEM "=4096 16384 4194304;" SCALING "=1", "", 0, 1000},
		/* A run has shown that it suffices. */
		{"buffers", "buffers.send", WMEM "=4096 16384 4194304", "", 200000000, 1000},
		/* No default is accused. */
		{"buffers", "buffers.receive", RMEM "=4096 8192 16384", "", 0, 1000},
		{"syn-queue", "syn-queue", "net.core.somaxconn=4096; listen.backlog=4096",
		 "net.ipv4.tcp_syncookies", 0, 1000},
		{"syn-queue", "syn-queue",
		 "net.core.somaxconn=4096; listen.backlog=4096; net.ipv4.tcp_syncookies=1", "", 0,
		 1000},
		{"syn-queue", "syn-queue",
		 "net.core.somaxconn=4096; listen.backlog=4096; net.ipv4.tcp_max_syn_backlog=16",
		 "net.ipv4.tcp_syncookies", 0, 1000},
		{"syn-queue", "syn-queue", "net.core.somaxconn=16; listen.backlog=4096", "", 0,
		 1000},
		{"counters", "orphans", "TCP orphan of /proc/net/sockstat=0",
		 "net.ipv4.tcp_max_orphans", 0, 200000},
		{"counters", "orphans",
		 "net.ipv4.tcp_max_orphans=65536; TCP orphan of /proc/net/sockstat=0", "", 0, 10},
		{"conntrack", "conntrack",
		 "net.netfilter.nf_conntrack_max=262144; net.netfilter.nf_conntrack_buckets=262144; "
		 "nf_conntrack_count=5; tracked=1",
		 "net.netfilter.nf_conntrack_tcp_timeout_time_wait", 0, 10},
		{"conntrack", "conntrack",
		 "net.netfilter.nf_conntrack_max=262144; time_wait=120; udp_timeout=120; nf_conntrack_count=5; "
		 "tracked=1",
		 "net.netfilter.nf_conntrack_buckets", 0, 10},
		{"udp", "udp.receive",
		 "net.core.rmem_max=65536; net.core.rmem_default=65536; SO_RCVBUF=65536",
		 "net.ipv4.udp_mem", 0, 10},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const struct experiment *x = verdict_experiment(cases[i].probe, cases[i].wall);
		struct target t = target_of(20 * MS, 100 * MBIT);
		struct outcome o = verdict_outcome(cases[i].reached, false);
		t.rate_per_s = cases[i].rate;
		t.connections = 30000;
		t.datagrams_per_s = 100;
		struct settings s = verdict_settings(x, cases[i].settings);
		s.machine.memory_bytes = UINT64_C(16) << 30;
		s.machine.ehash_entries = 131072;
		const struct wall *w =
			&verdict_of(x, &t, &s, cases[i].reached ? &o : NULL)->walls[0];
		bool says = strstr(w->detail, "could not be read. Its default is assumed.");
		if (strcmp(w->assumed, cases[i].assumed) != 0 || says != !!w->assumed[0] ||
		    (says && w->method != METHOD_DERIVED))
			fail_msg("row %zu: %s, \"%s\", %s", i, wall_verdict_name(w->verdict),
				 w->assumed, w->detail);
	}
}

/* cgroup v1 limits socket buffers alone, of each group for itself. */
static void a_limit_on_socket_buffers_is_that_of_a_group(void **state)
{
	static const struct {
		int64_t left;
		bool several, hidden;
		const char *lost;
		enum wall_verdict verdict;
		const char *says;
	} cases[] = {
		{1 << 20, false, false, NULL, VERDICT_SHORT, "memory limit of /app leaves less"},
		{1 << 20, true, false, NULL, VERDICT_UNKNOWN, "in several control groups"},
		{1 << 30, true, false, NULL, VERDICT_OK, "memory limit of /app leaves less"},
		/* A smaller one does not make a short wall better. */
		{1 << 20, false, true, NULL, VERDICT_SHORT, "memory limit of /app leaves less"},
		{1 << 30, false, true, NULL, VERDICT_UNKNOWN, "The control group of the process"},
		/* Nor does another value of a knob that a capture lost. */
		{1 << 20, false, false, TCP_MEM, VERDICT_SHORT, "leaves less"},
		{1 << 30, false, false, TCP_MEM, VERDICT_UNKNOWN, TCP_MEM " could not be read"},
	};
	const struct experiment *x = verdict_experiment("buffers", "buffers.memory");
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct target t = target_default();
		struct settings s = verdict_settings(x, TCP_MEM "=375000 500000 750000");
		s.machine.sockets_left = cases[i].left;
		s.machine.sockets_several = cases[i].several;
		s.machine.sockets_hidden = cases[i].hidden;
		s.lost = cases[i].lost;
		strcpy(s.machine.sockets_group, "/app");
		const struct wall *w = &verdict_of(x, &t, &s, NULL)->walls[0];
		if (w->verdict != cases[i].verdict || !strstr(w->detail, cases[i].says))
			fail_msg("case %zu: %s, %s", i, wall_verdict_name(w->verdict), w->detail);
	}
}

/* A connection takes a page at a time; before 6.0 it takes 4 KiB, and the use counts in them. */
/* Nor is one whose other usual values leave the verdict as it is: the text of the wall has it. */
static void a_default_that_suffices_eightfold_is_not_named(void **state)
{
	static const struct {
		const char *probe, *wall, *settings, *assumed;
		uint64_t mbit, connections;
	} cases[] = {
		/* An eighth of 1 GiB. */
		{"buffers", "buffers.memory", "", "", 100, 26000},
		{"buffers", "buffers.memory", "", "net.ipv4.tcp_mem", 100, 27000},
		{"buffers", "buffers.receive", RMEM "=4096 4000000 6291456;" SCALING "=1", "", 100,
		 1000},
		/* Without scaling half of 64 KiB is enough for 10 Mbit/s, but not 8 KiB. */
		{"buffers", "buffers.send", WMEM "=4096 16384 4194304", "", 10, 1000},
		{"buffers", "buffers.receive", RMEM "=4096 8192 6291456", MODERATE, 10, 1000},
		{"buffers", "buffers.receive", RMEM "=4096 131072 6291456", "", 10, 1000},
		/* Without cookies three quarters of it. */
		{"syn-queue", "syn-queue",
		 "net.core.somaxconn=4096; listen.backlog=4096; net.ipv4.tcp_max_syn_backlog=4096",
		 "", 100, 1000},
		{"counters", "orphans", "TCP orphan of /proc/net/sockstat=0", "", 100, 1000},
		{"conntrack", "conntrack",
		 "net.netfilter.nf_conntrack_max=262144; net.netfilter.nf_conntrack_buckets=262144; "
		 "nf_conntrack_count=5; tracked=1",
		 "", 100, 1000},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const struct experiment *x = verdict_experiment(cases[i].probe, cases[i].wall);
		struct target t = target_of(20 * MS, cases[i].mbit * MBIT);
		struct settings s = verdict_settings(x, cases[i].settings);
		t.rate_per_s = 100;
		t.connections = cases[i].connections;
		s.machine.memory_bytes = UINT64_C(16) << 30;
		s.machine.ehash_entries = 131072;
		const struct wall *w = &verdict_of(x, &t, &s, NULL)->walls[0];
		if (strcmp(w->assumed, cases[i].assumed) != 0 || w->verdict != VERDICT_OK ||
		    !strstr(w->detail, "could not be read. Its default is assumed."))
			fail_msg("row %zu: %s, \"%s\", %s", i, wall_verdict_name(w->verdict),
				 w->assumed, w->detail);
	}
}

static void the_size_of_a_page_is_not_assumed(void **state)
{
	static const struct {
		uint64_t page; /* bytes; 0: a capture that does not show it */
		unsigned kernel;
		int64_t used, limit;
		enum wall_verdict verdict;
		const char *proposals, *says;
	} cases[] = {
		{65536, KERNEL(6, 1), 100, 1845 * 65536, VERDICT_SHORT,
		 TCP_MEM " 1458 1945 2916 -> 9450 12600 18900", "about 64 KiB of buffer"},
		{65536, KERNEL(5, 10), 1600, 1945 * 65536 - 1600 * 4096, VERDICT_OK, "",
		 "6.25 MiB are in use"},
		{0, KERNEL(6, 1), 0, REPORT_NONE, VERDICT_UNKNOWN, "", "does not show their size"},
		/* RHEL 9: one of these, or the other. */
		{65536, KERNEL(5, 14), 1600, REPORT_NONE, VERDICT_UNKNOWN, "", "A kernel 5.14 may"},
	};
	const struct experiment *x = verdict_experiment("buffers", "buffers.memory");
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct target t = target_default();
		struct settings s = verdict_settings(x, TCP_MEM "=1458 1945 2916");
		s.machine.memory_bytes = UINT64_C(16) << 30;
		s.machine.page_bytes = cases[i].page;
		s.machine.kernel = cases[i].kernel;
		s.machine.tcp_pages = cases[i].used;
		const struct report *r = verdict_of(x, &t, &s, NULL);
		const struct wall *w = &r->walls[0];
		if (w->limit != cases[i].limit || w->verdict != cases[i].verdict ||
		    !strstr(w->detail, cases[i].says) ||
		    strcmp(verdict_proposals(r), cases[i].proposals) != 0)
			fail_msg("row %zu: limit %lld, %s, %s; %s", i, (long long)w->limit,
				 wall_verdict_name(w->verdict), verdict_proposals(r), w->detail);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_row_gets_its_verdict),
		cmocka_unit_test(a_default_that_is_assumed_is_named),
		cmocka_unit_test(a_default_that_suffices_eightfold_is_not_named),
		cmocka_unit_test(a_share_that_is_set_is_known),
		cmocka_unit_test(a_buffer_that_may_be_set_is_unknown),
		cmocka_unit_test(the_origin_of_a_buffer_is_known_by_its_connections),
		cmocka_unit_test(a_window_over_another_rtt_makes_a_derived_wall),
		cmocka_unit_test(the_third_field_is_never_below_the_second),
		cmocka_unit_test(a_receive_buffer_begins_with_the_second_field),
		cmocka_unit_test(without_an_outcome_the_settings_give_the_verdict),
		cmocka_unit_test(a_proof_searches_in_the_third_field),
		cmocka_unit_test(a_proof_has_a_reserve),
		cmocka_unit_test(a_path_beyond_the_wire_is_refused),
		cmocka_unit_test(each_memory_gets_its_verdict),
		cmocka_unit_test(the_field_that_limits_is_named),
		cmocka_unit_test(buffers_of_open_connections_are_not_needed_again),
		cmocka_unit_test(a_limit_on_socket_buffers_is_that_of_a_group),
		cmocka_unit_test(the_size_of_a_page_is_not_assumed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
