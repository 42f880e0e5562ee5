/* buffers: what the kernel's rules make of the settings of TCP buffers: the window of a connection,
 * and the memory of all. For experiments of probes; all is pure. */
#pragma once

#include "epolltune/connections.h"
#include "epolltune/probe.h"

enum buffer_side { BUFFER_RECEIVE, BUFFER_SEND, BUFFER_SIDES };

/* The knobs of a side: tcp_rmem or tcp_wmem, tcp_window_scaling, SO_RCVBUF or SO_SNDBUF of the
 * server in question, and for BUFFER_RECEIVE tcp_moderate_rcvbuf and tcp_adv_win_scale, which has
 * no effect since 6.6. BUFFER_FIXED: the bytes of the buffer, which the kernel then does not grow;
 * as the second number where that may be so. */
enum { BUFFER_TRIPLE, BUFFER_SCALING, BUFFER_FIXED, BUFFER_MODERATE, BUFFER_SHARE };

/* By how many percent the window of one buffer differs: between runs by a few, and packets of 1 500
 * bytes make a fifth less window than the large ones of the lab's wire (0.59 and 0.74 of a buffer,
 * measured on 6.18). */
#define BUFFER_SPREAD 35

/* Whether a listener with a buffer of so many bytes was given it by the application, and so its
 * connections, which inherit size and lock: by those of them that the kernel shows, and without any
 * by its size: an autotuned one has the second field that the sysctl had at listen(). 0 bytes: not
 * known. Pure. */
enum buffer_origin { BUFFER_AUTOTUNED, BUFFER_SET, BUFFER_UNSURE };
enum buffer_origin buffer_origin(enum buffer_side side, int64_t bytes, const int64_t triple[3],
				 const struct connection_states *c);
/* Fills BUFFER_FIXED, by the smallest buffer of the subject's listeners. */
void buffer_fixed_read(const struct host *h, enum buffer_side side, struct settings *s);

/* The index of the knob that limits the window. */
int window_limit(const struct settings *s);
/* Whether that is the size of a buffer, and the largest that it has. */
bool window_by_buffer(const struct settings *s);
int64_t window_buffer(const struct settings *s);
/* The share of a receive buffer that the kernel offers before 6.6: include/net/tcp.h,
 * tcp_win_from_space(). 0: not known, or of a send buffer. */
double window_share(const struct settings *s);
/* Whether TCP has windows as large as the target needs. */
bool window_possible(const struct target *t);
/* What is not known, "Whether the server sets SO_RCVBUF", where a buffer that it may have set would
 * not do; NULL: nothing. */
const char *window_doubt(enum buffer_side side, const struct target *t, const struct settings *s);
void window_bound(enum buffer_side side, const struct target *t, const struct settings *s,
		  struct bound *b);
/* Assumes that the share of the third field that becomes window stays as measured, less the
 * spread, and is at most half: then the settings alone give the verdict ok. */
bool window_solve(const struct target *t, const struct settings *now, const struct outcome *o,
		  int64_t enough, struct settings *out);
/* Does not scale a third field that window_solve() has kept, nor to one that is known to be too
 * small. `rtt_us`: of the experiment's wire. */
bool window_scale(uint64_t rtt_us, const struct settings *now, struct settings *s,
		  unsigned percent);

/* In bytes what a socket takes at a time, and sockstat counts memory in: a page, and 4096 bytes
 * from 4.11 to 5.19 (include/net/sock.h, SK_MEM_QUANTUM); of 5.14 with larger pages either, then a
 * page. 0: the size of a page is unknown. */
int64_t machine_quantum(const struct machine *m);

/* Assumed memory of a small request (skb->truesize). */
#define TCP_REQUEST_BYTES 4096
/* What the kernel counts for the buffer of a connection with a waiting request: measured, or
 * assumed, at least one quantum. Pure. */
uint64_t tcp_request_bytes(const struct settings *s);
/* The memory of all buffers; its only knob is tcp_mem. */
void tcp_memory_bound(const struct target *t, const struct settings *s, struct bound *b);
bool tcp_memory_solve(const struct target *t, const struct settings *now, const struct outcome *o,
		      int64_t enough, struct settings *out);
/* Sets {held} or {assumed}, {used}, {memory}, {group}, and {field}, that of tcp_mem which limits.
 */
void tcp_memory_words(const struct target *t, const struct settings *s, const struct outcome *o,
		      const struct bound *b, struct wording *w);
