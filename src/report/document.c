#include "report/document.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

static _Thread_local bool memory_failed;

static void *memory_take(size_t size)
{
	void *p = malloc(size);
	memory_failed |= !p;
	return p;
}

static void memory_watch(void)
{
	json_set_alloc_funcs(memory_take, free);
	memory_failed = false;
}

static json_t *whole(json_t *value)
{
	errno = memory_failed ? ENOMEM : EBADMSG;
	if (!memory_failed)
		return value;
	json_decref(value);
	return NULL;
}

json_t *document_read(const char *text, size_t size, json_error_t *why)
{
	memory_watch();
	return whole(json_loadb(text, size, JSON_REJECT_DUPLICATES, why));
}

json_t *document_read_from(json_load_callback_t take, void *arg, json_error_t *why)
{
	memory_watch();
	return whole(json_load_callback(take, arg, JSON_REJECT_DUPLICATES, why));
}

char *document_text(const json_t *value, size_t flags)
{
	memory_watch();
	char *text = json_dumps(value, flags);
	errno = ENOMEM;
	if (!memory_failed)
		return text;
	free(text);
	return NULL;
}
