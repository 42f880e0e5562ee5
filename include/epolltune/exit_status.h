/* exit_status: what a command exits with. */
#pragma once

/* The monitoring plugins' convention. */
enum exit_status { EXIT_OK, EXIT_WARNING, EXIT_CRITICAL, EXIT_UNKNOWN };
