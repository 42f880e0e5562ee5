/* What a process that enters another network namespace takes along. */
#include "check/netns.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/shell.h"
#include "epolltune/cleanup.h"
#include "epolltune/host.h"
#include "epolltune/knob_value.h"
#include "epolltune/nic.h"
#include "host/netns.h"

/* Sysctls that only the initial network namespace shows. */
#define MACHINE_KNOBS 64

/* What a namespace shows of the machine. */
struct shown {
	char value[MACHINE_KNOBS][KNOB_VALUE]; /* in the order of the table; "": not shown */
	struct conntrack outside;
};

/* Of the namespace that this process was started in: it does not return there. */
static struct {
	bool any; /* false: none was left */
	int ns;   /* a descriptor */
	struct shown shown;
} left;

/* Calls `each` for those sysctls, as `i` of them. */
static int machine_knobs(int (*each)(const struct knob *k, size_t i, void *arg, struct err *e),
			 void *arg, struct err *e)
{
	size_t count = 0;
	int rc = 0;
	for (size_t i = 0; i < knob_count() && count < MACHINE_KNOBS && !rc; i++)
		if (knob_initial_only(knob_at(i)))
			rc = each(knob_at(i), count++, arg, e);
	return rc;
}

struct reading {
	const struct host *host;
	struct shown *to;
};

static int value_read(const struct knob *k, size_t i, void *arg, struct err *e)
{
	const struct reading *r = arg;
	if (knob_read(k, r->host, r->to->value[i], NULL))
		r->to->value[i][0] = 0;
	return 0;
}

/* Of the network namespace that it runs in. */
static bool shown_read(const void *unused, void *out)
{
	CLEAN(host_closep) struct host *host = NULL;
	struct reading r = {.to = out};
	memset(out, 0, sizeof(*r.to));
	if (host_open(&host, "/", NULL))
		return false;
	r.host = host;
	machine_knobs(value_read, &r, NULL);
	conntrack_forwarding(host, &r.to->outside);
	return true;
}

static int left_read(struct err *e)
{
	int ns = netns_own(e);
	if (ns < 0)
		return ns;
	left.ns = ns;
	left.any = shown_read(NULL, &left.shown);
	return left.any ? 0 : err_set(e, ENOMEM, "host: out of memory");
}

void netns_command(const char *where, char enter[REPORT_ENTER])
{
	char path[PATH_MAX], word[PATH_MAX];
	bool pid = strspn(where, "0123456789") == strlen(where);
	if (pid) {
		report_text_into(enter, REPORT_ENTER, "nsenter --net=/proc/%s/ns/net", where);
	} else {
		snprintf(path, sizeof(path), "%s%s", strchr(where, '/') ? "" : "/run/netns/",
			 where);
		shell_word(word, sizeof(word), path);
		report_text_into(enter, REPORT_ENTER, "nsenter --net=%s", word);
	}
}

int netns_enter(const char *where, char enter[REPORT_ENTER], struct err *e)
{
	int rc = left.any ? 0 : left_read(e);
	netns_command(where, enter);
	return rc ? rc : host_enter_netns(where, e);
}

static int value_lay(const struct knob *k, size_t i, void *host, struct err *e)
{
	char path[KNOB_PATH], value[KNOB_VALUE];
	if (!left.shown.value[i][0] || knob_read(k, host, value, NULL) != -ENOENT)
		return 0;
	knob_path(k, path);
	return host_lay(host, path, left.shown.value[i], e);
}

int netns_left_lay(struct host *h, struct conntrack *outside, struct err *e)
{
	struct shown now;
	if (!left.any || !host_live(h))
		return 0;
	/* They may have changed since; a user who may not return there has those of the start. */
	if (netns_ask(left.ns, shown_read, NULL, &now, sizeof(now)))
		left.shown = now;
	*outside = left.shown.outside;
	return machine_knobs(value_lay, h, e);
}

static bool is_pair(const struct nic *here, const struct nic *there)
{
	return here->peer && here->peer == there->index && there->peer == here->index;
}

/* Whether its packets go on outside of its namespace by software. */
static bool leads_out(const struct nic *n)
{
	return n->up && n->kind[0] && strcmp(n->kind, "dummy") != 0 && strcmp(n->kind, "ifb") != 0;
}

/* In the namespace that was left; `inner`: the interfaces of the other one. */
static bool outside_read(const void *inner, void *out)
{
	const struct nics *in = inner;
	struct outside *o = out;
	CLEAN(host_closep) struct host *host = NULL;
	CLEAN(nics_freep) struct nics all = {0};
	bool leads = false;
	memset(o, 0, sizeof(*o));
	if (host_open(&host, "/", NULL) || nics_read(host, NIC_STATISTICS, &all, NULL))
		return false;
	for (size_t i = 0; i < in->count; i++) {
		leads |= leads_out(&in->at[i]);
		for (size_t k = 0; k < all.count && o->end_count < OUTSIDE_ENDS; k++)
			if (is_pair(&in->at[i], &all.at[k]))
				o->ends[o->end_count++] = all.at[k].index;
	}
	if (o->end_count || (leads && !host_own_netns(host)))
		o->look = OUTSIDE_WATCHED;
	return true;
}

struct outside netns_left_look(const struct host *h)
{
	CLEAN(nics_freep) struct nics inner = {0};
	struct outside o = {0};
	if (!left.any || !host_live(h) || nics_read(h, NIC_STATISTICS, &inner, NULL) ||
	    !netns_ask(left.ns, outside_read, &inner, &o, sizeof(o)))
		return (struct outside){0};
	return o;
}

int netns_left_return(struct host **h, struct err *e)
{
	int rc = netns_return(left.ns, e);
	return rc ? rc : host_open(h, "/", e);
}
