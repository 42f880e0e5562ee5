/* The TCP sockets that hold most memory, as a table of a finding. */
#include "epolltune/queues.h"

#include "epolltune/quantity.h"
#include "epolltune/report.h"

void queues_table(const struct queues *q, struct finding *f)
{
	if (!q->count)
		return;
	finding_table(f, "process, peer");
	finding_column(f, "not read", "B");
	finding_column(f, "not acknowledged", "B");
	for (size_t i = 0; i < q->count; i++) {
		const struct queue *one = &q->at[i];
		char name[sizeof(f->table.row[0].name)];
		const char *process = one->process[0] ? one->process
				      : one->inode    ? "?"
				      : one->orphan   ? "orphan"
						      : "not accepted";
		if (one->pid)
			report_text(name, "%s (pid %d), %s", process, (int)one->pid, one->peer);
		else
			report_text(name, "%s, %s", process, one->peer);
		double *row = finding_row(f, name);
		row[0] = (double)one->received;
		row[1] = (double)one->unsent;
	}
	if (q->unseen)
		report_append(f->detail,
			      " Sockets of %s are not visible to "
			      "this user.",
			      quantity_of(q->unseen, "other network namespace").text);
}
