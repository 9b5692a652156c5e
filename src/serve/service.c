/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "serve/service.h"

#ifdef HAVE_SYSTEMD

#include <endian.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>

#include "base/log.h"
#include "base/text.h"

#define RECORD_SIZE 4096

/*
 * sd_journal_send(3) keeps the number of one socket for the whole process, which is another thing's
 * in a thread that has unshared its descriptors (the prober): records would go into an HTTP
 * caller's connection. So we speak the journal's native protocol over a socket that every thread
 * keeps.
 */
static int journal = -1;
static const struct sockaddr_un journal_address = {.sun_family = AF_UNIX,
						   .sun_path = "/run/systemd/journal/socket"};

/* The form for values that may hold line breaks: name, line feed, length, value, line feed. */
static void add_field(struct text *record, const char *name, const char *value) {
	uint64_t length = htole64(strlen(value));

	text_append(record, name);
	text_append_bytes(record, "\n", 1);
	text_append_bytes(record, (const char *)&length, sizeof(length));
	text_append(record, value);
	text_append_bytes(record, "\n", 1);
}

static bool send_to_journal(enum log_level level, const char *message,
			    const struct log_field *fields, size_t count) {
	const char priority[2] = {(char)('0' + (int)level), '\0'};
	char storage[RECORD_SIZE];
	struct text record;

	text_init(&record, storage, sizeof(storage));
	add_field(&record, "MESSAGE", message);
	add_field(&record, "PRIORITY", priority);
	add_field(&record, "SYSLOG_IDENTIFIER", "clustercheckd");
	for (size_t i = 0; i < count; i++)
		add_field(&record, fields[i].name, fields[i].value);
	/* A journal that hangs must hold up nobody: the line then goes to standard error. */
	return !record.truncated &&
	       sendto(journal, storage, record.length, MSG_DONTWAIT | MSG_NOSIGNAL,
		      (const struct sockaddr *)&journal_address, sizeof(journal_address)) >= 0;
}

void service_use_journal(void) {
	if (!log_is_journal())
		return;
	journal = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (journal >= 0)
		log_set_sink(send_to_journal, journal);
}

void service_ready(void) {
	sd_notify(0, "READY=1");
}

void service_reloading(void) {
	sd_notify(0, "RELOADING=1");
}

void service_stopping(void) {
	sd_notify(0, "STOPPING=1");
}

void service_status(const char *status) {
	sd_notifyf(0, "STATUS=%s", status);
}

void service_alive(void) {
	sd_notify(0, "WATCHDOG=1");
}

int64_t service_watchdog(void) {
	uint64_t microseconds = 0;

	if (sd_watchdog_enabled(0, &microseconds) <= 0)
		return 0;
	return (int64_t)microseconds * 1000;
}

int service_sockets(int *first) {
	int count = sd_listen_fds(1);

	*first = SD_LISTEN_FDS_START;
	return count > 0 ? count : 0;
}

#else

void service_use_journal(void) {
}

void service_ready(void) {
}

void service_reloading(void) {
}

void service_stopping(void) {
}

void service_status(const char *status) {
	(void)status;
}

void service_alive(void) {
}

int64_t service_watchdog(void) {
	return 0;
}

int service_sockets(int *first) {
	*first = -1;
	return 0;
}

#endif
