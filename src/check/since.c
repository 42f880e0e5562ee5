/* The earlier report that check --since compares with. */
#include "check/since.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "report/parse.h"

static const char *name_or(const char *name) { return name[0] ? name : "unnamed"; }

/* A boot id names a machine, and only within a boot does a network namespace keep its name.
 * `follows`: that of a server, which has a new one where its container was restarted. */
static int since_is_here(const char *path, const struct report_host *then,
			 const struct report_host *here, bool follows, struct err *e)
{
	if (then->boot[0] && !strcmp(then->boot, here->boot)) {
		if (!then->netns[0] || !strcmp(then->netns, here->netns) || follows)
			return 0;
		return err_set(e, EXDEV, "--since %s is of another network namespace of %s", path,
			       name_or(here->name));
	}
	if (!strcmp(then->name, here->name))
		return 0;
	return err_set(e, EXDEV, "--since %s is of another host: %s; this is %s", path,
		       name_or(then->name), name_or(here->name));
}

int since_load(const char *path, struct report *since, struct err *e)
{
	char stamp[REPORT_STAMP];
	int rc = report_parse(path, since, e);
	if (rc)
		return rc;
	if (since->time.tv_sec > time(NULL))
		return err_set(e, EINVAL, "--since %s is of %s, in the future; check the clock",
			       path, report_stamp(since->time.tv_sec, stamp));
	if (!since->counter_count)
		return err_set(e, ENODATA,
			       "--since %s has no counters: written by an older epolltune, or by "
			       "check --probe without counters",
			       path);
	return 0;
}

int since_check(const struct check_options *o, const struct host *host, bool entered, struct err *e)
{
	struct host_identity identity = {0};
	struct report_host here = {0};
	struct host_facts facts;
	if (!o->probe.since)
		return 0;
	host_facts(host, &facts);
	host_identity(host, &identity, NULL);
	report_text(here.name, "%s", facts.name);
	report_text(here.boot, "%s", identity.boot);
	report_text(here.netns, "%s", identity.netns);
	bool follows = entered && o->server && !strcmp(o->server, o->probe.since->server.asked);
	return since_is_here(o->since, &o->probe.since->host, &here, follows, e);
}
