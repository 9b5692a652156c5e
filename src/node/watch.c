/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "node/watch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"

/*
 * No IN_MODIFY: in a data directory that would be each write to a log. A file that is written in
 * place is seen when it is closed.
 */
#define EVENTS                                                                              \
	(IN_CREATE | IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_ATTRIB | \
	 IN_DELETE_SELF | IN_MOVE_SELF)

#define PATH_SIZE 256

struct watched {
	char directory[PATH_SIZE];
	char name[PATH_SIZE];
	int id; /* inotify's; -1: there is no such directory */
	dev_t device;
	ino_t inode;
};

struct watch {
	int fd;
	size_t count;
	struct watched paths[WATCH_MAX];
};

int watch_create(struct watch **result) {
	struct watch *watch = calloc(1, sizeof(*watch));
	int r;

	if (!watch)
		return -ENOMEM;
	watch->fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (watch->fd < 0) {
		r = -errno;
		free(watch);
		return r;
	}
	*result = watch;
	return 0;
}

void watch_destroy(struct watch *watch) {
	if (!watch)
		return;
	close(watch->fd);
	free(watch);
}

int watch_descriptor(const struct watch *watch) {
	return watch->fd;
}

/* Paths in one directory share a watch. */
static bool is_shared(const struct watch *watch, const struct watched *path) {
	for (const struct watched *it = watch->paths; it < watch->paths + watch->count; it++)
		if (it != path && it->id == path->id)
			return true;
	return false;
}

static void disarm(const struct watch *watch, struct watched *path) {
	if (path->id >= 0 && !is_shared(watch, path))
		inotify_rm_watch(watch->fd, path->id);
	path->id = -1;
}

/* True when the directory is another one than before, or there is one now, or none any more. */
static bool rearm(struct watch *watch, struct watched *path) {
	struct stat status;
	bool was_armed = path->id >= 0;

	if (stat(path->directory, &status) < 0) {
		disarm(watch, path);
		return was_armed;
	}
	if (was_armed && status.st_dev == path->device && status.st_ino == path->inode)
		return false;
	disarm(watch, path);
	path->id = inotify_add_watch(watch->fd, path->directory, EVENTS | IN_ONLYDIR);
	path->device = status.st_dev;
	path->inode = status.st_ino;
	return was_armed || path->id >= 0;
}

int watch_add(struct watch *watch, const char *path) {
	struct watched *it = &watch->paths[watch->count];
	const char *slash = strrchr(path, '/');

	if (!path[0])
		return 0;
	if (watch->count == WATCH_MAX)
		return -ENOSPC;
	if (!slash || strlen(path) >= PATH_SIZE)
		return -ENAMETOOLONG;
	text_copy(it->name, sizeof(it->name), slash + 1);
	text_copy(it->directory, sizeof(it->directory), path);
	it->directory[slash == path ? 1 : slash - path] = '\0';
	it->id = -1;
	watch->count++;
	rearm(watch, it);
	return 0;
}

/* --- events --------------------------------------------------------------------------------- */

static bool concerns(const struct inotify_event *event, const struct watched *path) {
	return event->wd == path->id && (event->len == 0 || strcmp(event->name, path->name) == 0);
}

static bool take_event(struct watch *watch, const struct inotify_event *event) {
	bool changed = event->mask & IN_Q_OVERFLOW;

	for (struct watched *it = watch->paths; it < watch->paths + watch->count; it++) {
		if (!concerns(event, it))
			continue;
		changed = true;
		if (event->mask & IN_IGNORED)
			it->id = -1;
	}
	return changed;
}

static bool take_events(struct watch *watch) {
	char buffer[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
	bool changed = false;
	ssize_t length;

	while ((length = read(watch->fd, buffer, sizeof(buffer))) > 0) {
		for (char *at = buffer; at < buffer + length;) {
			const struct inotify_event *event = (const struct inotify_event *)at;

			changed = take_event(watch, event) || changed;
			at += sizeof(*event) + event->len;
		}
	}
	return changed;
}

bool watch_take(struct watch *watch) {
	bool changed = take_events(watch);

	for (size_t i = 0; i < watch->count; i++)
		changed = rearm(watch, &watch->paths[i]) || changed;
	return changed;
}
