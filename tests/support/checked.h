/* Accessors for a report of `check --format json`. A missing part fails the test. */
#pragma once

#include "support.h"

#include <jansson.h>

struct checked {
	int status;
	json_t *report; /* checked_free() */
};

/* Parses the output of a check and frees it. */
struct checked checked_parse(struct output o);
void checked_free(struct checked *c);
json_t *checked_wall(const struct checked *c, const char *name);
json_t *checked_finding(const struct checked *c, const char *id);
bool checked_has_finding(const struct checked *c, const char *id);
/* A field of a wall or finding: "" if it is not a string; the test fails if it is not a number. */
const char *checked_text(json_t *object, const char *key);
long long checked_number(json_t *object, const char *key);
/* Evidence of a finding; NAN if it is null. */
double checked_evidence(json_t *finding, const char *name, const char *which);
/* Whether unshare(1) can make a user and a network namespace here. */
bool namespaces_allowed(void);
