#include "epolltune/target.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define SECOND_US UINT64_C(1000000)

static const struct preset {
	const char *name;
	struct target target;
} presets[] = {
	{"c10k", TARGET_DEFAULT},
	{"c100k",
	 {TARGET_SERVER, 100000, 20000, 100000, 50000, 100000000, 0, 1200, 0, 1, false, false}},
	{"c1m",
	 {TARGET_SERVER, 1000000, 50000, 100000, 50000, 100000000, 0, 1200, 0, 1, false, false}},
};
#define PRESETS (sizeof(presets) / sizeof(presets[0]))

struct target target_default(void) { return presets[0].target; }

int target_preset(const char *name, struct target *out, struct err *e)
{
	for (size_t i = 0; i < PRESETS; i++)
		if (strcmp(name, presets[i].name) == 0) {
			*out = presets[i].target;
			return 0;
		}
	return err_set(e, EINVAL, "no target \"%s\"; there are %s, %s, %s", name, presets[0].name,
		       presets[1].name, presets[2].name);
}

const char *target_presets(void) { return "c10k,c100k,c1m"; }

const char *target_role_name(enum target_role role)
{
	return role == TARGET_PROXY ? "proxy" : "server";
}

#define FIELD(member) #member, offsetof(struct target, member)
const struct target_field target_fields[] = {
	{FIELD(connections), "connections", "connections", QUANTITY_COUNT, false},
	{FIELD(rate_per_s), "rate", "rate", QUANTITY_RATE, false},
	{FIELD(stall_us), "stall", "stall", QUANTITY_DURATION, false},
	{FIELD(rtt_us), "rtt", "RTT", QUANTITY_DURATION, false},
	{FIELD(bandwidth_bps), "bandwidth", "bandwidth", QUANTITY_BANDWIDTH, false},
	{FIELD(datagrams_per_s), "datagrams", "datagrams", QUANTITY_RATE, true},
	{FIELD(datagram_bytes), "datagram", "datagram", QUANTITY_SIZE, true},
	{FIELD(idle_us), "idle", "idle timeout", QUANTITY_DURATION, true},
	{FIELD(destinations), "destinations", "destinations", QUANTITY_COUNT, true},
	{0},
};

void target_arguments(const struct target *t, char *text, size_t size)
{
	const struct target usual = target_default();
	size_t at = 0;
	char word[32];
	text[0] = 0;
	for (const struct target_field *f = target_fields; f->key && at < size; f++) {
		bool idle =
			f->offset == offsetof(struct target, datagram_bytes) && !t->datagrams_per_s;
		uint64_t is = target_number(t, f);
		if (!idle && is != target_number(&usual, f))
			at += (size_t)snprintf(text + at, size - at, " --%s %s", f->option,
					       quantity_word(word, sizeof(word), f->kind, is));
	}
	if (t->role != usual.role && at < size)
		snprintf(text + at, size - at, " --role %s", target_role_name(t->role));
}

__extension__ typedef unsigned __int128 wide;

/* a × b ÷ divisor, rounded up; at most INT64_MAX, as what a wall needs is signed. */
static uint64_t scale(uint64_t a, uint64_t b, uint64_t divisor)
{
	wide result = ((wide)a * b + divisor - 1) / divisor;
	return result > INT64_MAX ? INT64_MAX : (uint64_t)result;
}

uint64_t target_sockets(const struct target *t)
{
	return scale(t->connections, t->role == TARGET_PROXY ? 2 : 1, 1);
}

uint64_t target_accept_queue(const struct target *t)
{
	return scale(t->rate_per_s, t->stall_us, SECOND_US);
}

uint64_t target_datagrams(const struct target *t)
{
	return scale(t->datagrams_per_s, t->stall_us, SECOND_US);
}

uint64_t target_syn_queue(const struct target *t)
{
	return scale(t->rate_per_s, t->rtt_us, SECOND_US);
}

uint64_t target_window(const struct target *t)
{
	return scale(t->bandwidth_bps, t->rtt_us, 8 * SECOND_US);
}

uint64_t target_part(const struct target *t, uint64_t connections)
{
	return scale(connections, 1, t->destinations ? t->destinations : 1);
}

uint64_t target_time_wait(const struct target *t)
{
	return scale(t->rate_per_s, TIME_WAIT_MS, 1000);
}
