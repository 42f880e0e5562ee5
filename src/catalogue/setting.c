/* Lists of knobs and of settings, as options take them. */
#include "catalogue/setting.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "epolltune/list.h"

/* The length of the first setting of a list. */
static size_t setting_length(const char *list)
{
	const char *comma = strchr(list, ',');
	while (comma && strcspn(comma + 1, ",") <= strcspn(comma + 1, "="))
		comma = strchr(comma + 1, ',');
	return comma ? (size_t)(comma - list) : strlen(list);
}

int setting_next(const char **list, struct setting *out, struct err *e)
{
	*out = (struct setting){0};
	if (!*list)
		return 0;
	size_t length = setting_length(*list);
	const char *one = *list, *equals = memchr(one, '=', length);
	*list = one[length] ? one + length + 1 : NULL;
	size_t name = equals ? (size_t)(equals - one) : 0;
	if (!name || name >= sizeof(out->name))
		return err_set(e, EINVAL, "--set: \"%.*s\" is not KNOB=VALUE",
			       (int)(length < 80 ? length : 80), one);
	if (length - name - 1 >= sizeof(out->value))
		return err_set(e, EINVAL, "--set %.*s: the value is too long", (int)name, one);
	memcpy(out->name, one, name);
	memcpy(out->value, equals + 1, length - name - 1);
	out->knob = knob_find(out->name);
	return 1;
}

bool setting_repeated(const struct setting *set, const char *rest)
{
	struct setting other;
	while (setting_next(&rest, &other, NULL) > 0)
		if (setting_listed(other.name, set->name))
			return true;
	return false;
}

bool setting_listed(const char *knobs, const char *name)
{
	const struct knob *k = knob_find(name);
	struct list_item item;
	while (list_next(&knobs, &item)) {
		char one[64];
		if (snprintf(one, sizeof(one), "%.*s", item.length, item.text) != item.length)
			continue;
		const char *whose = strchr(one, '@'), *of = strchr(name, '@');
		if (k && knob_find(one) == k && (!whose || (of && strcmp(whose, of) == 0)))
			return true;
	}
	return false;
}
