/* The memory of all TCP buffers, by the kernel's rules. */
#include "epolltune/buffers.h"
#include "epolltune/connection_memory.h"
#include "epolltune/quantity.h"

/* 0: unknown, of a captured machine. */
static int64_t page_of(const struct settings *s) { return (int64_t)s->machine.page_bytes; }

#define QUANTUM_BYTES 4096 /* SK_MEM_QUANTUM, before 6.0 */

/* RHEL 9, whose kernel is 5.14, may have taken the commit of 6.0 that counts pages. */
static bool is_unsure(const struct machine *m)
{
	return m->kernel == KERNEL(5, 14) && m->page_bytes > QUANTUM_BYTES;
}

int64_t machine_quantum(const struct machine *m)
{
	return m->kernel < KERNEL(6, 0) && !is_unsure(m) ? QUANTUM_BYTES : (int64_t)m->page_bytes;
}

static int64_t quantum_of(const struct settings *s) { return machine_quantum(&s->machine); }

uint64_t tcp_request_bytes(const struct settings *s)
{
	if (s->taken.request_bytes)
		return s->taken.request_bytes;
	return quantum_of(s) > TCP_REQUEST_BYTES ? (uint64_t)quantum_of(s) : TCP_REQUEST_BYTES;
}

static int64_t times(int64_t count, int64_t size)
{
	int64_t bytes;
	return __builtin_mul_overflow(count, size, &bytes) ? INT64_MAX : bytes;
}

/* What the buffers of all connections take already. */
static int64_t memory_used(const struct settings *s)
{
	int64_t pages = s->machine.tcp_pages;
	return times(pages > 0 ? pages : 0, quantum_of(s));
}

/* The field of tcp_mem that limits: beyond the second no buffer grows, beyond the third nothing is
 * allocated, and below the first neither holds (net/core/sock.c, __sk_mem_raise_allocated()). */
static int limit_field(const struct settings *s)
{
	const int64_t *field = s->at[0];
	int limit = field[2] != REPORT_NONE && field[2] < field[1] ? 2 : 1;
	return field[0] > field[limit] ? 0 : limit;
}

static int64_t requests(const struct settings *s, uint64_t sockets)
{
	return saturated(saturated_product(sockets, tcp_request_bytes(s)));
}

/* What is in use may be requests of the connections that the server has open, or of others. */
static int64_t shared(const struct target *t, const struct settings *s)
{
	int64_t own = requests(s, connection_sockets_open(t, s)), used = memory_used(s);
	return own < used ? own : used;
}

static void need_bound(const struct target *t, const struct settings *s, struct bound *b)
{
	int64_t least =
		requests(s, saturated_product(t->connections, connection_sides(t, s, false)));
	int64_t all = requests(s, saturated_product(t->connections, connection_sides(t, s, true)));
	b->need.min = (int64_t)connection_needed((uint64_t)least, (uint64_t)shared(t, s),
						 (uint64_t)requests(s, 1));
	if (b->need.min < all)
		b->need.max = all;
}

static void memory_bound(const struct target *t, const struct settings *s, struct bound *b);

/* By either quantum, where it is not known: the verdict is unknown where it depends on it. */
void tcp_memory_bound(const struct target *t, const struct settings *s, struct bound *b)
{
	struct bound other = *b;
	memory_bound(t, s, b);
	if (!is_unsure(&s->machine))
		return;
	struct settings older = *s;
	older.machine.kernel = KERNEL(5, 13);
	memory_bound(t, &older, &other);
	if (report_verdict(b->capacity, b->need.min) ==
	    report_verdict(other.capacity, other.need.min))
		return;
	b->state = BOUND_UNKNOWN;
	b->capacity = REPORT_NONE;
}

/* What all of them may take; REPORT_NONE: unknown. `binding`: as of struct bound. */
static int64_t memory_allowed(const struct settings *s, int *binding)
{
	int64_t memory = (int64_t)s->machine.memory_bytes, pages = s->at[0][limit_field(s)];
	int64_t allowed = pages == REPORT_NONE ? (memory ? memory / 16 : REPORT_NONE)
			  : page_of(s)         ? times(pages, page_of(s))
					       : REPORT_NONE;
	bool half = memory && memory / 2 < allowed;
	*binding = half ? -1 : 0;
	return half ? memory / 2 : allowed;
}

/* Socket buffers that cgroup v2 charges as memory are part of cgroup.memory. By default the second
 * field of tcp_mem is a sixteenth of the memory (net/ipv4/tcp.c, tcp_init_mem()). At most half of
 * the memory counts: other uses need the rest. What is in use is taken. */
static void memory_bound(const struct target *t, const struct settings *s, struct bound *b)
{
	bool read = s->at[0][limit_field(s)] != REPORT_NONE;
	need_bound(t, s, b);
	b->origin = OF_ASSUMPTION;
	if (read && !page_of(s))
		b->state = BOUND_UNKNOWN;
	b->capacity = memory_allowed(s, &b->binding);
	b->fallback.knob = read ? NULL : "net.ipv4.tcp_mem";
	if (b->capacity != REPORT_NONE)
		b->capacity = memory_used(s) < b->capacity ? b->capacity - memory_used(s) : 0;
	if (s->machine.sockets_left < b->capacity) {
		b->capacity = s->machine.sockets_left;
		b->binding = -1;
		if (s->machine.sockets_several &&
		    report_verdict(b->capacity, b->need.min) != VERDICT_OK) {
			b->state = BOUND_UNKNOWN;
			b->capacity = REPORT_NONE;
		}
	}
	b->unread = s->machine.tcp_pages < 0    ? "/proc/net/sockstat"
		    : s->machine.sockets_hidden ? "The control group of the process"
						: NULL;
}

/* In the proportions of the kernel's defaults; lowers no field. Epolltune sets fields that ascend.
 */
bool tcp_memory_solve(const struct target *t, const struct settings *now, const struct outcome *o,
		      int64_t enough, struct settings *out)
{
	int64_t *field = out->at[0];
	if (!page_of(now) || enough > now->machine.sockets_left)
		return false;
	int64_t pages = enough / page_of(now) + !!(enough % page_of(now));
	int64_t used = memory_used(now) / page_of(now);
	if (used > INT32_MAX - pages)
		return false;
	pages += used;
	if (now->machine.memory_bytes &&
	    pages > (int64_t)now->machine.memory_bytes / 2 / page_of(now))
		return false;
	const int64_t least[] = {pages * 3 / 4, pages, pages * 3 / 2};
	for (size_t i = 0; i < 3; i++) {
		if (field[i] < least[i])
			field[i] = least[i];
		if (i && field[i] < field[i - 1])
			field[i] = field[i - 1];
	}
	return true;
}

void tcp_memory_words(const struct target *t, const struct settings *s, const struct outcome *o,
		      const struct bound *b, struct wording *w)
{
	static const char *const fields[] = {"first", "second", "third"};
	int unused;
	int64_t allowed = memory_allowed(s, &unused);
	wording_set(w, "allowed", "%s",
		    allowed == REPORT_NONE ? ""
					   : quantity_show(QUANTITY_SIZE, (uint64_t)allowed).text);
	wording_set(w, "field", "%s", fields[limit_field(s)]);
	wording_flag(w, "third", limit_field(s) == 2);
	wording_set(w, "group", "%s",
		    b->capacity == s->machine.sockets_left ? s->machine.sockets_group : "");
	wording_flag(w, "several", s->machine.sockets_several && b->state == BOUND_UNKNOWN);
	wording_flag(w, "unsure",
		     is_unsure(&s->machine) && b->state == BOUND_UNKNOWN &&
			     b->capacity == REPORT_NONE);
	wording_flag(w, "unsized", s->at[0][1] != REPORT_NONE && !page_of(s));
	wording_set(w, s->taken.measured ? "held" : "assumed", "%s",
		    quantity_show(QUANTITY_SIZE, tcp_request_bytes(s)).text);
	if (memory_used(s))
		wording_set(w, "used", "%s",
			    quantity_show(QUANTITY_SIZE, (uint64_t)memory_used(s)).text);
	wording_set(w, "shared", "%s",
		    shared(t, s) ? quantity_show(QUANTITY_SIZE, (uint64_t)shared(t, s)).text : "");
	wording_set(w, "memory", "%s",
		    s->machine.memory_bytes
			    ? quantity_show(QUANTITY_SIZE, s->machine.memory_bytes).text
			    : "memory");
}
