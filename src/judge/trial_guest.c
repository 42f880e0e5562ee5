/* The functions of probe.h for experiments on the operator's server (check --run). */
#include "epolltune/clock.h"
#include "epolltune/probe.h"

/* For a server to accept what waits. */
#define PATIENCE_MS 2000
/* To be served: a busy machine is no fault of the server. */
#define ATTEMPTS 2

bool trial_guest_refuses(struct trial *t, const struct settings *s, enum listener_kind kind,
			 struct outcome *out, int *rc, struct err *e)
{
	struct guest *guest = t->options->guest;
	struct guest_queue q = {0};
	uint32_t limit = subject_queue(s->subject, kind).smallest->limit;
	*rc = guest_restart(guest, 0, e);
	if (!*rc)
		*rc = guest_queue_read(guest, &q, e);
	if (*rc || !t->proof || guest->line || q.limit > limit * q.sockets)
		return *rc;
	outcome_unsupported(out,
			    "the command passes %u to listen(): set its backlog there, and check "
			    "again",
			    limit);
	return true;
}

int trial_guest(struct trial *t, uint64_t nofile, struct subject *out, struct err *e)
{
	struct guest *guest = t->options->guest;
	subject_free(out);
	int rc = guest_restart(guest, nofile, e);
	return rc ? rc : guest_subject_serving(guest, t->host, out, e);
}

struct client_config trial_guest_client(const struct trial *t, uint64_t connections)
{
	return (struct client_config){.connections = connections,
				      .request = t->options->guest->request};
}

unsigned trial_guest_size(const struct trial *t)
{
	const struct guest *guest = t->options->guest;
	return guest->request.size ? guest->request.size : GUEST_ECHO_SIZE;
}

int trial_guest_accepts(struct trial *t, uint64_t *queued, struct err *e)
{
	uint64_t until = clock_ms() + PATIENCE_MS;
	struct guest_queue queue;
	int rc;
	do {
		rc = guest_queue_read(t->options->guest, &queue, e);
		*queued = queue.depth;
		if (!rc && queue.depth)
			clock_sleep_ms(1);
	} while (!rc && queue.depth && clock_ms() < until);
	return rc;
}

void trial_clients_end(struct trial *t)
{
	for (size_t i = TRIAL_CLIENTS; i-- > 0; t->clients[i] = NULL)
		if (t->clients[i])
			client_stop(t->clients[i]);
}

static int serves_once(struct trial *t, bool *serves, struct err *e)
{
	bool asks = t->options->guest->protocol != PROTOCOL_CONNECT;
	const struct client_order order = {.verb = asks ? CLIENT_CHURN : CLIENT_OPEN,
					   .count = 1,
					   .active = asks,
					   .depth = 1,
					   .size = trial_guest_size(t),
					   .stop = true};
	struct err ended = {0};
	uint64_t queued = 0;
	if (guest_check(t->options->guest, &ended))
		return 0;
	int rc = trial_guest_accepts(t, &queued, e);
	if (!rc)
		rc = trial_client(t, trial_guest_client(t, 1), e);
	if (!rc)
		rc = client_order(t->clients[0], &order, NULL, NULL, e);
	if (!rc && !asks)
		rc = trial_guest_accepts(t, &queued, e);
	if (rc)
		return rc;
	struct client_sum sum = client_sum(t->clients[0]);
	*serves = sum.done && !sum.failed && !sum.errors && !queued;
	trial_clients_end(t);
	return 0;
}

int trial_guest_serves(struct trial *t, bool *serves, struct err *e)
{
	int rc = 0;
	*serves = false;
	for (unsigned i = 0; i < ATTEMPTS && !rc && !*serves; i++)
		rc = serves_once(t, serves, e);
	return rc;
}
