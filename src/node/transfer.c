/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "node/transfer.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/document.h"
#include "base/proc.h"

/* The server keeps four errors, warnings and events in the file: some kilobytes. */
#define LARGEST_FILE (64 * 1024)
#define FRESH (15 * NSEC_PER_SEC)
#define LONGEST_TRANSFER (24 * 3600 * NSEC_PER_SEC)

/* --- the document --------------------------------------------------------------------------- */

/* The server says -1 where it does not know. */
static void take_progress(struct transfer *transfer, const json_t *progress) {
	double total = json_number_value(json_object_get(progress, "total"));
	double done = json_number_value(json_object_get(progress, "done"));

	transfer->has_progress = total > 0 && done >= 0;
	transfer->progress = !transfer->has_progress ? 0 : done < total ? done / total : 1;
}

static int take_document(struct transfer *transfer, const json_t *root) {
	const json_t *status = json_object_get(root, "status");
	const char *state = json_string_value(json_object_get(status, "state"));
	const char *comment = json_string_value(json_object_get(status, "comment"));

	if (!state || !comment || !text_is_shown(state) || !text_is_shown(comment) ||
	    !text_copy(transfer->state, sizeof(transfer->state), state) ||
	    !text_copy(transfer->comment, sizeof(transfer->comment), comment))
		return -EINVAL;
	take_progress(transfer, json_object_get(status, "progress"));
	transfer->known = true;
	return 0;
}

/*
 * The warnings in it are copied from the server's log byte by byte (wsrep-lib's reporter), and one
 * that is not UTF-8 must not hide the rest, which is ASCII.
 */
static int load(const char *bytes, size_t length, json_t **root) {
	AUTO_FREE char *clean = malloc(length + 1);

	if (!clean)
		return -ENOMEM;
	for (size_t i = 0; i < length; i++)
		clean[i] = (char)((unsigned char)bytes[i] < 0x80 ? bytes[i] : '?');
	document_begin();
	*root = json_loadb(clean, length, JSON_REJECT_DUPLICATES, NULL);
	return document_failed() ? -ENOMEM : 0;
}

int transfer_parse(struct transfer *transfer, const char *json, size_t length) {
	json_t *root = NULL;
	int r = length <= LARGEST_FILE ? load(json, length, &root) : -EINVAL;

	if (r == 0)
		r = take_document(transfer, root);
	json_decref(root);
	return r;
}

void transfer_describe(const struct transfer *transfer, int64_t now, struct text *out) {
	text_append(out, transfer->receiving ? "receiving state transfer" : "no state transfer");
	if (transfer->has_progress && transfer->receiving)
		text_format(out, ", %.0f %%", 100 * transfer->progress);
	text_format(out, " (%s), told ", transfer->comment);
	text_append_duration(out, now > transfer->written ? now - transfer->written : 0);
	text_append(out, " ago");
}

/* --- the file ------------------------------------------------------------------------------- */

void transfer_file_init(struct transfer_file *file, const char *path) {
	memset(file, 0, sizeof(*file));
	text_copy(file->path, sizeof(file->path), path);
}

static bool is_same_version(const struct stat *a, const struct stat *b) {
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
	       a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

/* Non-blocking, for the day that somebody puts a FIFO there. */
static ssize_t slurp(const char *path, char *buffer, size_t size) {
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	ssize_t length = fd < 0 ? -1 : read(fd, buffer, size);

	return length < 0 ? -errno : length;
}

static const char *read_version(struct transfer_file *file) {
	AUTO_FREE char *buffer = malloc(LARGEST_FILE + 1);
	ssize_t length;
	int r;

	if (!S_ISREG(file->seen.st_mode))
		return "not a regular file";
	length = buffer ? slurp(file->path, buffer, LARGEST_FILE + 1) : -ENOMEM;
	if (length > LARGEST_FILE)
		return "too large for a wsrep_status_file";
	r = length < 0 ? (int)length : transfer_parse(&file->transfer, buffer, (size_t)length);
	if (length >= 0 && r == -EINVAL)
		return "not a wsrep_status_file, or half of one";
	if (r == 0)
		return "";
	/* Not seen, then: perhaps there will be a descriptor, or the memory, next time. */
	memset(&file->seen, 0, sizeof(file->seen));
	return strerror(-r);
}

/* A wall clock that was set back must not make it younger than our first look at it. */
static int64_t written_at(const struct stat *status, int64_t now, int64_t wall) {
	int64_t age = wall - (status->st_mtim.tv_sec * NSEC_PER_SEC + status->st_mtim.tv_nsec);

	return age > 0 ? now - age : now;
}

static bool still_holds(const struct transfer_file *file, int64_t now) {
	int64_t age = now - file->transfer.written;

	if (!file->transfer.known || strcmp(file->transfer.state, "JOINING") != 0)
		return false;
	return age <= FRESH || (age <= LONGEST_TRANSFER && proc_account_listens(file->seen.st_uid));
}

const struct transfer *transfer_file_look(struct transfer_file *file, int64_t now, int64_t wall) {
	struct transfer *transfer = &file->transfer;
	struct stat status = {0};

	if (!file->path[0])
		return transfer;
	if (stat(file->path, &status) < 0) {
		int error = errno;

		memset(transfer, 0, sizeof(*transfer));
		memset(&file->seen, 0, sizeof(file->seen));
		if (error != ENOENT && error != ENOTDIR)
			text_copy(transfer->error, sizeof(transfer->error), strerror(error));
		return transfer;
	}
	if (!is_same_version(&status, &file->seen)) {
		memset(transfer, 0, sizeof(*transfer));
		file->seen = status;
		transfer->written = written_at(&status, now, wall);
		text_copy(transfer->error, sizeof(transfer->error), read_version(file));
	}
	transfer->receiving = still_holds(file, now);
	return transfer;
}

struct transfer transfer_look(const char *path, int64_t now, int64_t wall) {
	struct transfer_file file;

	transfer_file_init(&file, path);
	return *transfer_file_look(&file, now, wall);
}
