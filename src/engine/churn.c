#include "epolltune/churn.h"

#include <errno.h>

#include "engine/cpus.h"
#include "epolltune/clock.h"

/* Concurrent connection attempts. */
#define IN_FLIGHT 64
/* A client may be far ahead of the server's accept(). */
#define BACKLOG 4096
#define MS_DEFAULT 10000
/* Time for the server to accept and close what its client has closed. */
#define SETTLE_MS 4000
#define SETTLE_STEP_MS 2
#define BATCH_MS 1

struct churn {
	struct lab *lab;
	const struct churn_config *config;
	struct server server;
	struct client client;
};

static int churn_server(struct churn *c, struct err *e)
{
	const struct churn_config *o = c->config;
	const struct task_context where = {c->lab, o->loopback ? LAB_CLIENT : LAB_SERVER};
	struct server_config config = {
		.address = o->loopback ? endpoint_ipv4((struct in_addr){htonl(INADDR_LOOPBACK)})
				       : lab_address(c->lab, LAB_SERVER, 0),
		.workers = o->destinations,
		.own_ports = true,
		.backlog = BACKLOG,
		.close_at_once = o->close == CHURN_SERVER_FIRST,
		.pause_ms = o->batches ? BATCH_MS : 0,
		.pin = o->batches,
	};
	endpoint_set_port(&config.address, o->port);
	return server_start(&c->server, &where, &config, e);
}

/* A process for each destination. */
static int churn_client(struct churn *c, struct err *e)
{
	const struct churn_config *o = c->config;
	const struct task_context where = {c->lab, LAB_CLIENT};
	static const enum client_close closes[] = {
		[CHURN_CLIENT_FIRST] = CLIENT_CLOSE_CLIENT,
		[CHURN_SERVER_FIRST] = CLIENT_CLOSE_SERVER,
		[CHURN_RESET] = CLIENT_CLOSE_RESET,
		[CHURN_HOLD] = CLIENT_CLOSE_RESET,
	};
	union endpoint sources[CHURN_SOURCES];
	const struct client_config config = {
		.workers = &c->server,
		.close = closes[o->close],
		.connections = o->close == CHURN_HOLD ? o->max : IN_FLIGHT,
		.processes = c->server.processes,
		.sources = sources,
		.source_count = o->sources ? o->sources : 1,
		.reserve_port = o->bind_port,
		.pin = o->batches,
	};
	for (unsigned i = 0; i < config.source_count && i < CHURN_SOURCES; i++) {
		unsigned number = o->first_source + i;
		sources[i] = o->loopback ? endpoint_ipv4((struct in_addr){
						   htonl(INADDR_LOOPBACK + 1 + number)})
					 : lab_address(c->lab, LAB_CLIENT,
						       number % lab_addresses(c->lab, LAB_CLIENT));
	}
	return client_start(&c->client, &where, &config, e);
}

static int churn_order(struct churn *c, struct churn_result *out, struct err *e)
{
	const struct churn_config *o = c->config;
	const struct client_order order = {
		.verb = o->close == CHURN_HOLD ? CLIENT_OPEN : CLIENT_CHURN,
		.count = o->max,
		.duration_us = (o->ms ? o->ms : MS_DEFAULT) * UINT64_C(1000),
		.active = o->close == CHURN_HOLD ? 0 : IN_FLIGHT,
		.in_flight = IN_FLIGHT,
		.rate_per_s = (double)o->max_per_s,
		.depth = 1,
		.stop = true,
	};
	struct server_usage before, after;
	int rc = server_usage(&c->server, &before, e);
	if (!rc)
		rc = client_order(&c->client, &order, NULL, NULL, e);
	if (!rc)
		rc = server_usage(&c->server, &after, e);
	if (rc)
		return rc;
	struct client_sum sum = client_sum(&c->client);
	out->connections = sum.done;
	out->elapsed_ns = sum.elapsed_ns;
	out->client_cpu_ns = sum.cpu_ns;
	out->server_cpu_ns = after.cpu_ns - before.cpu_ns;
	out->accepted = server_sum(&c->server).accepted;
	int code = client_cause(&sum);
	out->ports_used_up = code == EADDRNOTAVAIL || code == EADDRINUSE;
	if (code && !out->ports_used_up)
		return err_set(e, code, "test client in the lab: %s", client_failure(code));
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

int churn_run(struct lab *lab, const struct churn_config *config, struct churn_result *out,
	      struct err *e)
{
	size_t mark = lab_mark(lab);
	struct churn c = {.lab = lab, .config = config};
	*out = (struct churn_result){.cpus = cpus_count()};
	int rc = churn_server(&c, e);
	if (!rc)
		rc = churn_client(&c, e);
	if (!rc)
		rc = churn_order(&c, out, e);
	client_stop(&c.client);
	if (!rc && config->close == CHURN_CLIENT_FIRST)
		churn_settle(lab);
	server_stop(&c.server);
	lab_release(lab, mark);
	return rc;
}
