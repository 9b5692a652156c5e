/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "node/maintenance.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"

#define LOCK_PAUSE_MS 5

struct maintenance_files maintenance_files_of(const struct config *config) {
	struct maintenance_files files;

	text_copy(files.file, sizeof(files.file), config->maintenance_file);
	text_copy(files.legacy_file, sizeof(files.legacy_file), config->legacy_file);
	return files;
}

/* --- reading -------------------------------------------------------------------------------- */

static bool is_absence(int error) {
	return error == ENOENT || error == ENOTDIR;
}

static bool is_shortage(int error) {
	return error == EMFILE || error == ENFILE || error == ENOMEM;
}

bool maintenance_is_legacy(const char *legacy_file) {
	struct stat status;

	return legacy_file[0] && (stat(legacy_file, &status) == 0 || !is_absence(errno));
}

/* Without waiting for anything: a FIFO in its place must not hold up the prober. -errno. */
static ssize_t read_bytes(const char *path, char *bytes, size_t size) {
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat status;
	size_t length = 0;
	ssize_t n;

	if (fd < 0 || fstat(fd, &status) < 0)
		return -errno;
	if (!S_ISREG(status.st_mode))
		return -EINVAL;
	while (length < size && (n = read(fd, bytes + length, size - length)) != 0) {
		if (n < 0)
			return -errno;
		length += (size_t)n;
	}
	return (ssize_t)length;
}

static void take_for_damaged(struct order *order, const char *what) {
	*order = (struct order){.mode = MAINTENANCE_DISABLED, .origin = ORDER_DAMAGED};
	text_copy(order->reason, sizeof(order->reason), what);
}

static int take_bytes(struct order *order, const char *bytes, size_t length) {
	char storage[ORDER_REASON_SIZE];
	struct text error;
	int r = -EFBIG;

	text_init(&error, storage, sizeof(storage));
	if (length > ORDER_TEXT_SIZE)
		text_append(&error, "larger than any order");
	else
		r = order_parse(order, bytes, length, &error);
	if (r < 0)
		take_for_damaged(order, storage);
	return r;
}

static int read_file(const char *file, struct order *order) {
	char bytes[ORDER_TEXT_SIZE + 1];
	ssize_t length = read_bytes(file, bytes, sizeof(bytes));
	int r = (int)length;

	if (length >= 0)
		r = take_bytes(order, bytes, (size_t)length);
	else if (is_absence(-r))
		return 0;
	else
		take_for_damaged(order, r == -EINVAL ? "no ordinary file" : strerror(-r));
	text_copy(order->file, sizeof(order->file), file);
	return is_shortage(-r) ? -EAGAIN : 0;
}

int maintenance_read(const struct maintenance_files *files, struct order *order) {
	*order = (struct order){0};
	if (maintenance_is_legacy(files->legacy_file)) {
		order->mode = MAINTENANCE_DISABLED;
		order->origin = ORDER_LEGACY;
		text_copy(order->file, sizeof(order->file), files->legacy_file);
		return 0;
	}
	return files->file[0] ? read_file(files->file, order) : 0;
}

void maintenance_look(const struct maintenance_files *files, struct order *order) {
	maintenance_read(files, order);
	order_reckon(order, clock_now(), clock_wall());
}

/* --- writing -------------------------------------------------------------------------------- */

static int complain(struct text *error, const char *what, const char *path) {
	int code = errno;

	text_format(error, "cannot %s %s: %s", what, path, strerror(code));
	return -code;
}

static int open_directory(const char *file) {
	char directory[ORDER_FILE_SIZE];
	char *slash;

	text_copy(directory, sizeof(directory), file);
	slash = strrchr(directory, '/');
	slash[slash == directory] = '\0';
	return open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/*
 * A rename or removal is on the disk once its directory is. Where that fails it counts all the
 * same, from now on: whoever has given the order must not be told that it was refused.
 */
static void sync_directory(const char *file) {
	AUTO_CLOSE int fd = open_directory(file);

	if (fd < 0 || fsync(fd) < 0)
		log_warning("cannot sync the directory of %s: %s; the order counts, but may not "
			    "outlast a crash of the host",
			    file, strerror(errno));
}

static int write_bytes(const char *path, const char *bytes, struct text *error) {
	AUTO_CLOSE int fd = -1;
	size_t length = strlen(bytes);

	/* Left over from one that was killed; never another's file, should the name be a link. */
	unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0)
		return complain(error, "make", path);
	if (fchmod(fd, 0644) < 0)
		return complain(error, "make", path);
	while (length > 0) {
		ssize_t n = write(fd, bytes, length);

		if (n < 0)
			return complain(error, "write", path);
		bytes += n;
		length -= (size_t)n;
	}
	return fsync(fd) < 0 ? complain(error, "write", path) : 0;
}

int maintenance_write(const char *file, const struct order *order, struct text *error) {
	AUTO_FREE char *bytes = order_format(order);
	char fresh[ORDER_FILE_SIZE + 4];
	int r;

	if (!bytes) {
		text_append(error, "out of memory");
		return -ENOMEM;
	}
	snprintf(fresh, sizeof(fresh), "%s.new", file);
	r = write_bytes(fresh, bytes, error);
	if (r == 0 && rename(fresh, file) < 0)
		r = complain(error, "replace", file);
	if (r < 0) {
		unlink(fresh);
		return r;
	}
	sync_directory(file);
	return 0;
}

int maintenance_remove(const char *file, struct text *error) {
	if (unlink(file) < 0)
		return is_absence(errno) ? 0 : complain(error, "remove", file);
	sync_directory(file);
	return 0;
}

int maintenance_lock(const char *file, int64_t patience) {
	AUTO_CLOSE int fd = -1;
	int64_t deadline = clock_now() + patience;

	if (!file[0])
		return -ENOENT;
	fd = open_directory(file);
	if (fd < 0)
		return -errno;
	while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		int code = errno;

		if (code != EWOULDBLOCK || clock_now() >= deadline)
			return -code;
		poll(NULL, 0, LOCK_PAUSE_MS);
	}
	return TAKE_FD(fd);
}
