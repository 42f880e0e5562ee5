/* looks: two looks of probe listeners at a machine with three listeners, ten ticks in between, and
 * what is planted there. */
#pragma once

#define probe_listeners listeners_under_test
#include "../../probes/listeners.c"
#include <string.h>

#include "../support/support.h"
#include "../support/verdict.h"

#define WINDOW_S 0.5

/* Two looks at three listeners, with ten ticks in between. */
struct looks {
	struct sample before, after;
	struct listener at[2][16];
	struct process process;
	struct queue_seen seen[8], many_seen[16];
	struct moment moment;
	struct probe_options options;
	struct target target;
};

static struct report report;

static inline void counter_set(struct looks *m, const char *name, int64_t before, int64_t after)
{
	struct sample *s[2] = {&m->before, &m->after};
	for (int i = 0; i < 2; i++) {
		struct host_counter *c = &s[i]->queues.counters.at[s[i]->queues.counters.count++];
		snprintf(c->name, sizeof(c->name), "%s", name);
		c->value = i ? after : before;
	}
}

static inline void listener_make(struct looks *m, size_t n, enum listener_kind kind,
				 const char *address, uint32_t limit)
{
	for (int i = 0; i < 2; i++) {
		struct listener *l = &m->at[i][n];
		*l = (struct listener){
			.kind = kind, .limit = limit, .cookie = 100 + n, .owner = -1};
		snprintf(l->address, sizeof(l->address), "%s", address);
	}
}

static inline void healthy(struct looks *m)
{
	memset(m, 0, sizeof(*m));
	struct sample *s[2] = {&m->before, &m->after};
	listener_make(m, 0, LISTENER_TCP, "0.0.0.0:443", 511);
	listener_make(m, 1, LISTENER_TCP, "[::]:22", 128);
	listener_make(m, 2, LISTENER_UNIX, "unix:/run/app.sock", 16);
	for (int i = 0; i < 2; i++) {
		s[i]->queues.at_s = 10 + i * WINDOW_S;
		s[i]->queues.listeners = (struct listeners){.count = 3, .at = m->at[i]};
		s[i]->queues.somaxconn = s[i]->queues.max_syn = 4096;
		s[i]->queues.cookies = 1;
		s[i]->queues.nr_open = 1048576;
		s[i]->queues.kernel = KERNEL(6, 18);
	}
	m->after.queues.middle_at_s = m->after.queues.at_s - WINDOW_S * 6 / 11;
	m->process = (struct process){.pid = 812,
				      .root = 812,
				      .name = "nginx",
				      .unit = "nginx.service",
				      .threads = 1,
				      .state = 'S',
				      .waits_in = "ep_poll",
				      .wait = WAIT_EPOLL,
				      .soft = 1024,
				      .hard = 524288,
				      .open = 12};
	m->after.queues.listeners.processes = &m->process;
	m->after.queues.listeners.process_count = 1;
	m->after.queues.ticks = OBSERVATION_TICKS;
	m->after.queues.seen = m->seen;
	m->target = target_default();
	m->moment = (struct moment){
		.target = &m->target, .options = &m->options, .seconds = WINDOW_S, .live = true};
}

/* The listener was seen waiting and full at so many ticks, and is so in the end. */
static inline void stuck(struct looks *m, size_t n, uint32_t full_ticks, uint32_t depth)
{
	m->at[0][n].depth = m->at[1][n].depth = depth;
	m->at[1][n].owner = 0;
	m->seen[m->after.queues.seen_count++] = (struct queue_seen){.cookie = 100 + n,
								    .full = full_ticks,
								    .waiting = OBSERVATION_TICKS,
								    .depth = depth,
								    .min = depth};
}

static inline void overflows(struct looks *m, size_t n, uint32_t ticks)
{
	stuck(m, n, ticks, m->at[0][n].limit + 1);
	m->at[0][n].drops = UINT32_MAX - 99; /* wraps */
	m->at[1][n].drops = 400;
	counter_set(m, COUNTER_LISTEN_OVERFLOWS, 1000, 1500);
}

/* It becomes empty in between. */
static inline void bursts(struct looks *m)
{
	overflows(m, 0, 4);
	m->seen[0].min = 0;
}

static inline void stopped(struct looks *m)
{
	overflows(m, 0, 10);
	m->process.state = 'T';
}

static inline void bursts_unknown_owner(struct looks *m)
{
	bursts(m);
	m->at[1][0].owner = -1;
	m->after.queues.listeners.process_count = 0;
}

static inline void full_and_quiet(struct looks *m)
{
	stuck(m, 0, 10, 512);
	m->process.state = 'T';
	counter_set(m, COUNTER_LISTEN_OVERFLOWS, 0, 0);
}

static inline void unix_full(struct looks *m) { stuck(m, 2, 10, 17); }

static inline void unix_waits(struct looks *m) { stuck(m, 2, 0, 16); }

/* A queue with room whose depth was that before, in the middle and at the end, while so many
 * connections arrived. */
static inline void grows(struct looks *m, uint32_t start, uint32_t middle, uint32_t end,
			 int64_t arrived)
{
	stuck(m, 0, 0, end);
	m->at[0][0].limit = m->at[1][0].limit = 4000;
	m->at[0][0].depth = start;
	m->seen[0].middle = middle;
	m->seen[0].last = end;
	m->seen[0].drained = 1;
	m->seen[0].min = middle < end ? middle : end;
	counter_set(m, "Tcp.PassiveOpens", 100, 100 + arrived);
}

/* A stall that is allowed may be longer than half of the window. */
static inline void stalls_as_allowed(struct looks *m)
{
	grows(m, 0, 30, 60, 60);
	m->seen[0].drained = 0;
	m->target.stall_us = 300000;
}

static inline void subject_stalls_as_allowed(struct looks *m)
{
	static struct listener own;
	static struct subject subject;
	stalls_as_allowed(m);
	own = m->at[1][0];
	subject = (struct subject){.listeners = {.count = 1, .at = &own}};
	m->after.queues.subject = &subject;
}

/* Two captured samples have no ticks between them, and both are read when they are judged. */
static inline void captured(struct looks *m)
{
	m->moment.live = false;
	m->after.queues.at_s = m->before.queues.at_s + 0.001;
	m->after.queues.ticks = 0;
	m->after.queues.seen_count = 0;
}

/* A server that --server names, whose tables are as large as its soft limit. */
static inline void sized(struct looks *m, const char *process, uint64_t soft)
{
	static struct listener own;
	static struct subject subject;
	own = m->at[1][0];
	subject = (struct subject){.listeners = {.count = 1, .at = &own}};
	snprintf(m->process.name, sizeof(m->process.name), "%s", process);
	m->process.soft = soft;
	m->at[1][0].owner = 0;
	m->before.queues.subject = m->after.queues.subject = &subject;
	m->after.memory_bytes = UINT64_C(24) << 30;
}

static inline void subject_make(struct looks *m)
{
	static struct listener own;
	static struct subject subject;
	own = m->at[1][0];
	subject = (struct subject){.name = "nginx",
				   .pid = 812,
				   .listeners = {.count = 1, .at = &own},
				   .acceptors = &m->process,
				   .acceptor_count = 4};
	m->before.queues.subject = m->after.queues.subject = &subject;
}

/* One of the workers that share the listener of process 812. */
static inline void worker_stuck(struct looks *m, char state, uint64_t open)
{
	static struct process worker;
	worker = m->process;
	worker.pid = 813;
	worker.state = state;
	worker.open = open;
	m->before.queues.stuck = m->after.queues.stuck = &worker;
	m->before.queues.stuck_count = m->after.queues.stuck_count = 1;
	m->at[1][0].owner = 0;
	subject_make(m);
}

static inline void cookies_now(struct looks *m)
{
	counter_set(m, COUNTER_SYN_COOKIES, 100, 350);
	m->at[1][1].half_open = 129;
}

static inline void cookies_once(struct looks *m)
{
	counter_set(m, COUNTER_SYN_COOKIES, 181003, 181003);
}

static inline void unsearched(struct looks *m)
{
	bursts_unknown_owner(m);
	m->after.queues.listeners.cut = true;
}

static inline void look_twice(void (*plant)(struct looks *))
{
	static struct looks m;
	healthy(&m);
	plant(&m);
	report_init(&report);
	report.time.tv_sec = 1795852800 + 7200;
	observation.judge(&m.before, &m.after, &m.moment, &report);
}

static inline void look_once(void (*plant)(struct looks *))
{
	static struct looks m;
	healthy(&m);
	plant(&m);
	m.moment.seconds = 0;
	m.after.queues.ticks = 0;
	m.after.queues.seen_count = 0;
	report_init(&report);
	report.time.tv_sec = 1795852800 + 7200;
	observation.judge(&m.after, &m.after, &m.moment, &report);
}

#define STANDING "accept-queue.standing"

#define DROPPING "accept-queue.overflowing critical"

/* What two looks find, and one alone. */
struct look_findings {
	void (*plant)(struct looks *);
	const char *twice, *once;
};

static inline void looks_find(const struct look_findings *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		char row[32];
		snprintf(row, sizeof(row), "row %zu", i);
		look_twice(rows[i].plant);
		findings_are(row, &report, rows[i].twice);
		look_once(rows[i].plant);
		findings_are(row, &report, rows[i].once);
	}
}

/* What a finding of two looks says; NULL: not compared. */
struct look_texts {
	void (*plant)(struct looks *);
	size_t finding;
	const char *title, *detail, *advice;
};

static inline void looks_say(const struct look_texts *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		look_twice(rows[i].plant);
		const struct finding *f = &report.findings[rows[i].finding];
		if (rows[i].title)
			assert_string_equal(f->title, rows[i].title);
		if (rows[i].detail)
			assert_string_equal(f->detail, rows[i].detail);
		if (rows[i].advice)
			assert_string_equal(f->advice, rows[i].advice);
	}
}
