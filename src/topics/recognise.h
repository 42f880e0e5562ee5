/* recognise: finds the topics that a pasted text, or a line of a log, is about. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "epolltune/err.h"
#include "topics/topic.h"

struct topic_hit {
	const struct topic_kind *kind;
	size_t at;
	size_t weight; /* characters of the pattern, twice for several words */
};

/* The patterns of all kinds, or of those that a log is searched for. -ENOMEM. */
struct recogniser;
int recogniser_open(struct recogniser **r, bool log, struct err *e);
void recogniser_closep(struct recogniser **r);
/* Fills `hits` with the topics of the heaviest patterns in a cleaned text, most specific first.
 * Returns their number. */
size_t recognise(struct recogniser *r, const char *text, struct topic_hit *hits, size_t max);

/* Copies a text of any bytes without escape sequences; each run of blanks, line ends and other
 * control characters becomes one blank. */
void text_clean(char *out, size_t size, const char *text, size_t length);

#define NEAREST_MAX 5
/* The names that are most similar to a text, by spelling, then by the words of their descriptions.
 * Returns their number. */
size_t topics_nearest(const char *text, const struct host *h, const char *names[NEAREST_MAX]);
