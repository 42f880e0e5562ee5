/* quantity: numbers with units, as operators write and read them. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "epolltune/err.h"
#include "epolltune/saturated.h"

enum quantity_kind {
	QUANTITY_COUNT,     /* 100, 10k, 1m               in ones; k = 1000, m = 1000 000 */
	QUANTITY_RATE,      /* 50k, 50k/s                 per second */
	QUANTITY_DURATION,  /* 100us 50ms 2s 1min         in microseconds */
	QUANTITY_BANDWIDTH, /* 100kbit 100mbit 1gbit      in bits per second, decimal as networks
			       are */
	QUANTITY_SIZE,      /* 4096 64KiB 6MiB 1GiB       in bytes; kB MB GB are decimal */
	QUANTITY_SPEED,     /* printed only: "12.5 MB/s"  in bytes per second, to three figures */
};

/* Reads `text` (a decimal number, a fraction allowed before a unit, then a unit of that kind; a
 * duration and a bandwidth must have one). Refuses by name what is odd: empty, signs, exponents,
 * unknown units, blanks, overflow, fractions that leave no whole number, and values outside
 * [min, max], so zero unless min is 0. `name` is the option or field to be named in the error.
 * Returns 0 or -EINVAL/-ERANGE. */
int quantity_parse(const char *name, enum quantity_kind kind, const char *text, uint64_t min,
		   uint64_t max, uint64_t *value, struct err *e);

/* Writes `value` for a person: "10 000", "50 000/s", "100 ms", "100 Mbit/s", "6 MiB". Digits are
 * grouped by blanks, everywhere but in a knob's value, which is written as sysctl writes it.
 * Returns buf. 32 bytes always suffice. */
char *quantity_format(char *buf, size_t size, enum quantity_kind kind, uint64_t value);

/* The same for an argument of printf: `text` lives to the end of the full expression. */
struct quantity_shown {
	char text[32];
};
struct quantity_shown quantity_show(enum quantity_kind kind, uint64_t value);
static inline struct quantity_shown quantity_count(uint64_t count)
{
	return quantity_show(QUANTITY_COUNT, count);
}

/* A count and what it counts, in the plural unless it is one: "1 line", "10 000 lines". */
struct quantity_counted {
	char text[64];
};
struct quantity_counted quantity_of(uint64_t count, const char *one);

/* The digits alone, as sysctl writes them. */
struct quantity_shown quantity_plain(uint64_t value);
/* The time since something happened: "119 seconds ago", "3 days ago"; "" without seconds. */
struct quantity_shown quantity_ago(double seconds);

/* Writes `value` as an option takes it, in the largest unit that keeps it exact: "50k", "250ms",
 * "100mbit". Returns buf. 32 bytes always suffice. */
char *quantity_word(char *buf, size_t size, enum quantity_kind kind, uint64_t value);

/* The value to three significant figures: the accuracy of a measurement. A size stays unchanged, as
 * quantity_format() rounds it in a unit that is not a power of ten. */
uint64_t quantity_round(enum quantity_kind kind, uint64_t value);
static inline struct quantity_shown quantity_measured(enum quantity_kind kind, uint64_t value)
{
	return quantity_show(kind, quantity_round(kind, value));
}

/* A measured throughput, bytes per second: "12.5 MB/s". */
static inline struct quantity_shown quantity_speed(double Bps)
{
	return quantity_measured(QUANTITY_SPEED, (uint64_t)Bps);
}
/* A measured time: "500 ms". */
static inline struct quantity_shown quantity_seconds(double seconds)
{
	return quantity_measured(QUANTITY_DURATION, (uint64_t)(seconds * 1e6));
}

/* A power of two, four times what there is. */
uint64_t quantity_more(uint64_t now);
