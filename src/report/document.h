/* document: JSON text to values and back, whole or not at all. jansson overlooks failed
 * allocations: it leaves bytes out of a string that it reads, and keys out of an object that it
 * writes. */
#pragma once

#include <jansson.h>
#include <stddef.h>

/* The value of a text, or of what `take` gives, in which no object has a name twice. NULL with
 * errno ENOMEM, or EBADMSG and the reason in *why, which may be NULL. */
json_t *document_read(const char *text, size_t size, json_error_t *why);
json_t *document_read_from(json_load_callback_t take, void *arg, json_error_t *why);
/* The text of a value, as json_dumps() makes it. The caller frees it. NULL with errno ENOMEM. */
char *document_text(const json_t *value, size_t flags);
