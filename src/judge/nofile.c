/* How to write RLIMIT_NOFILE down. */
#include "judge/nofile.h"

#include <inttypes.h>

#include "epolltune/host.h"
#include "epolltune/quantity.h"

void nofile_words(struct wording *w, uint64_t files, uint64_t hard, int64_t nr_open, bool openrc)
{
	bool keeps = hard >= files;
	bool beyond = nr_open >= 0 && files > (uint64_t)nr_open;
	wording_set(w, "files", "%s", quantity_plain(files).text);
	wording_set(w, "soft_flag", "%s", keeps ? "S" : "");
	wording_set(w, "keep", "%s", keeps ? ":infinity" : "");
	if (keeps && hard != HOST_UNLIMITED)
		wording_set(w, "keep", ":%" PRIu64, hard);
	wording_flag(w, "openrc", openrc);
	wording_set(w, "ceiling", "%s", beyond ? quantity_count((uint64_t)nr_open).text : "");
}
