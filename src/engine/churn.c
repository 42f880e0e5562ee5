#include "epolltune/churn.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/cpus.h"
#include "engine/sockets.h"
#include "epolltune/clock.h"

#ifndef IP_BIND_ADDRESS_NO_PORT
#define IP_BIND_ADDRESS_NO_PORT 24
#endif

/* Concurrent connection attempts. */
#define IN_FLIGHT 64
/* A client may be far ahead of the server's accept(). */
#define BACKLOG 4096
#define EVENTS 64
#define MS_DEFAULT 10000
#define PATIENCE_MS 20000
/* The deadline is checked this often even without events. */
#define STUCK_MS 20
/* Time for the server to accept and close what its client has closed. */
#define SETTLE_MS 4000
#define SETTLE_STEP_MS 2
#define BATCH_MS 1

/* In the lab's memory. */
struct churn {
	/* Written by the server, on a cache line of its own. */
	_Alignas(64) uint64_t accepted;
	uint64_t server_cpu_ns, unused[6];
	struct churn_config config;
	union endpoint server, sources[CHURN_SOURCES];
	uint16_t ports[CHURN_DESTINATIONS];
	struct churn_result result;
	int client_error; /* errno of the first failure */
};

static int watch(int epoll, int fd, uint32_t events, uint64_t data)
{
	struct epoll_event event = {.events = events, .data.u64 = data};
	return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) ? -errno : 0;
}

static int server_listen(struct churn *c, int epoll, unsigned destination, int *out)
{
	union endpoint at = c->server;
	socklen_t size = sizeof(at);
	int on = 1;
	if (c->config.port)
		endpoint_set_port(&at, (uint16_t)(c->config.port + destination));
	int fd = socket(at.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) ||
	    bind(fd, &at.any, endpoint_size(&at)) || listen(fd, BACKLOG) ||
	    getsockname(fd, &at.any, &size))
		return -errno;
	c->ports[destination] = endpoint_port(&at);
	*out = fd;
	/* The top bit distinguishes listeners from connections. */
	return watch(epoll, fd, EPOLLIN, (uint64_t)1 << 63 | (unsigned)fd);
}

/* False when descriptors or memory have run out. */
static bool server_accept(struct churn *c, int epoll, int listener)
{
	int fd;
	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		c->accepted++;
		if (c->config.close == CHURN_SERVER_FIRST ||
		    watch(epoll, fd, EPOLLIN | EPOLLRDHUP, (unsigned)fd))
			close(fd);
	}
	return errno != EMFILE && errno != ENFILE && errno != ENOMEM && errno != ENOBUFS;
}

static void server_watch(int epoll, const int listeners[CHURN_DESTINATIONS], bool on)
{
	for (unsigned i = 0; i < CHURN_DESTINATIONS; i++)
		if (on)
			watch(epoll, listeners[i], EPOLLIN,
			      (uint64_t)1 << 63 | (unsigned)listeners[i]);
		else
			epoll_ctl(epoll, EPOLL_CTL_DEL, listeners[i], NULL);
}

static void share_cpu(const struct churn *c)
{
	if (c->config.batches)
		cpus_run_on(cpus_nth(0));
}

/* Serves until the channel is readable. */
static void server_serve(struct churn *c, int epoll, const int listeners[], int channel)
{
	struct epoll_event events[EVENTS];
	bool full = false;
	for (;;) {
		if (c->config.batches)
			clock_sleep_ms(BATCH_MS);
		int n = epoll_wait(epoll, events, EVENTS, -1);
		for (int i = 0; i < n; i++) {
			int fd = (int)(events[i].data.u64 & INT32_MAX);
			if (fd == channel)
				return;
			bool was = full;
			if (events[i].data.u64 >> 63) {
				full = !server_accept(c, epoll, fd);
			} else {
				close(fd);
				full = false;
			}
			/* Without descriptors a level-triggered listener would be reported
			 * forever. */
			if (full != was)
				server_watch(epoll, listeners, !full);
		}
	}
}

static int server_main(struct task_port *port, void *arg)
{
	struct churn *c = arg;
	int listeners[CHURN_DESTINATIONS], rc = 0, epoll = epoll_create1(EPOLL_CLOEXEC);
	sockets_raise_limit();
	share_cpu(c);
	for (unsigned i = 0; i < CHURN_DESTINATIONS && !rc; i++)
		rc = server_listen(c, epoll, i, &listeners[i]);
	if (!rc)
		rc = watch(epoll, port->channel, EPOLLIN, (uint64_t)port->channel);
	if (!task_answer(port, rc, NULL, NULL, 0) || rc)
		return rc;
	uint64_t began_ns = clock_cpu_ns();
	server_serve(c, epoll, listeners, port->channel);
	c->server_cpu_ns = clock_cpu_ns() - began_ns;
	/* Free the ports before reporting the end. */
	for (unsigned i = 0; i < CHURN_DESTINATIONS; i++)
		close(listeners[i]);
	return 0;
}

struct churn_client {
	struct churn *churn;
	int epoll;
	uint64_t begun, in_flight, start_ns;
};

/* Returns 0 or -errno. */
static int client_connect(struct churn_client *k)
{
	const struct churn *c = k->churn;
	const struct churn_config *o = &c->config;
	unsigned sources = o->sources ? o->sources : 1;
	unsigned destinations = o->destinations ? o->destinations : 1;
	const union endpoint *from = &c->sources[o->first_source + k->begun % sources];
	union endpoint to = c->server;
	struct linger reset = {.l_onoff = 1};
	int on = 1, rc = 0;
	int fd = socket(to.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	endpoint_set_port(&to, c->ports[k->begun / sources % destinations]);
	if (!o->bind_port)
		setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
	if (o->close == CHURN_RESET || o->close == CHURN_HOLD)
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	uint32_t events = o->close == CHURN_SERVER_FIRST ? EPOLLIN | EPOLLRDHUP : EPOLLOUT;
	if (bind(fd, &from->any, endpoint_size(from)) ||
	    (connect(fd, &to.any, endpoint_size(&to)) && errno != EINPROGRESS))
		rc = -errno;
	if (!rc)
		rc = watch(k->epoll, fd, events | EPOLLET, (unsigned)fd);
	if (rc) {
		close(fd);
		return rc;
	}
	k->begun++;
	k->in_flight++;
	return 0;
}

static void client_event(struct churn_client *k, const struct epoll_event *event)
{
	struct churn *c = k->churn;
	int fd = (int)event->data.u64;
	k->in_flight--;
	if (event->events & EPOLLERR) {
		int error = 0;
		socklen_t size = sizeof(error);
		getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
		if (!c->client_error)
			c->client_error = error ? error : EIO;
		close(fd);
		return;
	}
	c->result.connections++;
	if (c->config.close == CHURN_HOLD)
		epoll_ctl(k->epoll, EPOLL_CTL_DEL, fd, NULL);
	else
		close(fd);
}

/* The connections that may have begun by now. */
static uint64_t client_allowed(const struct churn_client *k)
{
	const struct churn_config *c = &k->churn->config;
	uint64_t max = c->max ? c->max : UINT64_MAX, ns = clock_ns() - k->start_ns;
	uint64_t due = c->max_per_s ? ns / 1000 * c->max_per_s / 1000000 + 1 : max;
	return due < max ? due : max;
}

static int client_main(struct task_port *port, void *arg)
{
	struct churn_client k = {.churn = arg, .epoll = epoll_create1(EPOLL_CLOEXEC)};
	struct churn *c = k.churn;
	struct epoll_event events[EVENTS];
	sockets_raise_limit();
	c->result.cpus = cpus_count();
	share_cpu(c);
	uint64_t began_ns = clock_cpu_ns();
	k.start_ns = clock_ns();
	uint64_t stop = k.start_ns + (uint64_t)(c->config.ms ? c->config.ms : MS_DEFAULT) * 1000000;
	bool more = true;
	while ((more || k.in_flight) && clock_ns() < stop) {
		more = more && !c->client_error;
		for (uint64_t due = client_allowed(&k);
		     more && k.begun < due && k.in_flight < IN_FLIGHT;) {
			int rc = client_connect(&k);
			if (rc) {
				c->client_error = -rc;
				more = false;
			}
		}
		more = more && (!c->config.max || k.begun < c->config.max);
		bool paced = more && c->config.max_per_s;
		int n = k.in_flight || paced
				? epoll_wait(k.epoll, events, EVENTS, paced ? 1 : STUCK_MS)
				: 0;
		for (int i = 0; i < n; i++)
			client_event(&k, &events[i]);
	}
	c->result.elapsed_ns = clock_ns() - k.start_ns;
	c->result.client_cpu_ns = clock_cpu_ns() - began_ns;
	task_answer(port, 0, NULL, NULL, 0);
	task_hear(port, NULL, 0);
	return 0;
}

static int count_closing(struct host *h, void *arg, struct err *e)
{
	return host_closing(h, arg, e);
}

/* Waits until all that the client closed first is in TIME_WAIT. While such a socket waits for the
 * server's FIN, a reset frees its port (tcp_timewait_state_process(), FIN_WAIT2), and closing a
 * listener resets connections not yet accepted. A FIN that arrives while the kernel destroys the
 * socket is lost and retransmitted after 200 ms. Without inet_diag some connections may be missing
 * from TIME_WAIT. */
static void churn_settle(struct lab *lab)
{
	uint64_t *closing = lab_alloc(lab, sizeof(*closing), NULL);
	for (unsigned ms = 0; closing && ms < SETTLE_MS; ms += SETTLE_STEP_MS) {
		if (lab_call(lab, LAB_CLIENT, count_closing, closing, NULL) || !*closing)
			return;
		clock_sleep_ms(SETTLE_STEP_MS);
	}
}

static void churn_addresses(struct churn *c, const struct lab *lab)
{
	for (unsigned i = 0; i < CHURN_SOURCES; i++)
		c->sources[i] =
			c->config.loopback
				? endpoint_ipv4((struct in_addr){htonl(INADDR_LOOPBACK + 1 + i)})
				: lab_address(lab, LAB_CLIENT, i % lab_addresses(lab, LAB_CLIENT));
	c->server = c->config.loopback ? endpoint_ipv4((struct in_addr){htonl(INADDR_LOOPBACK)})
				       : lab_address(lab, LAB_SERVER, 0);
}

int churn_run(struct lab *lab, const struct churn_config *config, struct churn_result *out,
	      struct err *e)
{
	size_t mark = lab_mark(lab);
	struct churn *c = lab_alloc(lab, sizeof(*c), e);
	struct task server = {0}, client = {0};
	const struct task_context on_client = {lab, LAB_CLIENT};
	const struct task_context on_server = {lab, config->loopback ? LAB_CLIENT : LAB_SERVER};
	if (!c)
		return -ENOMEM;
	c->config = *config;
	if (c->config.first_source >= CHURN_SOURCES)
		c->config.first_source = CHURN_SOURCES - 1;
	if (c->config.sources > CHURN_SOURCES - c->config.first_source)
		c->config.sources = CHURN_SOURCES - c->config.first_source;
	if (c->config.destinations > CHURN_DESTINATIONS)
		c->config.destinations = CHURN_DESTINATIONS;
	churn_addresses(c, lab);
	int rc = task_start(&server, &on_server, server_main, c, e);
	if (!rc && (rc = task_await(&server, NULL, 0, PATIENCE_MS, e)) < 0)
		err_prefix(e, "test server in the lab");
	if (!rc)
		rc = task_start(&client, &on_client, client_main, c, e);
	if (!rc)
		rc = task_await(&client, NULL, 0, PATIENCE_MS + (int)config->ms, e);
	task_end(&client);
	if (!rc && config->close == CHURN_CLIENT_FIRST)
		churn_settle(lab);
	task_end(&server);
	c->result.ports_used_up = c->client_error == EADDRNOTAVAIL || c->client_error == EADDRINUSE;
	c->result.accepted = c->accepted;
	c->result.server_cpu_ns = c->server_cpu_ns;
	*out = c->result;
	if (!rc && c->client_error && !c->result.ports_used_up)
		rc = err_set(e, c->client_error, "test client in the lab: %s",
			     strerror(c->client_error));
	lab_release(lab, mark);
	return rc;
}
