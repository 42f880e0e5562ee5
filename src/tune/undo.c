#include "tune/undo.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "tune/device_files.h"
#include "tune/dropin.h"

struct way_back {
	struct undo *u;
	struct journal *j;
	struct run *r;
	struct host_identity here;
	bool stood[JOURNAL_RUN_ITEMS]; /* of another boot: a line of ours has set it in this one */
	struct err first;              /* the first error met */
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

/* A value of another boot is here again only if a line of ours brought it: written in that boot,
 * and not taken out before this one. */
static bool line_stood(const struct way_back *w, const struct run *r, const struct change *line)
{
	return strcmp(r->boot, w->r->boot) == 0 && line->scope == CHANGE_FILES &&
	       line->state != CHANGE_GONE &&
	       (line->state != CHANGE_UNDONE || strcmp(r->back_boot, w->here.boot) == 0);
}

static bool persisted(const struct way_back *w, const struct change *c)
{
	if (c->scope == CHANGE_NETNS && !w->here.initial)
		return false;
	for (size_t i = 0; i < w->j->count; i++)
		for (size_t n = 0; n < w->j->runs[i].count; n++) {
			const struct change *item = &w->j->runs[i].items[n];
			if (strcmp(item->name, c->name) == 0 && line_stood(w, &w->j->runs[i], item))
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

static bool same_boot(const struct way_back *w) { return !strcmp(w->r->boot, w->here.boot); }

static bool not_found(int r) { return r == -ENOENT || r == -ENODEV; }

/* Of another network namespace of this boot: what belongs to it, and what of the whole machine is
 * to be seen there only. */
static bool elsewhere(const struct way_back *w, const struct change *c)
{
	char found[CHANGE_VALUE];
	struct err ignored;
	const struct change_kind *kind = change_kind_find(c->kind);
	if (!same_boot(w) || !strcmp(w->r->netns, w->here.netns) || c->scope == CHANGE_FILES)
		return false;
	return c->scope == CHANGE_NETNS ||
	       (kind && not_found(kind->read(w->u->site, c->name, found, &ignored)));
}

static bool to_undo(const struct way_back *w, const struct change *c)
{
	return c->state != CHANGE_UNDONE && c->state != CHANGE_GONE &&
	       (!w->u->files_only || c->scope == CHANGE_FILES);
}

/* Out of sight is not gone: the setting of an interface that is down or has another name, a knob
 * that this /proc or /sys does not show. It may well be in force, and stays to be undone. */
static void undo_unseen(struct way_back *w, size_t n, const struct change_kind *kind,
			const struct err *why)
{
	struct change *c = &w->r->items[n];
	struct err e = *why;
	if (kind->gone && kind->gone(w->u->site, c, &e)) {
		gone(w, n, "it is not there any more");
	} else if (w->u->force) {
		gone(w, n, "not to be seen here, and given up");
	} else {
		w->u->unseen++;
		note(w, n, CHANGE_SPARED, "");
		tell(w->u, c,
		     "NOT taken back: it cannot be seen here now (%s). Roll back again when it "
		     "can; "
		     "--force gives it up",
		     e.text);
	}
}

static void undo_item(struct way_back *w, size_t n)
{
	struct err e;
	char found[CHANGE_VALUE];
	struct change *c = &w->r->items[n];
	const struct change_kind *kind = change_kind_find(c->kind);
	if (!kind) {
		err_set(&e, EPROTO, "%s: unknown kind of change \"%s\"", c->name, c->kind);
		failed(w, c, &e);
		return;
	}
	if (kind->tidy && kind->tidy(w->u->site, &e) < 0 && e.code != ENOENT)
		remember(w, &e);
	if (elsewhere(w, c)) {
		w->u->elsewhere++;
		tell(w->u, c, "belongs to network namespace %s, this is %s: nothing to undo here",
		     w->r->netns, w->here.netns);
		return;
	}
	int r = kind->read(w->u->site, c->name, found, &e);
	if (!same_boot(w) && c->scope != CHANGE_FILES &&
	    (!w->stood[n] || (r == 0 && !ours(w->u, c, found))))
		gone(w, n, "it went when the machine was restarted");
	else if (not_found(r) || (w->u->force && r == -EOPNOTSUPP))
		undo_unseen(w, n, kind, &e);
	else if (r < 0)
		failed(w, c, &e);
	else
		undo_found(w, n, found);
}

/* The line of our files for what a change set; false: none, or not to be read. */
static bool our_line(const struct change_site *site, const struct change *c,
		     char setting[CHANGE_VALUE], char path[128], unsigned *run)
{
	char line[CHANGE_VALUE];
	struct err ignored;
	bool device = strcmp(c->kind, "device") == 0;
	const char *files = device ? device_file_kind(c->name) : "sysctl.d";
	const struct change_kind *kind = files ? change_kind_find(files) : NULL;
	if (!kind || kind->read(site, c->name, line, &ignored) < 0)
		return false;
	snprintf(path, 128, "%s", DROPIN_DIRECTORY "/" DROPIN_FILE);
	if (device) {
		device_file_setting(c->name, line, setting);
		device_file_path(c->name, path);
	} else {
		dropin_setting(line, setting);
	}
	*run = 0;
	sscanf(line, "# run %u,", run);
	return setting[0];
}

/* Undone now, but at the next boot a line that a later run wrote sets it again. One that is older
 * than the run is as it was. */
static void tell_return(struct way_back *w, const struct change *c)
{
	char setting[CHANGE_VALUE], path[128];
	unsigned run;
	if (c->scope == CHANGE_FILES || c->state != CHANGE_UNDONE ||
	    !our_line(w->u->site, c, setting, path, &run) || run <= w->r->id ||
	    strcmp(setting, c->from) == 0)
		return;
	w->u->returns++;
	tell(w->u, c, "but %s sets %s again at the next boot: epolltune rollback %u", path, setting,
	     run);
}

int undo_run(struct undo *u, struct journal *j, struct run *r, struct err *e)
{
	struct way_back w = {.u = u, .j = j, .r = r};
	int failed = host_identity(u->site->host, &w.here, e);
	if (failed < 0)
		return failed;
	size_t left = 0, away = 0;
	for (size_t n = 0; n < r->count; n++) {
		w.stood[n] = !same_boot(&w) && persisted(&w, &r->items[n]);
		left += to_undo(&w, &r->items[n]);
		away += to_undo(&w, &r->items[n]) && elsewhere(&w, &r->items[n]);
	}
	struct err trouble;
	bool record = !u->files_only && !(left && left == away);
	if (record && journal_rollback(j, r, u->by, u->reason, w.here.boot, &trouble) < 0)
		remember(&w, &trouble);
	for (size_t n = r->count; n-- > 0;)
		if (to_undo(&w, &r->items[n]))
			undo_item(&w, n);
	for (size_t n = 0; n < r->count && !u->files_only; n++)
		tell_return(&w, &r->items[n]);
	if (!u->failed && !u->elsewhere && journal_end(j, r, &trouble) < 0)
		remember(&w, &trouble);
	if (w.first.code)
		*e = w.first;
	return -w.first.code;
}
