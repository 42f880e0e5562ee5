/* Myths: running values that go round as advice and gain nothing here, or do harm. Only values that
 * hardly anybody chooses for a reason of their own are told; a lower tcp_fin_timeout or a higher
 * rmem_max has its uses. tcp_abort_on_overflow is told by the probe of the accept queue. */
#include "epolltune/probe.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "epolltune/knob.h"

/* What TCP and UDP sockets start with on 64-bit machines: net/core/sock.c, SK_WMEM_DEFAULT. */
#define SOCKET_BUFFER 212992
#define MEBI 1048576
#define TW_OVERFLOW "TcpExt.TCPTimeWaitOverflow"

/* What a rule looks at, and what it says. */
struct sighting {
	const struct host *host;
	const struct host_facts *facts;
	char current[KNOB_VALUE];
	int64_t value[3]; /* its fields; INT64_MIN where there is none */
	enum finding_level level;
	char proposed[KNOB_VALUE]; /* the kernel's own default; "" if it is not known */
	double destroyed;          /* connections, since boot; NAN: not to be told */
};

static void propose(struct sighting *s, uint64_t value)
{
	snprintf(s->proposed, sizeof(s->proposed), "%" PRIu64, value);
}

/* tcp_sk_init(): half of the entries of the hash table, which tcp_ehash_entries tells since 6.1,
 * below zero where the table is the machine's. */
static bool lowers_time_wait(struct sighting *s)
{
	char text[32];
	struct err untold;
	struct host_counters counters;
	if (host_read(s->host, "proc/sys/net/ipv4/tcp_ehash_entries", text, sizeof(text), &untold) >
	    0)
		propose(s, (uint64_t)llabs(strtoll(text, NULL, 10)) / 2);
	if (s->proposed[0] ? s->value[0] >= strtoll(s->proposed, NULL, 10) : s->value[0] != 5000)
		return false;
	int64_t destroyed = host_counters(s->host, &counters, &untold)
				    ? -1
				    : host_counter(&counters, TW_OVERFLOW);
	s->destroyed = destroyed < 0 ? (double)NAN : (double)destroyed;
	s->level = destroyed > 0 ? LEVEL_WARNING : LEVEL_NOTE;
	return true;
}

/* tcp_init_mem(): a sixteenth of the memory, three quarters and one and a half times that. */
static bool counts_bytes(struct sighting *s)
{
	if (!s->facts->memory_bytes || !s->facts->page_bytes)
		return false;
	int64_t pages = (int64_t)(s->facts->memory_bytes / s->facts->page_bytes);
	if (s->value[2] <= pages)
		return false;
	int64_t low = pages / 64 * 3;
	snprintf(s->proposed, sizeof(s->proposed), "%" PRId64 " %" PRId64 " %" PRId64, low,
		 pages / 16, low * 2);
	return true;
}

static bool is_megabytes(struct sighting *s)
{
	propose(s, SOCKET_BUFFER);
	return s->value[0] >= MEBI;
}

/* files_maxfiles_init(): one for each 10 KiB of memory. Half of that leaves room for what the
 * kernel keeps to itself. */
static bool lowers_files(struct sighting *s)
{
	uint64_t files = s->facts->memory_bytes / 10240;
	propose(s, files);
	return s->value[0] >= 0 && (uint64_t)s->value[0] < files / 2;
}

static bool recycles(struct sighting *s)
{
	propose(s, 0);
	return s->value[0] == 1 && !host_kernel_since(s->host, 4, 12);
}

static bool wants_low_latency(struct sighting *s)
{
	propose(s, 0);
	return s->value[0] > 0 && host_kernel_since(s->host, 4, 14);
}

static bool wants_fack(struct sighting *s)
{
	propose(s, 0);
	return s->value[0] > 0 && host_kernel_since(s->host, 4, 15);
}

static bool scales_window(struct sighting *s)
{
	propose(s, 1);
	return s->value[0] != INT64_MIN && s->value[0] != 1 && host_kernel_since(s->host, 6, 6);
}

static bool lacks_timestamps(struct sighting *s)
{
	propose(s, 1);
	return s->value[0] == 0;
}

static bool exceeds_16_bits(struct sighting *s)
{
	propose(s, 65535);
	return s->value[0] > 65535 && !host_kernel_since(s->host, 4, 1);
}

static const struct rule {
	const char *knob, *myth; /* the second as explain knows it */
	enum finding_level level;
	bool (*shows)(struct sighting *s);
	const char *title, *reason; /* the title stands behind the knob and its value */
} rules[] = {
	{"net.ipv4.tcp_max_tw_buckets", "tcp_max_tw_buckets-5000", LEVEL_NOTE, lowers_time_wait,
	 "destroys connections in TIME_WAIT",
	 "Those beyond it are closed at once, without the protection against old segments that "
	 "TIME_WAIT is for. One costs about 250 bytes; there is nothing to cure."},
	{"net.ipv4.tcp_mem", "tcp_mem-in-bytes", LEVEL_WARNING, counts_bytes,
	 "is more than this machine's memory",
	 "The unit is pages, not bytes. So high a bound is none: TCP may fill the machine before "
	 "it feels pressure."},
	{"net.core.rmem_default", "rmem_default-of-megabytes", LEVEL_NOTE, is_megabytes,
	 "does nothing for TCP",
	 "TCP starts with the second field of tcp_rmem. All other sockets, UDP and local ones, may "
	 "each hold so much. Where a UDP server needs that, let it set SO_RCVBUF."},
	{"net.core.wmem_default", "rmem_default-of-megabytes", LEVEL_NOTE, is_megabytes,
	 "does nothing for TCP",
	 "TCP starts with the second field of tcp_wmem. All other sockets, UDP and local ones, may "
	 "each hold so much. Where a UDP server needs that, let it set SO_SNDBUF."},
	{"fs.file-max", "file-max-lowered", LEVEL_NOTE, lowers_files,
	 "is less than the kernel's own default",
	 "The kernel takes a tenth of the memory in KiB. A number from a guide for a smaller "
	 "machine lowers it."},
	{"net.ipv4.tcp_tw_recycle", "net.ipv4.tcp_tw_recycle", LEVEL_WARNING, recycles,
	 "drops clients behind NAT",
	 "It takes the timestamps of all clients behind a common address for those of one host, "
	 "and drops whose clock is behind."},
	{"net.ipv4.tcp_low_latency", "net.ipv4.tcp_low_latency", LEVEL_NOTE, wants_low_latency,
	 "has no effect", "What it turned off is gone since Linux 4.14."},
	{"net.ipv4.tcp_fack", "net.ipv4.tcp_fack", LEVEL_NOTE, wants_fack, "has no effect",
	 "RACK took its place in Linux 4.15."},
	{"net.ipv4.tcp_adv_win_scale", "tcp_adv_win_scale-2", LEVEL_NOTE, scales_window,
	 "has no effect", "Since Linux 6.6 the kernel measures each connection's overhead."},
	{"net.ipv4.tcp_timestamps", "tcp_timestamps-0", LEVEL_NOTE, lacks_timestamps,
	 "loses more than it saves",
	 "It saves 12 bytes a segment, and takes away tcp_tw_reuse, the protection against wrapped "
	 "sequence numbers, exact round trips, and window scaling under SYN cookies."},
	{"net.core.somaxconn", "somaxconn-above-65535", LEVEL_WARNING, exceeds_16_bits,
	 "does not fit in this kernel's 16 bits",
	 "Before Linux 4.1 a queue's length was kept in 16 bits: 65536 came to be 0."},
};

/* Also of knobs that the table does not have, as later kernels do not have them. */
static bool look(struct sighting *s, const char *knob)
{
	struct err untold;
	char path[KNOB_PATH];
	snprintf(path, sizeof(path), "proc/sys/%s", knob);
	for (char *c = path + strlen("proc/sys/"); *c; c++)
		if (*c == '.')
			*c = '/';
	if (host_read(s->host, path, s->current, sizeof(s->current), &untold) <= 0)
		return false;
	for (char *c = s->current; *c; c++)
		if (*c == '\t')
			*c = ' ';
	for (size_t i = 0; i < 3; i++)
		if (knob_field(s->current, i, &s->value[i]))
			s->value[i] = INT64_MIN;
	return s->value[0] != INT64_MIN;
}

static void tell(struct report *r, const struct rule *rule, const struct sighting *s)
{
	struct finding *f = report_finding(r, "knob.myth", s->level, "%s=%s %s", rule->knob,
					   s->current, rule->title);
	f->remedy = REMEDY_KERNEL;
	report_text(f->knob, "%s", rule->knob);
	report_text(f->current, "%s", s->current);
	report_text(f->proposed, "%s", s->proposed);
	report_text(f->detail, "%s", rule->reason);
	report_text(f->tried, "not tried: the kernel's own default");
	if (!isnan(s->destroyed))
		finding_evidence(f, "TCPTimeWaitOverflow since boot", "connections", s->destroyed,
				 (double)NAN);
	/* apply wants to be told that a lower value is meant. */
	bool lower = strtoll(s->proposed, NULL, 10) < s->value[0];
	const char *quote = strchr(s->proposed, ' ') ? "'" : "";
	if (!s->proposed[0])
		report_text(f->advice, "Take it out of the file below /etc that sets it.");
	else if (knob_find(rule->knob))
		report_text(f->advice,
			    "epolltune apply --set %s%s=%s%s%s sets the kernel's default; take it "
			    "out of the file below /etc that sets it, too.",
			    quote, rule->knob, s->proposed, quote, lower ? " --allow-lower" : "");
	else
		report_text(f->advice,
			    "sysctl -w %s=%s sets the kernel's default; take it out of the file "
			    "below /etc that sets it, too.",
			    rule->knob, s->proposed);
	size_t used = strlen(f->advice);
	report_text_into(f->advice + used, sizeof(f->advice) - used, " More: epolltune explain %s",
			 rule->myth);
}

static int myths_inspect(struct probe_run *run, struct err *e)
{
	(void)e;
	struct host_facts facts;
	host_facts(run->host, &facts);
	for (size_t i = 0; i < sizeof(rules) / sizeof(*rules); i++) {
		struct sighting s = {.host = run->host,
				     .facts = &facts,
				     .level = rules[i].level,
				     .destroyed = (double)NAN};
		if (look(&s, rules[i].knob) && rules[i].shows(&s))
			tell(run->report, &rules[i], &s);
	}
	return 0;
}

const struct probe probe_myths = {
	.name = "myths",
	.summary = "values that go round as advice and gain nothing, or do harm",
	.walls = "",
	.inspect = myths_inspect,
};
