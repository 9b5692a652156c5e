/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "serve/notify.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "config/notification.h"
#include "node/transfer.h"
#include "node/watch.h"
#include "serve/listen.h"

/*
 * Datagrams taken in one go: what the kernel keeps of them by default (net.unix.max_dgram_qlen).
 * When it was full, we rest for as long as the prober makes no further round: a flood costs no
 * more.
 */
#define BATCH 512
#define REST_MS 10

struct notify {
	struct prober *prober;
	struct notify_settings settings;
	int fd;	      /* -1: no socket */
	bool is_ours; /* the socket's file is to be removed */
	struct stat file;
	struct watch *watch;
	struct transfer_file status_file;
	struct transfer told; /* what the prober was last woken for */
	bool complained;      /* of a datagram that was none of ours */
};

/* --- building and unbuilding ---------------------------------------------------------------- */

static int open_socket(struct notify *notify, const struct config *config, struct text *error) {
	const char *path = config->notify.socket;

	notify->fd = listen_datagrams(path);
	if (notify->fd >= 0) {
		notify->is_ours = lstat(path, &notify->file) == 0;
		return 0;
	}
	/* By hand, without the rights for /run, or as a second one, the daemon still polls. */
	if (!config_is_set(config, "notify", "socket")) {
		log_warning("no notify socket: %s: %s", path, strerror(-notify->fd));
		notify->fd = -1;
		return 0;
	}
	text_format(error, "cannot receive notifications on %s: %s", path, strerror(-notify->fd));
	return notify->fd;
}

static int share_socket(struct notify *notify, const struct notify *predecessor) {
	notify->file = predecessor->file;
	notify->fd = fcntl(predecessor->fd, F_DUPFD_CLOEXEC, 0);
	return notify->fd < 0 ? -errno : 0;
}

static int build(struct notify *notify, const struct config *config,
		 const struct notify *predecessor, struct text *error) {
	int r = watch_create(&notify->watch);

	if (r == 0)
		r = watch_add(notify->watch, config->notify.status_file);
	if (r < 0 || !config->notify.socket[0])
		return r;
	if (predecessor && predecessor->fd >= 0 &&
	    strcmp(predecessor->settings.socket, config->notify.socket) == 0)
		return share_socket(notify, predecessor);
	return open_socket(notify, config, error);
}

int notify_create(struct notify **result, const struct config *config, struct prober *prober,
		  const struct notify *predecessor, struct text *error) {
	struct notify *notify = calloc(1, sizeof(*notify));
	int r;

	if (!notify)
		return -ENOMEM;
	notify->fd = -1;
	notify->prober = prober;
	notify->settings = config->notify;
	transfer_file_init(&notify->status_file, config->notify.status_file);
	r = build(notify, config, predecessor, error);
	if (r < 0) {
		notify_destroy(notify);
		return r;
	}
	*result = notify;
	return 0;
}

/* Meanwhile another daemon may have its socket there. */
static void remove_file(const struct notify *notify) {
	struct stat status;

	if (lstat(notify->settings.socket, &status) == 0 && status.st_dev == notify->file.st_dev &&
	    status.st_ino == notify->file.st_ino)
		unlink(notify->settings.socket);
}

void notify_destroy(struct notify *notify) {
	if (!notify)
		return;
	if (notify->is_ours)
		remove_file(notify);
	if (notify->fd >= 0)
		close(notify->fd);
	watch_destroy(notify->watch);
	free(notify);
}

void notify_succeed(struct notify *successor, struct notify *predecessor) {
	if (predecessor && successor->fd >= 0 && !successor->is_ours) {
		successor->is_ours = predecessor->is_ours;
		predecessor->is_ours = false;
	}
	notify_destroy(predecessor);
}

/* --- taking --------------------------------------------------------------------------------- */

void notify_poll(const struct notify *notify, struct pollfd *fds) {
	fds[0] = (struct pollfd){.fd = notify->fd, .events = POLLIN};
	fds[1] = (struct pollfd){.fd = watch_descriptor(notify->watch), .events = POLLIN};
}

/* Anyone may send anything: that is worth one line, not one each. */
static void complain(struct notify *notify) {
	if (!notify->complained)
		log_warning("%s: a datagram that is no notification; passing over these",
			    notify->settings.socket);
	notify->complained = true;
}

/* Returns how many there were. */
static int take_datagrams(struct notify *notify, bool *wanted) {
	struct notification notification;
	char bytes[NOTIFICATION_SIZE];
	ssize_t length;
	int count;

	for (count = 0; count < BATCH; count++) {
		length = recv(notify->fd, bytes, sizeof(bytes), MSG_DONTWAIT | MSG_TRUNC);
		if (length < 0)
			break;
		if (length > (ssize_t)sizeof(bytes) ||
		    notification_parse(&notification, bytes, (size_t)length) < 0) {
			complain(notify);
			continue;
		}
		log_debug("notified: status=%s primary=%s index=%s", notification.status,
			  notification.primary, notification.index);
		*wanted = true;
	}
	return count;
}

/* The server rewrites its file at each warning, too, which says nothing new of the node. */
static bool status_file_differs(struct notify *notify) {
	const struct transfer *now =
		transfer_file_look(&notify->status_file, clock_now(), clock_wall());
	struct transfer before = notify->told;

	notify->told = *now;
	before.written = now->written;
	return memcmp(&before, now, sizeof(before)) != 0;
}

void notify_take(struct notify *notify) {
	bool wanted = false;
	int count = notify->fd < 0 ? 0 : take_datagrams(notify, &wanted);

	if (watch_take(notify->watch))
		wanted = status_file_differs(notify) || wanted;
	if (wanted)
		prober_wake(notify->prober);
	if (count == BATCH)
		poll(NULL, 0, REST_MS);
}
