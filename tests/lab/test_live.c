/* Probe live in a lab: connections that are limited each by another cause, over a wire with a round
 * trip of 20 ms, and one over a wire that loses packets. */
#define probe_live live_under_test
#include "../../probes/live.c"
#include "../support/support.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "epolltune/lab.h"
#include "epolltune/task.h"

#define SMALL_BUFFER 4096

/* What the two ends do with a connection, by the byte that the client sends first. */
enum { IDLE = 'i', BULK = 'b', PEER_UNREAD = 'p', SMALL = 's', SERVER_UNREAD = 'u' };

struct scene {
	const char *connections; /* a byte each */
	union endpoint address;
	/* By the last pair of samples. */
	_Atomic unsigned looked;
	size_t seen[CAUSES], fixed[CAUSES];
	char table[64];
};

static void write_some(int fd)
{
	static const char data[65536];
	while (write(fd, data, sizeof(data)) > 0)
		;
}

static void read_some(int fd)
{
	static char data[65536];
	while (read(fd, data, sizeof(data)) > 0)
		;
}

/* Until the test ends the task. */
static void pump(struct task_port *port, const struct pollfd *fds, size_t count)
{
	while (!task_ended(port)) {
		struct pollfd now[16];
		memcpy(now, fds, count * sizeof(*now));
		poll(now, (nfds_t)count, 10);
		for (size_t i = 0; i < count; i++) {
			if (now[i].revents & POLLOUT)
				write_some(now[i].fd);
			if (now[i].revents & POLLIN)
				read_some(now[i].fd);
		}
	}
}

static int serve(struct task_port *port, void *arg)
{
	struct scene *s = arg;
	struct pollfd fds[16] = {0};
	const int small = SMALL_BUFFER;
	size_t count = strlen(s->connections);
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	socklen_t size = sizeof(s->address);
	signal(SIGPIPE, SIG_IGN);
	if (listener < 0 || bind(listener, &s->address.any, endpoint_size(&s->address)) ||
	    listen(listener, 16) || getsockname(listener, &s->address.any, &size) ||
	    !task_answer(port, 0, NULL, NULL, 0))
		return err_errno(&port->e, "a listener");
	for (size_t i = 0; i < count; i++) {
		char kind = 0;
		fds[i].fd = accept(listener, NULL, NULL);
		if (read(fds[i].fd, &kind, 1) != 1)
			return err_errno(&port->e, "a connection");
		if (kind == SMALL)
			setsockopt(fds[i].fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
		fcntl(fds[i].fd, F_SETFL, O_NONBLOCK);
		fds[i].events = kind == IDLE || kind == SERVER_UNREAD ? 0 : POLLOUT;
	}
	pump(port, fds, count);
	return 0;
}

static int connect_all(struct task_port *port, void *arg)
{
	struct scene *s = arg;
	struct pollfd fds[16] = {0};
	size_t count = strlen(s->connections);
	signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; i < count; i++) {
		char kind = s->connections[i];
		fds[i].fd = socket(AF_INET, SOCK_STREAM, 0);
		if (connect(fds[i].fd, &s->address.any, endpoint_size(&s->address)) ||
		    write(fds[i].fd, &kind, 1) != 1)
			return err_errno(&port->e, "connect()");
		fcntl(fds[i].fd, F_SETFL, O_NONBLOCK);
		fds[i].events = kind == BULK || kind == SMALL ? POLLIN
				: kind == SERVER_UNREAD       ? POLLOUT
							      : 0;
	}
	if (!task_answer(port, 0, NULL, NULL, 0))
		return -EPIPE;
	pump(port, fds, count);
	return 0;
}

static void judge_scene(struct scene *s, const struct sample looks[2])
{
	static struct looks all;
	static struct report r;
	static const struct target target = {.stall_us = 100000};
	static const struct probe_options options = {0};
	const struct moment m = {.target = &target, .options = &options, .seconds = 0.5};
	all.count = 0;
	looks_make(&looks[0], &looks[1], &all);
	for (size_t i = 0; i < CAUSES; i++) {
		struct row row = row_of(&all, (enum cause)i);
		s->seen[i] = row.count;
		s->fixed[i] = row.fixed_send;
	}
	report_init(&r);
	observation_judge(&looks[0], &looks[1], &m, &r);
	if (r.finding_count > 1)
		snprintf(s->table, sizeof(s->table), "%s", r.findings[1].table.row[0].name);
	atomic_fetch_add(&s->looked, 1);
}

static int sample_pairs(struct task_port *port, void *arg)
{
	struct scene *s = arg;
	struct subject subject = {.name = "server"};
	const struct probe_options options = {.subject = &subject};
	struct host *h = NULL;
	int rc = host_open(&h, "/", &port->e);
	if (!rc)
		rc = listeners_read_tcp(h, &subject.listeners, &port->e);
	if (!rc)
		rc = task_answer(port, 0, NULL, NULL, 0) ? 0 : -EPIPE;
	while (!rc && !task_ended(port)) {
		struct sample looks[2] = {0};
		rc = sample_take(h, &options, &looks[0], &port->e);
		clock_sleep_ms(500);
		if (!rc)
			rc = sample_take(h, &options, &looks[1], &port->e);
		if (!rc)
			judge_scene(s, looks);
		sample_release(&looks[0]);
		sample_release(&looks[1]);
	}
	listeners_free(&subject.listeners);
	host_close(h);
	return rc;
}

/* Whether a pair of samples shows what the scene is. */
static bool is_shown(const struct scene *s, const size_t want[CAUSES])
{
	return s->seen[PEER_WINDOW] == want[PEER_WINDOW] &&
	       s->seen[SEND_BUFFER] == want[SEND_BUFFER] &&
	       s->fixed[SEND_BUFFER] == want[SEND_BUFFER] && s->seen[UNREAD] == want[UNREAD] &&
	       s->seen[CONGESTION] + s->seen[LOSS] == want[CONGESTION] + want[LOSS] &&
	       s->seen[LOSS] >= want[LOSS] && s->seen[APPLICATION] == want[APPLICATION];
}

static void scene_shows(const char *connections, double loss, const size_t want[CAUSES])
{
	struct err e = {0};
	struct host *host = NULL;
	struct lab *lab = NULL;
	struct task tasks[3] = {0};
	const struct lab_options options = {.wire = LAB_WIRE_DELAY,
					    .rtt_us = 20000,
					    .bandwidth_bps = 20000000,
					    .loss = loss,
					    .seed = 1};
	assert_int_equal(host_open(&host, "/", &e), 0);
	if (lab_open(&lab, &options, host, &e)) {
		host_close(host);
		skip_because("%s", e.text);
	}
	const struct task_context at_server = {lab, LAB_SERVER}, at_client = {lab, LAB_CLIENT};
	struct scene *s = lab_alloc(lab, sizeof(*s), &e);
	assert_non_null(s);
	s->connections = connections;
	s->address = lab_address(lab, LAB_SERVER, 0);
	if (task_start(&tasks[0], &at_server, serve, s, &e) ||
	    task_await(&tasks[0], NULL, 0, WITHIN_MS, &e) ||
	    task_start(&tasks[1], &at_client, connect_all, s, &e) ||
	    task_await(&tasks[1], NULL, 0, WITHIN_MS, &e) ||
	    task_start(&tasks[2], &at_server, sample_pairs, s, &e) ||
	    task_await(&tasks[2], NULL, 0, WITHIN_MS, &e))
		fail_msg("%s", e.text);
	bool shown = false;
	for (unsigned looked = 0; !shown && (!looked || may_try_again()); looked++) {
		WAIT_UNTIL(s->looked > looked);
		shown = is_shown(s, want);
	}
	const struct scene seen = *s;
	for (size_t i = 3; i-- > 0;)
		task_end(&tasks[i]);
	lab_close(lab);
	host_close(host);
	if (!shown)
		fail_msg("peer %zu, buffer %zu, congestion %zu, loss %zu, unread %zu, application "
			 "%zu",
			 seen.seen[PEER_WINDOW], seen.seen[SEND_BUFFER], seen.seen[CONGESTION],
			 seen.seen[LOSS], seen.seen[UNREAD], seen.seen[APPLICATION]);
	assert_non_null(strstr(seen.table, "198.18."));
}

static void each_connection_has_its_cause(void **state)
{
	const size_t want[CAUSES] = {[PEER_WINDOW] = 1,
				     [SEND_BUFFER] = 1,
				     [CONGESTION] = 1,
				     [UNREAD] = 1,
				     [APPLICATION] = 2};
	scene_shows((const char[]){IDLE, PEER_UNREAD, SERVER_UNREAD, IDLE, SMALL, BULK, 0}, 0,
		    want);
}

static void loss_is_told_from_the_congestion_window(void **state)
{
	const size_t want[CAUSES] = {[LOSS] = 1, [APPLICATION] = 1};
	scene_shows((const char[]){IDLE, BULK, 0}, 0.1, want);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_connection_has_its_cause),
		cmocka_unit_test(loss_is_told_from_the_congestion_window),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
