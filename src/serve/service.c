/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "serve/service.h"

#ifdef HAVE_SYSTEMD

#include <systemd/sd-daemon.h>

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
