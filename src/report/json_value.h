/* json_value: build and print JSON documents. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "epolltune/err.h"

/* The value_*() functions return NULL if out of memory; value_set() and value_add() record that
 * until value_print(). Both take over the value. */
struct json_writer {
	bool failed;
};
void value_set(struct json_writer *w, json_t *object, const char *key, json_t *value);
void value_add(struct json_writer *w, json_t *array, json_t *value);

/* Invalid UTF-8 becomes U+FFFD. */
json_t *value_text(const char *text);
json_t *value_text_or_null(const char *text);
/* REPORT_NONE becomes null. */
json_t *value_quantity(int64_t value);
json_t *value_count(uint64_t value);
/* A fact of the host; 0 means unknown: null. */
json_t *value_fact(uint64_t value);
/* An integer if it is whole; null if not finite. */
json_t *value_number(double value);

/* Returns the value; frees it and returns NULL if it is incomplete. */
json_t *value_complete(json_t *value, const struct json_writer *w);
/* Prints the document, indented by two spaces, with a newline, and frees it. Returns 0 or
 * -ENOMEM, having printed nothing, with `what` in its text: "the report". A write error stays in
 * the stream. */
int value_print(FILE *out, json_t *document, const struct json_writer *w, const char *what,
		struct err *e);
