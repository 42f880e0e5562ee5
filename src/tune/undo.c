#include "tune/undo.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/interrupt.h"
#include "tune/dropin.h"
#include "tune/operator.h"
#include "tune/site.h"

#define DROP "use --force to drop it from the journal"

struct undoing {
	struct undo *u;
	struct journal *j;
	struct run *r;
	struct host_identity here;
	/* Of each item: of another boot, but our file has set it in this one too; belongs to
	 * another network namespace of this boot, or is visible in that one only. */
	bool persisted[JOURNAL_RUN_ITEMS], other_netns[JOURNAL_RUN_ITEMS];
	enum host_netns netns; /* of the run, where that is another one */
	struct err first;      /* the first error met */
};

/* What is where a change has set something. */
struct found {
	bool several; /* values: of no run, and not the old one */
	char value[CHANGE_VALUE];
};

static void print(struct undo *u, const struct change *c, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
static void print(struct undo *u, const struct change *c, const char *fmt, ...)
{
	char text[CHANGE_VALUE * 3];
	if (!u->print)
		return;
	va_list args;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	u->print(u->arg, c, text);
}

static void keep_first(struct undoing *x, const struct err *e)
{
	if (!x->first.code)
		x->first = *e;
}

/* A journal that cannot be written must not stop values from being written back. */
static void record(struct undoing *x, size_t n, enum change_state state, const char *found)
{
	struct err e;
	if (journal_item(x->j, x->r, n, state, found, &e) < 0) {
		keep_first(x, &e);
		x->r->items[n].state = state;
	}
}

/* Whether a line of our files, written by a run of an earlier boot, was still there at this boot.
 */
static bool line_survived(const struct undoing *x, const struct run *r, const struct change *line)
{
	return line->scope == CHANGE_FILES && line->state != CHANGE_STALE &&
	       (line->state != CHANGE_REVERTED || strcmp(r->rollback_boot, x->here.boot) == 0);
}

/* Values of an earlier boot are in force only if a line that was written in it set them again. */
static bool persisted(const struct undoing *x, const char *boot, const struct change *c)
{
	if (c->scope == CHANGE_NETNS && !x->here.initial)
		return false;
	for (size_t i = 0; i < x->j->count; i++)
		for (size_t n = 0; n < x->j->runs[i].count; n++) {
			const struct change *item = &x->j->runs[i].items[n];
			if (strcmp(x->j->runs[i].boot, boot) == 0 &&
			    strcmp(item->name, c->name) == 0 &&
			    line_survived(x, &x->j->runs[i], item))
				return true;
		}
	return false;
}

static void stale(struct undoing *x, size_t n, const char *why)
{
	x->u->stale++;
	record(x, n, CHANGE_STALE, NULL);
	print(x->u, &x->r->items[n], "nothing to roll back: %s", why);
}

/* The run stays unfinished. */
static void failed(struct undoing *x, const struct change *c, const struct err *e,
		   const char *remedy)
{
	x->u->failed++;
	keep_first(x, e);
	print(x->u, c, "NOT rolled back: %s%s", e->text, remedy);
}

/* Whether the value found is what the run wrote. */
static bool ours(const struct undo *u, const struct change *c, const struct found *found)
{
	/* A write, or one back, that was cut off. */
	if (found->several)
		return u->own || c->state == CHANGE_INTENDED || c->state == CHANGE_REVERTING;
	if (c->became[0])
		return strcmp(found->value, c->became) == 0;
	/* The run ended before the read-back: the kernel may have adjusted the value. Only the run
	 * itself knows that no other process wrote it. */
	return u->own || strcmp(found->value, c->to) == 0;
}

static bool same_boot(const struct undoing *x) { return !strcmp(x->r->boot, x->here.boot); }

static void write_back(struct undoing *x, size_t n, const struct found *found, const char *why)
{
	struct err e;
	char now[CHANGE_VALUE];
	struct change *c = &x->r->items[n];
	record(x, n, CHANGE_REVERTING, NULL);
	int rc = c->kind->write(x->u->site, c->name, c->from, &e);
	/* A write that failed may still have been made: only a read decides. */
	struct err unreadable;
	int seen = c->kind->read(x->u->site, c->name, now, &unreadable);
	if (seen < 0) {
		failed(x, c, rc < 0 ? &e : &unreadable, "");
		return;
	}
	if (strcmp(now, c->from) != 0) {
		if (rc == 0)
			err_set(&e, EIO, "%s was written back, but reads \"%s\"", c->name, now);
		failed(x, c, &e, "");
		return;
	}
	if (rc < 0)
		keep_first(x, &e);
	x->u->reverted++;
	record(x, n, CHANGE_REVERTED, NULL);
	if (c->scope == CHANGE_FILES)
		print(x->u, c, *c->from ? "previous line restored" : "line removed");
	else
		print(x->u, c, "%s → %s%s", change_shown(found->value), change_shown(c->from), why);
}

/* Whether what a run has written can be what is found here: a line, a value of this boot, network
 * namespace and object, or one of an earlier boot that a line has set again. */
static bool reaches_here(const struct undoing *x, const struct run *r, const struct change *c)
{
	if (c->scope == CHANGE_FILES)
		return true;
	if (strcmp(r->boot, x->here.boot) != 0)
		return persisted(x, r->boot, c);
	return (c->scope != CHANGE_NETNS || !strcmp(r->netns, x->here.netns)) &&
	       change_find_object(x->u->site, c, NULL) == 0;
}

/* The later run that left the value found, 0 if none did. */
static unsigned later_run(const struct undoing *x, const struct change *c,
			  const struct found *found)
{
	for (size_t i = x->j->count; i-- > 0 && x->j->runs[i].id > x->r->id && !found->several;)
		for (size_t n = 0; n < x->j->runs[i].count; n++) {
			const struct change *later = &x->j->runs[i].items[n];
			if (later->kind == c->kind && strcmp(later->name, c->name) == 0 &&
			    later->state == CHANGE_DONE &&
			    strcmp(later->became, found->value) == 0 &&
			    reaches_here(x, &x->j->runs[i], later))
				return x->j->runs[i].id;
		}
	return 0;
}

static void conflict(struct undoing *x, size_t n, const struct found *found)
{
	struct change *c = &x->r->items[n];
	unsigned later = later_run(x, c, found);
	char by[32] = "";
	x->u->conflict++;
	record(x, n, CHANGE_CONFLICT, found->value);
	if (later)
		snprintf(by, sizeof(by), " by run %u", later);
	if (c->scope == CHANGE_FILES)
		print(x->u, c, "line modified since run %u: skipped (--force reverts it)",
		      x->r->id);
	else if (later && strcmp(found->value, c->from) == 0)
		print(x->u, c, "is %s again, set by run %u: skipped until that is rolled back",
		      change_shown(found->value), later);
	else
		print(x->u, c,
		      "%s %s, run %u set %s; modified since run %u%s: "
		      "skipped (--force restores %s)",
		      found->several ? "has" : "is", change_shown(found->value), x->r->id,
		      change_shown(c->became[0] ? c->became : c->to), x->r->id, by,
		      change_shown(c->from));
}

static void undo_found(struct undoing *x, size_t n, const struct found *found)
{
	char why[CHANGE_WHY] = "";
	struct change *c = &x->r->items[n];
	const struct change_running *running = c->kind->running;
	/* The rollback of a later run that left the value will restore what this one has set. */
	bool later = later_run(x, c, found);
	bool mine = x->u->force || (ours(x->u, c, found) && !later);
	/* The run's line is removed by now: restores what this boot would have without it. */
	if (mine && !same_boot(x) && running && running->at_boot)
		running->at_boot(x->u->site, c, why);
	if (!found->several && strcmp(found->value, c->from) == 0 && (mine || !later)) {
		x->u->unchanged++;
		record(x, n, CHANGE_REVERTED, NULL);
		print(x->u, c, "has its old value already");
	} else if (!mine) {
		conflict(x, n, found);
	} else {
		write_back(x, n, found, why);
	}
}

static bool not_found(int rc) { return rc == -ENOENT || rc == -ENODEV; }

/* -EINVAL: a name or kind of another version of epolltune. */
static bool is_unknown(int rc) { return rc == -EINVAL; }

/* Remains so until an operator does what the error says: an interface that is down, a file of ours
 * that another hand made unreadable. */
static bool is_lasting(int rc)
{
	static const int codes[] = {EOPNOTSUPP, EEXIST, EBADMSG, EPERM, EFBIG};
	for (size_t i = 0; i < sizeof(codes) / sizeof(*codes); i++)
		if (rc == -codes[i])
			return true;
	return false;
}

static bool is_of_other_netns(const struct undoing *x, const struct change *c)
{
	char found[CHANGE_VALUE];
	struct err ignored;
	if (!same_boot(x) || !strcmp(x->r->netns, x->here.netns) || c->scope == CHANGE_FILES)
		return false;
	return c->scope == CHANGE_NETNS ||
	       (c->kind && not_found(c->kind->read(x->u->site, c->name, found, &ignored)));
}

/* Whether a change of another namespace is left alone: not if that is gone, nor with --force if
 * that is unknown. */
static bool remains(const struct undoing *x, const struct change *c)
{
	if (c->scope != CHANGE_NETNS || x->netns == HOST_NETNS_EXISTS)
		return true;
	return x->netns == HOST_NETNS_UNKNOWN && !x->u->force;
}

static bool to_undo(const struct undoing *x, const struct change *c)
{
	return c->state != CHANGE_REVERTED && c->state != CHANGE_STALE &&
	       (!x->u->files_only || c->scope == CHANGE_FILES);
}

/* Not readable is not removed: an interface that is down, was renamed or moved, a knob that this
 * /proc or /sys hides. The change may be in force, so that a later rollback has to revert it. */
static void undo_unreachable(struct undoing *x, size_t n, const struct err *why)
{
	struct change *c = &x->r->items[n];
	if (x->u->force) {
		char text[CHANGE_VALUE * 2];
		snprintf(text, sizeof(text), "not accessible (%s), and dropped by --force",
			 why->text);
		stale(x, n, text);
		return;
	}
	x->u->unreachable++;
	record(x, n, CHANGE_UNREACHABLE, NULL);
	print(x->u, c, "NOT rolled back: not accessible (%s). %s, or " DROP, why->text,
	      is_unknown(-why->code) ? "Roll back with the epolltune that made the run"
				     : "Retry later");
}

/* Reads what the change has set: of its object, not of another one that has the name by now. */
static int find_value(struct undoing *x, const struct change *c, struct found *found, struct err *e)
{
	int rc = same_boot(x) ? change_find_object(x->u->site, c, e) : 0;
	if (rc == 0)
		rc = c->kind->read(x->u->site, c->name, found->value, e);
	found->several = rc == -ENOTUNIQ;
	if (found->several)
		snprintf(found->value, sizeof(found->value), "several values");
	return found->several ? 0 : rc;
}

/* Rolls back a change for which find_value() returned rc. */
static void undo_as_found(struct undoing *x, size_t n, int rc, const struct found *found,
			  const struct err *e)
{
	struct change *c = &x->r->items[n];
	if (!same_boot(x) && c->scope != CHANGE_FILES &&
	    (!x->persisted[n] ||
	     (rc == 0 && !found->several && !ours(x->u, c, found) && !later_run(x, c, found))))
		stale(x, n, "a reboot has reset it");
	else if (rc == -ESTALE)
		stale(x, n, e->text);
	else if (not_found(rc) || is_unknown(rc) || (x->u->force && is_lasting(rc)))
		undo_unreachable(x, n, e);
	else if (rc < 0)
		failed(x, c, e, is_lasting(rc) ? ". Retry, or " DROP : "");
	else
		undo_found(x, n, found);
}

static void undo_item(struct undoing *x, size_t n)
{
	struct err e;
	struct found found;
	struct change *c = &x->r->items[n];
	if (!c->kind) {
		err_set(&e, EINVAL, "%s is of a kind that epolltune does not know: %s", c->name,
			c->kind_name);
		undo_unreachable(x, n, &e);
		return;
	}
	if (c->kind->file && dropin_tidy(x->u->site, c->kind->file->directory, &e) < 0)
		keep_first(x, &e);
	if (x->other_netns[n] && !remains(x, c)) {
		stale(x, n,
		      x->netns == HOST_NETNS_GONE ? "its network namespace is gone"
						  : "not accessible, and dropped by --force");
		return;
	}
	if (x->other_netns[n]) {
		x->u->other_netns++;
		print(x->u, c, "belongs to network namespace %s, this is %s: roll it back there",
		      x->r->netns, x->here.netns);
		return;
	}
	int rc = find_value(x, c, &found, &e);
	undo_as_found(x, n, rc, &found, &e);
}

/* The line of our files for a change; false: none, or unreadable. */
static bool our_line(struct change_site *site, const struct change *c, char setting[CHANGE_VALUE],
		     char path[CHANGE_FILE], unsigned *run)
{
	char line[CHANGE_VALUE];
	struct err ignored;
	bool running = c->kind && c->kind->running;
	const struct change_kind *kind = running ? c->kind->running->file(c->name) : NULL;
	if (!kind || kind->read(site, c->name, line, &ignored) < 0)
		return false;
	kind->file->setting(c->name, line, setting);
	kind->file->path(c->name, path);
	*run = dropin_run(line);
	return line[0];
}

/* Warns where a line that a later run wrote sets the reverted value again at the next boot. */
static void check_next_boot(struct undoing *x, const struct change *c)
{
	char setting[CHANGE_VALUE], path[CHANGE_FILE], option[1200];
	unsigned run;
	if (c->scope == CHANGE_FILES || c->state != CHANGE_REVERTED ||
	    !our_line(x->u->site, c, setting, path, &run) || run <= x->r->id ||
	    strcmp(setting, c->from) == 0)
		return;
	x->u->set_at_boot++;
	operator_state_option(option, sizeof(option), x->j->path);
	print(x->u, c,
	      "but %s sets %s again at the next boot. To remove that line:\n"
	      "epolltune rollback %u%s",
	      path, change_shown(setting), run, option);
}

int undo_run(struct undo *u, struct journal *j, struct run *r, struct err *e)
{
	struct undoing x = {.u = u, .j = j, .r = r};
	int code = host_identity(u->site->host, &x.here, e);
	if (code < 0)
		return code;
	site_refresh(u->site);
	x.netns = same_boot(&x) ? host_netns_look(u->site->host, r->netns) : HOST_NETNS_EXISTS;
	size_t remaining = 0, away = 0;
	for (size_t n = 0; n < r->count; n++) {
		const struct change *c = &r->items[n];
		x.persisted[n] = !same_boot(&x) && persisted(&x, r->boot, c);
		bool due = to_undo(&x, c);
		x.other_netns[n] = due && is_of_other_netns(&x, c);
		remaining += due;
		away += x.other_netns[n] && remains(&x, c);
	}
	struct err trouble;
	char words[UNDO_WORDS];
	undo_reason_words(u->reason, interrupt_name(interrupt_came()), words);
	bool recorded = !u->files_only && !(remaining && remaining == away);
	if (recorded && journal_rollback(j, r, u->by, words, x.here.boot, &trouble) < 0)
		keep_first(&x, &trouble);
	for (size_t n = r->count; n-- > 0;)
		if (to_undo(&x, &r->items[n]))
			undo_item(&x, n);
	for (size_t n = 0; n < r->count && !u->files_only; n++)
		check_next_boot(&x, &r->items[n]);
	if (!u->failed && !u->other_netns && journal_end(j, r, &trouble) < 0)
		keep_first(&x, &trouble);
	if (x.first.code)
		*e = x.first;
	return -x.first.code;
}
