#include "commands/list_nic.h"

#include "epolltune/cleanup.h"
#include "epolltune/knob_value.h"
#include "report/nics.h"

static void knobs_read(const struct host *h, struct network *m)
{
	for (size_t i = 0; i < knob_count() && m->knob_count < NETWORK_KNOBS; i++) {
		const struct knob *k = knob_at(i);
		int64_t value;
		if (!k->softnet)
			continue;
		struct network_knob *out = &m->knobs[m->knob_count++];
		*out = (struct network_knob){.name = k->name};
		if (knob_number(k->name, h, &value) && value >= 0)
			out->value = (struct nic_number){true, (uint64_t)value};
	}
}

static int network_read(const struct host *h, const char *name, struct network *m, struct err *e)
{
	int rc = name ? nics_read_one(h, name, &m->nics, e) : nics_read(h, NIC_ALL, &m->nics, e);
	if (rc < 0)
		return rc;
	if (softnet_read(h, &m->softnet, NULL) < 0)
		m->softnet = (struct softnet){0};
	knobs_read(h, m);
	return 0;
}

static void network_free(struct network *m)
{
	nics_free(&m->nics);
	softnet_free(&m->softnet);
}

int list_nic(FILE *out, const struct host *h, const char *name, bool json, struct err *e)
{
	CLEAN(network_free) struct network m = {0};
	int rc = network_read(h, name, &m, e);
	return rc < 0 ? rc : nics_print(out, &m, json, e);
}
