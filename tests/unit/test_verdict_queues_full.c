/* What probe listeners makes of accept queues that are or were full, and of what they dropped. */
#include "looks.h"

#include <string.h>

static struct report earlier;

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

static void bursts_of_a_script(struct looks *m)
{
	static struct listener own;
	static struct subject subject;
	bursts(m);
	own = m->at[1][0];
	snprintf(m->process.name, sizeof(m->process.name), "python3");
	subject = (struct subject){
		.name = "python3", .program = "uvicorn", .listeners = {.count = 1, .at = &own}};
	m->before.queues.subject = m->after.queues.subject = &subject;
}

static void bursts_of_a_socket_unit(struct looks *m)
{
	bursts(m);
	m->at[1][0].systemd = true;
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

/* One worker of several: the others accept from the same socket. */
static void bursts_beside_a_stopped_worker(struct looks *m)
{
	bursts(m);
	m->process.state = 'T';
	m->seen[0].drained = 600;
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
	bursts(m);
}

static void stopped_at_somaxconn(struct looks *m)
{
	bursts_at_somaxconn(m);
	m->process.state = 'T';
}

/* Half as many are accepted as arrive: after each accept one place is free for a while. */
static void overloaded_twice(struct looks *m)
{
	overflows(m, 0, 5);
	m->seen[0].min = 500;
	m->seen[0].drained = 40;
}

static void overloaded_twice_for_a_stall(struct looks *m)
{
	overloaded_twice(m);
	m->target.stall_us = 300000;
}

/* Above half of the queue is the least that shows it. */
static void emptied_by_half(struct looks *m)
{
	overloaded_twice(m);
	m->seen[0].min = 255;
}

/* With connections to accept all the time it accepts 80/s; 10 000/s are needed. */
static void accepts_less_than_needed(struct looks *m)
{
	emptied_by_half(m);
	counter_set(m, "Tcp.PassiveOpens", 100, 140);
	subject_make(m);
	m->target.stall_us = 10000;
	m->target.rate_per_s = 10000;
}

static void was_full_once(struct looks *m)
{
	stuck(m, 0, 1, 512);
	m->at[0][0].depth = m->at[1][0].depth = 0;
	m->seen[0].waiting = 1;
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

static void captured_bursts(struct looks *m)
{
	bursts(m);
	captured(m);
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

static void two_may_drop(struct looks *m)
{
	m->at[1][0].drops = 500;
	m->at[1][1].drops = 400;
	counter_set(m, COUNTER_LISTEN_OVERFLOWS, 0, 300);
}

static void the_subject_may_drop(struct looks *m)
{
	two_may_drop(m);
	subject_make(m);
}

/* The subject's listener drops next to nothing. */
static void others_may_drop(struct looks *m)
{
	two_may_drop(m);
	subject_make(m);
	listener_make(m, 2, LISTENER_TCP, "0.0.0.0:8080", 511);
	m->at[1][2].drops = m->at[1][0].drops;
	m->at[1][0].drops = 29;
}

/* Two listeners of one server, each by as much as it dropped. */
static void two_drop_unseen(struct looks *m)
{
	m->at[1][0].drops = 68;
	m->at[1][1].drops = 66;
	counter_set(m, COUNTER_LISTEN_OVERFLOWS, 0, 136);
}

/* ACKs at a full queue: each counts twice. */
static void two_drop_acks_unseen(struct looks *m)
{
	m->at[1][0].drops = 120;
	m->at[1][1].drops = 80;
	counter_set(m, COUNTER_LISTEN_OVERFLOWS, 0, 100);
}

static void one_drops_acks_beside_a_full_one(struct looks *m)
{
	two_drop_acks_unseen(m);
	stuck(m, 1, 1, 129);
	m->seen[0].min = 0;
}

static void group_stuck(struct looks *m)
{
	for (size_t i = 0; i < 8; i++)
		listener_make(m, i, LISTENER_TCP, "0.0.0.0:443", 511);
	m->before.queues.listeners.count = m->after.queues.listeners.count = 8;
	m->at[1][2].depth = 400;
	overflows(m, 5, 10);
}

/* The queue has filled in the window. */
static void stopped_and_filled(struct looks *m)
{
	stopped(m);
	m->seen[0].full = 3;
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

#define DROPPED "accept-queue.dropped warning"

static void full_queues_get_their_findings(void **state)
{
	static const struct look_findings rows[] = {
		{bursts, DROPPING, "accept-queue.full warning"},
		{paused, DROPPING ", accept-queue.slow critical", "accept-queue.full critical"},
		{stopped, DROPPING ", accept-queue.slow critical", "accept-queue.full critical"},
		{stopped_and_filled, DROPPING ", accept-queue.slow critical",
		 "accept-queue.full critical"},
		{busy, DROPPING ", accept-queue.slow critical", "accept-queue.full warning"},
		{busy_for_a_stall, DROPPING, "accept-queue.full warning"},
		{stopped_for_a_stall, DROPPING ", accept-queue.slow critical",
		 "accept-queue.full critical"},
		{bursts_beside_a_stopped_worker, DROPPING, "accept-queue.full critical"},
		{stopped_ipv6, DROPPING ", accept-queue.slow critical",
		 "accept-queue.full critical"},
		{bursts_at_somaxconn, DROPPING, "accept-queue.full warning"},
		{overloaded_twice, DROPPING ", accept-queue.slow critical",
		 "accept-queue.full warning"},
		{overloaded_twice_for_a_stall, DROPPING, "accept-queue.full warning"},
		{emptied_by_half, DROPPING, "accept-queue.full warning"},
		{accepts_less_than_needed, DROPPING ", accept-queue.slow critical",
		 "accept-queue.full warning"},
		{bursts_unknown_owner, DROPPING, "accept-queue.full warning"},
		{group_stuck, DROPPING ", accept-queue.slow critical", "accept-queue.full warning"},
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
		{captured_bursts, DROPPING, "accept-queue.full warning"},
		{one_drops_unseen, DROPPING, ""},
		{one_drops_among_strays, DROPPING, ""},
		{two_may_drop, "counters.growing critical", ""},
		{the_subject_may_drop, "counters.growing critical", ""},
		{others_may_drop, "counters.growing warning", ""},
		{two_drop_unseen, DROPPING ", " DROPPING, ""},
		{two_drop_acks_unseen, DROPPING ", " DROPPING, ""},
		{one_drops_acks_beside_a_full_one, DROPPING ", " DROPPING,
		 "accept-queue.full warning"},
		{dropped_earlier, DROPPED, DROPPED},
		{dropped_with_strays, DROPPED, DROPPED},
		{dropped_strays_only, "", ""},
		{dropped_before_the_report, "", ""},
		{dropped_before_a_reboot, DROPPED, DROPPED},
		{group_dropped_earlier, DROPPED, DROPPED},
		{many_dropped_earlier, DROPPED ", " DROPPED ", " DROPPED,
		 DROPPED ", " DROPPED ", " DROPPED},
	};
	looks_find(rows, sizeof(rows) / sizeof(*rows));
}

static void no_more_packets_are_charged_than_overflowed(void **state)
{
	static const struct {
		void (*plant)(struct looks *);
		double dropped[2];
	} rows[] = {
		{two_drop_acks_unseen, {60, 40}},
		{one_drops_acks_beside_a_full_one, {60, 40}},
		{two_drop_unseen, {68, 66}},
		{one_drops_among_strays, {90}},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		look_twice(rows[i].plant);
		for (size_t k = 0; k < 2 && rows[i].dropped[k]; k++) {
			const struct evidence *e = &report.findings[k].evidence[2];
			assert_string_equal(e->name, "packets dropped");
			assert_true(e->at_current == rows[i].dropped[k]);
		}
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

/* One that is at its limit on descriptors accepts none with any backlog. */
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

static void texts_name_the_server_of_a_full_queue(void **state)
{
	static const struct look_texts rows[] = {
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
		 "First, in the network namespace of the server: sysctl -w net.core.somaxconn=2048. nginx: listen ADDRESS backlog=2048; (effective "
		 "after nginx -s reload; check it with ss -ltn, and restart nginx where Send-Q is "
		 "still the old one). Costs nothing until used."},
		{bursts_of_a_socket_unit, 0, NULL,
		 "Retransmissions included; 400 since the socket was made. net.core.somaxconn allows "
		 "4096; systemd's default backlog is 4096 before systemd 254, now as large as the "
		 "kernel allows.",
		 "systemd: Backlog=2048 in section [Socket] of its unit (effective after systemctl daemon-reload, systemctl stop NAME.socket "
		 "NAME.service, then systemctl start NAME.socket NAME.service; a server that calls listen() itself, as gunicorn "
		 "does, sets its own). Costs nothing until used."},
		{bursts_of_a_script, 0,
		 "python3 (pid 812) on 0.0.0.0:443: its accept queue is full (512 of 512) and 1 000 "
		 "handshake packets/s are dropped now",
		 "Retransmissions included; 400 since the socket was made. net.core.somaxconn allows "
		 "4096; uvicorn's default backlog is 2048.",
		 "uvicorn: uvicorn --backlog 2048 (effective after a restart). Costs nothing until "
		 "used."},
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
		 "First, in the network namespace of the server: sysctl -w net.core.somaxconn=2048. nginx: listen ADDRESS backlog=2048; (effective "
		 "after nginx -s reload; check it with ss -ltn, and restart nginx where Send-Q is "
		 "still the old one). Costs nothing until used."},
		{overloaded_twice, 0, NULL, NULL, "See accept-queue.slow."},
		{overloaded_twice, 1,
		 "nginx (pid 812) on 0.0.0.0:443: the queue was full in 5 of 10 samples and never "
		 "below 500 of 512: more connections arrive than nginx accepts",
		 NULL, NULL},
		{emptied_by_half, 0, NULL, NULL,
		 "A longer queue helps only if the server catches up: this one was full in 5 of 10 "
		 "samples and never below 255. nginx: listen ADDRESS backlog=2048; (effective "
		 "after nginx -s reload; check it with ss -ltn, and restart nginx where Send-Q is "
		 "still the old one). Costs nothing until used."},
		{accepts_less_than_needed, 1, NULL,
		 "It accepts 80/s of 10 000/s that this load needs. nginx (pid 812) sleeps in "
		 "epoll_wait() though connections wait: it does not watch this listener now.",
		 NULL},
		{stopped, 1,
		 "nginx (pid 812) on 0.0.0.0:443: the queue was full in 10 of 10 samples: more "
		 "connections arrive than nginx accepts",
		 "nginx (pid 812) is stopped (state T).",
		 "No backlog helps. Resume it: kill -CONT 812. Or restart it."},
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
		 "No backlog helps a server that accepts too slowly, or not at all. See its own limit "
		 "on connections (worker_connections of nginx), or whether another worker has the "
		 "listener."},
		{captured_bursts, 0,
		 "nginx (pid 812) on 0.0.0.0:443: its accept queue is full (512 of 512) and 1 000 "
		 "handshake packets/s are dropped now",
		 NULL,
		 "Two samples do not show whether a longer queue helps: it does where the server's stalls are short. "
		 "nginx: listen ADDRESS backlog=2048; (effective after nginx -s reload; check it "
		 "with ss -ltn, and restart nginx where Send-Q is still the old one). Costs nothing "
		 "until used."},
	};
	looks_say(rows, sizeof(rows) / sizeof(*rows));
}

/* Raising it does not help a server that does not accept. */
static void somaxconn_is_to_be_raised_where_a_longer_queue_helps(void **state)
{
	look_twice(bursts_at_somaxconn);
	assert_string_equal(finding_knob(&report.findings[0])->knob, "net.core.somaxconn");
	assert_int_equal(report.findings[0].remedy, REMEDY_KERNEL);
	look_twice(stopped_at_somaxconn);
	assert_string_equal(report.findings[0].id, "accept-queue.overflowing");
	assert_null(finding_knob(&report.findings[0]));
	assert_int_equal(report.findings[0].remedy, REMEDY_APPLICATION);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(full_queues_get_their_findings),
		cmocka_unit_test(texts_name_the_server_of_a_full_queue),
		cmocka_unit_test(somaxconn_is_to_be_raised_where_a_longer_queue_helps),
		cmocka_unit_test(one_sample_or_an_unknown_process_shows_no_backlog_that_helps),
		cmocka_unit_test(no_more_packets_are_charged_than_overflowed),
		cmocka_unit_test(the_evidence_of_a_full_queue_fits),
		cmocka_unit_test(the_worst_since_a_report_come_first),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
