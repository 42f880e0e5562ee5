#include "topics/recognise.h"

#include <ctype.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/array.h"
#include "catalogue/similar.h"
#include "epolltune/catalogue.h"
#include "epolltune/order.h"

struct word {
	const char *text;
	size_t length;
};

struct pattern {
	char *text;
	struct word anchor; /* its longest word: a text without that word does not match */
	const struct topic_kind *kind;
	size_t at;
	uint64_t tried; /* the text that it was last compared with */
};

struct recogniser {
	struct pattern *patterns; /* sorted by anchor */
	size_t count;
	uint64_t texts;     /* that were compared */
	bool keys[1 << 15]; /* which word_key() the anchors have: most words of a log have none */
};

/* Of two letters, in any case, and the length. */
static size_t word_key(const struct word *word)
{
	size_t length = word->length < 31 ? word->length : 31;
	return ((size_t)word->text[0] & 31) << 10 |
	       (word->length > 1 ? (size_t)word->text[1] & 31 : 0) << 5 | length;
}

/* Takes the next word of a text. */
static bool word_next(const char **text, struct word *word)
{
	while (**text && !pattern_word(**text))
		++*text;
	word->text = *text;
	while (pattern_word(**text))
		++*text;
	word->length = (size_t)(*text - word->text);
	return word->length > 0;
}

static int word_compare(const struct word *a, const struct word *b)
{
	size_t shorter = a->length < b->length ? a->length : b->length;
	int order = strncasecmp(a->text, b->text, shorter);
	return order ? order : ORDER(a->length, b->length);
}

static int pattern_compare(const void *a, const void *b)
{
	return word_compare(&((const struct pattern *)a)->anchor,
			    &((const struct pattern *)b)->anchor);
}

static int pattern_add(struct recogniser *r, const struct topic_kind *kind, size_t at,
		       const char *text, size_t length)
{
	char *copy = strndup(text, length);
	struct pattern *p = copy ? array_add(&r->patterns, &r->count, sizeof(*p)) : NULL;
	if (!p) {
		free(copy);
		return -ENOMEM;
	}
	*p = (struct pattern){.text = copy, .kind = kind, .at = at};
	const char *rest = p->text;
	struct word word;
	while (word_next(&rest, &word))
		if (word.length > p->anchor.length)
			p->anchor = word;
	return 0;
}

/* The shortest part of a name that is known by itself: "rx" of device.ring.rx is not. */
#define SHORT_MIN 5

static int topic_add(struct recogniser *r, const struct topic_kind *kind, size_t at)
{
	const char *name = kind->name_at(at), *dot = strchr(name, '.'), *last = strrchr(name, '.');
	int rc = pattern_add(r, kind, at, name, strlen(name));
	if (!rc && kind->match >= MATCH_SHORT && last && strlen(last + 1) >= SHORT_MIN)
		rc = pattern_add(r, kind, at, last + 1, strlen(last + 1));
	if (!rc && kind->match == MATCH_COUNTER && dot) {
		/* As nstat and the exporters of Prometheus write it. */
		char text[128];
		snprintf(text, sizeof(text), "%.*s%s", (int)(dot - name), name, dot + 1);
		rc = pattern_add(r, kind, at, text, strlen(text));
		snprintf(text, sizeof(text), "node_netstat_%.*s_%s", (int)(dot - name), name,
			 dot + 1);
		rc = rc ? rc : pattern_add(r, kind, at, text, strlen(text));
	}
	for (const char *more = kind->match_at ? kind->match_at(at) : ""; *more && !rc;) {
		size_t length = strcspn(more, "\n");
		rc = pattern_add(r, kind, at, more, length);
		more += length + (more[length] == '\n');
	}
	return rc;
}

int recogniser_open(struct recogniser **r, bool log, struct err *e)
{
	*r = calloc(1, sizeof(**r));
	int rc = *r ? 0 : -ENOMEM;
	for (size_t k = 0; k < topic_kind_count && !rc; k++) {
		const struct topic_kind *kind = &topic_kinds[k];
		if (kind->match < (log ? MATCH_LOG : MATCH_TEXT))
			continue;
		for (size_t i = 0; i < kind->count() && !rc; i++)
			rc = topic_add(*r, kind, i);
	}
	if (rc)
		return err_set(e, ENOMEM, "explain: out of memory");
	if ((*r)->count)
		qsort((*r)->patterns, (*r)->count, sizeof(*(*r)->patterns), pattern_compare);
	for (size_t i = 0; i < (*r)->count; i++)
		(*r)->keys[word_key(&(*r)->patterns[i].anchor)] = true;
	return 0;
}

void recogniser_closep(struct recogniser **r)
{
	for (size_t i = 0; *r && i < (*r)->count; i++)
		free((*r)->patterns[i].text);
	if (*r)
		free((*r)->patterns);
	free(*r);
	*r = NULL;
}

/* The first pattern with an anchor that is not before the word. */
static size_t lower_bound(const struct recogniser *r, const struct word *word)
{
	size_t low = 0, high = r->count;
	while (low < high) {
		size_t middle = (low + high) / 2;
		if (word_compare(&r->patterns[middle].anchor, word) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Keeps the heaviest in order, each topic once. */
static size_t hit_add(struct topic_hit *hits, size_t count, size_t max, struct topic_hit hit)
{
	size_t at = 0;
	while (at < count && (hits[at].kind != hit.kind || hits[at].at != hit.at))
		at++;
	if (at < count && hits[at].weight >= hit.weight)
		return count;
	if (at < count)
		memmove(&hits[at], &hits[at + 1], (--count - at) * sizeof(*hits));
	for (at = count; at && hits[at - 1].weight < hit.weight;)
		at--;
	if (at == max)
		return count;
	count += count < max;
	memmove(&hits[at + 1], &hits[at], (count - 1 - at) * sizeof(*hits));
	hits[at] = hit;
	return count;
}

size_t recognise(struct recogniser *r, const char *text, struct topic_hit *hits, size_t max)
{
	const char *rest = text;
	struct word word;
	size_t count = 0;
	r->texts++;
	while (word_next(&rest, &word))
		for (size_t i = r->keys[word_key(&word)] ? lower_bound(r, &word) : r->count;
		     i < r->count && !word_compare(&r->patterns[i].anchor, &word); i++) {
			struct pattern *p = &r->patterns[i];
			if (p->tried == r->texts)
				break; /* the word was in the text before */
			p->tried = r->texts;
			/* A sentence says more than a name as long that is in it. */
			size_t weight =
				pattern_find(p->text, text) * (strchr(p->text, ' ') ? 2 : 1);
			if (weight)
				count = hit_add(hits, count, max,
						(struct topic_hit){p->kind, p->at, weight});
		}
	return count;
}

/* The bytes of the escape sequence at `text`: CSI, OSC, or two characters (ECMA-48). */
static size_t escape_length(const char *text, size_t length)
{
	size_t i = 2;
	if (length >= 2 && text[1] == '[')
		while (i < length && (unsigned char)text[i] >= 0x20 &&
		       (unsigned char)text[i] < 0x40)
			i++;
	else if (length >= 2 && text[1] == ']')
		while (i < length && text[i] != '\a' && (text[i - 1] != '\033' || text[i] != '\\'))
			i++;
	else
		i--;
	return i < length ? i + 1 : length;
}

void text_clean(char *out, size_t size, const char *text, size_t length)
{
	size_t used = 0;
	for (size_t i = 0; i < length && used + 1 < size; i++) {
		unsigned char c = (unsigned char)text[i];
		if (c == '\033')
			i += escape_length(text + i, length - i) - 1;
		else if (c > ' ' && c != 0x7f)
			out[used++] = (char)c;
		else if (used && out[used - 1] != ' ')
			out[used++] = ' ';
	}
	used -= used && out[used - 1] == ' ';
	out[used] = 0;
}

#define WORDS_MAX 32 /* of a question */
#define NAMED 1000   /* the score of a name that differs by one edit less than it may */

struct candidate {
	const char *name;
	char *text; /* all that is printed about the topic */
	double score;
	unsigned similar;      /* in spelling; 0: not */
	unsigned named, about; /* words of the question in its name, and in all its texts */
};

/* The texts of a JSON object, joined. */
static char *texts_of(json_t *topic)
{
	size_t size = 1, used = 0;
	const char *key;
	json_t *value;
	json_object_foreach(topic, key, value) size +=
		json_is_string(value) ? json_string_length(value) + 1 : 0;
	char *text = calloc(1, size);
	json_object_foreach(topic, key, value) if (text && json_is_string(value)) used +=
		(size_t)snprintf(text + used, size - used, "%s ", json_string_value(value));
	json_decref(topic);
	return text;
}

/* How many letters of a word decide: "overflowed" and "overflows" are alike. */
#define STEM 6

/* Whether a text has a word with the same beginning. */
static bool text_has(const char *text, const struct word *word)
{
	size_t stem = word->length < STEM ? word->length : STEM;
	for (struct word next; word_next(&text, &next);)
		if (next.length >= stem && !strncasecmp(next.text, word->text, stem))
			return true;
	return false;
}

/* Adds to the candidates that have the word, the more the fewer they are. */
static void word_score(struct candidate *all, size_t count, const struct word *word)
{
	size_t having = 0;
	for (size_t i = 0; i < count; i++)
		having += all[i].text && text_has(all[i].text, word);
	for (size_t i = 0; i < count; i++) {
		struct candidate *c = &all[i];
		bool named = text_has(c->name, word);
		if (!c->text || !text_has(c->text, word))
			continue;
		c->score += (named ? 3.0 : 1.0) / (double)having;
		c->named += named;
		c->about++;
	}
}

/* One common word makes no question: the name has most of its words, or the texts have all. */
static bool is_near(const struct candidate *c, unsigned words)
{
	return c->similar || (c->named && 2 * c->named > words) || (words > 1 && c->about == words);
}

static int candidate_compare(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;
	return ORDER(y->score, x->score);
}

size_t topics_nearest(const char *text, const struct host *h, const char *names[NEAREST_MAX])
{
	size_t count = 0, room = 0, found = 0;
	for (size_t k = 0; k < topic_kind_count; k++)
		room += topic_kinds[k].count();
	struct candidate *all = calloc(room + 1, sizeof(*all));
	for (size_t k = 0; all && k < topic_kind_count; k++)
		for (size_t i = 0; i < topic_kinds[k].count(); i++)
			all[count++] = (struct candidate){
				.name = topic_kinds[k].name_at(i),
				.text = texts_of(topic_kinds[k].describe(i, h)),
				.similar = similar(topic_kinds[k].name_at(i), text)};
	const char *rest = text;
	struct word word;
	unsigned words = 0;
	for (; words < WORDS_MAX && word_next(&rest, &word); words++)
		if (word.length > 2)
			word_score(all, count, &word);
	for (size_t i = 0; i < count; i++)
		all[i].score = is_near(&all[i], words) ? all[i].score + NAMED * all[i].similar : 0;
	if (count)
		qsort(all, count, sizeof(*all), candidate_compare);
	/* Far behind the best is not similar. */
	while (found < NEAREST_MAX && found < count && all[found].score > all[0].score / 2) {
		names[found] = all[found].name;
		found++;
	}
	while (count)
		free(all[--count].text);
	free(all);
	return found;
}
