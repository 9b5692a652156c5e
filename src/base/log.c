/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/text.h"

static const char *program_name = "clustercheckd";
static bool to_journal;
static log_sink event_sink;
static int sink_fd = -1;
static atomic_int threshold = LOG_LEVEL_INFO;

static void fill_standard_descriptors(void) {
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

void log_init(const char *program) {
	fill_standard_descriptors();
	program_name = program;
	/* systemd.exec(5), 252: set when standard error is connected to the journal. */
	to_journal = getenv("JOURNAL_STREAM") && !isatty(STDERR_FILENO);
}

void log_set_level(enum log_level level) {
	atomic_store_explicit(&threshold, (int)level, memory_order_relaxed);
}

bool log_enabled(enum log_level level) {
	return (int)level <= atomic_load_explicit(&threshold, memory_order_relaxed);
}

static const char *level_name(enum log_level level) {
	switch (level) {
	case LOG_LEVEL_ERROR:
		return "error";
	case LOG_LEVEL_WARNING:
		return "warning";
	case LOG_LEVEL_INFO:
		return "info";
	case LOG_LEVEL_DEBUG:
		return "debug";
	}
	return "?";
}

static void append_prefix(struct text *line, enum log_level level) {
	struct timespec now;
	struct tm local;
	char stamp[32];

	if (to_journal) {
		text_format(line, "<%d>", (int)level);
		return;
	}
	clock_gettime(CLOCK_REALTIME, &now);
	localtime_r(&now.tv_sec, &local);
	strftime(stamp, sizeof(stamp), "%Y-%m-%d %H:%M:%S", &local);
	text_format(line, "%s.%03ld %s %s: ", stamp, now.tv_nsec / 1000000, program_name,
		    level_name(level));
}

void log_line(enum log_level level, const char *format, ...) {
	int saved = errno;
	char storage[2048];
	struct text line;
	va_list args;
	size_t start;
	ssize_t written;

	if (!log_enabled(level))
		return;
	text_init(&line, storage, sizeof(storage) - 1);
	append_prefix(&line, level);
	start = line.length;
	va_start(args, format);
	text_vformat(&line, format, args);
	va_end(args);
	/* What a server or a caller said may hold anything; a log line stays one line. */
	text_flatten(&line, start, ' ');
	line.bytes[line.length++] = '\n';
	/* A reader that hangs (a stopped journal, a full pipe) costs lines, not the verdict. */
	if (poll(&(struct pollfd){.fd = STDERR_FILENO, .events = POLLOUT}, 1, 0) > 0) {
		written = write(STDERR_FILENO, line.bytes, line.length);
		(void)written; /* there is nowhere left to complain to */
	}
	errno = saved;
}

void log_set_sink(log_sink sink, int fd) {
	event_sink = sink;
	sink_fd = fd;
}

int log_sink_descriptor(void) {
	return sink_fd;
}

bool log_is_journal(void) {
	return to_journal;
}

void log_event(enum log_level level, const struct log_field *fields, size_t count,
	       const char *message) {
	int saved = errno;

	if (!log_enabled(level))
		return;
	if (!event_sink || !event_sink(level, message, fields, count))
		log_line(level, "%s", message);
	errno = saved;
}
