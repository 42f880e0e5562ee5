#include "epolltune/guest_load.h"

#include <errno.h>
#include <stdlib.h>

#include "epolltune/cleanup.h"
#include "epolltune/clock.h"
#include "epolltune/guest_hold.h"
#include "epolltune/quantity.h"

/* Of so many requests one may fail or get an error. */
#define TOLERATED 100
/* Of its CPU time: then the client was the limit. */
#define CLIENT_BUSY 0.9
/* From this share of a CPU on a thread of the server was limited by it. The machine was not the
 * limit up to this share of the time that the server needed a CPU and had none. */
#define SERVER_BUSY 0.85
#define WAITED 0.2
/* Idle CPUs below which the machine was the limit. */
#define IDLE 0.1

struct guest_replies guest_replies_of(const struct client_sum *before,
				      const struct client_sum *after)
{
	return (struct guest_replies){.done = after->done,
				      .errors = after->errors - before->errors,
				      .failed = after->failed - before->failed};
}

bool guest_replies_bad(const struct guest_replies *r)
{
	return !r->done || (r->errors + r->failed) * TOLERATED > r->done + r->failed;
}

/* The error that a server answered with: its text, or the status that came most often. */
static const char *error_text(const struct trial *t, char text[CLIENT_ANSWER])
{
	static uint64_t counts[CLIENT_STATUSES];
	unsigned most = 0;
	client_answer(t->clients[0], text);
	client_statuses(t->clients[0], counts);
	for (unsigned status = 400; status < CLIENT_STATUSES; status++)
		if (counts[status] > counts[most])
			most = status;
	if (!text[0] && most)
		report_text_into(text, CLIENT_ANSWER, "status %u", most);
	return text;
}

void guest_replies_text(const struct trial *t, const struct guest_replies *r, char *text,
			size_t size)
{
	char answer[CLIENT_ANSWER];
	text[0] = 0;
	if (r->errors)
		report_append_to(text, size, "%s of %s replies %s: %s",
				 quantity_count(r->errors).text, quantity_count(r->done).text,
				 r->errors == 1 ? "was an error" : "were errors",
				 error_text(t, answer));
	if (r->failed)
		report_append_to(text, size, "%s%s of %s requests failed: %s",
				 r->errors ? "; " : "", quantity_count(r->failed).text,
				 quantity_count(r->done + r->failed).text,
				 client_failure(client_sum(t->clients[0]).first_errno));
}

bool guest_connections_fail(const struct trial *t, uint64_t count, uint64_t requests,
			    struct outcome *out)
{
	const struct client_sum sum = client_sum(t->clients[0]);
	bool reopened = t->options->guest->request.size && !sum.lost;
	if (reopened || sum.held >= count)
		return false;
	outcome_unsupported(out, "%s of %s connections failed within %s requests: %s",
			    quantity_count(count - sum.held).text, quantity_count(count).text,
			    quantity_count(requests).text, client_failure(client_cause(&sum)));
	return true;
}

int guest_load_around(struct trial *t, const struct subject *server, guest_load_step step,
		      void *arg, struct guest_load *l, struct err *e)
{
	CLEAN(subject_threads_free) struct subject_threads before = {0}, after = {0};
	CLEAN(free_pointer) struct host_cpu_times *cpus = calloc(2, sizeof(*cpus));
	if (!cpus)
		return err_set(e, ENOMEM, "CPU times: out of memory");
	int rc = subject_threads_read(t->host, server, &before, e);
	if (!rc)
		rc = host_cpu_times(t->host, &cpus[0], e);
	uint64_t began = clock_ns();
	if (!rc)
		rc = step(t, arg, e);
	double elapsed = (double)(clock_ns() - began);
	if (!rc)
		rc = host_cpu_times(t->host, &cpus[1], e);
	if (!rc)
		rc = subject_threads_read(t->host, server, &after, e);
	if (rc)
		return rc;
	struct subject_taken taken = subject_threads_taken(&before, &after);
	double ready = (double)taken.all.ready_ns;
	l->ran = (double)taken.all.ran_ns / elapsed;
	l->busiest = (double)taken.busiest.ran_ns / elapsed;
	l->waited = (ready - (double)taken.all.ran_ns) / (ready + 1);
	l->idle = host_idle_cpus(&cpus[0], &cpus[1]);
	return 0;
}

static int order_run(struct trial *t, void *arg, struct err *e)
{
	return client_order(t->clients[0], arg, NULL, NULL, e);
}

int guest_load_run(struct trial *t, const struct subject *server, const struct client_order *order,
		   struct guest_load *l, struct err *e)
{
	const struct client_sum first = client_sum(t->clients[0]);
	struct client_order given = *order;
	int rc = guest_load_around(t, server, order_run, &given, l, e);
	if (rc)
		return rc;
	l->sum = client_sum(t->clients[0]);
	l->replies = guest_replies_of(&first, &l->sum);
	l->rate = l->sum.rate * (double)(l->replies.done - l->replies.errors) /
		  (double)(l->replies.done + !l->replies.done);
	l->client = (double)l->sum.cpu_ns / (double)(l->sum.elapsed_ns + 1);
	return 0;
}

bool guest_load_by_cpu(const struct guest_load *l) { return l->busiest >= SERVER_BUSY; }

bool guest_load_crowded(const struct guest_load *l)
{
	return !guest_load_by_cpu(l) && l->idle < IDLE;
}

/* Whether the machine was too busy for the client, or for the server. */
static bool guest_load_machine_busy(const struct guest_load *l)
{
	return l->waited > WAITED || guest_load_crowded(l);
}

bool guest_replies_accuse(const struct guest_replies *r, int cause, const struct guest_load *l)
{
	bool ended = cause == ECONNRESET || cause == EPIPE || cause == EBADMSG;
	uint64_t bad = r->errors + (ended && !guest_load_machine_busy(l) ? r->failed : 0);
	return bad * TOLERATED > r->done + r->failed;
}

bool guest_replies_fail(const struct trial *t, const struct guest_replies *r,
			const struct guest_load *l, char bad[GUEST_BAD], struct outcome *out)
{
	const struct client_sum sum = client_sum(t->clients[0]);
	char text[sizeof(out->why)];
	if (r->failed && sum.first_errno == EPROTO) {
		client_answer(t->clients[0], text);
		guest_misfit(t, text, out);
		return true;
	}
	if (!guest_replies_bad(r))
		return false;
	guest_replies_text(t, r, text, sizeof(text));
	bool accused = guest_replies_accuse(r, sum.first_errno, l);
	outcome_unsupported(out, "%s%s", text[0] ? text : "no request was answered",
			    !accused && guest_load_machine_busy(l) ? "; this machine was too busy"
								   : "");
	if (accused)
		report_text_into(bad, GUEST_BAD, "%s", text);
	return true;
}

bool guest_load_hindered(const struct trial *t, const struct guest_load *l, const char *how,
			 struct outcome *out)
{
	const struct quantity_shown rate = quantity_measured(QUANTITY_RATE, (uint64_t)l->rate);
	if (l->client >= CLIENT_BUSY * t->clients[0]->processes)
		outcome_inconclusive(out, "the client used up its CPU at %s", rate.text);
	else if (l->waited > WAITED)
		outcome_inconclusive(out,
				     "it %s %s, but waited for a CPU for %.0f %% of the time that "
				     "it needed one: this machine was too busy",
				     how, rate.text, 100 * l->waited);
	else if (guest_load_crowded(l))
		outcome_inconclusive(out,
				     "it %s %s, and no CPU was idle: this machine was too busy",
				     how, rate.text);
	else if (l->rate <= 0)
		outcome_inconclusive(out,
				     "no reply came within the %s for which its rate is counted",
				     quantity_measured(QUANTITY_DURATION, GUEST_CLOSED_US).text);
	else
		return false;
	return true;
}

bool guest_rate_reached(const struct trial *t, const struct guest_load *l, const char *how,
			struct outcome *out)
{
	struct outcome hindered = *out;
	out->reached = (int64_t)l->rate;
	out->limit_met = !guest_load_hindered(t, l, how, &hindered);
	out->measured = true;
	if (out->limit_met ||
	    (out->reached > 0 && out->reached >= (int64_t)report_margin(t->needed)))
		return true;
	*out = hindered;
	return false;
}
