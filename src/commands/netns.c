/* What a process that enters another network namespace takes along. */
#include "commands/netns.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "epolltune/host.h"
#include "epolltune/knob_value.h"
#include "epolltune/shell.h"

/* Of the namespace that this process was started in: it does not return there. */
static struct {
	struct host *host; /* with its sysctls as they were; NULL: none was left */
	struct conntrack outside;
} left;

static int left_read(struct err *e)
{
	char value[KNOB_VALUE];
	int rc = host_open(&left.host, "/", e);
	if (rc)
		return rc;
	host_freeze(left.host);
	for (size_t i = 0; i < knob_count(); i++)
		if (knob_initial_only(knob_at(i)))
			knob_read(knob_at(i), left.host, value, NULL);
	conntrack_forwarding(left.host, &left.outside);
	return 0;
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
	int rc = left.host ? 0 : left_read(e);
	netns_command(where, enter);
	return rc ? rc : host_enter_netns(where, e);
}

int netns_left_lay(struct host *h, struct conntrack *outside, struct err *e)
{
	int rc = 0;
	if (!left.host || !host_live(h))
		return 0;
	*outside = left.outside;
	for (size_t i = 0; i < knob_count() && !rc; i++) {
		char path[KNOB_PATH], value[KNOB_VALUE];
		const struct knob *k = knob_at(i);
		if (knob_initial_only(k) && knob_read(k, h, value, NULL) == -ENOENT &&
		    !knob_read(k, left.host, value, NULL)) {
			knob_path(k, path);
			rc = host_lay(h, path, value, e);
		}
	}
	return rc;
}
