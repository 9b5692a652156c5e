/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "serve/service.h"

#ifdef HAVE_SYSTEMD

#include <sys/uio.h>
#include <systemd/sd-daemon.h>
/* The location fields that <systemd/sd-journal.h> adds would always be this file's. */
#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

#include "base/log.h"
#include "base/text.h"

#define FIELD_MAX 8
#define FIELD_SIZE 704

static struct iovec make_field(char *storage, const char *name, const char *value) {
	struct text text;

	text_init(&text, storage, FIELD_SIZE);
	text_format(&text, "%s=%s", name, value);
	return (struct iovec){.iov_base = storage, .iov_len = text.length};
}

static bool send_to_journal(enum log_level level, const char *message,
			    const struct log_field *fields, size_t count) {
	char storage[FIELD_MAX + 2][FIELD_SIZE];
	struct iovec parts[FIELD_MAX + 2];
	char priority[2] = {(char)('0' + (int)level), '\0'};
	size_t n = 0;

	parts[n] = make_field(storage[n], "MESSAGE", message);
	n++;
	parts[n] = make_field(storage[n], "PRIORITY", priority);
	n++;
	for (size_t i = 0; i < count && i < FIELD_MAX; i++, n++)
		parts[n] = make_field(storage[n], fields[i].name, fields[i].value);
	return sd_journal_sendv(parts, (int)n) == 0;
}

void service_use_journal(void) {
	if (log_is_journal())
		log_set_sink(send_to_journal);
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
