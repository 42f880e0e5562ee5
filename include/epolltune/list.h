/* list: comma-separated lists, as options and rows of the catalogue have them. */
#pragma once

#include <stdbool.h>
#include <string.h>

/* For printf: "%.*s", item.length, item.text. */
struct list_item {
	const char *text;
	int length;
};

/* Takes the next item of a list; false at its end. NULL is the empty list. "" and the end of "a,"
 * are an empty item. */
static inline bool list_next(const char **list, struct list_item *item)
{
	if (!*list)
		return false;
	size_t length = strcspn(*list, ",");
	*item = (struct list_item){*list, (int)length};
	*list = (*list)[length] ? *list + length + 1 : NULL;
	return true;
}

static inline bool list_item_is(const struct list_item *item, const char *name)
{
	size_t length = strlen(name);
	return length == (size_t)item->length && !memcmp(item->text, name, length);
}

/* Whether a list has the name, which is not "". */
static inline bool list_has(const char *list, const char *name)
{
	struct list_item item;
	while (list_next(&list, &item))
		if (item.length && list_item_is(&item, name))
			return true;
	return false;
}
