#include "report/json_value.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "epolltune/cleanup.h"
#include "epolltune/quantity.h"
#include "epolltune/report.h"
#include "report/document.h"
#include "report/utf8.h"

void value_set(struct json_writer *w, json_t *object, const char *key, json_t *value)
{
	w->failed |= json_object_set_new(object, key, value) != 0;
}

void value_add(struct json_writer *w, json_t *array, json_t *value)
{
	w->failed |= json_array_append_new(array, value) != 0;
}

json_t *value_text(const char *text)
{
	char valid[4096];
	utf8_copy(valid, sizeof(valid), text);
	return json_string(valid);
}

json_t *value_text_or_null(const char *text) { return text[0] ? value_text(text) : json_null(); }

json_t *value_quantity(int64_t value)
{
	return value == REPORT_NONE ? json_null() : json_integer(value);
}

json_t *value_count(uint64_t value) { return json_integer(saturated(value)); }

json_t *value_fact(uint64_t value) { return value ? value_count(value) : json_null(); }

json_t *value_number(double value)
{
	if (!isfinite(value))
		return json_null();
	if (value == rint(value) && fabs(value) < 1e15)
		return json_integer((json_int_t)value);
	return json_real(value);
}

json_t *value_complete(json_t *value, const struct json_writer *w)
{
	if (!w->failed)
		return value;
	json_decref(value);
	return NULL;
}

int value_print(FILE *out, json_t *document, const struct json_writer *w, const char *what,
		struct err *e)
{
	bool complete = document && !(w && w->failed);
	CLEAN(free_pointer)
	char *text =
		complete ? document_text(document, JSON_INDENT(2) | JSON_REAL_PRECISION(9)) : NULL;
	json_decref(document);
	if (!text)
		return err_set(e, ENOMEM, "out of memory for %s", what);
	return fprintf(out, "%s\n", text) < 0 ? err_errno(e, "cannot write %s", what) : 0;
}
