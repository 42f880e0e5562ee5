/* Writes a capture as an archive. */
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "epolltune/cleanup.h"
#include "host/capture.h"

static void writer_free(struct archive **a)
{
	if (*a)
		archive_write_free(*a);
}

static void entry_free(struct archive_entry **entry) { archive_entry_free(*entry); }

static int failed(struct archive *a, struct err *e)
{
	int code = archive_errno(a);
	return err_set(e, code > 0 ? code : EIO, "cannot write the archive: %s",
		       code > 0 ? strerror(code) : archive_error_string(a));
}

static int entry_write(struct archive *a, const struct capture_file *f, const char *directory,
		       time_t when, struct err *e)
{
	CLEAN(entry_free) struct archive_entry *entry = archive_entry_new();
	char path[PATH_MAX];
	if (!entry)
		return err_set(e, ENOMEM, "cannot write the archive: out of memory");
	snprintf(path, sizeof(path), "%s/%s", directory, f->path);
	archive_entry_set_pathname(entry, path);
	archive_entry_set_mtime(entry, when, 0);
	archive_entry_set_filetype(entry, f->kind == CAPTURE_DIRECTORY ? AE_IFDIR : AE_IFREG);
	archive_entry_set_perm(entry, f->kind == CAPTURE_DIRECTORY ? 0755 : 0644);
	archive_entry_set_size(entry, (la_int64_t)f->size);
	if (archive_write_header(a, entry) != ARCHIVE_OK ||
	    (f->size && archive_write_data(a, f->data, f->size) < 0))
		return failed(a, e);
	return 0;
}

int capture_write(const struct capture *c, const char *directory, time_t when, FILE *out,
		  struct err *e)
{
	CLEAN(writer_free) struct archive *a = archive_write_new();
	if (!a || archive_write_add_filter_gzip(a) != ARCHIVE_OK ||
	    archive_write_set_format_pax_restricted(a) != ARCHIVE_OK)
		return err_set(e, ENOMEM, "cannot write the archive: out of memory");
	/* Without the time of compression: the same capture is the same file. */
	archive_write_set_filter_option(a, "gzip", "timestamp", NULL);
	if (archive_write_open_FILE(a, out) != ARCHIVE_OK)
		return failed(a, e);
	for (size_t i = 0; i < c->count; i++) {
		int rc = c->at[i].error ? 0 : entry_write(a, &c->at[i], directory, when, e);
		if (rc)
			return rc;
	}
	return archive_write_close(a) == ARCHIVE_OK ? 0 : failed(a, e);
}
