#include "tune/undo.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct way_back {
	struct undo *u;
	struct journal *j;
	struct run *r;
	struct host_identity here;
	struct err first; /* the first error met */
};

static void tell(struct undo *u, const struct change *c, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
static void tell(struct undo *u, const struct change *c, const char *fmt, ...)
{
	char text[CHANGE_VALUE * 3];
	if (!u->tell)
		return;
	va_list args;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	u->tell(u->arg, c, text);
}

static void remember(struct way_back *w, const struct err *e)
{
	if (!w->first.code)
		w->first = *e;
}

/* The journal follows as it can; the values go first. */
static void note(struct way_back *w, size_t n, enum change_state state, const char *found)
{
	struct err e;
	if (journal_item(w->j, w->r, n, state, found, &e) < 0) {
		remember(w, &e);
		w->r->items[n].state = state;
	}
}

/* A value of another boot is here again only if this program wrote it into the files as well. */
static bool persisted(const struct way_back *w, const struct change *c)
{
	if (c->scope == CHANGE_NETNS && !w->here.initial)
		return false;
	for (size_t i = 0; i < w->j->count; i++)
		for (size_t n = 0; n < w->j->runs[i].count; n++) {
			const struct change *item = &w->j->runs[i].items[n];
			if (item->scope == CHANGE_FILES && strcmp(item->name, c->name) == 0)
				return true;
		}
	return false;
}

static void gone(struct way_back *w, size_t n, const char *why)
{
	w->u->gone++;
	note(w, n, CHANGE_GONE, NULL);
	tell(w->u, &w->r->items[n], "nothing to undo: %s", why);
}

static void failed(struct way_back *w, const struct change *c, const struct err *e)
{
	w->u->failed++;
	remember(w, e);
	tell(w->u, c, "NOT taken back: %s", e->text);
}

/* Whether the value found is what the run left there. */
static bool ours(const struct undo *u, const struct change *c, const char *found)
{
	if (c->became[0])
		return strcmp(found, c->became) == 0;
	/* Cut off before it was read back: the kernel may have made something else of it, but only
	 * the run itself can be sure that it was the kernel. */
	return u->own || strcmp(found, c->to) == 0;
}

static void write_back(struct way_back *w, size_t n, const char *found)
{
	struct err e;
	char now[CHANGE_VALUE];
	struct change *c = &w->r->items[n];
	const struct change_kind *kind = change_kind_find(c->kind);
	note(w, n, CHANGE_UNDOING, NULL);
	int r = kind->write(w->u->site, c->name, c->from, &e);
	/* An error does not tell whether it was written: what stands there does. */
	struct err unreadable;
	int seen = kind->read(w->u->site, c->name, now, &unreadable);
	if (seen < 0) {
		failed(w, c, r < 0 ? &e : &unreadable);
		return;
	}
	if (strcmp(now, c->from) != 0) {
		if (r == 0)
			err_set(&e, EIO, "%s was written back, but reads \"%s\"", c->name, now);
		failed(w, c, &e);
		return;
	}
	if (r < 0)
		remember(w, &e);
	w->u->restored++;
	note(w, n, CHANGE_UNDONE, NULL);
	if (c->scope == CHANGE_FILES)
		tell(w->u, c, *c->from ? "the former line is back" : "line taken out");
	else
		tell(w->u, c, "%s → %s", found, c->from);
}

static const char *who_changed(const struct way_back *w, const struct change *c, const char *found,
			       char who[64])
{
	for (size_t i = w->j->count; i-- > 0 && w->j->runs[i].id > w->r->id;)
		for (size_t n = 0; n < w->j->runs[i].count; n++) {
			const struct change *later = &w->j->runs[i].items[n];
			if (strcmp(later->kind, c->kind) == 0 &&
			    strcmp(later->name, c->name) == 0 && later->state == CHANGE_DONE &&
			    strcmp(later->became, found) == 0) {
				snprintf(who, 64, "run %u has changed it since", w->j->runs[i].id);
				return who;
			}
		}
	return "somebody has changed it since";
}

static void undo_found(struct way_back *w, size_t n, const char *found)
{
	struct change *c = &w->r->items[n];
	char who[64];
	if (strcmp(found, c->from) == 0) {
		w->u->already++;
		note(w, n, CHANGE_UNDONE, NULL);
		tell(w->u, c, "is as it was");
		return;
	}
	if (!w->u->force && !ours(w->u, c, found)) {
		w->u->spared++;
		note(w, n, CHANGE_SPARED, found);
		if (c->scope == CHANGE_FILES)
			tell(w->u, c,
			     "somebody has changed the line since: spared (--force undoes "
			     "it)");
		else
			tell(w->u, c, "is %s, but run %u left %s: %s: spared (--force restores %s)",
			     found, w->r->id, c->became[0] ? c->became : c->to,
			     who_changed(w, c, found, who), c->from);
		return;
	}
	write_back(w, n, found);
}

static void undo_item(struct way_back *w, size_t n)
{
	struct err e;
	char found[CHANGE_VALUE];
	struct change *c = &w->r->items[n];
	if (c->state == CHANGE_UNDONE || c->state == CHANGE_GONE)
		return;
	const struct change_kind *kind = change_kind_find(c->kind);
	if (!kind) {
		err_set(&e, EPROTO, "%s: unknown kind of change \"%s\"", c->name, c->kind);
		failed(w, c, &e);
		return;
	}
	if (kind->tidy && kind->tidy(w->u->site, &e) < 0 && e.code != ENOENT)
		remember(w, &e);
	bool same_boot = strcmp(w->r->boot, w->here.boot) == 0;
	if (same_boot && c->scope == CHANGE_NETNS && strcmp(w->r->netns, w->here.netns) != 0) {
		w->u->elsewhere++;
		tell(w->u, c, "belongs to network namespace %s, this is %s: nothing to undo here",
		     w->r->netns, w->here.netns);
		return;
	}
	int r = kind->read(w->u->site, c->name, found, &e);
	if (!same_boot && c->scope != CHANGE_FILES &&
	    (r < 0 || !persisted(w, c) || !ours(w->u, c, found))) {
		gone(w, n, "it went when the machine was restarted");
		return;
	}
	/* A setting that cannot be seen from here stands all the same: only what has gone for good
	 * is nothing to undo. */
	if (r == -ENOENT || r == -ENODEV)
		gone(w, n, "it is not there any more");
	else if (r < 0)
		failed(w, c, &e);
	else
		undo_found(w, n, found);
}

int undo_run(struct undo *u, struct journal *j, struct run *r, struct err *e)
{
	struct way_back w = {.u = u, .j = j, .r = r};
	int failed = host_identity(u->site->host, &w.here, e);
	if (failed < 0)
		return failed;
	struct err trouble;
	if (!u->files_only && journal_rollback(j, r, u->by, u->reason, &trouble) < 0)
		remember(&w, &trouble);
	for (size_t n = r->count; n-- > 0;)
		if (!u->files_only || r->items[n].scope == CHANGE_FILES)
			undo_item(&w, n);
	if (!u->failed && journal_end(j, r, &trouble) < 0)
		remember(&w, &trouble);
	if (w.first.code)
		*e = w.first;
	return -w.first.code;
}
