/* Counters of a network namespace: /proc/net/netstat, snmp, snmp6, sockstat and others. */
#include "host/machine.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "epolltune/cleanup.h"

void host_counter_add(struct host_counters *c, const char *group, const char *name, int64_t value)
{
	if (c->count == HOST_COUNTERS)
		return;
	struct host_counter *at = &c->at[c->count];
	int n = snprintf(at->name, sizeof(at->name), "%s.%s", group, name);
	if (n < 0 || (size_t)n >= sizeof(at->name))
		return;
	at->value = value;
	c->count++;
}

/* All values are unsigned except Tcp.MaxConn, which is -1. */
static bool counter_value(const char *word, int64_t *value)
{
	char *end;
	if (strspn(word, "-0123456789") != strlen(word))
		return false;
	errno = 0;
	*value = strtoll(word, &end, 10);
	return end != word && !*end && !errno;
}

static size_t word_count(const char *line)
{
	size_t count = 0;
	for (line += strspn(line, " "); *line; line += strspn(line, " ")) {
		line += strcspn(line, " ");
		count++;
	}
	return count;
}

/* One pair of lines: "Group: name name …" and "Group: value value …". Omits a pair whose lines do
 * not match: its values cannot be assigned to names. */
static bool pair_add(struct host_counters *c, char *names, char *values)
{
	char *names_at = NULL, *values_at = NULL;
	if (word_count(names) != word_count(values))
		return false;
	const char *group = strtok_r(names, " ", &names_at);
	const char *same = strtok_r(values, " ", &values_at);
	if (!group || !same || strcmp(group, same) != 0 || group[strlen(group) - 1] != ':')
		return false;
	/* Up to 512 counters, one per ICMP type: not used. */
	if (strcmp(group, "IcmpMsg:") == 0)
		return true;
	char prefix[32];
	snprintf(prefix, sizeof(prefix), "%.*s", (int)strlen(group) - 1, group);
	const char *name, *word;
	while ((name = strtok_r(NULL, " ", &names_at)) &&
	       (word = strtok_r(NULL, " ", &values_at))) {
		int64_t value;
		if (counter_value(word, &value))
			host_counter_add(c, prefix, name, value);
	}
	return true;
}

bool host_counter_pairs(struct host_counters *c, char *text)
{
	bool whole = *text;
	char *at = NULL;
	char *names = strtok_r(text, "\n", &at);
	for (; names; names = strtok_r(NULL, "\n", &at)) {
		char *values = strtok_r(NULL, "\n", &at);
		if (!values || !pair_add(c, names, values))
			whole = false;
	}
	return whole;
}

/* /proc/net/sockstat, lines of "TCP: inuse 5 orphan 0": net/ipv4/proc.c, sockstat_seq_show(). */
static bool sockstat_add(struct host_counters *c, char *text)
{
	bool whole = *text;
	char *at = NULL;
	for (char *line = strtok_r(text, "\n", &at); line; line = strtok_r(NULL, "\n", &at)) {
		char *in = NULL;
		const char *group = strtok_r(line, " ", &in), *name, *word;
		size_t length = group ? strlen(group) : 0;
		if (length < 2 || group[length - 1] != ':') {
			whole = false;
			continue;
		}
		char prefix[32];
		snprintf(prefix, sizeof(prefix), "sockstat.%.*s", (int)length - 1, group);
		while ((name = strtok_r(NULL, " ", &in)) && (word = strtok_r(NULL, " ", &in))) {
			int64_t value;
			if (counter_value(word, &value))
				host_counter_add(c, prefix, name, value);
			else
				whole = false;
		}
	}
	return whole;
}

/* "Icmp6InType128": up to 512, one per type. */
static bool is_icmp6_type(const char *name)
{
	return !strncmp(name, "InType", 6) || !strncmp(name, "OutType", 7);
}

/* /proc/net/snmp6, lines of "Udp6RcvbufErrors 5": net/ipv6/proc.c, snmp6_seq_show(). */
bool host_counter_lines(struct host_counters *c, char *text)
{
	static const char *const groups[] = {"Ip6", "Icmp6", "Udp6"};
	bool whole = *text;
	char *at = NULL;
	for (char *line = strtok_r(text, "\n", &at); line; line = strtok_r(NULL, "\n", &at)) {
		char *in = NULL;
		const char *name = strtok_r(line, " \t", &in), *word = strtok_r(NULL, " \t", &in);
		int64_t value;
		if (!name || !word || !counter_value(word, &value)) {
			whole = false;
			continue;
		}
		for (size_t i = 0; i < sizeof(groups) / sizeof(*groups); i++) {
			size_t length = strlen(groups[i]);
			if (!strncmp(name, groups[i], length) && !is_icmp6_type(name + length))
				host_counter_add(c, groups[i], name + length, value);
		}
	}
	return whole;
}

/* /proc/net/xfrm_stat, lines of "XfrmInNoStates 5": net/xfrm/xfrm_proc.c,
 * xfrm_statistics_seq_show().
 */
static bool xfrm_add(struct host_counters *c, char *text)
{
	bool whole = true;
	char *at = NULL;
	for (char *line = strtok_r(text, "\n", &at); line; line = strtok_r(NULL, "\n", &at)) {
		char *in = NULL;
		const char *name = strtok_r(line, " \t", &in), *word = strtok_r(NULL, " \t", &in);
		int64_t value;
		if (name && word && counter_value(word, &value))
			host_counter_add(c, "xfrm_stat", name, value);
		else
			whole = false;
	}
	return whole;
}

static int file_add(const struct host *h, const char *path,
		    bool (*add)(struct host_counters *c, char *text), struct host_counters *out,
		    struct err *e)
{
	CLEAN(free_pointer) char *text = NULL;
	ssize_t n = host_read_all(h, path, &text, e);
	if (n < 0)
		return (int)n;
	return add(out, text) ? 0 : err_set(e, EBADMSG, "/%s is damaged", path);
}

static struct err *first_error(struct host_counters *c)
{
	return c->unread.code ? NULL : &c->unread;
}

int host_counters(const struct host *h, struct host_counters *out, struct err *e)
{
	static const struct {
		const char *path;
		bool (*add)(struct host_counters *c, char *text);
		bool optional; /* a kernel without IPv6, or IPsec, has none */
	} files[] = {
		{"proc/net/netstat", host_counter_pairs, false},
		{"proc/net/snmp", host_counter_pairs, false},
		{"proc/net/sockstat", sockstat_add, false},
		{"proc/net/snmp6", host_counter_lines, true},
		{"proc/net/xfrm_stat", xfrm_add, true},
	};
	out->count = 0;
	out->unread = (struct err){0};
	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		struct err why = {0};
		int rc = file_add(h, files[i].path, files[i].add, out, &why);
		if (rc && !(files[i].optional && why.code == ENOENT))
			err_copy(first_error(out), &why);
	}
	return out->count ? 0 : err_copy(e, &out->unread);
}

#define TABLE_COLUMNS_MAX 32

/* Splits a line into words; returns how many it has. */
static size_t words_split(char *line, char *words[TABLE_COLUMNS_MAX])
{
	char *at = NULL;
	size_t count = 0;
	for (char *word = strtok_r(line, " ", &at); word; word = strtok_r(NULL, " ", &at)) {
		if (count == TABLE_COLUMNS_MAX)
			return 0;
		words[count++] = word;
	}
	return count;
}

static bool hex_value(const char *word, uint64_t *value)
{
	errno = 0;
	*value = strtoull(word, NULL, 16);
	return !errno && !word[strspn(word, "0123456789abcdefABCDEF")];
}

/* A line of names, then one of hexadecimal values for each CPU, where the entries of the table are
 * those of all of them: ct_cpu_seq_show(), neigh_stat_seq_show(). */
static bool table_add(struct host_counters *c, const char *table, char *text)
{
	char *at = NULL, *names[TABLE_COLUMNS_MAX], *values[TABLE_COLUMNS_MAX];
	uint64_t value, sums[TABLE_COLUMNS_MAX] = {0};
	char *line = strtok_r(text, "\n", &at);
	size_t columns = line ? words_split(line, names) : 0;
	while ((line = strtok_r(NULL, "\n", &at))) {
		if (words_split(line, values) != columns)
			return false;
		for (size_t i = 0; i < columns; i++) {
			if (!hex_value(values[i], &value))
				return false;
			sums[i] = strcmp(names[i], "entries") ? sums[i] + value : value;
		}
	}
	for (size_t i = 0; i < columns; i++)
		if (sums[i] <= INT64_MAX)
			host_counter_add(c, table, names[i], (int64_t)sums[i]);
	return columns;
}

void host_table_counters(const struct host *h, const char *table, struct host_counters *out)
{
	CLEAN(free_pointer) char *text = NULL;
	char path[64];
	snprintf(path, sizeof(path), "proc/net/stat/%s", table);
	struct err e;
	ssize_t n = host_read_all(h, path, &text, &e);
	if (n == -ENOENT || (n >= 0 && table_add(out, table, text)))
		return;
	if (n >= 0)
		err_set(&e, EBADMSG, "/%s is damaged", path);
	if (!out->unread.code)
		out->unread = e;
}

/* A line for each queue: its number, the pid of its process, packets that wait, what and how much
 * of a packet is copied, those dropped as the queue, and as the process's socket was full, and two
 * more: net/netfilter/nfnetlink_queue.c, seq_show(). */
void host_filter_counters(const struct host *h, struct host_counters *out)
{
	CLEAN(free_pointer) char *text = NULL;
	char *at = NULL;
	int64_t dropped = 0, user_dropped = 0;
	ssize_t n = host_read_all(h, "proc/net/netfilter/nfnetlink_queue", &text, NULL);
	char *line = n > 0 ? strtok_r(text, "\n", &at) : NULL;
	if (!line)
		return;
	for (; line; line = strtok_r(NULL, "\n", &at)) {
		unsigned full, user;
		if (sscanf(line, "%*d %*d %*d %*d %*d %u %u", &full, &user) != 2)
			return;
		dropped += full;
		user_dropped += user;
	}
	host_counter_add(out, "nfnetlink_queue", "dropped", dropped);
	host_counter_add(out, "nfnetlink_queue", "user_dropped", user_dropped);
}

static int enabled_count(const char *path, void *arg)
{
	const struct host *h = *(const struct host **)arg;
	char file[300];
	uint64_t disabled;
	int n = snprintf(file, sizeof(file), "%s/disable_ipv6", path);
	/* "all" and "default" are of no interface: what is written to them is that of those. */
	if (n > 0 && (size_t)n < sizeof(file) &&
	    (strstr(path, "/conf/all") || strstr(path, "/conf/default")))
		return 0;
	if (n < 0 || (size_t)n >= sizeof(file) || host_read_u64(h, file, &disabled, NULL))
		return 1;
	return disabled != 0;
}

bool host_ipv6_disabled(const struct host *h)
{
	return host_names(h, "proc/sys/net/ipv6/conf", enabled_count, &h, NULL) != 0;
}

int64_t host_table_counter(const struct host *h, const char *table, const char *column)
{
	CLEAN(free_pointer) struct host_counters *c = calloc(1, sizeof(*c));
	char name[sizeof(c->at->name)];
	if (!c)
		return -1;
	host_table_counters(h, table, c);
	snprintf(name, sizeof(name), "%s.%s", table, column);
	return host_counter(c, name);
}

int host_counters_snmp(const struct host *h, bool six, struct host_counters *out, struct err *e)
{
	out->count = 0;
	out->unread = (struct err){0};
	if (six)
		file_add(h, "proc/net/snmp6", host_counter_lines, out, NULL);
	return file_add(h, "proc/net/snmp", host_counter_pairs, out, e);
}

int64_t host_counter(const struct host_counters *c, const char *name)
{
	for (size_t i = 0; i < c->count; i++)
		if (strcmp(c->at[i].name, name) == 0)
			return c->at[i].value;
	return -1;
}

int64_t host_counter_delta(const struct host_counters *before, const struct host_counters *after,
			   const char *name)
{
	int64_t from = host_counter(before, name), to = host_counter(after, name);
	return from < 0 || to < 0 ? -1 : to - from;
}
