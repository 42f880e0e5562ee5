/* blame: which listeners account for packets that a counter of all of them has. Pure. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* What the sockets of an address dropped, which counts stray packets too; `at`: the caller's. */
struct dropper {
	uint64_t drops;
	size_t at;
};

/* Orders them, the worst first, and returns how many of them account for what was `lost`: the
 * fewest whose drops are nearly as many, if the others have dropped next to none. Each of these has
 * dropped some of it, as the rest of them account for less. 0: unknown. */
size_t droppers_blame(struct dropper *droppers, size_t count, uint64_t lost);
