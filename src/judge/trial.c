/* The functions of probe.h that run() may call: server, clients, knobs, counters. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "epolltune/knob.h"
#include "epolltune/probe.h"
#include "judge/proof.h"

/* For a reply to a request: the server answers at once or is at a limit. */
#define REPLY_MS 2000

/* A sysctl that was changed, in the lab's memory. */
struct trial_swap {
	struct trial_swap *before; /* the one changed before it */
	enum lab_host host;
	struct lab_sysctl sysctl;
};

static void *trial_alloc(struct trial *t, size_t size, struct err *e)
{
	if (!t->begun)
		t->mark = lab_mark(t->lab);
	t->begun = true;
	return lab_alloc(t->lab, size, e);
}

static void server_end(struct trial *t)
{
	trial_clients_end(t);
	if (t->server)
		server_stop(t->server);
	t->server = NULL;
}

int trial_server(struct trial *t, struct server_config config, struct err *e)
{
	server_end(t);
	const struct task_context where = {t->lab, LAB_SERVER};
	config.address = lab_address(t->lab, LAB_SERVER, 0);
	config.stop_at_limit = true;
	struct server *server = trial_alloc(t, sizeof(*server), e);
	int rc = server ? server_start(server, &where, &config, e) : -ENOMEM;
	if (!rc)
		t->server = server;
	return rc;
}

int trial_client(struct trial *t, struct client_config config, struct err *e)
{
	size_t i = 0;
	while (i < TRIAL_CLIENTS && t->clients[i])
		i++;
	struct guest *guest = t->server ? NULL : t->options->guest;
	if (i == TRIAL_CLIENTS || (!t->server && !guest))
		return err_set(e, EINVAL, "test client: no server, or too many clients");
	config.to = guest ? guest->to : t->server->address;
	config.path = guest ? guest->socket : NULL;
	config.patience_ms = REPLY_MS;
	config.max_per_s = t->options->gentle ? GENTLE_PER_S : 0;
	struct client *client = trial_alloc(t, sizeof(*client), e);
	const struct task_context where = {t->lab, guest ? guest->from : LAB_CLIENT};
	int rc = client ? client_start(client, &where, &config, e) : -ENOMEM;
	if (!rc)
		t->clients[i] = client;
	return rc;
}

int trial_client_optional(struct trial *t, struct client_config config, struct err *e)
{
	int rc = trial_client(t, config, e);
	return rc == -EMFILE ? err_recode(e, 0) : rc;
}

int trial_knobs(struct trial *t, enum lab_host host, const struct trial_knob *list, struct err *e)
{
	for (; list->name; list++) {
		struct trial_swap *s = trial_alloc(t, sizeof(*s), e);
		if (!s)
			return -ENOMEM;
		s->host = host;
		report_text(s->sysctl.name, "%s", list->name);
		report_text(s->sysctl.text, "%s", list->value);
		int rc = lab_sysctl_swap(t->lab, host, &s->sysctl, e);
		if (rc && rc != -ENOENT) /* a kernel without the knob */
			return rc;
		if (rc)
			continue;
		s->before = t->swaps;
		t->swaps = s;
	}
	return err_recode(e, 0);
}

void trial_keep(struct trial *t)
{
	t->swaps = NULL;
	t->begun = false;
}

int trial_end(struct trial *t, int rc, struct err *e)
{
	server_end(t);
	for (struct trial_swap *s; (s = t->swaps); t->swaps = s->before) {
		int restored = lab_sysctl_swap(t->lab, s->host, &s->sysctl, rc ? NULL : e);
		rc = rc ? rc : restored;
	}
	if (t->begun)
		lab_release(t->lab, t->mark);
	t->begun = false;
	return rc;
}

__attribute__((format(printf, 3, 0))) static void
outcome_set(struct outcome *o, enum outcome_state state, const char *fmt, va_list args)
{
	o->state = state;
	vsnprintf(o->why, sizeof(o->why), fmt, args);
}

void outcome_inconclusive(struct outcome *o, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	outcome_set(o, OUTCOME_INCONCLUSIVE, fmt, args);
	va_end(args);
}

void outcome_unsupported(struct outcome *o, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	outcome_set(o, OUTCOME_UNSUPPORTED, fmt, args);
	va_end(args);
}

void outcome_unneeded(struct outcome *o, const char *why)
{
	o->state = OUTCOME_UNNEEDED;
	report_text(o->why, "%s", why);
}

void trial_progress(struct trial *t, const char *fmt, ...)
{
	va_list args;
	if (!t->progress)
		return;
	va_start(args, fmt);
	vsnprintf(t->progress, PROBE_PROGRESS, fmt, args);
	va_end(args);
}

int trial_counters_begin(struct trial *t, enum lab_host host, struct trial_counters *c,
			 struct err *e)
{
	*c = (struct trial_counters){.host = host, .before = malloc(2 * sizeof(*c->before))};
	if (!c->before)
		return err_set(e, ENOMEM, "counters: out of memory");
	c->after = c->before + 1;
	return lab_counters(t->lab, host, c->before, e);
}

int trial_counters_end(struct trial *t, struct trial_counters *c, struct err *e)
{
	return lab_counters(t->lab, c->host, c->after, e);
}

int64_t trial_counters_growth(const struct trial_counters *c, const char *name)
{
	return host_counter_delta(c->before, c->after, name);
}

void trial_counters_free(struct trial_counters *c) { free(c->before); }
