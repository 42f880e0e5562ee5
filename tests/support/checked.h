/* A report of `check --format json`, taken apart. What is not there fails the test. */
#ifndef EPOLLTUNE_TESTS_CHECKED_H
#define EPOLLTUNE_TESTS_CHECKED_H

#include "support.h"

#include <jansson.h>

struct checked {
	int status;
	json_t *report; /* checked_free() */
};

/* Parses and frees the outcome of a check. */
struct checked checked_parse(struct output o);
void checked_free(struct checked *c);
json_t *checked_wall(const struct checked *c, const char *name);
json_t *checked_finding(const struct checked *c, const char *id);
bool checked_has_finding(const struct checked *c, const char *id);
/* A field of one of these; "" and a failure where it is no such thing. */
const char *checked_text(json_t *object, const char *key);
long long checked_number(json_t *object, const char *key);
/* Evidence of a finding, NAN where it is null. */
double checked_evidence(json_t *finding, const char *name, const char *which);
/* Whether unshare(1) may make a user and a network namespace here. */
bool namespaces_allowed(void);

#endif
