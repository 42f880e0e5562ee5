/* plan_render: print a plan and its outcome; one file per format. */
#pragma once

#include <jansson.h>
#include <stdio.h>

#include "report/page.h"
#include "tune/change.h"

struct plan_result {
	const struct plan *plan;
	enum plan_outcome outcome;
	unsigned run;              /* its number in the journal; 0: none */
	const char *answer;        /* of the report that was planned from; NULL: none */
	const char *reason;        /* why refused, rolled back or nothing to change; or NULL */
	json_t *proof, *persisted; /* of the JSON; NULL: none */
	const struct report *before, *after; /* the proof's `after`; NULL: none */
	const char *command;                 /* that the operator gave; NULL: unknown */
	const char *reasons; /* the command for the reasons of what has no verdict; NULL: none */
	const char *option;  /* " --state-dir …" of commands about the run; NULL: none */
};

typedef int plan_render_function(FILE *out, const struct plan_result *r,
				 const struct render_style *style, struct err *e);
/* One renderer for each format of plan_formats.def. Only text uses the style. json has the schema
 * epolltune.apply/2, the same keys in every case; sysctl is a drop-in; shell a script; html a page.
 */
#define FORMAT(name, use) plan_render_function plan_render_##name;
#include "tune/plan_formats.def"
#undef FORMAT

enum plan_use {
	PLAN_REPORT,   /* printed as it goes */
	PLAN_DOCUMENT, /* one, at the end */
	PLAN_PREVIEW,  /* of a plan only */
};
struct plan_format {
	const char *name;
	plan_render_function *render;
	enum plan_use use;
};
/* The format of that name; NULL if unknown. */
const struct plan_format *plan_format_find(const char *name);
/* The formats of a plan, as a list of names that begins with a separator. */
extern const char plan_format_names[];
#define PLAN_FORMATS (plan_format_names + 1)

/* Prints the lines of a value, each with a mark before it. */
void plan_put_value(const struct page *p, enum tone tone, int indent, const char *mark,
		    const char *value);

/* Prints the manual steps, of which there is one at least. */
void plan_put_manual(const struct page *p, const struct plan *plan);

/* "planned", "nothing to change" and so on. */
const char *plan_outcome_name(enum plan_outcome o);
/* Write what a change costs, "" if nothing is known, and the memory of the plan in the worst case,
 * "" where it is unknown. PAGE_TEXT bytes suffice. */
void plan_cost_text(const struct change *c, char text[PAGE_TEXT]);
void plan_budget_text(const struct plan *plan, char text[PAGE_TEXT]);
/* Writes which walls that the target needs have no verdict; "": none, or the answer names them.
 * Returns whether there are such. */
bool plan_unknown_text(const struct plan_result *r, char text[PAGE_TEXT]);

/* For renderers. What is printed of a plan without changes: */
const char *plan_no_change(const struct plan_result *r);
/* No change, or manual steps, as comments. */
void plan_comments(FILE *out, const struct plan_result *r);
