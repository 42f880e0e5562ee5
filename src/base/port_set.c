#include "epolltune/port_set.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/kernel_number.h"

#define PORTS 65536

bool port_set_has(const struct port_set *s, int64_t port)
{
	return port >= 0 && port < PORTS && s->at[port / 64] >> port % 64 & 1;
}

/* The bits of the ports `low` to `high` in a word. */
static uint64_t word_mask(int64_t word, int64_t low, int64_t high)
{
	int64_t first = word * 64, last = first + 63;
	if (low > last || high < first)
		return 0;
	uint64_t mask = low > first ? UINT64_MAX << (low - first) : UINT64_MAX;
	return high < last ? mask & UINT64_MAX >> (last - high) : mask;
}

void port_set_add(struct port_set *s, int64_t low, int64_t high)
{
	for (int64_t word = low < 0 ? 0 : low / 64; word < PORTS / 64 && word <= high / 64; word++)
		s->at[word] |= word_mask(word, low, high);
}

void port_set_join(struct port_set *s, const struct port_set *other)
{
	for (size_t i = 0; i < PORTS / 64; i++)
		s->at[i] |= other->at[i];
}

void port_set_remove(struct port_set *s, const struct port_set *other)
{
	for (size_t i = 0; i < PORTS / 64; i++)
		s->at[i] &= ~other->at[i];
}

int64_t port_set_count(const struct port_set *s, int64_t low, int64_t high)
{
	int64_t count = 0;
	for (int64_t word = 0; word < PORTS / 64; word++)
		count += __builtin_popcountll(s->at[word] & word_mask(word, low, high));
	return count;
}

/* Reads a number of decimal digits, or as the kernel does; -1: there is none, or it is no port. */
static int64_t port_read(const char **at, bool decimal)
{
	char *end;
	int64_t port = -1;
	if (!isdigit((unsigned char)**at))
		return -1;
	const char *behind = kernel_number(*at, ",-\n", &port);
	if (decimal) {
		port = strtol(*at, &end, 10);
		behind = end;
	}
	*at = behind ? behind : *at;
	return behind && port < PORTS ? port : -1;
}

static bool list_read(struct port_set *s, const char *list, bool decimal)
{
	while (*list && *list != '\n') {
		int64_t low = port_read(&list, decimal), high = low;
		if (*list == '-') {
			list++;
			high = port_read(&list, decimal);
		}
		if (low < 0 || high < low)
			return false;
		port_set_add(s, low, high);
		if (*list == ',' && (!decimal || isdigit((unsigned char)list[1])))
			list++;
		else if (*list && *list != '\n')
			return false;
	}
	return true;
}

bool port_set_parse(struct port_set *s, const char *list) { return list_read(s, list, true); }

bool port_set_take(struct port_set *s, const char *list) { return list_read(s, list, false); }

/* The first port from `from` on that is in the set, or is not; PORTS: none. */
static int64_t port_next(const struct port_set *s, int64_t from, bool in)
{
	for (; from < PORTS; from += 64 - from % 64) {
		uint64_t word = (in ? s->at[from / 64] : ~s->at[from / 64]) >> from % 64;
		if (word)
			return from + __builtin_ctzll(word);
	}
	return PORTS;
}

/* The next run of ports at or behind `from`; false: none. */
static bool run_next(const struct port_set *s, int64_t from, int64_t *low, int64_t *high)
{
	*low = port_next(s, from, true);
	*high = port_next(s, *low, false) - 1;
	return *low < PORTS;
}

/* Returns the bytes without NUL that the list takes. */
static size_t list_write(const struct port_set *s, char *text, size_t size)
{
	int64_t low, high = -1;
	size_t used = 0;
	text[0] = 0;
	while (run_next(s, high + 1, &low, &high)) {
		char run[16];
		int n = snprintf(run, sizeof(run), high > low ? "%s%d-%d" : "%s%d", used ? "," : "",
				 (int)low, (int)high);
		if (used + (size_t)n < size)
			memcpy(text + used, run, (size_t)n + 1);
		used += (size_t)n;
	}
	return used;
}

static void join_nearest(struct port_set *s)
{
	int64_t low, high, end = -1, from = 0, to = 0;
	run_next(s, 0, &low, &end);
	while (run_next(s, end + 1, &low, &high)) {
		if (!to || low - end < to - from) {
			from = end;
			to = low;
		}
		end = high;
	}
	port_set_add(s, from, to);
}

void port_set_format(struct port_set *s, char *text, size_t size)
{
	while (list_write(s, text, size) >= size)
		join_nearest(s);
}
