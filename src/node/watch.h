/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Watches paths for changes: that a file is made, replaced, written and closed, moved or removed.
 * By inotify(7) on their directories, which may be absent, replaced and made anew meanwhile, as a
 * data directory is when it is wiped; files need not exist. Belongs to one thread.
 */
#ifndef CLUSTERCHECKD_NODE_WATCH_H
#define CLUSTERCHECKD_NODE_WATCH_H

#include <stdbool.h>

#define WATCH_MAX 8

struct watch;

/* 0 or -errno. */
int watch_create(struct watch **watch);
void watch_destroy(struct watch *watch);

/* An absolute path; an empty one is passed over. -ENOSPC beyond WATCH_MAX, -ENAMETOOLONG. */
int watch_add(struct watch *watch, const char *path);

/* Readable when watch_take() has something to look at. */
int watch_descriptor(const struct watch *watch);

/*
 * Whether any of the paths may have changed since the last call. Call it now and then even when the
 * descriptor is not readable: that finds a directory that has come, or has been replaced by way of
 * one further up.
 */
bool watch_take(struct watch *watch);

#endif
