#include "commands/target_options.h"

#include <errno.h>
#include <string.h>

#include "commands/saved_target.h"

int target_parse(const char *value, void *field, struct err *e)
{
	struct check_options *o = field;
	bool file = strchr(value, '/') != NULL;
	if (!file && !target_preset(value, &o->target, e)) {
		o->saved.asked = ~target_bit("role");
		return 0;
	}
	int rc = saved_target_load(value, o, e);
	return rc == -ENOENT && !file ? saved_target_unknown(value, e) : rc;
}

int probes_option(const char *list, void *field, struct err *e)
{
	probe_set *set = field;
	*set = probes_parse(list, e);
	return *set ? 0 : -EINVAL;
}

static unsigned numbers_given(const struct given *given)
{
	unsigned bits = 0;
	for (size_t i = 0; target_rows[i].name; i++)
		bits |= (unsigned)given_option(given, target_rows[i].name) << i;
	return bits;
}

bool target_given(const struct given *given)
{
	return given_option(given, "target") || numbers_given(given);
}

int target_used(const struct check_options *o, const struct given *given, struct err *e)
{
	/* Without --datagrams it is the size of those that the socket of a server holds. */
	if (given_option(given, "datagram") && !o->target.datagrams_per_s && !o->server)
		return err_set(e, EINVAL, "--datagram needs --datagrams N or --server WHO");
	return 0;
}

void check_saved(struct check_options *o, const struct given *given)
{
	o->kept = numbers_given(given);
	o->target.datagrams_only = o->target.datagrams_per_s && o->target.role == TARGET_SERVER &&
				   !o->observe_us && !target_is_asked(o, "connections") &&
				   !target_is_asked(o, "rate");
	bool other = o->sysroot || o->guest.command;
	if (!o->server && !other && o->saved.server[0])
		o->server = o->saved.server;
	if (!o->netns && !other && o->saved.netns[0])
		o->netns = o->saved.netns;
}
