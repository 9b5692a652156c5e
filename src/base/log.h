/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The log: whole lines on standard error, each in one write(2), from any thread. Under systemd the
 * line starts with the journal's "<N>" priority, elsewhere with the local time and the level.
 * Nobody waits for the log's reader: a line that cannot be written at once is lost. Every function
 * keeps errno.
 */
#ifndef CLUSTERCHECKD_BASE_LOG_H
#define CLUSTERCHECKD_BASE_LOG_H

#include <stdbool.h>
#include <stddef.h>

/* syslog(3) priorities, so that they can be written as they are. */
enum log_level {
	LOG_LEVEL_ERROR = 3,
	LOG_LEVEL_WARNING = 4,
	LOG_LEVEL_INFO = 6,
	LOG_LEVEL_DEBUG = 7,
};

/*
 * Call once before anything else is opened and other threads exist. Finds out whether standard
 * error is the journal, and opens /dev/null for standard descriptors that are closed, or the next
 * socket would become the log.
 */
void log_init(const char *program);

/* Any thread, at any time. Lines above this level are dropped. */
void log_set_level(enum log_level level);
bool log_enabled(enum log_level level);

void log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A name of capital letters, digits and underscores, as systemd.journal-fields(7) wants it. */
struct log_field {
	const char *name;
	const char *value;
};

/* A line that programs read too: where a sink is set it gets message and fields instead. */
void log_event(enum log_level level, const struct log_field *fields, size_t count,
	       const char *message);

/* Returns false when it could not deliver; the line then goes to standard error. */
typedef bool (*log_sink)(enum log_level level, const char *message, const struct log_field *fields,
			 size_t count);

/*
 * Call before other threads exist. `fd` (-1: none) is what the sink writes to: a thread that
 * unshares its descriptors must keep it.
 */
void log_set_sink(log_sink sink, int fd);
int log_sink_descriptor(void);

/* True when standard error is the journal of systemd. */
bool log_is_journal(void);

#define log_error(...) log_line(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_line(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_info(...) log_line(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...)                                          \
	do {                                                    \
		if (log_enabled(LOG_LEVEL_DEBUG))               \
			log_line(LOG_LEVEL_DEBUG, __VA_ARGS__); \
	} while (0)

#endif
