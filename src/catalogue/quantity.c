#include "epolltune/quantity.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define KILO UINT64_C(1000)
#define MEGA UINT64_C(1000000)
#define GIGA UINT64_C(1000000000)
#define TERA UINT64_C(1000000000000)
#define KIBI (UINT64_C(1) << 10)
#define MEBI (UINT64_C(1) << 20)
#define GIBI (UINT64_C(1) << 30)
#define TEBI (UINT64_C(1) << 40)

struct unit {
	const char *name;
	uint64_t factor;
};

static const struct kind {
	const char *noun;
	const char *example;
	const char *one;        /* what the value counts, in the plural */
	struct unit read[11];   /* understood, in any case; "" if a bare number is */
	struct unit written[6]; /* for output, ascending */
} kinds[] = {
	[QUANTITY_COUNT] = {"a number",
			    "100, 10k or 1m",
			    "ones",
			    {{"", 1}, {"k", KILO}, {"m", MEGA}, {"g", GIGA}},
			    {{"", 1}}},
	[QUANTITY_RATE] = {"a rate",
			   "10000, 50k or 50k/s",
			   "ones a second",
			   {{"", 1},
			    {"k", KILO},
			    {"m", MEGA},
			    {"g", GIGA},
			    {"/s", 1},
			    {"k/s", KILO},
			    {"m/s", MEGA},
			    {"g/s", GIGA}},
			   {{"/s", 1}}},
	[QUANTITY_DURATION] = {"a time",
			       "100us, 50ms, 2s, 1min or 1h",
			       "microseconds",
			       {{"us", 1},
				{"µs", 1},
				{"ms", KILO},
				{"s", MEGA},
				{"min", 60 * MEGA},
				{"h", 3600 * MEGA}},
			       {{" us", 1}, {" ms", KILO}, {" s", MEGA}}},
	[QUANTITY_BANDWIDTH] =
		{"a bandwidth",
		 "500kbit, 100mbit or 1gbit",
		 "bits a second",
		 {{"bit", 1},
		  {"kbit", KILO},
		  {"mbit", MEGA},
		  {"gbit", GIGA},
		  {"bit/s", 1},
		  {"kbit/s", KILO},
		  {"mbit/s", MEGA},
		  {"gbit/s", GIGA}},
		 {{" bit/s", 1}, {" kbit/s", KILO}, {" Mbit/s", MEGA}, {" Gbit/s", GIGA}}},
	[QUANTITY_SIZE] =
		{"a size",
		 "4096, 64KiB, 6MiB or 1GB",
		 "bytes",
		 {{"", 1},
		  {"B", 1},
		  {"kB", KILO},
		  {"MB", MEGA},
		  {"GB", GIGA},
		  {"TB", TERA},
		  {"KiB", KIBI},
		  {"MiB", MEBI},
		  {"GiB", GIBI},
		  {"TiB", TEBI}},
		 {{" B", 1}, {" KiB", KIBI}, {" MiB", MEBI}, {" GiB", GIBI}, {" TiB", TEBI}}},
	/* Decimal, as networks and disks are. */
	[QUANTITY_SPEED] =
		{.written = {{" B/s", 1}, {" kB/s", KILO}, {" MB/s", MEGA}, {" GB/s", GIGA}}},
};

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

static const struct unit *unit_find(const struct kind *k, const char *name)
{
	for (const struct unit *u = k->read; u->name; u++)
		if (strcasecmp(u->name, name) == 0)
			return u;
	return NULL;
}

/* Reads the digits at *text; -ERANGE when they exceed 64 bits. Moves *text behind them. */
static int take_digits(const char **text, uint64_t *value)
{
	int status = 0;
	*value = 0;
	for (; is_digit(**text); (*text)++)
		if (__builtin_mul_overflow(*value, 10, value) ||
		    __builtin_add_overflow(*value, (uint64_t)(**text - '0'), value))
			status = -ERANGE;
	return status;
}

__extension__ typedef unsigned __int128 wide;

/* *value = (whole + 0.fraction) × factor, exactly. -EINVAL when that is not a whole number. */
static int scale(uint64_t whole, const char *fraction, size_t digits, uint64_t factor,
		 uint64_t *value)
{
	while (digits > 0 && fraction[digits - 1] == '0')
		digits--;
	if (digits > 18)
		return -EINVAL;
	uint64_t numerator = 0, denominator = 1;
	for (size_t i = 0; i < digits; i++) {
		numerator = numerator * 10 + (uint64_t)(fraction[i] - '0');
		denominator *= 10;
	}
	wide part = (wide)numerator * factor;
	if (part % denominator)
		return -EINVAL;
	wide result = (wide)whole * factor + part / denominator;
	if (result > UINT64_MAX)
		return -ERANGE;
	*value = (uint64_t)result;
	return 0;
}

/* What to write: of a port or another small number the bounds. */
static const char *example_of(enum quantity_kind kind, uint64_t min, uint64_t max, char text[64])
{
	if (kind != QUANTITY_COUNT || max > UINT16_MAX)
		return kinds[kind].example;
	snprintf(text, 64, "a number from %" PRIu64 " to %" PRIu64, min, max);
	return text;
}

int quantity_parse(const char *name, enum quantity_kind kind, const char *text, uint64_t min,
		   uint64_t max, uint64_t *value, struct err *e)
{
	const struct kind *k = &kinds[kind];
	char bounds[64];
	const char *example = example_of(kind, min, max, bounds);
	if (*text == 0)
		return err_set(e, EINVAL, "%s: empty; write %s", name, example);
	const char *at = text;
	uint64_t whole, result = 0;
	int status = take_digits(&at, &whole);
	bool odd = at == text;
	const char *fraction = at;
	size_t digits = 0;
	if (*at == '.') {
		fraction = ++at;
		digits = strspn(at, "0123456789");
		at += digits;
		odd |= digits == 0 || *at == 0;
	}
	if (odd)
		return err_set(e, EINVAL, "%s: \"%s\" is not %s; write %s", name, text, k->noun,
			       example);
	const struct unit *unit = unit_find(k, at);
	if (!unit && *at == 0)
		return err_set(e, EINVAL, "%s: \"%s\" has no unit; write %s", name, text, example);
	if (!unit)
		return err_set(e, EINVAL, "%s: \"%s\" has an unknown unit \"%s\"; write %s", name,
			       text, at, example);
	if (status == 0)
		status = scale(whole, fraction, digits, unit->factor, &result);
	if (status == -EINVAL)
		return err_set(e, EINVAL, "%s: \"%s\" is not a whole number of %s", name, text,
			       k->one);
	char bound[32];
	if (status == 0 && result < min)
		return err_set(e, ERANGE, "%s: \"%s\" is too small; at least %s", name, text,
			       quantity_word(bound, sizeof(bound), kind, min));
	if (status == -ERANGE || result > max)
		return err_set(e, ERANGE, "%s: \"%s\" is too large; at most %s", name, text,
			       quantity_word(bound, sizeof(bound), kind, max));
	*value = result;
	return 0;
}

static char *put_grouped(char *at, uint64_t value)
{
	char digits[24];
	int n = snprintf(digits, sizeof(digits), "%llu", (unsigned long long)value);
	for (int i = 0; i < n; i++) {
		if (i && (n - i) % 3 == 0)
			*at++ = ' ';
		*at++ = digits[i];
	}
	*at = 0;
	return at;
}

/* value ÷ factor with at most three decimals: all of them where that is exact and the whole part is
 * at most `exact`, else as many as make three figures. */
static char *put_scaled(char *at, uint64_t value, uint64_t factor, uint64_t exact)
{
	uint64_t whole = value / factor, rest = value % factor;
	int width = 3;
	uint64_t scale = 1000;
	if (rest * scale % factor || whole > exact)
		for (uint64_t figures = whole; figures && width > 0; figures /= 10, width--)
			scale /= 10;
	uint64_t decimals = (rest * scale + factor / 2) / factor;
	if (decimals >= scale) {
		whole++;
		decimals = 0;
	}
	at = put_grouped(at, whole);
	if (decimals) {
		for (; decimals % 10 == 0; decimals /= 10)
			width--;
		at += sprintf(at, ".%0*llu", width, (unsigned long long)decimals);
	}
	return at;
}

char *quantity_format(char *buf, size_t size, enum quantity_kind kind, uint64_t value)
{
	const struct unit *unit = kinds[kind].written;
	if (kind == QUANTITY_SPEED)
		value = quantity_round(kind, value);
	while (unit[1].name && value >= unit[1].factor)
		unit++;
	char text[48];
	char *end = put_scaled(text, value, unit->factor, kind == QUANTITY_SIZE ? 9 : UINT64_MAX);
	strcpy(end, unit->name);
	snprintf(buf, size, "%s", text);
	return buf;
}

struct quantity_shown quantity_show(enum quantity_kind kind, uint64_t value)
{
	struct quantity_shown shown;
	quantity_format(shown.text, sizeof(shown.text), kind, value);
	return shown;
}

struct quantity_counted quantity_of(uint64_t count, const char *one)
{
	struct quantity_counted counted;
	snprintf(counted.text, sizeof(counted.text), "%s %s%s", quantity_count(count).text, one,
		 count == 1 ? "" : "s");
	return counted;
}

struct quantity_shown quantity_plain(uint64_t value)
{
	struct quantity_shown shown;
	snprintf(shown.text, sizeof(shown.text), "%" PRIu64, value);
	return shown;
}

struct quantity_shown quantity_ago(double seconds)
{
	static const struct {
		double below, unit;
		const char *name;
	} units[] = {{120, 1, "second"},
		     {2 * 3600, 60, "minute"},
		     {2 * 86400, 3600, "hour"},
		     {0, 86400, "day"}};
	struct quantity_shown shown = {""};
	size_t i = 0;
	while (i < 3 && seconds >= units[i].below)
		i++;
	if (seconds > 0)
		snprintf(
			shown.text, sizeof(shown.text), "%.25s ago",
			quantity_of((uint64_t)(seconds / units[i].unit + 0.5), units[i].name).text);
	return shown;
}

uint64_t quantity_round(enum quantity_kind kind, uint64_t value)
{
	uint64_t step = 1;
	while (kind != QUANTITY_SIZE && value / step >= 1000)
		step *= 10;
	uint64_t rest = value % step;
	return value - rest + (rest * 2 >= step && step > 1 ? step : 0);
}

char *quantity_word(char *buf, size_t size, enum quantity_kind kind, uint64_t value)
{
	const struct unit *best = &kinds[kind].read[0];
	for (const struct unit *u = best; u->name; u++)
		if (u->factor > best->factor && value && value % u->factor == 0)
			best = u;
	snprintf(buf, size, "%llu%s", (unsigned long long)(value / best->factor), best->name);
	return buf;
}

uint64_t quantity_more(uint64_t now)
{
	uint64_t more = 1;
	while (more < 4 * now && more < UINT32_MAX)
		more *= 2;
	return more;
}
