/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Scope-bound cleanup for locals (the GCC and clang attribute) and explicit hand-over of ownership.
 */
#ifndef CLUSTERCHECKD_BASE_CLEANUP_H
#define CLUSTERCHECKD_BASE_CLEANUP_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define CLEANUP(function) __attribute__((cleanup(function)))

static inline void cleanup_free(void *pointer) {
	free(*(void **)pointer);
}

static inline void cleanup_close(int *fd) {
	if (*fd >= 0)
		close(*fd);
}

static inline void cleanup_file(FILE **file) {
	if (*file)
		fclose(*file);
}

/* A local pointer that is freed, a descriptor or a stream that is closed, when its scope ends. */
#define AUTO_FREE CLEANUP(cleanup_free)
#define AUTO_CLOSE CLEANUP(cleanup_close)
#define AUTO_FILE CLEANUP(cleanup_file)

/* Hand over: yields the value and leaves the local empty, so that its cleanup does nothing. */
#define TAKE_POINTER(pointer)                           \
	__extension__({                                 \
		__typeof__(pointer) taken_ = (pointer); \
		(pointer) = NULL;                       \
		taken_;                                 \
	})

#define TAKE_FD(fd)                \
	__extension__({            \
		int taken_ = (fd); \
		(fd) = -1;         \
		taken_;            \
	})

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

#endif
