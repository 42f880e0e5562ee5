/* The kernel's version and what depends on it: default values and minimums of knobs. */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/kernel_number.h"
#include "epolltune/catalogue.h"
#include "epolltune/knob.h"
#include "epolltune/port_set.h"

#define POINTER 8 /* bytes, on 64-bit machines */

unsigned kernel_parse(const char *release)
{
	unsigned major, minor;
	int end = 0;
	return isdigit((unsigned char)*release) &&
			       sscanf(release, "%4u.%4u%n", &major, &minor, &end) == 2 &&
			       (!release[end] || strchr(".-+", release[end]))
		       ? KERNEL(major, minor)
		       : UINT_MAX;
}

/* Without fs.nr_open and fs.file-max: systemd raises both before it reads a file (src/core/main.c
 * bump_file_max_and_nr_open()). */
static const struct {
	const char *knob, *value;
	unsigned since; /* the first kernel with it; newer ones come first */
} defaults[] = {
	{"net.core.dev_weight", "64", 0},
	{"net.core.netdev_budget", "300", 0},
	{"net.core.netdev_max_backlog", "1000", 0},
	{"net.core.somaxconn", "4096", KERNEL(5, 4)},
	{"net.core.somaxconn", "128", 0},
	{"net.ipv4.ip_local_port_range", "32768 60999", 0},
	{"net.ipv4.tcp_abort_on_overflow", "0", 0},
	{"net.ipv4.tcp_adv_win_scale", "1", 0},
	{"net.ipv4.tcp_fin_timeout", "60", 0},
	{"net.ipv4.tcp_moderate_rcvbuf", "1", 0},
	{"net.ipv4.tcp_notsent_lowat", "4294967295", 0},
	{"net.ipv4.tcp_slow_start_after_idle", "1", 0},
	{"net.ipv4.tcp_synack_retries", "5", 0},
	{"net.ipv4.tcp_syncookies", "1", 0},
	{"net.ipv4.tcp_timestamps", "1", 0},
	{"net.ipv4.tcp_tw_reuse", "2", KERNEL(4, 19)},
	{"net.ipv4.tcp_tw_reuse", "0", 0},
	{"net.ipv4.tcp_tw_reuse_delay", "1000", 0},
	{"net.ipv4.tcp_window_scaling", "1", 0},
};

const char *knob_default(const struct knob *k, unsigned kernel)
{
	for (size_t i = 0; i < sizeof(defaults) / sizeof(*defaults); i++)
		if (strcmp(defaults[i].knob, k->name) == 0 && kernel >= defaults[i].since)
			return defaults[i].value;
	return NULL;
}

static const struct minimum {
	const char *knob;
	int64_t min;
	unsigned ticks;  /* if not 0, min is at least so many ticks of the kernel's clock */
	unsigned since;  /* the first kernel that surely refuses less */
	bool backported; /* stable releases of kernels before may refuse it too */
} minimums[] = {
	/* net/core/sysctl_net_core.c: since 6.14, and in stable kernels that took its change. */
	{"net.core.netdev_budget_usecs", 0, 2, KERNEL(6, 14), true},
	/* A page. Taken by 6.18.44, refused by 6.12.117 and 7.2. */
	{"net.ipv4.tcp_rmem", 4096, 0, KERNEL(7, 0), true},
	{"net.netfilter.nf_conntrack_max", 1, 0, KERNEL(6, 19), false},
};

/* The row that raises the minimum of a knob on this kernel; NULL: none. */
static const struct minimum *minimum_of(const struct knob *k, unsigned kernel)
{
	for (size_t i = 0; i < sizeof(minimums) / sizeof(*minimums); i++) {
		const struct minimum *m = &minimums[i];
		if (strcmp(m->knob, k->name) == 0 && (m->backported || kernel >= m->since))
			return m;
	}
	return NULL;
}

int64_t knob_min(const struct knob *k, unsigned kernel, int64_t tick_us)
{
	const struct minimum *m = minimum_of(k, kernel);
	int64_t ticks = m ? m->ticks * tick_us : 0, min = k->min;
	if (m && m->min > min)
		min = m->min;
	return m && ticks > min ? ticks : min;
}

bool knob_min_refuses(const struct knob *k, unsigned kernel)
{
	const struct minimum *m = minimum_of(k, kernel);
	if (m)
		return kernel >= m->since;
	return knob_refuses_less(k, kernel);
}

/* "": always, "5.17": since that version, NULL: not. */
static bool refuses(const char *since, unsigned kernel)
{
	return since && (!*since || kernel >= kernel_parse(since));
}

bool knob_refuses_less(const struct knob *k, unsigned kernel)
{
	/* What raises the minimum enforces it. */
	for (size_t i = 0; i < sizeof(minimums) / sizeof(*minimums); i++)
		if (!strcmp(minimums[i].knob, k->name) && kernel >= minimums[i].since)
			return true;
	return refuses(k->refuses_less, kernel);
}

bool knob_refuses_more(const struct knob *k, unsigned kernel)
{
	return refuses(k->refuses_more, kernel);
}

int knob_check_min(const struct knob *k, unsigned kernel, int64_t tick_us, const char *normal,
		   struct err *e)
{
	int64_t number, min = knob_min(k, kernel, tick_us);
	if (min > k->min && knob_field(normal, 0, &number) == 0 && number < min)
		return err_set(e, ERANGE, "%s: this kernel %s less than %" PRId64, k->name,
			       knob_min_refuses(k, kernel) ? "refuses" : "may refuse", min);
	return 0;
}

/* Whether the kernel refuses a number, as it does most beyond the range that fit in no int. */
static bool number_refused(const struct knob *k, unsigned kernel, int64_t number)
{
	bool huge = number > INT32_MAX || number < -INT32_MAX;
	/* Negative numbers leave an unsigned long as it is. */
	if (number < k->min)
		return huge || k->max > UINT32_MAX || knob_refuses_less(k, kernel);
	return number > k->max && (huge || knob_refuses_more(k, kernel));
}

/* The first fields, as do_proc_dointvec() takes them: up to the end, or one that the kernel
 * refuses. A range is taken as a whole; of three fields, those before the refused one. Returns how
 * many. */
static size_t fields_take(const struct knob *k, unsigned kernel, const char *text,
			  int64_t fields[KNOB_FIELDS])
{
	static const char blanks[] = " \t\n";
	size_t count = 0;
	int64_t number;
	for (; count < knob_fields(k->shape); fields[count++] = number) {
		text += strspn(text, blanks);
		if (!*text)
			break;
		text = kernel_number(text, blanks, &number);
		if (!text || number_refused(k, kernel, number))
			return k->shape == KNOB_RANGE ? 0 : count;
	}
	return count;
}

static void fields_format(const int64_t fields[KNOB_FIELDS], size_t count, char value[KNOB_VALUE])
{
	size_t used = 0;
	value[0] = 0;
	for (size_t i = 0; i < count; i++)
		used += (size_t)snprintf(value + used, KNOB_VALUE - used, "%s%" PRId64,
					 i ? " " : "", fields[i]);
}

static bool numbers_take(const struct knob *k, unsigned kernel, const char *text,
			 const char *otherwise, char value[KNOB_VALUE])
{
	int64_t fields[KNOB_FIELDS] = {0};
	size_t set = fields_take(k, kernel, text, fields);
	for (size_t i = set; i < knob_fields(k->shape); i++)
		if (!set || knob_field(otherwise, i, &fields[i]) < 0)
			return false;
	if (k->shape == KNOB_RANGE && fields[0] > fields[1])
		return false;
	fields_format(fields, knob_fields(k->shape), value);
	return true;
}

void knob_taken(const struct knob *k, unsigned kernel, const char *text, char taken[KNOB_VALUE])
{
	int64_t fields[KNOB_FIELDS] = {0};
	bool numbers = k->shape != KNOB_PORTS && k->shape != KNOB_WORD;
	fields_format(fields, numbers ? fields_take(k, kernel, text, fields) : 0, taken);
}

static bool list_take(const char *text, char value[KNOB_VALUE])
{
	struct port_set set = {0};
	bool taken = strlen(text) < KNOB_VALUE && port_set_take(&set, text);
	if (taken)
		port_set_format(&set, value, KNOB_VALUE);
	return taken;
}

void knob_keep(const struct knob *k, uint64_t page_bytes, char value[KNOB_VALUE])
{
	/* net/netfilter/nf_conntrack_core.c, nf_ct_alloc_hashtable(); net/core/sysctl_net_core.c,
	 * rps_sock_flow_sysctl(). */
	int64_t number, slots = (int64_t)(page_bytes ? page_bytes : 4096) / POINTER, kept = 1;
	if (k->kept == KNOB_AS_WRITTEN || knob_field(value, 0, &number) < 0 || number <= 0)
		return;
	if (k->kept == KNOB_UP_TO_PAGE)
		kept = (number + slots - 1) / slots * slots;
	while (kept < number)
		kept *= 2;
	snprintf(value, KNOB_VALUE, "%" PRId64, kept);
}

bool knob_at_boot(const struct knob *k, unsigned kernel, uint64_t page_bytes, const char *text,
		  const char *running, char value[KNOB_VALUE])
{
	const char *own = knob_default(k, kernel);
	if (k->shape == KNOB_PORTS)
		return list_take(text, value);
	if (k->shape == KNOB_WORD)
		return knob_check(k, text, value, NULL) == 0;
	if (!numbers_take(k, kernel, text, own ? own : running, value))
		return false;
	knob_keep(k, page_bytes, value);
	return true;
}
