#include "check/target_numbers.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/shell.h"

/* A target alone, with the bounds of its options. */
struct bounded {
	struct target target;
};
const struct option_row target_rows[] = {
	TARGET_NUMBERS(struct bounded, target),
	{0},
};

/* The nearest value that the option takes; its default is one, also where that is 0, for none. */
static uint64_t number_fit(const struct option_row *row, uint64_t value)
{
	static const struct bounded usual = {TARGET_DEFAULT};
	if (!row->max || value == option_number(row, &usual))
		return value;
	return value < row->min ? row->min : value > row->max ? row->max : value;
}

int target_check(const struct target *t, struct err *e)
{
	const struct bounded checked = {*t};
	for (const struct option_row *row = target_rows; row->name; row++) {
		uint64_t value = option_number(row, &checked);
		if (number_fit(row, value) != value)
			return err_set(e, ERANGE, "the target of the report: no --%s takes %llu",
				       row->name, (unsigned long long)value);
	}
	return 0;
}

struct target target_fit(const struct target *t)
{
	struct bounded out = {*t};
	for (const struct option_row *row = target_rows; row->name; row++) {
		uint64_t fits = number_fit(row, option_number(row, &out));
		if (row->max)
			memcpy((char *)&out + row->field, &fits, sizeof(fits));
	}
	return out.target;
}

unsigned target_bit(const char *name)
{
	size_t i = 0;
	while (strcmp(target_rows[i].name, name) != 0)
		i++;
	return 1U << i;
}

bool target_is_asked(const struct check_options *o, const char *name)
{
	return (o->kept | o->saved.asked) & target_bit(name);
}

struct target target_keep(const struct target *given, unsigned kept, const struct target *other)
{
	struct bounded out = {*other};
	for (size_t i = 0; target_rows[i].name; i++)
		if (kept >> i & 1)
			memcpy((char *)&out + target_rows[i].field,
			       (const char *)given + target_rows[i].field, target_rows[i].size);
	return out.target;
}

void saved_options(const struct check_options *o, char out[REPORT_SAVED])
{
	static const char name[] = " --target ";
	const struct bounded now = {o->target};
	char word[32];
	size_t at = (size_t)snprintf(out, REPORT_SAVED, "%s", name);
	at += shell_word(out + at, REPORT_SAVED - at, o->saved.name);
	for (size_t i = 0; target_rows[i].name && at < REPORT_SAVED; i++) {
		const struct option_row *row = &target_rows[i];
		if (!(o->kept >> i & 1) && !o->observe_us)
			continue;
		const char *value =
			row->kind == OPTION_CHOICE
				? target_role_name(now.target.role)
				: quantity_word(word, sizeof(word), (enum quantity_kind)row->kind,
						option_number(row, &now));
		at += (size_t)snprintf(out + at, REPORT_SAVED - at, " --%s %s", row->name, value);
	}
	if (!o->saved.name[0] || at >= REPORT_SAVED)
		out[0] = 0;
}
