/* What probe listeners makes of accept queues that grow, stand or are not emptied. */
#include "looks.h"

/* Some are accepted. */
static void waits_and_falls(struct looks *m)
{
	unix_waits(m);
	m->seen[0].drained = 1;
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

/* One of some sockets accepts little; the others are empty at each look, and so many connections
 * arrive at all of them. */
static void one_of_a_group_is_slow(struct looks *m, size_t sockets, uint32_t depth, int64_t arrived)
{
	for (size_t i = 0; i < sockets; i++)
		listener_make(m, i, LISTENER_TCP, "0.0.0.0:443", 511);
	m->before.queues.listeners.count = m->after.queues.listeners.count = sockets;
	stuck(m, 2, 0, depth + 1);
	m->at[0][2].depth = depth + 2;
	m->seen[0].middle = depth;
	m->seen[0].last = depth + 1;
	m->seen[0].min = depth - 2;
	m->seen[0].drained = 3;
	counter_set(m, "Tcp.PassiveOpens", 100, 100 + arrived);
}

static void slow_in_a_quiet_group(struct looks *m) { one_of_a_group_is_slow(m, 4, 60, 10); }

/* Its part of them explains 46/s, the whole 80/s. */
static void slow_in_a_busy_group(struct looks *m) { one_of_a_group_is_slow(m, 4, 60, 40); }

/* What waits is what arrives in a moment. */
static void short_in_a_busy_group(struct looks *m) { one_of_a_group_is_slow(m, 4, 3, 5000); }

static void subject_slow(struct looks *m, uint64_t rate)
{
	static struct listener own[16];
	static struct subject subject;
	size_t count = m->after.queues.listeners.count;
	memcpy(own, m->at[1], sizeof(own));
	subject = (struct subject){.listeners = {.count = count, .at = own}};
	m->after.queues.subject = &subject;
	m->target.rate_per_s = rate;
}

static void subject_slow_in_a_group(struct looks *m)
{
	slow_in_a_quiet_group(m);
	subject_slow(m, 1000);
}

/* A quarter of it is needed of each. */
static void subject_fast_enough_in_a_group(struct looks *m)
{
	slow_in_a_quiet_group(m);
	subject_slow(m, 100);
}

/* The kernel may send it more than its part: what it accepts is not known. */
static void subject_slow_in_a_busy_group(struct looks *m)
{
	one_of_a_group_is_slow(m, 16, 400, 2050);
	subject_slow(m, 10000);
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

/* The worker that was found is stopped, or out of descriptors; others accept from its socket. */
static void shared_with_a_stopped_worker(struct looks *m)
{
	loops(m);
	m->seen[0].drained = 20;
	m->process.state = 'T';
}

static void shared_with_none(struct looks *m)
{
	shared_with_a_stopped_worker(m);
	m->seen[0].drained = 0;
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

/* The check was held up before the middle: those 11 left within a tenth of the window. */
static void unix_serves_while_held_up(struct looks *m)
{
	unix_serves_slowly(m);
	m->after.queues.middle_at_s = m->after.queues.at_s - WINDOW_S / 10;
}

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

static void captured_grows(struct looks *m)
{
	grows_slowly(m);
	captured(m);
}

static void waits_stopped(struct looks *m)
{
	unix_waits(m);
	m->process.state = 'T';
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

/* One client waits at a port for management, beside the one for its clients. */
static void subject_waits_aside(struct looks *m)
{
	static struct listener own[2];
	static struct subject subject;
	for (size_t i = 0; i < 2; i++)
		snprintf(m->at[i][0].address, sizeof(m->at[i][0].address), "127.0.0.1:8005");
	stuck(m, 0, 0, 1);
	memcpy(own, m->at[1], sizeof(own));
	own[0].aside = true;
	own[0].owner = -1;
	subject = (struct subject){.listeners = {.count = 2, .at = own}};
	m->after.queues.subject = &subject;
}

/* It has no other one: its clients come to that. */
static void subject_waits_at_its_only_one(struct looks *m)
{
	subject_waits_aside(m);
	((struct subject *)m->after.queues.subject)->listeners.count = 1;
}

static void subject_stopped_aside(struct looks *m)
{
	subject_waits_aside(m);
	m->process.state = 'T';
}

#define GROWING "accept-queue.growing"

static void queues_that_grow_get_their_findings(void **state)
{
	static const struct look_findings rows[] = {
		{unix_serves_slowly, STANDING " warning", ""},
		{unix_serves_while_held_up, "", ""},
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
		{slow_in_a_quiet_group, STANDING " warning", ""},
		{slow_in_a_busy_group, STANDING " warning", ""},
		{short_in_a_busy_group, "", ""},
		{subject_slow_in_a_group, STANDING " critical", ""},
		{subject_fast_enough_in_a_group, STANDING " warning", ""},
		{subject_slow_in_a_busy_group, STANDING " warning", STANDING " note"},
		{one_of_a_group_was_empty, STANDING " critical, listeners.siblings note",
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
		{shared_with_a_stopped_worker, "", "accept-queue.waiting critical"},
		{shared_with_none, "accept-queue.waiting critical",
		 "accept-queue.waiting critical"},
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
		{waits_stopped, "accept-queue.waiting critical", "accept-queue.waiting critical"},
		{waits_subject, "accept-queue.waiting critical", ""},
		{subject_waits_aside, "accept-queue.waiting warning, listeners.aside note",
		 "listeners.aside note"},
		{subject_stopped_aside, "accept-queue.waiting warning, listeners.aside note",
		 "accept-queue.waiting warning, listeners.aside note"},
		{subject_waits_at_its_only_one,
		 "accept-queue.waiting critical, listeners.aside warning",
		 "listeners.aside warning"},
	};
	looks_find(rows, sizeof(rows) / sizeof(*rows));
}

static void texts_name_the_server_of_a_queue_that_grows(void **state)
{
	static const struct look_texts rows[] = {
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
		{subject_slow_in_a_group, 0,
		 "nginx (pid 812) on 0.0.0.0:443 accepts up to 22/s of 250/s that this load needs: 61 "
		 "connections wait, a new one for 2.77 s or more",
		 "The queue was not empty in any of 10 samples: in 500 ms it came from 62 to 61. At "
		 "1 of 4 sockets of this address (SO_REUSEPORT) the server accepts too slowly. The kernel "
		 "does not send fewer clients to a socket whose queue is long.",
		 NULL},
		{slow_in_a_busy_group, 0,
		 "nginx (pid 812) on 0.0.0.0:443 accepts up to 44/s: 61 connections wait, a new one "
		 "for 1.39 s or more",
		 "The queue was not empty in any of 10 samples: in 500 ms it came from 62 to 61. At "
		 "1 of 4 sockets of this address (SO_REUSEPORT) the server accepts too slowly. The kernel "
		 "does not send fewer clients to a socket whose queue is long. The rate assumes that each socket gets an equal part.",
		 NULL},
		{stands_among_others, 0, "nginx (pid 812) on 0.0.0.0:443: 246 connections wait now",
		 NULL, "Look at how long its clients wait."},
	};
	looks_say(rows, sizeof(rows) / sizeof(*rows));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(queues_that_grow_get_their_findings),
		cmocka_unit_test(texts_name_the_server_of_a_queue_that_grows),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
