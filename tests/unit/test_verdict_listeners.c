/* What probe listeners makes of two looks at a machine: a full queue that drops and a process at
 * its limit are findings; a healthy machine is none. */
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

static struct report report, earlier;

static void counter_set(struct looks *m, const char *name, int64_t before, int64_t after)
{
	struct sample *s[2] = {&m->before, &m->after};
	for (int i = 0; i < 2; i++) {
		struct host_counter *c = &s[i]->queues.counters.at[s[i]->queues.counters.count++];
		snprintf(c->name, sizeof(c->name), "%s", name);
		c->value = i ? after : before;
	}
}

static void listener_make(struct looks *m, size_t n, enum listener_kind kind, const char *address,
			  uint32_t limit)
{
	for (int i = 0; i < 2; i++) {
		struct listener *l = &m->at[i][n];
		*l = (struct listener){
			.kind = kind, .limit = limit, .cookie = 100 + n, .owner = -1};
		snprintf(l->address, sizeof(l->address), "%s", address);
	}
}

static void healthy(struct looks *m)
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
static void stuck(struct looks *m, size_t n, uint32_t full_ticks, uint32_t depth)
{
	m->at[0][n].depth = m->at[1][n].depth = depth;
	m->at[1][n].owner = 0;
	m->seen[m->after.queues.seen_count++] = (struct queue_seen){.cookie = 100 + n,
								    .full = full_ticks,
								    .waiting = OBSERVATION_TICKS,
								    .depth = depth,
								    .min = depth};
}

static void overflows(struct looks *m, size_t n, uint32_t ticks)
{
	stuck(m, n, ticks, m->at[0][n].limit + 1);
	m->at[0][n].drops = UINT32_MAX - 99; /* wraps */
	m->at[1][n].drops = 400;
	counter_set(m, COUNTER_LISTEN_OVERFLOWS, 1000, 1500);
}

static void bursts(struct looks *m) { overflows(m, 0, 4); }
/* It has called listen(fd, 0): no backlog helps. */
static void paused(struct looks *m)
{
	m->at[0][0].limit = m->at[1][0].limit = 0;
	overflows(m, 0, 4);
	snprintf(m->process.name, sizeof(m->process.name), "memcached");
}
static void bursts_of_a_small_target(struct looks *m)
{
	bursts(m);
	m->target.rate_per_s = 1;
}
static void bursts_below_somaxconn(struct looks *m)
{
	bursts(m);
	m->after.queues.somaxconn = 1024;
}
static void bursts_of_a_socket_unit(struct looks *m)
{
	bursts(m);
	m->at[1][0].systemd = true;
}
static void stopped(struct looks *m)
{
	overflows(m, 0, 10);
	m->process.state = 'T';
}
static void busy(struct looks *m)
{
	overflows(m, 0, 10);
	m->process.state = 'R';
}
/* The stall that the target allows is as long. */
static void busy_for_a_stall(struct looks *m)
{
	busy(m);
	m->target.stall_us = 300000;
}
static void stopped_for_a_stall(struct looks *m)
{
	stopped(m);
	m->target.stall_us = 300000;
}
static void stopped_ipv6(struct looks *m)
{
	overflows(m, 1, 9);
	m->process.state = 'T';
}

static void bursts_at_somaxconn(struct looks *m)
{
	m->before.queues.somaxconn = m->after.queues.somaxconn = 128;
	m->at[0][0].limit = m->at[1][0].limit = 128;
	overflows(m, 0, 4);
}

static void bursts_unknown_owner(struct looks *m)
{
	bursts(m);
	m->at[1][0].owner = -1;
	m->after.queues.listeners.process_count = 0;
}

/* Stray FIN and RST count as drops of a listener that is well. */
static void strays(struct looks *m)
{
	m->at[1][0].drops = 500;
	counter_set(m, COUNTER_LISTEN_OVERFLOWS, 1, 1);
}

/* A filter on the socket drops what clients send. */
static void filters(struct looks *m)
{
	m->at[1][0].drops = 220;
	m->after.queues.listeners.counted = true;
	counter_set(m, "Tcp.PassiveOpens", 100, 110);
	counter_set(m, "Tcp.InSegs", 5000, 5290);
}
static void filters_by_key(struct looks *m)
{
	filters(m);
	counter_set(m, "TcpExt.TCPMD5NotFound", 0, 215);
}
static void filters_some(struct looks *m)
{
	filters(m);
	m->at[1][0].drops = 10;
}
static void filters_few(struct looks *m)
{
	m->at[1][0].drops = 4;
	m->after.queues.listeners.counted = true;
	counter_set(m, "Tcp.PassiveOpens", 100, 100);
	counter_set(m, "Tcp.InSegs", 5000, 5004);
}
static void filters_of_many(struct looks *m)
{
	filters(m);
	m->after.queues.counters.at[1].value = 7210;
}
/* Their clients have closed, and answer each segment. */
static void resets(struct looks *m)
{
	filters(m);
	counter_set(m, "Tcp.EstabResets", 0, 22);
}
/* Their clients do not get its answers. */
static void answers_are_lost(struct looks *m)
{
	filters(m);
	m->at[1][0].half_open = 22;
}
static void half_open_uncounted(struct looks *m)
{
	filters(m);
	m->after.queues.listeners.counted = false;
}
static void defers(struct looks *m)
{
	filters(m);
	counter_set(m, "TcpExt.TCPDeferAcceptDrop", 0, 216);
}
static void answers_with_cookies(struct looks *m)
{
	filters(m);
	counter_set(m, "TcpExt.SyncookiesSent", 0, 220);
}

static void was_full_once(struct looks *m)
{
	stuck(m, 0, 1, 512);
	m->at[0][0].depth = m->at[1][0].depth = 0;
	m->seen[0].waiting = 1;
	counter_set(m, COUNTER_LISTEN_OVERFLOWS, 0, 0);
}

static void full_and_quiet(struct looks *m)
{
	stuck(m, 0, 10, 512);
	m->process.state = 'T';
	counter_set(m, COUNTER_LISTEN_OVERFLOWS, 0, 0);
}

/* What it drops while it is full are stray packets: nothing overflows. */
static void full_and_strays(struct looks *m)
{
	stuck(m, 0, 4, 512);
	m->at[1][0].drops = 500;
	counter_set(m, COUNTER_LISTEN_OVERFLOWS, 7, 7);
}

/* The socket of another server: how much it dropped in the window is unknown. */
static void made_anew(struct looks *m)
{
	full_and_quiet(m);
	m->at[0][0].cookie = 7;
	m->at[1][0].drops = 50;
}

static void unix_full(struct looks *m) { stuck(m, 2, 10, 17); }

static void unix_full_once(struct looks *m) { stuck(m, 2, 1, 17); }

/* The queue of a saturated pool, whose depth is about its limit. */
static void unix_was_full(struct looks *m)
{
	stuck(m, 2, 6, 13);
	m->seen[0].depth = 17;
	m->seen[0].drained = 40;
}
/* Its clients connect again as soon as they are served: nothing waits now. */
static void unix_was_full_once(struct looks *m)
{
	unix_was_full(m);
	m->at[0][2].depth = m->at[1][2].depth = 0;
	m->seen[0].full = m->seen[0].waiting = 1;
	m->seen[0].min = 0;
}
static void unix_was_full_at_first(struct looks *m)
{
	m->at[0][2].depth = 17;
	m->at[1][2].owner = 0;
}

static void unix_waits(struct looks *m) { stuck(m, 2, 0, 16); }

/* Some are accepted. */
static void waits_and_falls(struct looks *m)
{
	unix_waits(m);
	m->seen[0].drained = 1;
}
/* A queue with room whose depth was that before, in the middle and at the end, while so many
 * connections arrived. */
static void grows(struct looks *m, uint32_t start, uint32_t middle, uint32_t end, int64_t arrived)
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
/* 60/s arrive, 10/s are accepted. */
static void grows_slowly(struct looks *m) { grows(m, 118, 130, 143, 30); }
static void subject_grows(struct looks *m)
{
	static struct listener own;
	static struct subject subject;
	grows_slowly(m);
	own = m->at[1][0];
	subject = (struct subject){.listeners = {.count = 1, .at = &own}};
	m->after.queues.subject = &subject;
}
/* It accepts, but no tick saw the queue shorter: the counters show it, as no other listener is
 * there. */
static void grows_between_the_ticks(struct looks *m)
{
	grows_slowly(m);
	m->seen[0].drained = 0;
	m->before.queues.listeners.count = m->after.queues.listeners.count = 1;
}
/* As many arrive elsewhere, maybe. */
static void grows_beside_another(struct looks *m)
{
	grows_between_the_ticks(m);
	m->before.queues.listeners.count = m->after.queues.listeners.count = 3;
}
/* One of four sockets of an address. */
static void one_of_a_group_waits(struct looks *m)
{
	for (size_t i = 0; i < 4; i++)
		listener_make(m, i, LISTENER_TCP, "0.0.0.0:443", 511);
	m->before.queues.listeners.count = m->after.queues.listeners.count = 4;
	stuck(m, 2, 0, 29);
	m->process.pid = 813;
	counter_set(m, "Tcp.PassiveOpens", 100, 150);
}
/* What arrives is accepted from the others, or nothing arrives. */
static void one_of_a_group_grows(struct looks *m)
{
	one_of_a_group_waits(m);
	m->at[0][2].depth = 0;
	m->at[1][2].depth = m->seen[0].last = 60;
	m->seen[0].middle = 30;
	m->after.queues.counters.at[0].value = 200;
}
static void one_of_a_quiet_group_waits(struct looks *m)
{
	one_of_a_group_waits(m);
	m->after.queues.counters.at[0].value = 100;
}
/* Nothing is accepted: of the arrivals few were counted and not yet in the queue. */
static void grows_unaccepted(struct looks *m)
{
	grows_between_the_ticks(m);
	m->after.queues.counters.at[0].value = 100 + 26;
}
/* Clients wait for 20 s, but not longer and longer. */
static void slow_but_steady(struct looks *m) { grows(m, 196, 203, 201, 10); }
/* A server that accepts 4/s drains a burst. */
static void stands(struct looks *m) { grows(m, 248, 247, 246, 0); }
static void subject_stands(struct looks *m, uint64_t rate, uint64_t stall_us)
{
	static struct listener own;
	static struct subject subject;
	stands(m);
	own = m->at[1][0];
	subject = (struct subject){.listeners = {.count = 1, .at = &own}};
	m->after.queues.subject = &subject;
	m->target.rate_per_s = rate;
	m->target.stall_us = stall_us;
}
static void accepts_less_than_needed(struct looks *m) { subject_stands(m, 100, 10000); }
static void accepts_as_many_as_needed(struct looks *m) { subject_stands(m, 4, 10000); }
static void stands_for_a_stall(struct looks *m) { subject_stands(m, 100, 300000); }
static void was_empty_once(struct looks *m)
{
	subject_stands(m, 100, 10000);
	m->seen[0].min = 0;
}
/* The other listeners accept as fast as that. */
static void stands_among_others(struct looks *m)
{
	subject_stands(m, 100, 10000);
	m->after.queues.counters.at[0].value = 100 + 50000;
}
/* Saturated for a moment at 4 000/s: the stall of the target explains 1 000. */
static void stands_and_is_fast(struct looks *m) { grows(m, 60, 90, 70, 2000); }
static void one_of_a_group_was_empty(struct looks *m)
{
	subject_stands(m, 100, 10000);
	listener_make(m, 3, LISTENER_TCP, "0.0.0.0:443", 4000);
	m->at[0][1] = m->at[0][3];
	m->at[1][1] = m->at[1][3];
}
static void grows_by_chance(struct looks *m) { grows(m, 196, 199, 205, 14); }
static void drains(struct looks *m) { grows(m, 10, 500, 300, 2000); }
static void began_to_grow(struct looks *m) { grows(m, 3, 3, 200, 2000); }
/* A burst that the server accepts at 10 000/s. */
static void grows_for_a_burst(struct looks *m) { grows(m, 0, 200, 400, 5400); }
static void socket_is_new(struct looks *m)
{
	grows_slowly(m);
	m->at[0][0].cookie = 7;
}
/* A stall that is allowed may be longer than half of the window. */
static void stalls_as_allowed(struct looks *m)
{
	grows(m, 0, 30, 60, 60);
	m->seen[0].drained = 0;
	m->target.stall_us = 300000;
}
static void subject_stalls_as_allowed(struct looks *m)
{
	static struct listener own;
	static struct subject subject;
	stalls_as_allowed(m);
	own = m->at[1][0];
	subject = (struct subject){.listeners = {.count = 1, .at = &own}};
	m->after.queues.subject = &subject;
}
static void subject_is_stopped_as_long(struct looks *m)
{
	subject_stalls_as_allowed(m);
	m->process.state = 'T';
}
static void accepts_within_a_stall(struct looks *m)
{
	grows(m, 2, 2, 2, 50);
	m->target.stall_us = 300000;
}
/* Three clients that connect again as soon as they are served, at 100/s: two wait at each look. */
static void loops(struct looks *m)
{
	grows(m, 2, 2, 2, 50);
	m->seen[0].drained = 0;
	m->before.queues.listeners.count = m->after.queues.listeners.count = 1;
}
static void subject_loops(struct looks *m)
{
	static struct listener own;
	static struct subject subject;
	loops(m);
	own = m->at[1][0];
	subject = (struct subject){.listeners = {.count = 1, .at = &own}};
	m->after.queues.subject = &subject;
}
/* Other listeners are there, so that the counters do not show what it accepts: of the connections
 * that wait in the end, these did so in the middle. */
static void loops_among_others(struct looks *m, uint32_t depth, const uint64_t middle[2],
			       const uint64_t end[3])
{
	static struct waiting was[2], is[3];
	struct waiting_list now = {.at = is};
	subject_loops(m);
	m->before.queues.listeners.count = m->after.queues.listeners.count = 3;
	m->at[1][0].depth = depth;
	m->after.queues.waited = (struct waiting_list){2, was};
	for (size_t i = 0; i < 2; i++)
		was[i] = (struct waiting){100, middle[i]};
	for (; now.count < 3 && end[now.count]; now.count++)
		is[now.count] = (struct waiting){100, end[now.count]};
	accept_queues_compare(&m->after.queues, &now);
}
static void loops_with_others(struct looks *m)
{
	loops_among_others(m, 2, (uint64_t[]){1, 2}, (uint64_t[]){8, 9, 0});
}
static void loops_with_one_that_waits(struct looks *m)
{
	loops_among_others(m, 2, (uint64_t[]){1, 2}, (uint64_t[]){2, 9, 0});
}
static void hangs_with_others(struct looks *m)
{
	loops_among_others(m, 2, (uint64_t[]){1, 2}, (uint64_t[]){1, 2, 0});
}
static void hangs_while_one_comes(struct looks *m)
{
	loops_among_others(m, 3, (uint64_t[]){1, 2}, (uint64_t[]){1, 2, 9});
}
/* It stays in the queue until it is accepted. */
static void hangs_while_one_gives_up(struct looks *m)
{
	loops_among_others(m, 3, (uint64_t[]){1, 2}, (uint64_t[]){2, 9, 0});
}
/* Which of two sockets a connection waits at is not visible. */
static void hangs_beside_one_that_accepts(struct looks *m)
{
	listener_make(m, 1, LISTENER_TCP, "0.0.0.0:443", 511);
	loops_among_others(m, 2, (uint64_t[]){1, 2}, (uint64_t[]){1, 9, 0});
}
/* It serves 4/s: its clients wait for longer than a stall. */
static void subject_loops_slowly(struct looks *m)
{
	subject_loops(m);
	m->after.queues.counters.at[0].value = 102;
}
static void subject_hangs(struct looks *m)
{
	subject_loops(m);
	m->after.queues.counters.at[0].value = 100;
}
/* The same stall was seen of the server: that allows nothing. */
static void stalls_as_seen(struct looks *m)
{
	stalls_as_allowed(m);
	m->options.stall_seen = true;
}
/* Each socket by little, all together by much. */
static void group_grows(struct looks *m)
{
	for (size_t i = 0; i < 8; i++) {
		listener_make(m, i, LISTENER_TCP, "0.0.0.0:443", 4000);
		m->at[0][i].depth = 20;
		m->at[1][i].depth = 24;
		m->seen[i] = (struct queue_seen){.cookie = 100 + i,
						 .waiting = OBSERVATION_TICKS,
						 .depth = 24,
						 .last = 24,
						 .middle = 22,
						 .drained = 1};
	}
	m->before.queues.listeners.count = m->after.queues.listeners.count = 8;
	m->after.queues.seen_count = 8;
	counter_set(m, "Tcp.PassiveOpens", 100, 140);
}
/* No counter has the arrivals at a UNIX socket. */
static void unix_grows(struct looks *m)
{
	grows(m, 0, 0, 0, 10);
	m->after.queues.seen_count = 0;
	stuck(m, 2, 0, 60);
	m->at[0][2].limit = m->at[1][2].limit = 128;
	m->at[0][2].depth = 20;
	m->seen[0].middle = 40;
	m->seen[0].last = 60;
	m->seen[0].drained = 2;
}
/* Clients of a UNIX socket, `depth` at each look. Of those that wait in the end the first `stayed`
 * do so since the middle. */
static void unix_serves(struct looks *m, uint32_t depth, uint64_t stayed)
{
	static struct waiting was[200], is[200];
	unix_grows(m);
	m->at[0][2].depth = m->at[1][2].depth = depth;
	m->seen[0].middle = m->seen[0].last = m->seen[0].depth = m->seen[0].min = depth;
	for (uint64_t i = 0; i < depth; i++) {
		was[i] = (struct waiting){102, i};
		is[i] = (struct waiting){102, i < stayed ? i : 1000 + i};
	}
	m->after.queues.waited = (struct waiting_list){depth, was};
	accept_queues_compare(&m->after.queues, &(struct waiting_list){depth, is});
}
/* 60 clients, of which each waits for 1.5 s: 40/s are accepted. */
static void unix_serves_slowly(struct looks *m) { unix_serves(m, 60, 49); }
static void unix_serves_fast(struct looks *m) { unix_serves(m, 60, 0); }
/* All of them within 0.4 s: long for the server in question only. */
static void unix_serves_soon(struct looks *m) { unix_serves(m, 60, 20); }
static void unix_subject(struct looks *m)
{
	static struct listener own;
	static struct subject subject;
	own = m->at[1][2];
	subject = (struct subject){.listeners = {.count = 1, .at = &own}};
	m->after.queues.subject = &subject;
}
static void unix_subject_serves_soon(struct looks *m)
{
	unix_serves_soon(m);
	unix_subject(m);
	m->target.rate_per_s = 100;
}
static void unix_subject_serves_too_slowly(struct looks *m)
{
	unix_serves_slowly(m);
	unix_subject(m);
}
static void unix_subject_refuses_too(struct looks *m)
{
	unix_subject_serves_too_slowly(m);
	m->seen[0].full = 3;
}
static void unix_serves_none(struct looks *m)
{
	unix_serves(m, 60, 60);
	m->seen[0].drained = 0;
}
/* Two captured samples have no ticks between them, and both are read when they are judged. */
static void captured(struct looks *m)
{
	m->moment.live = false;
	m->after.queues.at_s = m->before.queues.at_s + 0.001;
	m->after.queues.ticks = 0;
	m->after.queues.seen_count = 0;
}
static void captured_grows(struct looks *m)
{
	grows_slowly(m);
	captured(m);
}
static void captured_bursts(struct looks *m)
{
	bursts(m);
	captured(m);
}
static void waits_stopped(struct looks *m)
{
	unix_waits(m);
	m->process.state = 'T';
}
/* A server that --server names, whose tables are as large as its soft limit. */
static void sized(struct looks *m, const char *process, uint64_t soft)
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
static void sized_beyond_memory(struct looks *m) { sized(m, "haproxy", 1073741816); }
static void sized_by_gigabytes(struct looks *m) { sized(m, "uwsgi", 1073741816); }
static void sized_little(struct looks *m) { sized(m, "haproxy", 1048576); }
static void sized_by_nothing(struct looks *m) { sized(m, "nginx", 1073741816); }
static void sized_another(struct looks *m)
{
	sized_beyond_memory(m);
	m->before.queues.subject = m->after.queues.subject = NULL;
}

/* Another server has a socket of that name, in another mount namespace. */
static void unix_namesake_waits(struct looks *m)
{
	unix_waits(m);
	m->at[0][1] = m->at[1][1] = m->at[1][2];
	m->at[0][1].depth = m->at[1][1].depth = 0;
	m->at[0][1].cookie = m->at[1][1].cookie = 101;
}

static void waits_subject(struct looks *m)
{
	static struct listener own;
	static struct subject subject;
	unix_waits(m);
	own = m->at[1][2];
	subject = (struct subject){.listeners = {.count = 1, .at = &own}};
	m->after.queues.subject = &subject;
}

/* Full between the ticks: its drops are those that the kernel counted. */
static void one_drops_unseen(struct looks *m)
{
	m->at[1][0].drops = 500;
	m->at[1][1].drops = 3;
	counter_set(m, COUNTER_LISTEN_OVERFLOWS, 0, 490);
}
static void one_drops_among_strays(struct looks *m)
{
	one_drops_unseen(m);
	m->at[1][1].drops = 400;
}

/* Two listeners of one server, each by as much as it dropped. */
static void two_drop_unseen(struct looks *m)
{
	m->at[1][0].drops = 68;
	m->at[1][1].drops = 66;
	counter_set(m, COUNTER_LISTEN_OVERFLOWS, 0, 136);
}
/* Nine from which no process accepts; more wait there than at the subject's. */
static void others_wait(struct looks *m)
{
	static struct listener own;
	static struct subject subject;
	m->before.queues.listeners.count = m->after.queues.listeners.count = 10;
	m->after.queues.seen = m->many_seen;
	for (size_t i = 0; i < 10; i++) {
		char address[32];
		snprintf(address, sizeof(address), "127.0.0.1:%zu", 8000 + i);
		listener_make(m, i, LISTENER_TCP, address, 511);
		m->at[0][i].depth = m->at[1][i].depth = i < 9 ? 5 : 1;
		m->many_seen[m->after.queues.seen_count++] =
			(struct queue_seen){.cookie = 100 + i,
					    .waiting = OBSERVATION_TICKS,
					    .min = m->at[1][i].depth,
					    .last = m->at[1][i].depth};
	}
	own = m->at[1][9];
	subject = (struct subject){.listeners = {.count = 1, .at = &own}};
	m->after.queues.subject = &subject;
	counter_set(m, "Tcp.PassiveOpens", 100, 100);
}

static void group_stuck(struct looks *m)
{
	for (size_t i = 0; i < 8; i++)
		listener_make(m, i, LISTENER_TCP, "0.0.0.0:443", 511);
	m->before.queues.listeners.count = m->after.queues.listeners.count = 8;
	m->at[1][2].depth = 400;
	overflows(m, 5, 10);
}

static void at_limit(struct looks *m)
{
	stuck(m, 0, 0, 300);
	m->process.open = 1023;
}

static void at_limit_and_dropping(struct looks *m)
{
	stopped(m);
	m->process.open = 1024;
}

/* One limit, which fs.nr_open bounds, or its hard limit nothing. */
static void at_both_limits(struct looks *m)
{
	at_limit(m);
	m->process.soft = m->process.hard = 1048576;
	m->process.open = 1048575;
	strcpy(m->process.unit, "");
	strcpy(m->process.name, "app");
}
static void at_limit_of_an_unlimited_one(struct looks *m)
{
	at_both_limits(m);
	m->process.soft = 1024;
	m->process.open = 1023;
	m->process.hard = HOST_UNLIMITED;
	m->after.queues.nr_open = REPORT_NONE;
}

/* Its unit is one of a user's manager, or of a systemd in a container. */
static void at_limit_of_a_user(struct looks *m)
{
	at_limit(m);
	m->process.manager = UNIT_USER;
}
static void at_both_limits_of_a_user(struct looks *m)
{
	at_limit_of_a_user(m);
	m->process.hard = 1024;
}
static void at_limit_inside(struct looks *m)
{
	at_limit(m);
	m->process.manager = UNIT_INSIDE;
}

/* Some are left and nothing waits: nothing is wrong yet. */
static void at_limit_unasked(struct looks *m)
{
	at_limit(m);
	m->process.open = 1017;
	m->at[1][0].depth = 0;
}

/* None is left: it accepts and closes. */
static void closes_at_once(struct looks *m)
{
	at_limit_unasked(m);
	m->process.open = 1024;
	m->before.queues.listeners.processes = &m->process;
	m->before.queues.listeners.process_count = 1;
}
static void had_some_left(struct looks *m)
{
	static struct process fewer;
	closes_at_once(m);
	fewer = m->process;
	fewer.open = 900;
	m->before.queues.listeners.processes = &fewer;
}
static void subject_make(struct looks *m)
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
/* Two more sockets of its address are of another process. */
static void subject_has_siblings(struct looks *m)
{
	subject_make(m);
	m->at[1][0].owner = 0;
	listener_make(m, 1, LISTENER_TCP, "0.0.0.0:443", 8);
	listener_make(m, 2, LISTENER_TCP, "0.0.0.0:443", 64);
}
/* It has started again: its address has another socket than its own ones. */
static void subject_is_veiled(struct looks *m)
{
	static struct subject subject;
	subject_make(m);
	subject = *m->after.queues.subject;
	subject.veiled = 2;
	m->before.queues.subject = m->after.queues.subject = &subject;
}
static void subject_starts_again(struct looks *m)
{
	subject_make(m);
	m->at[1][0].cookie = 7;
}
/* A second one, which is not there now. */
static void subject_has_closed(struct looks *m, bool aside)
{
	static struct listener own[2];
	static struct subject subject;
	own[0] = own[1] = m->at[1][0];
	snprintf(own[1].address, sizeof(own[1].address), "0.0.0.0:40000");
	own[1].cookie = 77;
	own[1].limit = 1000;
	own[1].aside = aside;
	subject =
		(struct subject){.name = "ftpd", .pid = 812, .listeners = {.count = 2, .at = own}};
	m->before.queues.subject = m->after.queues.subject = &subject;
}
static void subject_closes_one(struct looks *m) { subject_has_closed(m, false); }
static void subject_ends_a_transfer(struct looks *m) { subject_has_closed(m, true); }
/* A management port, and UDP sockets that other hosts reach. */
static void subject_is_managed(struct looks *m, uint64_t datagrams_per_s)
{
	static struct listener own[2];
	static struct subject subject;
	listener_make(m, 0, LISTENER_TCP, "127.0.0.1:7505", 1);
	own[0] = m->at[1][0];
	own[0].aside = true;
	own[1] = (struct listener){
		.kind = LISTENER_UDP, .address = "udp:0.0.0.0:1194", .limit = 1000000, .owner = -1};
	subject = (struct subject){
		.name = "openvpn", .pid = 812, .listeners = {.count = 2, .at = own}};
	m->before.queues.subject = m->after.queues.subject = &subject;
	m->target.datagrams_per_s = datagrams_per_s;
}
static void subject_is_managed_only(struct looks *m) { subject_is_managed(m, 0); }
static void subject_is_managed_too(struct looks *m) { subject_is_managed(m, 100); }
/* A UDP socket on a port of the kernel's choice, whose buffer holds 434 datagrams of a card, 205 of
 * one that gives each a page, or 144 of three fragments each; 200 arrive in a stall, or 220. */
static void subject_has_datagrams_aside(struct looks *m, uint64_t bytes)
{
	static struct listener own[2];
	static struct subject subject;
	for (size_t i = 0; i < 2; i++)
		own[i] = (struct listener){.kind = LISTENER_UDP, .limit = 1000000, .owner = -1};
	snprintf(own[0].address, sizeof(own[0].address), "udp:0.0.0.0:1194");
	snprintf(own[1].address, sizeof(own[1].address), "udp:0.0.0.0:40000");
	own[1].aside = true;
	subject = (struct subject){
		.name = "openvpn", .pid = 812, .listeners = {.count = 2, .at = own}};
	m->before.queues.subject = m->after.queues.subject = &subject;
	m->target.datagrams_per_s = 2000;
	m->target.datagram_bytes = bytes;
}
static void datagrams_fit_aside(struct looks *m) { subject_has_datagrams_aside(m, 1200); }
static void datagrams_do_not_at_a_page_each(struct looks *m)
{
	subject_has_datagrams_aside(m, 1200);
	m->target.datagrams_per_s = 2200;
	m->after.queues.page = true;
}
static void datagrams_fit_at_half_a_page(struct looks *m)
{
	datagrams_do_not_at_a_page_each(m);
	m->after.queues.page = false;
}
static void large_datagrams_do_not(struct looks *m) { subject_has_datagrams_aside(m, 4000); }
/* A shutdown port, and one that has clients. */
static void subject_serves_on_loopback(struct looks *m)
{
	static struct listener own[3];
	static struct subject subject;
	listener_make(m, 0, LISTENER_TCP, "0.0.0.0:8080", 4096);
	listener_make(m, 1, LISTENER_TCP, "127.0.0.1:8005", 1);
	listener_make(m, 2, LISTENER_TCP, "127.0.0.1:8009", 100);
	memcpy(own, m->at[1], sizeof(own));
	own[1].aside = own[2].aside = own[2].used = true;
	own[2].clients = 40;
	subject =
		(struct subject){.name = "java", .pid = 812, .listeners = {.count = 3, .at = own}};
	m->before.queues.subject = m->after.queues.subject = &subject;
}
static void subject_closes_at_once(struct looks *m)
{
	closes_at_once(m);
	subject_make(m);
}
/* fs.file-max is 100 000. */
static void files_are(struct looks *m, uint64_t before, uint64_t after)
{
	m->before.files = (struct host_files){before, 100000};
	m->after.files = (struct host_files){after, 100000};
}
static void files_of_the_machine_are_spent(struct looks *m) { files_are(m, 99901, 100000); }
static void files_of_the_machine_are_nearly_spent(struct looks *m) { files_are(m, 95001, 100003); }
static void files_of_the_machine_were_spent(struct looks *m) { files_are(m, 100000, 95000); }
/* Its server's user, and the machine, have so many processes and threads. */
static void tasks_are(struct looks *m, struct subject_tasks before, struct subject_tasks after)
{
	subject_make(m);
	m->at[1][0].owner = 0;
	m->before.tasks = before;
	m->after.tasks = after;
}
#define TASKS(used, max) ((struct subject_tasks){812, max, used, 400, 63000, 32468})
static void processes_are_spent(struct looks *m) { tasks_are(m, TASKS(150, 150), TASKS(151, 150)); }
static void processes_are_spent_inside(struct looks *m)
{
	static struct subject subject;
	processes_are_spent(m);
	subject = *m->after.queues.subject;
	subject.manager = UNIT_INSIDE;
	strcpy(subject.unit, "nginx.service");
	m->before.queues.subject = m->after.queues.subject = &subject;
}
static void processes_were_spent(struct looks *m)
{
	tasks_are(m, TASKS(150, 150), TASKS(149, 150));
}
static void processes_are_unlimited(struct looks *m)
{
	tasks_are(m, TASKS(150, HOST_UNLIMITED), TASKS(150, HOST_UNLIMITED));
}
static void threads_are_spent(struct looks *m)
{
	const struct subject_tasks t = {
		.pid = 812, .max = HOST_UNLIMITED, .threads_max = 400, .threads = 400};
	tasks_are(m, t, t);
}
static void pids_are_spent(struct looks *m)
{
	const struct subject_tasks t = {.pid = 812,
					.max = HOST_UNLIMITED,
					.threads_max = 4000,
					.threads = 724,
					.pids_max = 724};
	tasks_are(m, t, t);
}
static void pids_are_left(struct looks *m)
{
	const struct subject_tasks t = {.pid = 812,
					.max = HOST_UNLIMITED,
					.threads_max = 4000,
					.threads = 723,
					.pids_max = 724};
	tasks_are(m, t, t);
}
/* One of the workers that share the listener of process 812. */
static void worker_stuck(struct looks *m, char state, uint64_t open)
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
static void worker_stopped(struct looks *m) { worker_stuck(m, 'T', 12); }
static void worker_traced(struct looks *m) { worker_stuck(m, 't', 12); }
static void worker_out_of_files(struct looks *m) { worker_stuck(m, 'S', 1024); }
/* Clients wait at the second of two listeners: none of the workers has a descriptor left. */
static void worker_lets_wait(struct looks *m)
{
	static struct listener own[2];
	static struct subject subject;
	worker_out_of_files(m);
	stuck(m, 1, 0, 32);
	memcpy(own, m->at[1], sizeof(own));
	subject = *m->after.queues.subject;
	subject.listeners = (struct listeners){.count = 2, .at = own};
	m->before.queues.subject = m->after.queues.subject = &subject;
}
static void worker_was_stopped(struct looks *m)
{
	worker_stopped(m);
	m->before.queues.stuck_count = 0;
}
/* So many of its workers, from pid 813 on; the last one in a state of its own. */
static void workers_stuck(struct looks *m, size_t count, char state, char last)
{
	static struct process workers[64];
	static struct subject subject;
	worker_stuck(m, state, 12);
	subject = *m->after.queues.subject;
	subject.acceptor_count = count > 4 ? count : 4;
	m->before.queues.subject = m->after.queues.subject = &subject;
	for (size_t i = 0; i < count; i++) {
		workers[i] = *m->after.queues.stuck;
		workers[i].pid = 813 + (pid_t)i;
		workers[i].state = i + 1 < count ? state : last;
	}
	m->before.queues.stuck = m->after.queues.stuck = workers;
	m->before.queues.stuck_count = m->after.queues.stuck_count = count;
}
static void workers_stopped(struct looks *m) { workers_stuck(m, 2, 'T', 'T'); }
static void workers_stopped_or_traced(struct looks *m) { workers_stuck(m, 3, 'T', 't'); }
static void many_workers_stopped(struct looks *m) { workers_stuck(m, 40, 'T', 'T'); }
/* All of it reads datagrams. */
static void readers_stopped(struct looks *m)
{
	static struct listener own;
	static struct subject subject;
	workers_stopped(m);
	subject = *m->after.queues.subject;
	own = (struct listener){.kind = LISTENER_UDP, .port = 443};
	subject.listeners = (struct listeners){.count = 1, .at = &own};
	m->before.queues.subject = m->after.queues.subject = &subject;
}
static void workers_stopped_and_dropping(struct looks *m)
{
	stopped(m);
	workers_stopped(m);
	m->process.pid = 814;
	m->process.root = 812;
}
/* The queue has filled in the window. */
static void stopped_and_filled(struct looks *m)
{
	stopped(m);
	m->seen[0].full = 3;
}

/* Without --server. */
static void quiet_and_halted(struct looks *m)
{
	m->process.state = 'T';
	m->at[0][0].owner = m->at[1][0].owner = 0;
	m->before.queues.listeners.processes = &m->process;
	m->before.queues.listeners.process_count = 1;
}
/* What the queue says names it. */
static void quiet_and_frozen(struct looks *m)
{
	quiet_and_halted(m);
	m->process.state = 'S';
	report_text(m->process.waits_in, "%s", PROCESS_FREEZER);
	m->process.wait = WAIT_FROZEN;
}

/* Without --server. */
static void suspended_on_loopback(struct looks *m, uint32_t depth)
{
	listener_make(m, 0, LISTENER_TCP, "127.0.0.1:9229", 511);
	stuck(m, 0, 0, depth);
	m->process.state = 'T';
}
static void debugger_suspended(struct looks *m) { suspended_on_loopback(m, 1); }
static void backend_suspended(struct looks *m) { suspended_on_loopback(m, 2); }

static void in_containers(struct looks *m)
{
	static struct netns_elsewhere at[] = {
		{.netns = 1, .pid = 812, .name = "nginx", .listens = true},
		{.netns = 2, .pid = 7, .name = "a", .unread = true}};
	m->before.elsewhere = m->after.elsewhere = (struct listeners_elsewhere){2, at};
}
static void in_too_many_containers(struct looks *m)
{
	in_containers(m);
	m->after.elsewhere.at++;
	m->after.elsewhere.count--;
}
static void in_containers_of_others(struct looks *m)
{
	static struct netns_elsewhere at[] = {
		{.netns = 1, .pid = 812, .name = "pause", .denied = true},
		{.netns = 2, .pid = 7, .name = "a"}};
	m->before.elsewhere = m->after.elsewhere = (struct listeners_elsewhere){2, at};
}
static void in_containers_without_listeners(struct looks *m)
{
	static struct netns_elsewhere at[] = {{.netns = 1, .pid = 812, .name = "sleep"}};
	m->after.elsewhere = (struct listeners_elsewhere){1, at};
}
static void dropping_elsewhere(struct looks *m, int64_t drops, int64_t overflows)
{
	static struct netns_elsewhere before[3], after[3];
	for (size_t i = 0; i < 3; i++)
		before[i] = after[i] = (struct netns_elsewhere){
			.netns = 1 + i, .pid = 1, .name = "sh", .drops = 5, .overflows = 5};
	after[1].drops += drops;
	after[1].overflows += overflows;
	/* Another namespace than before. */
	after[2] = (struct netns_elsewhere){
		.netns = 9, .pid = 2, .name = "sh", .drops = 99, .overflows = 99};
	m->before.elsewhere = (struct listeners_elsewhere){3, before};
	m->after.elsewhere = (struct listeners_elsewhere){3, after};
}
static void overflows_elsewhere(struct looks *m) { dropping_elsewhere(m, 40, 40); }
static void drops_elsewhere(struct looks *m) { dropping_elsewhere(m, 1, 0); }
/* It may be another listener of that namespace. */
static void overflows_elsewhere_beside_one(struct looks *m)
{
	overflows_elsewhere(m);
	m->after.elsewhere.at[1].listens = true;
}
static void dropped_elsewhere_before(struct looks *m) { dropping_elsewhere(m, 0, 0); }
static void drops_unknown_elsewhere(struct looks *m) { dropping_elsewhere(m, -6, -6); }

static void full_and_halted(struct looks *m)
{
	quiet_and_halted(m);
	full_and_quiet(m);
}

static void waits_for_a_moment(struct looks *m)
{
	at_limit(m);
	m->seen[0].waiting = 3;
}

static void limit_unknown(struct looks *m)
{
	at_limit(m);
	m->process.soft = m->process.hard = 0;
}

static void unlimited(struct looks *m)
{
	at_limit(m);
	m->process.soft = m->process.hard = HOST_UNLIMITED;
}

static void cookies_now(struct looks *m)
{
	counter_set(m, COUNTER_SYN_COOKIES, 100, 350);
	m->at[1][1].half_open = 129;
}

/* Another one has half-open connections, as many as any has. */
static void cookies_between_the_looks(struct looks *m)
{
	cookies_now(m);
	counter_set(m, "TcpExt.TCPDeferAcceptDrop", 11, 11);
	m->at[1][0].half_open = 1;
	m->at[1][1].half_open = 0;
}
/* TCP_DEFER_ACCEPT keeps handshakes without data half open. */
static void cookies_by_defer_accept(struct looks *m)
{
	cookies_now(m);
	counter_set(m, "TcpExt.TCPDeferAcceptDrop", 11, 11);
}

/* Nothing arrives: none is accepted. */
static void stops_among_cookies(struct looks *m)
{
	stuck(m, 0, 0, 16);
	counter_set(m, "Tcp.PassiveOpens", 100, 100);
	cookies_now(m);
}
/* net.ipv4.tcp_syncookies=2 answers every SYN with one. */
static void cookies_always(struct looks *m)
{
	counter_set(m, COUNTER_SYN_COOKIES, 100, 350);
	m->after.queues.cookies = 2;
}
static void cookies_once(struct looks *m) { counter_set(m, COUNTER_SYN_COOKIES, 181003, 181003); }

/* Without cookies the kernel drops the SYNs of new clients beyond three quarters: 49 of 64. */
static void syns_drop(struct looks *m)
{
	m->after.queues.cookies = 0;
	m->after.queues.max_syn = 64;
	m->at[1][0].half_open = 49;
	m->at[1][0].drops = 23;
	counter_set(m, COUNTER_LISTEN_OVERFLOWS, 7, 7);
	counter_set(m, "TcpExt.ListenDrops", 7, 30);
}
/* One handshake has just ended. */
static void syns_drop_with_room(struct looks *m)
{
	syns_drop(m);
	m->at[1][0].half_open = 48;
}
static void syns_drop_at_the_backlog(struct looks *m)
{
	syns_drop(m);
	m->after.queues.max_syn = 4096;
	m->at[1][1].half_open = 128;
	m->at[1][0].drops = 0;
	m->at[1][1].drops = 23;
}
/* A scanner keeps the queue of one full that drops none: another one does, which has room now. */
static void syns_drop_beside_a_full_one(struct looks *m)
{
	syns_drop(m);
	m->at[1][0].half_open = 40;
	m->at[0][1].limit = m->at[1][1].limit = 1;
	m->at[1][1].half_open = 2;
}
static void syns_drop_beside_one_that_drops(struct looks *m)
{
	syns_drop_beside_a_full_one(m);
	m->at[1][1].drops = 5;
	m->at[1][0].drops = 18;
}
/* Both others dropped more than that. */
static void syns_drop_unnamed_beside_a_full_one(struct looks *m)
{
	syns_drop_beside_a_full_one(m);
	listener_make(m, 2, LISTENER_TCP, "0.0.0.0:80", 511);
	m->at[1][2].drops = 25;
}
/* What was dropped met a full accept queue. */
static void syns_overflow(struct looks *m)
{
	syns_drop(m);
	m->after.queues.counters.at[0].value = 30;
}
static void syns_fit(struct looks *m)
{
	syns_drop(m);
	m->at[1][0].half_open = 40;
	m->at[1][0].drops = 0;
}
static void syns_get_cookies(struct looks *m)
{
	syns_drop(m);
	m->after.queues.cookies = 1;
}
/* Bursts of SYNs between the looks: the listener's drops are those of ListenDrops. */
static void syns_lost(struct looks *m)
{
	syns_drop(m);
	m->at[1][0].half_open = 0;
	m->at[0][0].drops = UINT32_MAX - 9; /* wraps */
	m->at[1][0].drops = 13;
}
static void syns_lost_by_the_subject(struct looks *m)
{
	syns_lost(m);
	subject_make(m);
}
/* Of several sockets of an address. */
static void syns_lost_by_two_sockets(struct looks *m)
{
	syns_lost(m);
	listener_make(m, 1, LISTENER_TCP, "0.0.0.0:443", 511);
	m->at[1][0].drops = 1;
	m->at[1][1].drops = 12;
}
static void syns_lost_by_either(struct looks *m)
{
	syns_lost(m);
	m->at[1][1].drops = 20;
}
/* The backlog of both met bursts. */
static void syns_lost_by_both(struct looks *m)
{
	syns_lost_by_the_subject(m);
	m->at[1][0].drops = 1;
	m->at[1][1].drops = 12;
}
static void syns_drop_at_two(struct looks *m)
{
	syns_drop(m);
	m->at[1][0].drops = 10;
	m->at[1][1].half_open = 49;
	m->at[1][1].drops = 13;
}
static void syns_drop_by_defer_accept(struct looks *m)
{
	syns_drop(m);
	counter_set(m, "TcpExt.TCPDeferAcceptDrop", 11, 11);
}
/* The kernel counts these apart. */
static void syns_lost_at_the_backlog_by_either(struct looks *m)
{
	syns_lost_by_either(m);
	counter_set(m, "TcpExt.TCPReqQFullDrop", 0, 23);
}
/* ICMP errors end half-open connections, and some packets have no route back. */
static void half_open_end(struct looks *m)
{
	syns_lost_by_the_subject(m);
	counter_set(m, "Icmp.InDestUnreachs", 0, 12);
	counter_set(m, "Icmp6.InDestUnreachs", 100, 110);
	counter_set(m, "Ip.OutNoRoutes", 0, 1);
}
static void syns_lost_among_errors(struct looks *m)
{
	syns_lost_by_the_subject(m);
	counter_set(m, "Icmp.InDestUnreachs", 0, 12);
}
static void half_open_end_with_cookies(struct looks *m)
{
	syns_lost_by_the_subject(m);
	m->after.queues.cookies = 1;
}

/* Too short for any look, but counted. */
static void overflow_unseen(struct looks *m) { counter_set(m, COUNTER_LISTEN_OVERFLOWS, 5, 6); }

static void unlisted(struct looks *m)
{
	m->after.queues.listeners.count = m->after.queues.listeners.process_count = 0;
	m->after.live = true;
	err_set(&m->after.unlisted, EOPNOTSUPP, "sock_diag: Object not found");
}

static void unreadable(struct looks *m)
{
	unlisted(m);
	m->after.unlisted.code = EACCES;
}

static void without_unix_diag(struct looks *m)
{
	m->after.queues.listeners.unlisted = 1u << LISTENER_UNIX;
}

static void without_unix_diag_of_tcp(struct looks *m)
{
	sized(m, "nginx", 1024);
	without_unix_diag(m);
}

static void uncaptured(struct looks *m)
{
	m->after.queues.listeners.count = m->after.queues.listeners.process_count = 0;
	err_set(&m->after.unlisted, EOPNOTSUPP, "a captured machine has no sockets");
}

static void hidden(struct looks *m)
{
	stuck(m, 0, 0, 300);
	m->at[1][0].owner = -1;
	m->after.queues.listeners.process_count = 0;
	m->after.queues.listeners.hidden = true;
}

static void in_another_pid_namespace(struct looks *m)
{
	hidden(m);
	m->after.queues.listeners.hidden = false;
	m->after.queues.listeners.apart = true;
}

static void of_the_kernel(struct looks *m)
{
	hidden(m);
	m->after.queues.listeners.hidden = false;
	m->after.queues.listeners.unheld = true;
}

static void unsearched(struct looks *m)
{
	bursts_unknown_owner(m);
	m->after.queues.listeners.cut = true;
}

static void since_set(struct looks *m, const char *boot)
{
	struct host_identity here = {0};
	report_text(here.boot, "%s", boot);
	m->before.queues.since = since_make(&m->options, &here, &m->before.queues.counters);
	m->after.queues.since = since_make(&m->options, &here, &m->after.queues.counters);
}

/* An earlier report, two hours ago: ListenOverflows grew by so many since then. */
static void since_report(struct looks *m, int64_t overflows)
{
	counter_set(m, COUNTER_LISTEN_OVERFLOWS, 5000, 5000);
	report_init(&earlier);
	earlier.time.tv_sec = 1795852800;
	report_counter(&earlier, COUNTER_LISTEN_OVERFLOWS, 5000 - overflows);
	for (size_t i = 0; i < m->after.queues.listeners.count; i++) {
		struct report_listener *l = report_listener(&earlier);
		l->cookie = m->at[1][i].cookie;
		report_text(l->address, "%s", m->at[1][i].address);
	}
	m->options.since = &earlier;
	since_set(m, "");
}

static void dropped(struct looks *m, size_t n, uint32_t drops)
{
	m->at[0][n].drops = m->at[1][n].drops = drops;
	m->at[1][n].owner = 0;
}

/* The other one dropped strays only. */
static void dropped_earlier(struct looks *m)
{
	dropped(m, 0, 1751);
	dropped(m, 1, 20);
	since_report(m, 1751);
}

static void dropped_with_strays(struct looks *m)
{
	m->before.queues.somaxconn = m->after.queues.somaxconn = 511;
	dropped(m, 0, 1800);
	since_report(m, 1751);
}

static void dropped_strays_only(struct looks *m)
{
	dropped(m, 0, 1800);
	since_report(m, 0);
}

static void dropped_before_the_report(struct looks *m)
{
	dropped(m, 0, 1751);
	since_report(m, 1751);
	earlier.listeners[0].drops = 1751;
}

static void dropped_before_a_reboot(struct looks *m)
{
	dropped(m, 0, 40);
	since_report(m, 0);
	report_text(earlier.host.boot, "boot-1");
	earlier.counters[0].value = 9000;
	m->options.since = &earlier;
	since_set(m, "boot-2");
}

static void group_dropped_earlier(struct looks *m)
{
	for (size_t i = 0; i < 8; i++) {
		listener_make(m, i, LISTENER_TCP, "0.0.0.0:443", 511);
		m->at[0][i].drops = m->at[1][i].drops = i == 5 ? 700 : 10;
	}
	m->at[1][5].owner = 0;
	m->before.queues.listeners.count = m->after.queues.listeners.count = 8;
	since_report(m, 1000);
}

/* The subject's dropped less than three others. */
static void subject_dropped_earlier(struct looks *m)
{
	dropped(m, 0, 300);
	for (size_t i = 1; i < 5; i++) {
		char address[32];
		snprintf(address, sizeof(address), "0.0.0.0:%zu", 9000 + i);
		listener_make(m, i, LISTENER_TCP, address, 511);
		m->at[0][i].drops = m->at[1][i].drops = 900;
	}
	m->before.queues.listeners.count = m->after.queues.listeners.count = 5;
	since_report(m, 3900);
	subject_make(m);
}

static void many_dropped_earlier(struct looks *m)
{
	char address[32];
	m->before.queues.listeners.count = m->after.queues.listeners.count = 12;
	for (size_t i = 0; i < 12; i++) {
		snprintf(address, sizeof(address), "0.0.0.0:%zu", 100 + i);
		listener_make(m, i, LISTENER_TCP, address, 511);
		m->at[0][i].drops = m->at[1][i].drops = 50 + (uint32_t)i;
	}
	since_report(m, 1000);
}

static void look_twice(void (*plant)(struct looks *))
{
	static struct looks m;
	healthy(&m);
	plant(&m);
	report_init(&report);
	report.time.tv_sec = 1795852800 + 7200;
	observation.judge(&m.before, &m.after, &m.moment, &report);
}

static void look_once(void (*plant)(struct looks *))
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

#define GROWING "accept-queue.growing"
#define STANDING "accept-queue.standing"
#define DROPPED "accept-queue.dropped warning"
#define DROPPING "accept-queue.overflowing critical"
#define FILTERED "syn-queue.filtered warning"

static void each_look_gets_its_findings(void **state)
{
	static const struct {
		void (*plant)(struct looks *);
		const char *twice, *once;
	} rows[] = {
		{bursts, DROPPING, "accept-queue.full warning"},
		{paused, DROPPING ", accept-queue.slow critical", "accept-queue.full critical"},
		{stopped, DROPPING ", accept-queue.slow critical", "accept-queue.full critical"},
		{stopped_and_filled, DROPPING ", accept-queue.slow critical",
		 "accept-queue.full critical"},
		{busy, DROPPING ", accept-queue.slow critical", "accept-queue.full warning"},
		{busy_for_a_stall, DROPPING, "accept-queue.full warning"},
		{stopped_for_a_stall, DROPPING ", accept-queue.slow critical",
		 "accept-queue.full critical"},
		{stopped_ipv6, DROPPING ", accept-queue.slow critical",
		 "accept-queue.full critical"},
		{bursts_at_somaxconn, DROPPING, "accept-queue.full warning"},
		{bursts_unknown_owner, DROPPING, "accept-queue.full warning"},
		{group_stuck, DROPPING ", accept-queue.slow critical", "accept-queue.full warning"},
		{strays, "", ""},
		{filters, FILTERED, ""},
		{filters_by_key, FILTERED, ""},
		{filters_some, "", ""},
		{filters_few, "", ""},
		{filters_of_many, "", ""},
		{resets, "", ""},
		{answers_are_lost, "", ""},
		{half_open_uncounted, "", ""},
		{defers, "", ""},
		{answers_with_cookies, "", ""},
		{was_full_once, "", ""},
		{full_and_strays, "accept-queue.full warning", "accept-queue.full warning"},
		{full_and_quiet, "accept-queue.full critical", "accept-queue.full critical"},
		{made_anew, "accept-queue.full critical", "accept-queue.full critical"},
		{unix_full, "accept-queue.unix.full critical", "accept-queue.unix.full warning"},
		{unix_full_once, "accept-queue.unix.full warning",
		 "accept-queue.unix.full warning"},
		{unix_was_full, "accept-queue.unix.full warning", ""},
		{unix_was_full_once, "accept-queue.unix.full warning", ""},
		{unix_was_full_at_first, "accept-queue.unix.full warning", ""},
		{unix_serves_slowly, STANDING " warning", ""},
		{unix_serves_fast, "", ""},
		{unix_serves_soon, "", ""},
		{unix_subject_serves_soon, STANDING " warning", ""},
		{unix_subject_serves_too_slowly, STANDING " critical", ""},
		{unix_subject_refuses_too, "accept-queue.unix.full critical", ""},
		{unix_serves_none, "accept-queue.waiting warning", ""},
		{unix_waits, "accept-queue.waiting warning", ""},
		{waits_and_falls, "", ""},
		{grows_slowly, GROWING " warning", STANDING " note"},
		{subject_grows, GROWING " critical", STANDING " note"},
		{grows_between_the_ticks, GROWING " warning", STANDING " note"},
		{grows_beside_another, "accept-queue.waiting warning", STANDING " note"},
		{one_of_a_group_waits, "accept-queue.waiting warning", ""},
		{one_of_a_group_grows, "accept-queue.waiting warning", ""},
		{grows_unaccepted, "accept-queue.waiting warning", STANDING " note"},
		{slow_but_steady, STANDING " warning", STANDING " note"},
		{stands, STANDING " warning", STANDING " note"},
		{accepts_less_than_needed, STANDING " critical", STANDING " note"},
		{accepts_as_many_as_needed, STANDING " warning", STANDING " note"},
		{stands_for_a_stall, STANDING " note", STANDING " note"},
		{was_empty_once, "", STANDING " note"},
		{stands_among_others, STANDING " note", STANDING " note"},
		{stands_and_is_fast, "", ""},
		{one_of_a_group_was_empty, STANDING " note, listeners.siblings note",
		 STANDING " note, listeners.siblings note"},
		{grows_by_chance, STANDING " warning", STANDING " note"},
		{drains, "", STANDING " note"},
		{began_to_grow, "", STANDING " note"},
		{grows_for_a_burst, "", STANDING " note"},
		{socket_is_new, STANDING " note", STANDING " note"},
		{stalls_as_allowed, "", ""},
		{subject_stalls_as_allowed, "accept-queue.waiting warning", ""},
		{subject_is_stopped_as_long, "accept-queue.waiting critical",
		 "accept-queue.waiting critical"},
		{accepts_within_a_stall, "", ""},
		{loops, "", ""},
		{subject_loops, "", ""},
		{subject_loops_slowly, STANDING " critical", ""},
		{loops_with_others, "", ""},
		{loops_with_one_that_waits, "", ""},
		{hangs_with_others, "accept-queue.waiting critical", ""},
		{hangs_while_one_comes, "accept-queue.waiting critical", ""},
		{hangs_while_one_gives_up, "accept-queue.waiting critical", ""},
		{hangs_beside_one_that_accepts,
		 "accept-queue.waiting critical, listeners.siblings note",
		 "listeners.siblings note"},
		{subject_hangs, "accept-queue.waiting critical", ""},
		{stalls_as_seen, "accept-queue.waiting warning", ""},
		{group_grows, GROWING " warning", STANDING " note"},
		{unix_grows, GROWING " warning", ""},
		{captured_grows, GROWING " warning", STANDING " note"},
		{captured_bursts, DROPPING, "accept-queue.full warning"},
		{waits_stopped, "accept-queue.waiting critical", "accept-queue.waiting critical"},
		{waits_subject, "accept-queue.waiting critical", ""},
		{one_drops_unseen, DROPPING, ""},
		{one_drops_among_strays, "counters.growing warning", ""},
		{two_drop_unseen, DROPPING ", " DROPPING, ""},
		{at_limit, "descriptors.process.exhausted critical",
		 "descriptors.process.exhausted critical"},
		{at_limit_and_dropping,
		 DROPPING ", accept-queue.slow critical, descriptors.process.exhausted critical",
		 "accept-queue.full critical, descriptors.process.exhausted critical"},
		{at_limit_unasked, "", ""},
		{closes_at_once, "descriptors.process.exhausted warning",
		 "descriptors.process.exhausted warning"},
		{had_some_left, "", "descriptors.process.exhausted warning"},
		{subject_closes_at_once, "descriptors.process.exhausted critical",
		 "descriptors.process.exhausted critical"},
		{subject_has_siblings, "listeners.siblings note", "listeners.siblings note"},
		{subject_starts_again, "listeners.closed critical", "listeners.closed critical"},
		{subject_closes_one, "listeners.closed critical", "listeners.closed critical"},
		{subject_ends_a_transfer, "", ""},
		{subject_is_managed_only, "listeners.aside warning", "listeners.aside warning"},
		{subject_is_managed_too, "listeners.aside note", "listeners.aside note"},
		{datagrams_fit_aside, "", ""},
		{datagrams_fit_at_half_a_page, "", ""},
		{datagrams_do_not_at_a_page_each, "listeners.aside note", "listeners.aside note"},
		{large_datagrams_do_not, "listeners.aside note", "listeners.aside note"},
		{subject_serves_on_loopback, "listeners.aside warning, listeners.aside note",
		 "listeners.aside warning, listeners.aside note"},
		{files_of_the_machine_are_spent, "descriptors.system.exhausted critical",
		 "descriptors.system.exhausted critical"},
		{files_of_the_machine_are_nearly_spent, "descriptors.system.exhausted warning",
		 "descriptors.system.exhausted critical"},
		{files_of_the_machine_were_spent, "", ""},
		{processes_are_spent, "listeners.processes critical",
		 "listeners.processes critical"},
		{processes_were_spent, "", ""},
		{processes_are_unlimited, "", ""},
		{threads_are_spent, "listeners.processes critical", "listeners.processes critical"},
		{pids_are_spent, "listeners.processes critical", "listeners.processes critical"},
		{pids_are_left, "", ""},
		{worker_stopped, "listeners.halted critical", "listeners.halted critical"},
		{workers_stopped, "listeners.halted critical", "listeners.halted critical"},
		{worker_traced, "listeners.halted warning", "listeners.halted warning"},
		{worker_out_of_files, "descriptors.process.exhausted critical",
		 "descriptors.process.exhausted critical"},
		{worker_was_stopped, "", "listeners.halted critical"},
		{quiet_and_halted, "listeners.halted warning", "listeners.halted warning"},
		{debugger_suspended, "accept-queue.waiting warning",
		 "accept-queue.waiting warning"},
		{backend_suspended, "accept-queue.waiting critical",
		 "accept-queue.waiting critical"},
		{in_containers, "listeners.elsewhere note", "listeners.elsewhere note"},
		{in_too_many_containers, "listeners.elsewhere note", "listeners.elsewhere note"},
		{in_containers_of_others, "listeners.elsewhere note", "listeners.elsewhere note"},
		{in_containers_without_listeners, "", ""},
		{overflows_elsewhere, "listeners.elsewhere.dropping warning", ""},
		{drops_elsewhere, "listeners.elsewhere.dropping warning", ""},
		{dropped_elsewhere_before, "", ""},
		{drops_unknown_elsewhere, "", ""},
		{quiet_and_frozen, "listeners.halted warning", "listeners.halted warning"},
		{full_and_halted, "accept-queue.full critical", "accept-queue.full critical"},
		{waits_for_a_moment, "", "descriptors.process.exhausted critical"},
		{limit_unknown, "accept-queue.waiting warning", STANDING " note"},
		{unlimited, "accept-queue.waiting warning", STANDING " note"},
		{sized_beyond_memory, "descriptors.process.large warning",
		 "descriptors.process.large warning"},
		{sized_by_gigabytes, "descriptors.process.large note",
		 "descriptors.process.large note"},
		{sized_little, "", ""},
		{sized_by_nothing, "", ""},
		{sized_another, "", ""},
		{cookies_now, "syn-queue.cookies warning", "syn-queue.cookies note"},
		{cookies_between_the_looks, "syn-queue.cookies warning", "syn-queue.cookies note"},
		{cookies_always, "syn-queue.cookies note", "syn-queue.cookies note"},
		{cookies_once, "syn-queue.cookies note", "syn-queue.cookies note"},
		{syns_drop, "syn-queue.dropping critical", "syn-queue.dropping warning"},
		{syns_drop_with_room, "syn-queue.dropping critical", "syn-queue.dropping warning"},
		{syns_drop_at_the_backlog, "syn-queue.dropping critical",
		 "syn-queue.dropping warning"},
		{syns_drop_beside_a_full_one,
		 "syn-queue.dropping warning, syn-queue.dropping warning",
		 "syn-queue.dropping warning"},
		{syns_drop_beside_one_that_drops,
		 "syn-queue.dropping warning, syn-queue.dropping critical",
		 "syn-queue.dropping warning"},
		{syns_drop_unnamed_beside_a_full_one,
		 "syn-queue.dropping warning, counters.growing warning",
		 "syn-queue.dropping warning"},
		{syns_overflow, DROPPING ", syn-queue.dropping warning",
		 "syn-queue.dropping warning"},
		{syns_fit, "counters.growing warning", ""},
		{syns_get_cookies, "", ""},
		{syns_lost, "syn-queue.dropping warning", ""},
		{syns_lost_by_the_subject, "syn-queue.dropping critical", ""},
		{syns_lost_by_two_sockets, "syn-queue.dropping warning", ""},
		{syns_lost_by_either, "counters.growing warning", ""},
		{syns_lost_at_the_backlog_by_either, "counters.growing warning", ""},
		{syns_lost_by_both, "syn-queue.dropping critical, syn-queue.dropping warning", ""},
		{syns_drop_at_two, "syn-queue.dropping critical, syn-queue.dropping critical",
		 "syn-queue.dropping warning, syn-queue.dropping warning"},
		{half_open_end, "", ""},
		{half_open_end_with_cookies, "", ""},
		{syns_lost_among_errors, "syn-queue.dropping critical", ""},
		{overflow_unseen, "counters.growing warning", ""},
		{dropped_earlier, DROPPED, DROPPED},
		{dropped_with_strays, DROPPED, DROPPED},
		{dropped_strays_only, "", ""},
		{dropped_before_the_report, "", ""},
		{dropped_before_a_reboot, DROPPED, DROPPED},
		{group_dropped_earlier, DROPPED, DROPPED},
		{many_dropped_earlier, DROPPED ", " DROPPED ", " DROPPED,
		 DROPPED ", " DROPPED ", " DROPPED},
		{unlisted, "listeners.unlisted warning", "listeners.unlisted warning"},
		{unreadable, "", ""},
		{without_unix_diag_of_tcp, "", ""},
		{without_unix_diag, "listeners.unlisted warning", "listeners.unlisted warning"},
		{uncaptured, "listeners.uncaptured warning", "listeners.uncaptured warning"},
		{subject_is_veiled, "listeners.veiled skipped", "listeners.veiled skipped"},
		{hidden, "accept-queue.waiting warning, listeners.hidden skipped",
		 STANDING " note, listeners.hidden skipped"},
		{in_another_pid_namespace, "accept-queue.waiting warning, listeners.hidden skipped",
		 STANDING " note, listeners.hidden skipped"},
		{of_the_kernel, "accept-queue.waiting warning", STANDING " note"},
		{unsearched, DROPPING ", listeners.unsearched warning",
		 "accept-queue.full warning, listeners.unsearched warning"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char row[32];
		snprintf(row, sizeof(row), "row %zu", i);
		look_twice(rows[i].plant);
		findings_are(row, &report, rows[i].twice);
		look_once(rows[i].plant);
		findings_are(row, &report, rows[i].once);
	}
}

/* A backlog of 511 holds 512: "512 of 511" would be no evidence. */
static void the_evidence_of_a_full_queue_fits(void **state)
{
	look_once(bursts_unknown_owner);
	const struct finding *f = &report.findings[0];
	assert_string_equal(f->evidence[0].name, "accept queue");
	assert_string_equal(f->evidence[1].name, "its capacity");
	assert_true(f->evidence[0].at_current == 512 && f->evidence[1].at_current == 512);
}

/* One that is at its limit of descriptors accepts none with any backlog. */
static void one_sample_or_an_unknown_process_shows_no_backlog_that_helps(void **state)
{
	static const struct {
		void (*plant)(struct looks *);
		const char *advice;
	} rows[] = {
		{bursts, "One sample does not show whether a longer queue helps: run the check "
			 "without --quick."},
		{bursts_unknown_owner,
		 "Run the check as root to see the process. A longer backlog helps only a server "
		 "that accepts."},
		{unsearched,
		 "Find the pid of its process with ss -lnp and run the check with --server PID. A "
		 "longer backlog helps only a server that accepts."},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		look_once(rows[i].plant);
		assert_string_equal(report.findings[0].id, "accept-queue.full");
		assert_string_equal(report.findings[0].advice, rows[i].advice);
	}
	assert_string_equal(report.findings[1].answer, "the process of a listener was not found");
}

static void texts_name_the_server(void **state)
{
	static const struct {
		void (*plant)(struct looks *);
		size_t finding;
		const char *title, *detail, *advice;
	} rows[] = {
		{bursts, 0,
		 "nginx (pid 812) on 0.0.0.0:443: its accept queue is full (512 of 512) and 1 000 "
		 "handshake packets/s are dropped now",
		 "Retransmissions included; 400 since the socket was made. net.core.somaxconn allows "
		 "4096; nginx's default backlog is 511.",
		 "nginx: listen ADDRESS backlog=2048; (effective after nginx -s reload; check it "
		 "with ss -ltn, and restart nginx where Send-Q is still the old one). Costs nothing "
		 "until used."},
		{bursts_at_somaxconn, 0,
		 "nginx (pid 812) on 0.0.0.0:443: its accept queue is full (129 of 129) and 1 000 "
		 "handshake packets/s are dropped now",
		 "Retransmissions included; 400 since the socket was made. net.core.somaxconn (128) "
		 "is the limit; nginx's default backlog is 511.",
		 "Raise net.core.somaxconn first. nginx: listen ADDRESS backlog=2048; (effective "
		 "after nginx -s reload; check it with ss -ltn, and restart nginx where Send-Q is "
		 "still the old one). Costs nothing until used."},
		{bursts_of_a_socket_unit, 0, NULL,
		 "Retransmissions included; 400 since the socket was made. net.core.somaxconn allows "
		 "4096; systemd's default backlog is 4096 before systemd 254, now as large as the "
		 "kernel allows.",
		 "systemd: [Socket] Backlog=2048 (effective after systemctl restart of the socket "
		 "unit together with its service; a server that calls listen() itself, as gunicorn "
		 "does, sets its own). Costs nothing until used."},
		{bursts_unknown_owner, 0,
		 "0.0.0.0:443: its accept queue is full (512 of 512) and 1 000 handshake packets/s "
		 "are dropped now",
		 "Retransmissions included; 400 since the socket was made. net.core.somaxconn allows "
		 "4096.",
		 "Pass backlog 2048 to listen() (effective after a restart). Costs nothing until "
		 "used."},
		/* The target does not fill it: the longest queue that needs no sysctl. */
		{bursts_of_a_small_target, 0, NULL,
		 "Retransmissions included; 400 since the socket was made. net.core.somaxconn allows "
		 "4096; nginx's default backlog is 511.",
		 "nginx: listen ADDRESS backlog=4096; (effective after nginx -s reload; check it "
		 "with ss -ltn, and restart nginx where Send-Q is still the old one). Costs nothing "
		 "until used."},
		/* The kernel would cut it. */
		{bursts_below_somaxconn, 0, NULL,
		 "Retransmissions included; 400 since the socket was made. net.core.somaxconn allows "
		 "1024; nginx's default backlog is 511.",
		 "Raise net.core.somaxconn first. nginx: listen ADDRESS backlog=2048; (effective "
		 "after nginx -s reload; check it with ss -ltn, and restart nginx where Send-Q is "
		 "still the old one). Costs nothing until used."},
		{stopped, 1,
		 "nginx (pid 812) on 0.0.0.0:443: the queue was full in 10 of 10 samples: more "
		 "connections arrive than nginx accepts",
		 "nginx (pid 812) is stopped (state T).",
		 "No backlog helps. Resume it: kill -CONT 812. Or restart it."},
		{at_limit_and_dropping, 1, NULL,
		 "nginx (pid 812) has 1 024 of 1 024 descriptors open, its soft limit.",
		 "No backlog helps. Raise that limit (prlimit --pid 812 --nofile=N: up to its hard limit)."},
		{at_limit, 0,
		 "nginx (pid 812) has 1 023 of 1 024 descriptors open while 300 connections wait",
		 "accept() fails with EMFILE at the soft limit of 1 024 (hard limit 524 288), and a "
		 "level-triggered server spins. 300 connections wait in the queue of nginx (pid 812) "
		 "on 0.0.0.0:443.",
		 "systemctl edit nginx.service: [Service] LimitNOFILE=4096:524288, then systemctl "
		 "restart nginx.service. nginx has a limit of its own: worker_rlimit_nofile 4096; "
		 "events { worker_connections 4096; }"},
#define OF_NGINX                                                                                   \
	" nginx has a limit of its own: worker_rlimit_nofile 4096; events { worker_connections "   \
	"4096; }"
		{at_limit_of_a_user, 0, NULL, NULL,
		 "systemctl --user edit nginx.service: [Service] LimitNOFILE=4096:524288, then "
		 "systemctl --user restart nginx.service." OF_NGINX},
		{at_both_limits_of_a_user, 0, NULL, NULL,
		 "systemctl --user edit nginx.service: [Service] LimitNOFILE=4096, then systemctl "
		 "--user restart nginx.service. The hard limit of that user's manager, "
		 "user@UID.service, has to be as high." OF_NGINX},
		{at_limit_inside, 0, NULL, NULL,
		 "In the container: systemctl edit nginx.service: [Service] LimitNOFILE=4096:524288, "
		 "then systemctl restart nginx.service." OF_NGINX},
		{at_both_limits, 0, NULL, NULL,
		 "Raise RLIMIT_NOFILE where the process is started (LimitNOFILE=4194304 in a systemd "
		 "unit, ulimit -n 4194304 in a script), and restart it. fs.nr_open (1 048 576) has to "
		 "be raised first."},
		{at_limit_of_an_unlimited_one, 0, NULL, NULL,
		 "Raise RLIMIT_NOFILE where the process is started (LimitNOFILE=4096:infinity in a "
		 "systemd unit, ulimit -Sn 4096 in a script), and restart it."},
		{group_stuck, 0, NULL,
		 "Retransmissions included; 400 since the socket was made. 1 of 8 sockets of this "
		 "address (SO_REUSEPORT) was full; together they hold 912 of 4 096. "
		 "net.core.somaxconn allows 4096; nginx's default backlog is 511.",
		 "See accept-queue.slow."},
		{dropped_earlier, 0,
		 "nginx (pid 812) on 0.0.0.0:443 dropped 1 751 handshake packets since "
		 "2026-11-28T08:00:00Z",
		 "ListenOverflows of this network namespace grew by 1 751 since the report of "
		 "2026-11-28T08:00:00Z (2 hours ago), retransmissions included. "
		 "net.core.somaxconn allows 4096; nginx's default backlog is 511.",
		 "Where its stalls are short, raise the backlog. nginx: listen ADDRESS backlog=2048; (effective after "
		 "nginx -s reload; check it with ss -ltn, and restart nginx where Send-Q is still "
		 "the old one). Costs nothing until used."},
		{dropped_with_strays, 0,
		 "nginx (pid 812) on 0.0.0.0:443 dropped up to 1 751 handshake packets since "
		 "2026-11-28T08:00:00Z",
		 "ListenOverflows of this network namespace grew by 1 751 since the report of "
		 "2026-11-28T08:00:00Z (2 hours ago), retransmissions included. The drops of this "
		 "socket grew by 1 800: they count stray packets too. net.core.somaxconn (511) is "
		 "the limit; nginx's default backlog is 511.",
		 NULL},
		{dropped_before_a_reboot, 0,
		 "nginx (pid 812) on 0.0.0.0:443 dropped 40 handshake packets since the reboot",
		 NULL, NULL},
		{group_dropped_earlier, 0,
		 "nginx (pid 812) on 0.0.0.0:443 dropped 770 handshake packets since "
		 "2026-11-28T08:00:00Z",
		 NULL, NULL},
		{unix_full, 0,
		 "nginx (pid 812) on unix:/run/app.sock: its accept queue is full (17 of 17); "
		 "clients get EAGAIN",
		 NULL, NULL},
		{unix_was_full, 0,
		 "nginx (pid 812) on unix:/run/app.sock: its accept queue was full (17 of 17); "
		 "clients that did not block got EAGAIN",
		 "It was full in 6 of 10 samples. A non-blocking connect() to a UNIX socket fails "
		 "with EAGAIN then, a blocking one sleeps; no counter shows it. nginx (pid 812) "
		 "sleeps in epoll_wait() though connections wait: it does not watch this listener "
		 "now. net.core.somaxconn allows 4096; nginx's default backlog is 511.",
		 NULL},
		{unix_serves_slowly, 0,
		 "nginx (pid 812) on unix:/run/app.sock accepts 40/s: 60 connections wait, a "
		 "new one for 1.5 s or more",
		 "The queue was not empty in any of 10 samples: in 500 ms it came from 60 to 60.",
		 "No backlog helps: add workers or CPUs, or find out what nginx waits for "
		 "(a disk, a lock, another server)."},
		{unix_subject_refuses_too, 0, NULL, NULL,
		 "No backlog helps a server that accepts too slowly, or not at all. See its own limit "
		 "on connections (worker_connections of nginx), or whether another worker has the "
		 "listener."},
		{unix_serves_none, 0,
		 "nginx (pid 812) on unix:/run/app.sock: 60 connections wait and nginx accepts none",
		 NULL, NULL},
		{cookies_now, 0, "The kernel answers SYNs with cookies now: 250 in 500 ms",
		 "A listener's SYN queue was full. Cookies drop no client; they cost CPU and, "
		 "without timestamps, window scaling and SACK. The queue of [::]:22 is full: 129 "
		 "half-open connections; its backlog is 128.",
		 "Raise the backlog of that listener; net.ipv4.tcp_max_syn_backlog has no effect "
		 "while tcp_syncookies is on. Where no more clients come than usual, look for a SYN "
		 "flood."},
		{cookies_between_the_looks, 0, NULL,
		 "A listener's SYN queue was full. Cookies drop no client; they cost CPU and, "
		 "without timestamps, window scaling and SACK. No SYN queue is full now; the "
		 "smallest backlog is 128, of [::]:22.",
		 "Raise small backlogs (ss -ltn: Send-Q); net.ipv4.tcp_max_syn_backlog has no effect "
		 "while tcp_syncookies is on. Where no more clients come than usual, look for a SYN "
		 "flood."},
		{cookies_by_defer_accept, 0, NULL,
		 "A listener's SYN queue was full. Cookies drop no client; they cost CPU and, "
		 "without timestamps, window scaling and SACK. The queue of [::]:22 is full: 129 "
		 "half-open connections; its backlog is 128. The kernel has counted 11 "
		 "TCPDeferAcceptDrop: with TCP_DEFER_ACCEPT handshakes stay half open until their "
		 "clients send data.",
		 "If it has TCP_DEFER_ACCEPT (deferred of nginx, defer-accept of HAProxy), remove "
		 "that. Raise the backlog of that listener; net.ipv4.tcp_max_syn_backlog has no "
		 "effect while tcp_syncookies is on. Where no more clients come than usual, look "
		 "for a SYN flood."},
		{captured_bursts, 0,
		 "nginx (pid 812) on 0.0.0.0:443: its accept queue is full (512 of 512) and 1 000 "
		 "handshake packets/s are dropped now",
		 NULL, NULL},
		{unix_namesake_waits, 0,
		 "nginx (pid 812) on unix:/run/app.sock: 16 connections wait in a queue that did not "
		 "become shorter",
		 "nginx (pid 812) sleeps in epoll_wait() though connections wait: it does not watch "
		 "this listener now. The queue did not become shorter in 10 samples.",
		 NULL},
		{captured_grows, 0,
		 "nginx (pid 812) on 0.0.0.0:443 accepts up to 10/s of 60/s that arrive: 143 "
		 "connections wait, a new one for 14.3 s or more",
		 "In 500 ms the queue grew from 118 to 143; it holds 4 001, and clients beyond are "
		 "refused or dropped.",
		 NULL},
		{grows_beside_another, 0,
		 "nginx (pid 812) on 0.0.0.0:443: 143 connections wait in a queue that did not "
		 "become shorter",
		 "nginx (pid 812) sleeps in epoll_wait() though connections wait: it does not watch "
		 "this listener now. The queue did not become shorter in 10 samples: its server "
		 "accepts 10/s at most.",
		 NULL},
		{grows_unaccepted, 0,
		 "nginx (pid 812) on 0.0.0.0:443: 143 connections wait and nginx accepts none",
		 NULL, NULL},
		{subject_stalls_as_allowed, 0,
		 "nginx (pid 812) on 0.0.0.0:443: 60 connections wait in a queue that did not become "
		 "shorter",
		 "nginx (pid 812) sleeps in epoll_wait() though connections wait: it does not watch "
		 "this listener now. The queue did not become shorter in 10 samples. The window of "
		 "500 ms is shorter than two stalls of the target.",
		 "To see whether this is a stall, run the check with a --window of more than 600 "
		 "ms. See its own limit on connections (worker_connections of nginx), or whether "
		 "another worker has the listener."},
		{one_of_a_quiet_group_waits, 0,
		 "nginx (pid 812) on 0.0.0.0:443: 29 connections wait in a queue that did not become "
		 "shorter",
		 NULL, NULL},
		{one_of_a_group_waits, 0,
		 "nginx (pid 812) on 0.0.0.0:443: 29 connections wait in a queue that did not become "
		 "shorter",
		 "Its worker (pid 813) sleeps in epoll_wait() though connections wait: it does not "
		 "watch this listener now. The queue did not become shorter in 10 samples. That is so "
		 "at 1 of 4 sockets of this address (SO_REUSEPORT).",
		 NULL},
		{grows_slowly, 0,
		 "nginx (pid 812) on 0.0.0.0:443 accepts up to 10/s of 60/s that arrive: 143 "
		 "connections wait, a new one for 14.3 s or more",
		 "In 500 ms the queue grew from 118 to 143; it holds 4 001, and clients beyond are "
		 "refused or dropped.",
		 "No backlog helps: add workers or CPUs, or find out what nginx waits for (a disk, a "
		 "lock, another server)."},
		{grows_between_the_ticks, 0,
		 "nginx (pid 812) on 0.0.0.0:443 accepts 10/s of 60/s that arrive: 143 connections "
		 "wait, a new one for 14.3 s or more",
		 NULL, NULL},
		{accepts_less_than_needed, 0,
		 "nginx (pid 812) on 0.0.0.0:443 accepts up to 4/s of 100/s that this load needs: 246 "
		 "connections wait, a new one for 61.5 s or more",
		 "The queue was not empty in any of 10 samples: in 500 ms it came from 248 to 246.",
		 "No backlog helps: add workers or CPUs, or find out what nginx waits for (a disk, a "
		 "lock, another server)."},
		{stands_among_others, 0, "nginx (pid 812) on 0.0.0.0:443: 246 connections wait now",
		 NULL, "Look at how long its clients wait."},
		{closes_at_once, 0, "nginx (pid 812) has 1 024 of 1 024 descriptors open",
		 "accept() fails with EMFILE at the soft limit of 1 024 (hard limit 524 288). No "
		 "connection waits in the queue of nginx (pid 812) on 0.0.0.0:443: another process "
		 "accepts its clients, or it closes them at once with a descriptor that it keeps in "
		 "reserve, as Node.js does.",
		 NULL},
		{worker_out_of_files, 0, "nginx (pid 813) has 1 024 of 1 024 descriptors open",
		 "accept() fails with EMFILE at the soft limit of 1 024 (hard limit 524 288). No "
		 "connection waits in the queue of nginx (pid 812) on 0.0.0.0:443: 3 other processes "
		 "of this server accept.",
		 NULL},
		{worker_lets_wait, 1,
		 "nginx (pid 813) has 1 024 of 1 024 descriptors open while 32 connections wait",
		 "accept() fails with EMFILE at the soft limit of 1 024 (hard limit 524 288), and a "
		 "level-triggered server spins. 32 connections wait in the queue of nginx (pid 812) "
		 "on [::]:22.",
		 NULL},
		{subject_serves_on_loopback, 0,
		 "127.0.0.1:8009 is not judged: it is on loopback, and the server has others",
		 "Its backlog is 100, less than the 1 000 connections of this load that arrive in a "
		 "stall. It has 40 open connections: this load may come there. A shutdown or "
		 "management port needs no more; one behind a reverse proxy of this host does.",
		 "If the load comes there: epolltune check --server 127.0.0.1:8009"},
		{subject_has_siblings, 0,
		 "nginx (pid 812) has 1 of 3 sockets of 0.0.0.0:443: the smallest backlog of the "
		 "others is 8",
		 NULL, "To check all of them as one server: epolltune check --server 0.0.0.0:443"},
		{processes_are_spent, 0,
		 "nginx (pid 812) can start no process or thread: its user runs 151 of 150", NULL,
		 NULL},
		{processes_are_spent_inside, 0, NULL, NULL,
		 "In the container: systemctl edit nginx.service: [Service] LimitNPROC=1024, then "
		 "systemctl restart nginx.service."},
		{pids_are_spent, 0,
		 "nginx (pid 812) can start no process or thread: this machine runs 724 of 724",
		 "The limit is kernel.pid_max: fork() and pthread_create() fail with EAGAIN.",
		 "sysctl -w kernel.pid_max=4096, or find what makes so many threads."},
		{worker_stopped, 0, "nginx (pid 813) is stopped (state T)",
		 "It is one of 4 processes that accept connections of this server. The clients whose "
		 "connections it has accepted get no answer.",
		 "Resume it: kill -CONT 813. Or restart it."},
		{workers_stopped, 0, "nginx: 2 of 4 workers are stopped (state T): pids 813, 814",
		 "The clients whose connections they have accepted get no answer.",
		 "Resume them: kill -CONT 813 814. Or restart nginx."},
		{workers_stopped_or_traced, 0,
		 "nginx: 2 of 4 workers are stopped (state T): pids 813, 814, and 1 other is halted "
		 "too",
		 NULL, "Resume them: kill -CONT 813 814. Or restart nginx."},
		{many_workers_stopped, 0,
		 "nginx: 40 of 40 workers are stopped (state T): pids 813, 814, 815, 816, 817, 818, "
		 "819, 820 and 32 more",
		 NULL, "Resume them: pkill -CONT -P 812. Or restart nginx."},
		{in_containers_of_others, 0,
		 "1 other network namespace may have listeners, which this check does not judge",
		 "This user may not read which process holds a listener there. Servers in "
		 "containers have queues, ports and sysctls of their own.",
		 "Check each by its pid: epolltune check --netns 812. lsns -t net lists the "
		 "namespaces"},
		{in_too_many_containers, 0, NULL,
		 "The search for them ended after 200 ms. Servers in containers have queues, ports "
		 "and sysctls of their own.",
		 NULL},
		{in_containers, 0, NULL,
		 "nginx (pid 812). 1 further namespace may have listeners. The search for them "
		 "ended after 200 ms. Servers in containers have queues, ports and sysctls of "
		 "their own.",
		 NULL},
		{overflows_elsewhere_beside_one, 1,
		 "The network namespace of sh (pid 1) dropped 40 handshake packets in 500 ms", NULL,
		 "Check its listeners: epolltune check --netns 1"},
		{readers_stopped, 0, NULL,
		 "Datagrams that arrive wait in their receive buffers, and the kernel drops those "
		 "beyond.",
		 NULL},
		{workers_stopped_and_dropping, 0, NULL,
		 "Retransmissions included; 400 since the socket was made. Workers 813, 814 accept "
		 "from it. net.core.somaxconn allows 4096; nginx's default backlog is 511.",
		 "See accept-queue.slow."},
		{workers_stopped_and_dropping, 1, NULL,
		 "Its workers (pids 813, 814) are stopped (state T).",
		 "No backlog helps. Resume them: kill -CONT 813 814. Or restart nginx."},
		{quiet_and_halted, 0, "nginx (pid 812) on 0.0.0.0:443 is stopped (state T)",
		 "The clients whose connections it has accepted get no answer.",
		 "Resume it: kill -CONT 812. Or restart it."},
		{in_another_pid_namespace, 1,
		 "The process of a listener with waiting clients is not visible in this PID "
		 "namespace",
		 "Its name, state and descriptors are unknown.",
		 "Run the check in the PID namespace of the host (docker run --pid=host, hostPID: "
		 "true) to name the processes."},
		{in_another_pid_namespace, 0, NULL, NULL,
		 "Run the check in the PID namespace of the host (docker run --pid=host, hostPID: "
		 "true) to see the process."},
		{of_the_kernel, 0, NULL, NULL,
		 "Find what made it: the NFS server of the kernel, a program that uses io_uring, or "
		 "one that passes it to another."},
		{quiet_and_frozen, 0,
		 "nginx (pid 812) on 0.0.0.0:443 is frozen with its control group", NULL, NULL},
		{cookies_always, 0,
		 "The kernel answers every SYN with a cookie, as net.ipv4.tcp_syncookies is 2",
		 "No SYN queue was full: with 2 none is used. Cookies drop no client; they cost CPU "
		 "and, without timestamps, window scaling and SACK.",
		 "That value is for tests: sysctl -w net.ipv4.tcp_syncookies=1 sends cookies only "
		 "where a SYN queue is full."},
		{syns_drop, 0,
		 "0.0.0.0:443: its SYN queue is full (49 of 49) and the kernel drops SYNs: 23 in "
		 "500 ms",
		 "net.ipv4.tcp_syncookies is 0: the kernel keeps the last quarter of "
		 "net.ipv4.tcp_max_syn_backlog (64) for clients that it knows from earlier, and "
		 "drops the SYNs of all others. Clients retransmit after 1 s or more.",
		 NULL},
		{syns_drop_beside_a_full_one, 0,
		 "0.0.0.0:443: its SYN queue was full between two samples (it holds 49) and the kernel "
		 "dropped SYNs: 23 in 500 ms",
		 NULL, NULL},
		{syns_drop_beside_a_full_one, 1,
		 "[::]:22: its SYN queue is full (2 of 2); none was dropped during this check",
		 NULL, NULL},
		{syns_drop_beside_one_that_drops, 1,
		 "[::]:22: its SYN queue is full (2 of 2) and the kernel drops SYNs: 5 in 500 ms",
		 NULL, NULL},
		{syns_lost, 0,
		 "0.0.0.0:443: its SYN queue was full between two samples (it holds 49) and the kernel "
		 "dropped SYNs: 23 in 500 ms",
		 NULL, NULL},
		{syns_lost_by_both, 0,
		 "0.0.0.0:443: its SYN queue was full between two samples (it holds 49) and the kernel "
		 "dropped SYNs: 11 in 500 ms",
		 NULL, NULL},
		{syns_drop_at_two, 1,
		 "0.0.0.0:443: its SYN queue is full (49 of 49) and the kernel drops SYNs: 10 in "
		 "500 ms",
		 NULL, NULL},
		{syns_drop_by_defer_accept, 0, NULL,
		 "net.ipv4.tcp_syncookies is 0: the kernel keeps the last quarter of "
		 "net.ipv4.tcp_max_syn_backlog (64) for clients that it knows from earlier, and "
		 "drops the SYNs of all others. Clients retransmit after 1 s or more. "
		 "The kernel has counted 11 TCPDeferAcceptDrop: with TCP_DEFER_ACCEPT handshakes "
		 "stay half open until their clients send data.",
		 NULL},
		{syns_lost_at_the_backlog_by_either, 0,
		 "The kernel counted 23 TCPReqQFullDrop in this network namespace in 500 ms", NULL,
		 NULL},
		{syns_lost_by_either, 0,
		 "The kernel counted 23 ListenDrops without ListenOverflows in this network "
		 "namespace in 500 ms",
		 NULL, NULL},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
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

static void the_answer_names_the_server(void **state)
{
	char answer[REPORT_ANSWER];
	look_twice(stopped);
	report_answer(&report, answer);
	assert_string_equal(answer, "Not ready: nginx is dropping connections now.");
	assert_string_equal(report.findings[0].about, "0.0.0.0:443");
	look_twice(bursts_unknown_owner);
	report_answer(&report, answer);
	assert_string_equal(answer, "Not ready: 0.0.0.0:443 is dropping connections now.");
	assert_string_equal(report.findings[0].about, "0.0.0.0:443");
	look_twice(unix_full);
	report_answer(&report, answer);
	assert_string_equal(answer, "Not ready: the accept queue of nginx is full.");
	look_twice(unix_waits);
	report_answer(&report, answer);
	assert_string_equal(answer,
			    "nginx has an accept queue that does not become shorter; otherwise "
			    "ready for this target.");
	look_twice(subject_stalls_as_allowed);
	report_answer(&report, answer);
	assert_string_equal(answer, "Ready, but 1 warning: accept-queue.waiting.");
	look_twice(stops_among_cookies);
	report_answer(&report, answer);
	assert_string_equal(answer, "nginx does not accept connections; otherwise ready, but SYN "
				    "cookies are being sent.");
	look_twice(cookies_once);
	report_answer(&report, answer);
	assert_string_equal(answer, "Ready for this target.");
}

static void the_worst_since_a_report_come_first(void **state)
{
	look_once(many_dropped_earlier);
	assert_non_null(strstr(report.findings[0].title, "0.0.0.0:111 dropped 61 "));
	assert_non_null(strstr(report.findings[0].detail, " 9 more listeners have dropped"));
	look_once(subject_dropped_earlier);
	assert_non_null(strstr(report.findings[0].title, "0.0.0.0:443 dropped 300 "));
	assert_int_equal(report.finding_count, 3);
	look_once(dropped_with_strays);
	assert_string_equal(finding_knob(&report.findings[0])->knob, "net.core.somaxconn");
	assert_string_equal(report.findings[0].answer,
			    "nginx dropped handshakes since 2026-11-28T08:00:00Z");
}

/* The subject's first, then those in trouble, then the fullest, as many as fit. */
static void the_report_carries_the_listeners(void **state)
{
	static struct listener many[REPORT_LISTENERS + 5];
	static struct looks m;
	for (size_t i = 0; i < REPORT_LISTENERS + 5; i++)
		many[i] = (struct listener){.cookie = i, .limit = 100, .owner = -1};
	healthy(&m);
	many[60].depth = 7;
	many[66].depth = 50;
	many[66].limit = 1000;
	many[68] = (struct listener){
		.depth = 3, .limit = 2, .drops = 9, .half_open = 2, .cookie = 68, .address = "x"};
	m.after.queues.listeners.at = many;
	m.after.queues.listeners.counted = true;
	m.after.queues.listeners.count = REPORT_LISTENERS + 5;
	const struct subject subject = {.listeners = {.count = 1, .at = &many[67]}};
	m.after.queues.subject = &subject;
	report_init(&report);
	observation.judge(&m.before, &m.after, &m.moment, &report);
	const struct report_listener *l = report.listeners;
	assert_int_equal(report.listener_count, REPORT_LISTENERS + 5);
	assert_int_equal(report.listed, REPORT_LISTENERS);
	assert_int_equal(l[0].cookie, 67);
	assert_int_equal(l[1].cookie, 68);
	assert_string_equal(l[1].process, "nginx");
	assert_string_equal(l[1].unit, "nginx.service");
	assert_true(l[1].pid == 812 && l[1].drops == 9 && l[1].half_open == 2);
	assert_true(l[2].cookie == 60 && l[3].cookie == 66 && l[4].cookie == 0);
	assert_string_equal(l[2].process, "");
	assert_int_equal(l[2].pid, 0);
}

static void states_of_a_process_are_named(void **state)
{
	static const struct {
		char state;
		uint64_t threads;
		const char *waits_in, *what;
	} rows[] = {
		{'R', 1, "", "is runnable (state R)"},
		{'t', 1, "", "is stopped by a tracer (state t)"},
		{'D', 1, "folio_wait_bit",
		 "is in uninterruptible sleep (state D) in folio_wait_bit"},
		{'S', 1, "ep_poll",
		 "sleeps in epoll_wait() though connections wait: it does not watch this listener "
		 "now"},
		{'S', 0, "do_epoll_wait", "sleeps in epoll_wait()"},
		{'S', 2, "ep_poll", "has 2 threads, of which the first sleeps in epoll_wait()"},
		{'R', 2, "", "has 2 threads, of which the first is runnable (state R)"},
		{'T', 2, "do_signal_stop", "is stopped (state T)"},
		{'S', 2, "do_freezer_trap", "is frozen with its control group"},
		{'D', 1, "__refrigerator", "is frozen with its control group"},
		{0, 2, "", ""},
		{'S', 1, "futex_wait_queue", "sleeps in futex_wait_queue"},
		{'S', 1, "", "sleeps (state S)"},
		{'Z', 1, "", "has exited (state Z)"},
		{0, 1, "", ""},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct process p = {.state = rows[i].state, .threads = rows[i].threads};
		report_text(p.waits_in, "%s", rows[i].waits_in);
		p.wait = process_wait_of(p.waits_in);
		struct doing d = doing_of(&p);
		assert_string_equal(d.what, rows[i].what);
		assert_true(d.help[0]);
	}
}

/* A process of a server of which others are halted is not one of them. */
static void halted_processes_are_counted_by_their_state(void **state)
{
	struct process p[3] = {{.pid = 1, .name = "redis", .state = 'T'},
			       {.pid = 2, .name = "redis", .state = 'Z'},
			       {.pid = 3, .name = "redis", .state = 'S'}};
	struct wording words = {0};
	assert_int_equal(halted_words(&words, &p[0], p, 3), 1);
	assert_string_equal(wording_get(&words, "many"), "");
	assert_int_equal(halted_words(&words, &p[2], p, 3), 0);
	p[1].state = p[2].state = 't';
	assert_int_equal(halted_words(&words, &p[1], p, 3), 2);
	assert_string_equal(wording_get(&words, "doing"), "are stopped by a tracer (state t)");
	assert_string_equal(wording_get(&words, "help"),
			    "End the debugger or strace that has stopped them");
	/* The first is the parent of the others. */
	static struct process many[40];
	for (size_t i = 0; i < 40; i++)
		many[i] =
			(struct process){.pid = 7 + (pid_t)i, .root = 7, .name = "a", .state = 'T'};
	assert_int_equal(halted_words(&words, &many[1], many, 40), 40);
	assert_string_equal(wording_get(&words, "help"),
			    "Resume them: pkill -CONT -P 7; kill -CONT 7. Or restart a");
}

/* Each of its threads may be the one that accepts. */
static void a_server_that_stopped_accepting_has_its_limit_named(void **state)
{
	static const struct {
		const char *name;
		uint64_t threads;
		bool alike;
		const char *waits_in, *what, *help;
	} rows[] = {
		{"haproxy", 4, true, "ep_poll",
		 "has 4 threads, which all sleep in epoll_wait() though connections wait: none "
		 "watches this listener now",
		 "(maxconn of HAProxy)"},
		{"haproxy", 1, false, "ep_poll",
		 "sleeps in epoll_wait() though connections wait: it does not watch this listener "
		 "now",
		 "(maxconn of HAProxy)"},
		{"memcached", 5, true, "do_epoll_wait",
		 "has 5 threads, which all sleep in epoll_wait() though connections wait: none "
		 "watches this listener now",
		 "(-c of memcached)"},
		{"app", 1, false, "ep_poll",
		 "sleeps in epoll_wait() though connections wait: it does not watch this listener "
		 "now",
		 "(such as worker_connections of nginx)"},
		{"haproxy", 4, false, "ep_poll",
		 "has 4 threads, of which the first sleeps in epoll_wait()", "/task/*/wchan"},
		{"app", 4, true, "futex_wait_queue",
		 "has 4 threads, of which the first sleeps in futex_wait_queue", "/task/*/wchan"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct process p = {
			.state = 'S', .threads = rows[i].threads, .alike = rows[i].alike};
		report_text(p.name, "%s", rows[i].name);
		report_text(p.waits_in, "%s", rows[i].waits_in);
		p.wait = process_wait_of(p.waits_in);
		struct doing d = doing_of(&p);
		if (strcmp(d.what, rows[i].what) != 0 || !strstr(d.help, rows[i].help))
			fail_msg("row %zu: %s; %s", i, d.what, d.help);
	}
}

static void what_froze_a_process_resumes_it(void **state)
{
	static const struct {
		const char *unit;
		enum unit_manager manager;
		const char *help;
	} rows[] = {
		{"nginx.service", UNIT_SYSTEM,
		 "Resume it: systemctl thaw nginx.service, or if a "
		 "container engine has paused it, podman unpause NAME"},
		{"web.service", UNIT_USER,
		 "Resume it: systemctl --user thaw web.service, or if a "
		 "container engine has paused it, podman unpause NAME"},
		{"docker-4f.scope", UNIT_SYSTEM, "Resume it: docker unpause NAME"},
		{"libpod-4f.scope", UNIT_SYSTEM, "Resume it: podman unpause NAME"},
		{"nginx.service", UNIT_INSIDE, "Resume it: docker unpause, podman unpause, "},
		{"run-4.scope", UNIT_SYSTEM, "Resume it: docker unpause, podman unpause, "},
		{"", UNIT_SYSTEM, "Resume it: docker unpause, podman unpause, "},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct process p = {.state = 'S', .wait = WAIT_FROZEN, .manager = rows[i].manager};
		report_text(p.unit, "%s", rows[i].unit);
		struct doing d = doing_of(&p);
		if (strncmp(d.help, rows[i].help, strlen(rows[i].help)) != 0)
			fail_msg("row %zu: %s", i, d.help);
	}
}

static void the_subject_comes_before_others(void **state)
{
	look_twice(others_wait);
	assert_int_equal(report.finding_count, 8);
	assert_non_null(strstr(report.findings[0].title, "127.0.0.1:8009: "));
	assert_int_equal(report.findings[0].level, LEVEL_CRITICAL);
	assert_non_null(strstr(report.findings[0].detail, " 2 more listeners are in trouble."));
}

/* More listeners in trouble than a report should name are counted. */
static void many_listeners_are_counted(void **state)
{
	static struct looks m;
	char address[32];
	healthy(&m);
	m.after.queues.listeners.count = m.before.queues.listeners.count = 12;
	for (size_t i = 0; i < 12; i++) {
		snprintf(address, sizeof(address), "0.0.0.0:%zu", 100 + i);
		listener_make(&m, i, LISTENER_TCP, address, 511);
		m.at[1][i].depth = 512;
		m.at[1][i].drops = (uint32_t)i;
	}
	counter_set(&m, COUNTER_LISTEN_OVERFLOWS, 1, 100);
	report_init(&report);
	observation.judge(&m.before, &m.after, &m.moment, &report);
	assert_int_equal(report.finding_count, 8);
	assert_non_null(strstr(report.findings[0].title, "0.0.0.0:111: "));
	assert_non_null(strstr(report.findings[0].detail, " 4 more listeners are in trouble."));
}

static void known_servers_are_found_by_their_process(void **state)
{
	static const struct {
		const char *process, *name;
	} rows[] = {
		{"nginx", "nginx"},
		{"redis-server", "Redis"},
		{"valkey-server", "Redis"},
		{"php-fpm8.2", "php-fpm"},
		{"apache2", "Apache"},
		{"gunicorn: maste", "gunicorn"},
		{"node-MainThread", "Node.js"},
		{"node /var/www/a", "Node.js"},
		{"nodejs", "Node.js"},
		{"PM2 v5.3.0: God", "Node.js"},
		{"next-server (v1", "Node.js"},
		{"uvicorn", "uvicorn"},
		{"redis-sentinel", "Redis Sentinel"},
		{"sshd", "OpenSSH"},
		{"named", "BIND"},
		{"systemd-socket-", "systemd-socket-proxyd"},
		{"java", "Java"},
		{"systemd", "systemd"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_string_equal(server_row_find(rows[i].process)->name, rows[i].name);
	assert_null(server_row_find("nginx2"));
	assert_null(server_row_find("nod"));
	assert_null(server_row_find("nodemon"));
	assert_null(server_row_find(""));
	for (size_t i = 0; i < server_row_count(); i++) {
		const struct server_row *row = server_row_at(i);
		char text[160];
		/* What can be pasted has no number to be worked out. */
		server_line(row->backlog_line, "backlog", 1024, text, sizeof(text));
		assert_true(!row->backlog_line || strstr(text, "1024") || strstr(text, "512"));
		assert_true(!strstr(text, "half") && !strstr(text, " N"));
		server_line(row->files_line, "files", 4096, text, sizeof(text));
		assert_true(!row->files_line || strstr(text, "4096") || strstr(text, "2048"));
		assert_true(!strstr(text, "half") && !strstr(text, " N"));
		server_line(row->files_bound, "files", 4096, text, sizeof(text));
		assert_true(!strstr(text, "half") && !strstr(text, " N"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_look_gets_its_findings),
		cmocka_unit_test(one_sample_or_an_unknown_process_shows_no_backlog_that_helps),
		cmocka_unit_test(texts_name_the_server),
		cmocka_unit_test(the_evidence_of_a_full_queue_fits),
		cmocka_unit_test(the_answer_names_the_server),
		cmocka_unit_test(the_worst_since_a_report_come_first),
		cmocka_unit_test(the_report_carries_the_listeners),
		cmocka_unit_test(states_of_a_process_are_named),
		cmocka_unit_test(halted_processes_are_counted_by_their_state),
		cmocka_unit_test(a_server_that_stopped_accepting_has_its_limit_named),
		cmocka_unit_test(what_froze_a_process_resumes_it),
		cmocka_unit_test(the_subject_comes_before_others),
		cmocka_unit_test(many_listeners_are_counted),
		cmocka_unit_test(known_servers_are_found_by_their_process),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
