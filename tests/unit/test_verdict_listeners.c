/* What probe listeners makes of two looks at a machine: its servers and their processes, halted,
 * elsewhere or not visible. A healthy machine has no finding. */
#include "looks.h"

#include <string.h>

#define UPSTREAM "accept-queue.unix.upstream"
#define FRONT "listeners.front"
#define TCP_UPSTREAM "accept-queue.upstream"

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

/* Two more sockets of its address are of another process. */
static void subject_has_siblings(struct looks *m)
{
	subject_make(m);
	m->at[1][0].owner = 0;
	listener_make(m, 1, LISTENER_TCP, "0.0.0.0:443", 8);
	listener_make(m, 2, LISTENER_TCP, "0.0.0.0:443", 64);
}

static void subject_is_published(struct looks *m)
{
	subject_make(m);
	m->after.queues.published = (struct published){.pid = 7, .name = "rootlessport"};
}
static void subject_is_published_unseen(struct looks *m)
{
	subject_make(m);
	m->after.queues.published = (struct published){.hidden = true};
}

/* 9 of its 10 clients are connections of a process that listens at the second listener. */
static void subject_has_front(struct looks *m, const char *name, uint64_t soft)
{
	subject_make(m);
	for (int i = 0; i < 2; i++) {
		struct front *p = i ? &m->after.queues.front : &m->before.queues.front;
		*p = (struct front){.pid = 7,
				    .address = "[::]:22",
				    .clients = 10,
				    .local = 9,
				    .theirs = 9,
				    .accepted = 40,
				    .accepting = 2,
				    .soft = soft};
		snprintf(p->name, sizeof(p->name), "%s", name);
		m->at[i][1].front = true;
	}
}
static void front_is_healthy(struct looks *m) { subject_has_front(m, "envoy", 1048576); }
static void front_holds_its_part(struct looks *m) { subject_has_front(m, "envoy", 9000); }
static void front_has_few_files(struct looks *m) { subject_has_front(m, "envoy", 8999); }
static void front_has_unknown_files(struct looks *m) { subject_has_front(m, "envoy", 0); }
static void front_has_unlimited_files(struct looks *m)
{
	subject_has_front(m, "envoy", HOST_UNLIMITED);
}
static void front_is_an_application(struct looks *m) { subject_has_front(m, "shop", 1024); }
static void front_has_a_connection_for_each(struct looks *m)
{
	front_is_an_application(m);
	m->after.queues.front.clients = m->after.queues.front.theirs = 500;
	m->after.queues.front.accepted = 480;
}
static void front_drops(struct looks *m)
{
	front_is_healthy(m);
	m->at[1][1].drops = 40;
	counter_set(m, COUNTER_LISTEN_OVERFLOWS, 1, 41);
}
static void front_has_strays(struct looks *m)
{
	front_is_healthy(m);
	m->at[1][1].drops = 2;
	counter_set(m, COUNTER_LISTEN_OVERFLOWS, 1, 1);
}
/* In 4 of 5 periods of the window. */
static void front_is_throttled(struct looks *m)
{
	static struct owner_quota quotas[2];
	front_is_healthy(m);
	for (int i = 0; i < 2; i++) {
		struct accept_queues *q = i ? &m->after.queues : &m->before.queues;
		m->process.state = 'S';
		q->listeners.processes = &m->process;
		q->listeners.process_count = 1;
		m->at[i][1].owner = 0;
		quotas[i] = (struct owner_quota){.pid = m->process.pid,
						 .quota = {.path = "/pod/istio-proxy",
							   .quota_us = 10000,
							   .period_us = 100000,
							   .periods = i ? 15 : 10,
							   .throttled = i ? 9 : 5}};
		q->cpu = (struct owner_cpu){.at = &quotas[i], .count = 1};
	}
}
static void front_is_hidden(struct looks *m)
{
	subject_make(m);
	m->after.queues.front =
		(struct front){.clients = 9, .local = 9, .theirs = 9, .hidden = true};
}
static void front_is_of_datagrams(struct looks *m)
{
	front_has_few_files(m);
	m->target.datagrams_only = true;
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

static void worker_stopped(struct looks *m) { worker_stuck(m, 'T', 12); }

static void worker_traced(struct looks *m) { worker_stuck(m, 't', 12); }

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

static struct netns_elsewhere waits_before, waits_after;

/* So many connections wait at one of its listeners, and so many arrive in the window. */
static void waits_elsewhere(struct looks *m, uint32_t was, uint32_t now, int64_t arrived)
{
	waits_before = waits_after = (struct netns_elsewhere){.netns = 1,
							      .pid = 812,
							      .name = "nginx",
							      .waits_at = 77,
							      .waiting = was,
							      .arrived = 1000,
							      .state = 'S'};
	waits_after.waiting = now;
	waits_after.arrived += arrived;
	m->before.elsewhere = (struct listeners_elsewhere){1, &waits_before};
	m->after.elsewhere = (struct listeners_elsewhere){1, &waits_after};
}

static void hangs_elsewhere(struct looks *m) { waits_elsewhere(m, 120, 130, 10); }

static void slow_elsewhere(struct looks *m) { waits_elsewhere(m, 120, 120, 20); }

static void busy_elsewhere(struct looks *m) { waits_elsewhere(m, 120, 130, 500); }

static void waits_a_little_elsewhere(struct looks *m) { waits_elsewhere(m, 30, 30, 0); }

static void drains_elsewhere(struct looks *m) { waits_elsewhere(m, 130, 120, 0); }

static void unknown_elsewhere(struct looks *m)
{
	hangs_elsewhere(m);
	waits_before.arrived = waits_after.arrived = -1;
}

static void two_listeners_elsewhere(struct looks *m)
{
	hangs_elsewhere(m);
	waits_after.waits_at = 78;
}

static void halted_elsewhere(struct looks *m)
{
	waits_elsewhere(m, 1, 1, 0);
	waits_after.state = waits_before.state = 'T';
}

static void frozen_elsewhere(struct looks *m)
{
	waits_a_little_elsewhere(m);
	waits_after.frozen = waits_before.frozen = true;
}

static void halted_without_clients_elsewhere(struct looks *m)
{
	waits_elsewhere(m, 0, 0, 0);
	waits_after.state = waits_before.state = 'T';
	waits_after.waits_at = waits_before.waits_at = 0;
}

#define WAITING_ELSEWHERE "listeners.elsewhere.waiting warning"

static void counted_elsewhere(struct netns_elsewhere *n, const char *counter, int64_t more)
{
	for (size_t i = 0; i < ELSEWHERE_COUNTERS; i++)
		if (!strcmp(counter_elsewhere(i), counter)) {
			n->counted[i] += more;
			return;
		}
	fail_msg("%s is not read", counter);
}

static void dropping_elsewhere(struct looks *m, int64_t drops, int64_t overflows)
{
	static struct netns_elsewhere before[3], after[3];
	for (size_t i = 0; i < 3; i++) {
		before[i] = (struct netns_elsewhere){.netns = 1 + i, .pid = 1, .name = "sh"};
		for (size_t k = 0; k < ELSEWHERE_COUNTERS; k++)
			before[i].counted[k] = 5;
		after[i] = before[i];
	}
	counted_elsewhere(&after[1], "TcpExt.ListenDrops", drops);
	counted_elsewhere(&after[1], "TcpExt.ListenOverflows", overflows);
	/* Another namespace than before. */
	after[2].netns = 9;
	counted_elsewhere(&after[2], "TcpExt.ListenDrops", 99);
	m->before.elsewhere = (struct listeners_elsewhere){3, before};
	m->after.elsewhere = (struct listeners_elsewhere){3, after};
}

static void overflows_elsewhere(struct looks *m) { dropping_elsewhere(m, 40, 40); }

static void drops_elsewhere(struct looks *m) { dropping_elsewhere(m, 1, 0); }

static void dropping_also(struct looks *m, int64_t drops, const char *counter, int64_t more)
{
	dropping_elsewhere(m, drops, 0);
	counted_elsewhere(&m->after.elsewhere.at[1], counter, more);
	m->after.elsewhere.at[1].listens = !strncmp(counter, "Udp", 3);
}
/* A scan whose SYN-ACKs were answered by ICMP errors: each is a drop too. */
static void scanned_elsewhere(struct looks *m) { dropping_also(m, 3, "Icmp.InDestUnreachs", 3); }
/* The errors are of datagrams over its loopback. */
static void dropping_beside_errors_elsewhere(struct looks *m)
{
	dropping_also(m, 40, "Icmp.InDestUnreachs", 90);
	counted_elsewhere(&m->after.elsewhere.at[1], "Icmp.OutDestUnreachs", 90);
}
static void scanned_elsewhere6(struct looks *m) { dropping_also(m, 3, "Icmp6.InTimeExcds", 9); }
static void dropping_beside_a_scan(struct looks *m)
{
	dropping_also(m, 40, "Icmp.InDestUnreachs", 3);
}
/* Without SYN cookies. */
static void flooded_elsewhere(struct looks *m)
{
	dropping_also(m, 40, "Icmp.InDestUnreachs", 39);
	counted_elsewhere(&m->after.elsewhere.at[1], "TcpExt.TCPReqQFullDrop", 40);
}
static void datagrams_elsewhere(struct looks *m) { dropping_also(m, 0, "Udp.RcvbufErrors", 7); }
/* A client that does not read, as a browser. */
static void datagrams_of_a_client_elsewhere(struct looks *m)
{
	datagrams_elsewhere(m);
	m->after.elsewhere.at[1].listens = false;
}
/* A socket on a port of clients that drops at both looks is a server's. */
static void datagrams_again_elsewhere(struct looks *m, uint64_t inode, uint32_t more)
{
	datagrams_of_a_client_elsewhere(m);
	for (int i = 0; i < 2; i++) {
		struct netns_elsewhere *n = (i ? &m->after : &m->before)->elsewhere.at + 1;
		n->dropping_count = 1;
		n->dropping[0].inode = i ? inode : 7;
		n->dropping[0].drops = i ? 10 + more : 10;
	}
}
static void datagrams_of_a_relay_elsewhere(struct looks *m) { datagrams_again_elsewhere(m, 7, 3); }
static void datagrams_of_another_elsewhere(struct looks *m) { datagrams_again_elsewhere(m, 8, 3); }
static void datagrams_before_elsewhere(struct looks *m) { datagrams_again_elsewhere(m, 7, 0); }
static void datagrams_elsewhere6(struct looks *m) { dropping_also(m, 0, "Udp6.RcvbufErrors", 1); }
static void memory_elsewhere(struct looks *m) { dropping_also(m, 0, "Udp.MemErrors", 1); }
static void memory_elsewhere6(struct looks *m) { dropping_also(m, 0, "Udp6.MemErrors", 1); }
static void both_elsewhere(struct looks *m) { dropping_also(m, 2, "Udp.RcvbufErrors", 7); }

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

/* Nothing arrives: none is accepted. */
static void stops_among_cookies(struct looks *m)
{
	stuck(m, 0, 0, 16);
	counter_set(m, "Tcp.PassiveOpens", 100, 100);
	cookies_now(m);
}

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

/* A server behind it, with a queue for a small part of the target. */
static void upstream_is_short(struct looks *m)
{
	static struct process processes[2];
	subject_make(m);
	processes[0] = processes[1] = m->process;
	processes[1].pid = processes[1].root = 900;
	snprintf(processes[1].name, sizeof(processes[1].name), "gunicorn");
	m->after.queues.listeners.processes = processes;
	m->after.queues.listeners.process_count = 2;
	m->at[1][0].owner = 0;
	m->at[1][2].owner = 1;
	m->at[0][2].upstream = m->at[1][2].upstream = true;
}

static void upstream_of_proxy_is_short(struct looks *m)
{
	upstream_is_short(m);
	m->target.role = TARGET_PROXY;
}

static void upstream_is_cut(struct looks *m)
{
	upstream_of_proxy_is_short(m);
	m->at[0][2].limit = m->at[1][2].limit = 128;
	m->before.queues.somaxconn = m->after.queues.somaxconn = 128;
}

static void upstream_holds(struct looks *m)
{
	upstream_of_proxy_is_short(m);
	m->at[0][2].limit = m->at[1][2].limit = 2048;
}

static void upstream_is_tight(struct looks *m)
{
	upstream_is_short(m);
	m->at[0][2].limit = m->at[1][2].limit = 1024;
}

static void upstream_of_proxy_is_tight(struct looks *m)
{
	upstream_is_tight(m);
	m->target.role = TARGET_PROXY;
}

/* Two queues that hold the load together. */
static void upstreams_share(struct looks *m)
{
	upstream_is_short(m);
	for (size_t i = 0; i < 2; i++) {
		m->at[i][2].limit = 1022;
		m->at[i][0].kind = LISTENER_UNIX;
		m->at[i][0].upstream = true;
		m->at[i][0].limit = 511;
	}
}

static void upstreams_of_proxy_share(struct looks *m)
{
	upstreams_share(m);
	m->target.role = TARGET_PROXY;
}

/* Connections that stay open show no arrivals. */
static void upstream_is_pooled(struct looks *m)
{
	upstream_is_short(m);
	m->at[1][2].pooled = true;
}

static void upstream_of_proxy_is_pooled(struct looks *m)
{
	upstream_is_pooled(m);
	m->target.role = TARGET_PROXY;
}

static void upstream_is_of_tcp(struct looks *m)
{
	upstream_is_short(m);
	for (size_t i = 0; i < 2; i++) {
		m->at[i][2].kind = LISTENER_TCP;
		snprintf(m->at[i][2].address, sizeof(m->at[i][2].address), "127.0.0.1:9001");
	}
}

static void upstream_of_proxy_is_of_tcp(struct looks *m)
{
	upstream_is_of_tcp(m);
	m->target.role = TARGET_PROXY;
}

/* SO_REUSEPORT: one finding for the address. */
static void upstream_of_proxy_has_two_sockets(struct looks *m)
{
	upstream_of_proxy_is_of_tcp(m);
	for (size_t i = 0; i < 2; i++) {
		m->at[i][1] = m->at[i][2];
		m->at[i][1].cookie = 101;
	}
}

/* Beside one that holds all. */
static void upstream_of_proxy_holds_less_than_its_part(struct looks *m)
{
	upstream_of_proxy_is_of_tcp(m);
	for (size_t i = 0; i < 2; i++) {
		m->at[i][1].upstream = true;
		m->at[i][1].limit = 4096;
	}
}

/* Of two servers, one on another host: its even part fits. */
static void upstream_of_proxy_shares_with_another_host(struct looks *m)
{
	upstream_of_proxy_is_of_tcp(m);
	m->at[0][2].limit = m->at[1][2].limit = 511;
	m->at[1][2].beyond = 1;
	m->after.queues.upstreams.away = 1;
}

static void upstream_of_proxy_has_not_its_part(struct looks *m)
{
	upstream_of_proxy_shares_with_another_host(m);
	m->at[1][2].limit = 255;
}

/* That of another section: how much of the load comes here is not known. */
static void upstream_of_proxy_is_not_the_only_one(struct looks *m)
{
	upstream_of_proxy_shares_with_another_host(m);
	m->at[1][2].beyond = 0;
}

/* What one of health checks holds does not help. */
static void upstream_of_proxy_is_beside_another_section(struct looks *m)
{
	upstream_of_proxy_holds_less_than_its_part(m);
	for (size_t i = 0; i < 2; i++) {
		m->at[i][2].limit = 511;
		m->at[i][2].pool = 2;
	}
}

static void unix_is_unlisted(struct looks *m)
{
	subject_make(m);
	snprintf(m->after.queues.upstreams.unseen, sizeof(m->after.queues.upstreams.unseen),
		 "unix:/run/b.sock");
	m->after.queues.listeners.unlisted = 1u << LISTENER_UNIX;
}

/* Its server is in another network namespace. */
static void upstream_is_elsewhere(struct looks *m)
{
	subject_make(m);
	snprintf(m->after.queues.upstreams.unseen, sizeof(m->after.queues.upstreams.unseen),
		 "unix:/run/b.sock");
}

static void servers_get_their_findings(void **state)
{
	static const struct look_findings rows[] = {
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
		{upstream_is_short, UPSTREAM " warning", UPSTREAM " warning"},
		{upstream_of_proxy_is_short, UPSTREAM " critical", UPSTREAM " critical"},
		{upstream_is_cut, UPSTREAM " critical", UPSTREAM " critical"},
		{upstreams_share, UPSTREAM " note", UPSTREAM " note"},
		{upstreams_of_proxy_share, UPSTREAM " note", UPSTREAM " note"},
		{upstream_is_pooled, UPSTREAM " note", UPSTREAM " note"},
		{upstream_of_proxy_is_pooled, UPSTREAM " warning", UPSTREAM " warning"},
		{upstream_is_of_tcp, TCP_UPSTREAM " warning", TCP_UPSTREAM " warning"},
		{upstream_of_proxy_is_of_tcp, TCP_UPSTREAM " critical", TCP_UPSTREAM " critical"},
		{upstream_of_proxy_has_two_sockets, TCP_UPSTREAM " critical",
		 TCP_UPSTREAM " critical"},
		{upstream_of_proxy_holds_less_than_its_part, TCP_UPSTREAM " warning",
		 TCP_UPSTREAM " warning"},
		{upstream_of_proxy_shares_with_another_host, TCP_UPSTREAM " note",
		 TCP_UPSTREAM " note"},
		{upstream_of_proxy_has_not_its_part, TCP_UPSTREAM " warning",
		 TCP_UPSTREAM " warning"},
		{upstream_of_proxy_is_not_the_only_one, TCP_UPSTREAM " warning",
		 TCP_UPSTREAM " warning"},
		{upstream_of_proxy_is_beside_another_section, TCP_UPSTREAM " warning",
		 TCP_UPSTREAM " warning"},
		{upstream_is_elsewhere, "listeners.upstream warning", "listeners.upstream warning"},
		{upstream_holds, "", ""},
		{upstream_is_tight, "", ""},
		{upstream_of_proxy_is_tight, UPSTREAM " warning", UPSTREAM " warning"},
		{worker_stopped, "listeners.halted critical", "listeners.halted critical"},
		{workers_stopped, "listeners.halted critical", "listeners.halted critical"},
		{worker_traced, "listeners.halted warning", "listeners.halted warning"},
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
		{hangs_elsewhere, WAITING_ELSEWHERE, ""},
		{slow_elsewhere, WAITING_ELSEWHERE, ""},
		{busy_elsewhere, "", ""},
		{waits_a_little_elsewhere, "", ""},
		{drains_elsewhere, "", ""},
		{unknown_elsewhere, "", ""},
		{two_listeners_elsewhere, "", ""},
		{halted_elsewhere, WAITING_ELSEWHERE, WAITING_ELSEWHERE},
		{frozen_elsewhere, WAITING_ELSEWHERE, WAITING_ELSEWHERE},
		{halted_without_clients_elsewhere, "", ""},
		{overflows_elsewhere, "listeners.elsewhere.dropping warning", ""},
		{drops_elsewhere, "listeners.elsewhere.dropping warning", ""},
		{scanned_elsewhere, "", ""},
		{scanned_elsewhere6, "", ""},
		{dropping_beside_a_scan, "listeners.elsewhere.dropping warning", ""},
		{dropping_beside_errors_elsewhere, "listeners.elsewhere.dropping warning", ""},
		{flooded_elsewhere, "listeners.elsewhere.dropping warning", ""},
		{datagrams_of_a_client_elsewhere, "", ""},
		{datagrams_of_a_relay_elsewhere, "listeners.elsewhere.dropping warning", ""},
		{datagrams_of_another_elsewhere, "", ""},
		{datagrams_before_elsewhere, "", ""},
		{datagrams_elsewhere,
		 "listeners.elsewhere note, listeners.elsewhere.dropping warning",
		 "listeners.elsewhere note"},
		{datagrams_elsewhere6,
		 "listeners.elsewhere note, listeners.elsewhere.dropping warning",
		 "listeners.elsewhere note"},
		{memory_elsewhere, "listeners.elsewhere note, listeners.elsewhere.dropping warning",
		 "listeners.elsewhere note"},
		{memory_elsewhere6,
		 "listeners.elsewhere note, listeners.elsewhere.dropping warning",
		 "listeners.elsewhere note"},
		{both_elsewhere, "listeners.elsewhere note, listeners.elsewhere.dropping warning",
		 "listeners.elsewhere note"},
		{dropped_elsewhere_before, "", ""},
		{drops_unknown_elsewhere, "", ""},
		{quiet_and_frozen, "listeners.halted warning", "listeners.halted warning"},
		{full_and_halted, "accept-queue.full critical", "accept-queue.full critical"},
		{unlisted, "listeners.unlisted warning", "listeners.unlisted warning"},
		{unreadable, "", ""},
		{without_unix_diag_of_tcp, "", ""},
		{without_unix_diag, "listeners.unlisted warning", "listeners.unlisted warning"},
		{uncaptured, "listeners.uncaptured warning", "listeners.uncaptured warning"},
		{subject_is_published, "listeners.published warning",
		 "listeners.published warning"},
		{subject_is_published_unseen, "listeners.published note",
		 "listeners.published note"},
		{front_is_healthy, FRONT " note", FRONT " note"},
		{front_holds_its_part, FRONT " note", FRONT " note"},
		{front_has_few_files, FRONT " warning", FRONT " warning"},
		{front_has_unknown_files, FRONT " note", FRONT " note"},
		{front_has_unlimited_files, FRONT " note", FRONT " note"},
		{front_is_an_application, FRONT " note", FRONT " note"},
		{front_has_a_connection_for_each, FRONT " warning", FRONT " warning"},
		{front_drops, "accept-queue.overflowing critical, " FRONT " warning",
		 FRONT " note"},
		{front_has_strays, FRONT " note", FRONT " note"},
		{front_is_throttled, FRONT " warning", FRONT " note"},
		{front_is_hidden, FRONT " note", FRONT " note"},
		{front_is_of_datagrams, "", ""},
		{subject_is_veiled, "listeners.veiled skipped", "listeners.veiled skipped"},
		{hidden, "accept-queue.waiting warning, listeners.hidden skipped",
		 STANDING " note, listeners.hidden skipped"},
		{in_another_pid_namespace, "accept-queue.waiting warning, listeners.hidden skipped",
		 STANDING " note, listeners.hidden skipped"},
		{of_the_kernel, "accept-queue.waiting warning", STANDING " note"},
		{unsearched, DROPPING ", listeners.unsearched warning",
		 "accept-queue.full warning, listeners.unsearched warning"},
	};
	looks_find(rows, sizeof(rows) / sizeof(*rows));
}

static void texts_name_the_process(void **state)
{
	static const struct look_texts rows[] = {
		{subject_serves_on_loopback, 0,
		 "127.0.0.1:8009 is not judged: it is on loopback, and the server has others",
		 "Its backlog is 100, less than the 1 000 connections of this load that arrive in a "
		 "stall. It has 40 open connections: this load may come there. A shutdown or "
		 "management port needs no more; one behind a reverse proxy of this host does.",
		 "If the load comes there: epolltune check --server 127.0.0.1:8009"},
		{front_has_few_files, 0,
		 "9 of 10 connections to nginx (pid 812) come from envoy (pid 7), which this "
		 "check does not judge",
		 "The limits of envoy, which listens on [::]:22, apply to these clients before they "
		 "reach nginx. The walls of this report are those of nginx alone. RLIMIT_NOFILE of envoy is 8 999 in each "
		 "of 2 processes; with two descriptors for each of its clients its part of this load "
		 "needs 18 000.",
		 "Check it, too: epolltune check --server 7 --role proxy"},
		{front_is_hidden, 0,
		 "9 of 9 connections to nginx (pid 812) come from unknown processes of this machine",
		 "The process that opened these connections is not visible to this user, or is in "
		 "another PID namespace. If that process is a proxy, its limits apply to the clients "
		 "of nginx first. The walls of this report are those of nginx alone.",
		 "Find it on the host as root with ss -tnp, then check it, too: epolltune check "
		 "--server PID"},
		{front_is_throttled, 0, NULL,
		 "The limits of envoy, which listens on [::]:22, apply to these clients before they "
		 "reach nginx. The walls of this report are those of nginx alone. The CPU quota of nginx, 10 ms in 100 ms "
		 "(/pod/istio-proxy), stopped it in 4 of 5 periods.",
		 NULL},
		{upstream_is_short, 0,
		 "gunicorn (pid 900) on unix:/run/app.sock, to which nginx (pid 812) connects, has "
		 "backlog 16; this load may need 1 000",
		 "nginx opens a connection there for each request that it passes on. If all of this "
		 "load goes there, 1 000 connections arrive in a stall of 100 ms; the queue holds "
		 "17. Beyond that connect() fails with EAGAIN, and clients get an error (502 "
		 "of nginx, 503 of HAProxy). "
		 "net.core.somaxconn allows 4096; gunicorn's default backlog is 2048.",
		 "gunicorn: backlog = 2048 (effective after a restart; HUP keeps the socket). To judge all limits of that server: "
		 "epolltune check --server unix:/run/app.sock"},
		{unix_is_unlisted, 0,
		 "The configuration of nginx (pid 812) names unix:/run/b.sock, which this check does "
		 "not judge",
		 "The kernel does not list UNIX sockets: its module unix_diag is missing.",
		 "sudo modprobe unix_diag, and run the check again."},
		{upstream_is_cut, 0,
		 "gunicorn (pid 900) on unix:/run/app.sock, to which nginx (pid 812) connects, has "
		 "backlog 128; this load needs 1 000",
		 NULL,
		 "First, in the network namespace of the server (now 128): sysctl -w net.core.somaxconn=2048. gunicorn: backlog = 2048 (effective after a "
		 "restart; HUP keeps the socket). To judge all limits of that server: epolltune check --server unix:/run/app.sock"},
		{subject_has_siblings, 0,
		 "nginx (pid 812) has 1 of 3 sockets of 0.0.0.0:443: the smallest backlog of the "
		 "others is 8",
		 NULL, "To check all of them as one server: epolltune check --server 0.0.0.0:443"},
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
		{hangs_elsewhere, 0,
		 "130 connections wait in the network namespace of nginx (pid 812); its servers "
		 "accept none",
		 "500 ms earlier 120 waited. This check does not judge the listeners of that namespace.",
		 "Check its listeners: epolltune check --netns 812"},
		{slow_elsewhere, 0,
		 "120 connections wait in the network namespace of nginx (pid 812); its servers "
		 "accept 40/s at most",
		 NULL, NULL},
		{halted_elsewhere, 0,
		 "1 connection waits in the network namespace of nginx (pid 812): nginx is stopped "
		 "(state T)",
		 NULL, NULL},
		{frozen_elsewhere, 0,
		 "30 connections wait in the network namespace of nginx (pid 812): nginx is frozen "
		 "with its control group",
		 NULL, NULL},
		{overflows_elsewhere_beside_one, 1,
		 "The network namespace of sh (pid 1) dropped 40 handshake packets in 500 ms", NULL,
		 "Check its listeners: epolltune check --netns 1"},
		{dropping_beside_a_scan, 0,
		 "The network namespace of sh (pid 1) dropped 37 handshake packets in 500 ms", NULL,
		 NULL},
		{flooded_elsewhere, 0,
		 "The network namespace of sh (pid 1) dropped 40 handshake packets in 500 ms", NULL,
		 NULL},
		{datagrams_elsewhere, 1,
		 "The network namespace of sh (pid 1) dropped 7 datagrams in 500 ms",
		 "The receive buffers of UDP sockets there were full, or UDP memory was used up. "
		 "This check judges none of its sockets.",
		 "Check its sockets: epolltune check --netns 1"},
		{both_elsewhere, 1,
		 "The network namespace of sh (pid 1) dropped 2 handshake packets and 7 datagrams in "
		 "500 ms",
		 NULL, NULL},
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
	};
	looks_say(rows, sizeof(rows) / sizeof(*rows));
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

static void most_clients_show_a_front(void **state)
{
	assert_false(front_shown(0, 0));
	assert_false(front_shown(3, 3)); /* a monitor */
	assert_true(front_shown(4, 4));
	assert_false(front_shown(8, 4)); /* half of them */
	assert_true(front_shown(8, 5));
	assert_false(front_shown(1000, 8));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(servers_get_their_findings),
		cmocka_unit_test(texts_name_the_process),
		cmocka_unit_test(most_clients_show_a_front),
		cmocka_unit_test(the_answer_names_the_server),
		cmocka_unit_test(the_report_carries_the_listeners),
		cmocka_unit_test(the_subject_comes_before_others),
		cmocka_unit_test(many_listeners_are_counted),
		cmocka_unit_test(known_servers_are_found_by_their_process),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
