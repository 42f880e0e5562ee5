/* machine_limits: limits of the machine and of a user that the subject meets with no target: of
 * tasks, of open files and of memory. Pure. */
#pragma once

#include "epolltune/accept_queues.h"

/* Adds a finding where the subject can start no process and no thread at both looks: RLIMIT_NPROC,
 * kernel.threads-max or kernel.pid_max. */
void machine_tasks_judge(const struct queue_watch *w, const struct subject_tasks *before,
			 const struct subject_tasks *after);
/* Adds a finding where few open files, or none, are left below fs.file-max at both looks; max 0:
 * unknown. */
void machine_files_judge(const struct queue_watch *w, const struct host_files *before,
			 const struct host_files *after);
/* Adds a finding where the subject is a known server that sizes tables by its RLIMIT_NOFILE, and
 * these are large. `memory`: bytes of the machine; 0: unknown. */
void machine_tables_judge(const struct queue_watch *w, uint64_t memory);
