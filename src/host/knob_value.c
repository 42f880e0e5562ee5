#include "epolltune/knob_value.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "epolltune/host.h"
#include "epolltune/sysctls.h"

static int nofile_read(const struct host *h, char value[KNOB_VALUE], struct err *e)
{
	struct host_nofile limit;
	int r = host_nofile(h, &limit, e);
	if (r < 0)
		return r;
	/* setrlimit(2) refuses what is above fs.nr_open, and with it "unlimited". */
	if (limit.soft > INT64_MAX || limit.hard > INT64_MAX)
		return err_set(e, EBADMSG,
			       "RLIMIT_NOFILE cannot be \"unlimited\": the maximum is fs.nr_open");
	snprintf(value, KNOB_VALUE, "%" PRIu64 " %" PRIu64, limit.soft, limit.hard);
	return 0;
}

int knob_read(const struct knob *k, const struct host *h, char value[KNOB_VALUE], struct err *e)
{
	value[0] = 0;
	if (k->scope == KNOB_PROCESS)
		return nofile_read(h, value, e);
	if (!knob_is_sysctl(k))
		return err_set(e, ENOENT, "%s: %s", k->name,
			       k->scope == KNOB_DEVICE ? "each interface has its own"
						       : "each application chooses its own");
	char path[KNOB_PATH], text[256];
	knob_path(k, path);
	ssize_t n = host_read(h, path, text, sizeof(text), e);
	if (n < 0 && n != -EFBIG)
		return (int)n;
	if (n < 0 || !knob_normalise(k, text, value)) {
		value[0] = 0;
		if (n < 0 || n >= KNOB_VALUE)
			return err_set(e, EFBIG, "%s: its value is longer than %d bytes", k->name,
				       KNOB_VALUE - 1);
		return err_set(e, EBADMSG, "%s: what the kernel shows is not %s", k->name,
			       knob_shape_text(k->shape));
	}
	return 0;
}

bool knob_number(const char *name, const struct host *h, int64_t *value)
{
	char text[KNOB_VALUE];
	return knob_read(knob_find(name), h, text, NULL) == 0 && knob_field(text, 0, value) == 0;
}

bool knob_own(const struct knob *k, const struct host *h, char value[KNOB_VALUE])
{
	const char *own = knob_default(k, host_kernel(h));
	struct host_facts facts;
	int64_t number;
	if (own)
		return snprintf(value, KNOB_VALUE, "%s", own) > 0;
	host_facts(h, &facts);
	if (k->shape != KNOB_NUMBER ||
	    !sysctl_own_find(k->name, 0, host_kernel(h), facts.memory_bytes, &number))
		return false;
	snprintf(value, KNOB_VALUE, "%" PRId64, number);
	return true;
}

int knob_write(const struct knob *k, const struct host *h, const char *value, struct err *e)
{
	char path[KNOB_PATH];
	if (!knob_is_sysctl(k))
		return err_set(e, EOPNOTSUPP, "%s: not a sysctl, of scope %s", k->name,
			       knob_scope_name(k->scope));
	knob_path(k, path);
	return host_write(h, path, value, e);
}
