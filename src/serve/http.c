/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "serve/http.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "serve/door.h"
#include "serve/listen.h"

#define DOOR_MAX (LISTEN_MAX + 1)
#define RETIRED_MAX (2 * DOOR_MAX)

struct http {
	struct stage stage;
	bool inherited; /* systemd chose the addresses */
	bool started;
	struct stat control; /* the control socket's file, as it was made */
	size_t door_count;
	/* During a reload those that are new stand beside those that will go. */
	struct door *doors[DOOR_MAX + LISTEN_MAX];
	size_t retired_count;
	struct door
		*retired[RETIRED_MAX]; /* replaced, with something left to answer; oldest first */
};

struct http *http_create(const struct stage *stage) {
	struct http *http = calloc(1, sizeof(*http));

	if (!http)
		return NULL;
	http->stage = *stage;
	return http;
}

static void close_doors(struct door **doors, size_t count) {
	while (count > 0)
		door_destroy(doors[--count]);
}

/* Only our own: meanwhile a successor may have its socket there. */
static void remove_control(const struct http *http, const char *path) {
	struct stat status;

	if (lstat(path, &status) == 0 && status.st_dev == http->control.st_dev &&
	    status.st_ino == http->control.st_ino)
		unlink(path);
}

/* The doors from there on, and the control socket's file with its door. */
static void close_from(struct http *http, size_t first) {
	for (size_t i = first; i < http->door_count; i++)
		if (http->doors[i]->is_control)
			remove_control(http, http->doors[i]->name);
	close_doors(http->doors + first, http->door_count - first);
	http->door_count = first;
}

void http_destroy(struct http *http) {
	if (!http)
		return;
	close_from(http, 0);
	close_doors(http->retired, http->retired_count);
	free(http);
}

int http_inherit(struct http *http, int first, int count, struct text *error) {
	for (int fd = first; fd < first + count; fd++) {
		struct door *door;
		char name[128];
		int r;

		if (http->door_count == LISTEN_MAX) {
			text_format(error, "expected at most %d sockets from systemd", LISTEN_MAX);
			return -E2BIG;
		}
		r = listen_describe(fd, name, sizeof(name));
		if (r < 0) {
			text_format(error, "descriptor %d from systemd: %s", fd, strerror(-r));
			return r;
		}
		fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
		door = door_create(name, fd, false);
		if (!door)
			return -ENOMEM;
		http->doors[http->door_count++] = door;
		http->inherited = true;
	}
	return 0;
}

static struct door *find_door(const struct http *http, const char *name) {
	for (size_t i = 0; i < http->door_count; i++)
		if (strcmp(http->doors[i]->name, name) == 0)
			return http->doors[i];
	return NULL;
}

static int open_tcp(struct http *http, const struct listen_address *address, struct text *error) {
	struct door *door;
	int fd;

	if (find_door(http, address->text))
		return 0;
	fd = listen_tcp(address);
	if (fd < 0) {
		text_format(error, "cannot listen on %s: %s", address->text, strerror(-fd));
		return fd;
	}
	door = door_create(address->text, fd, false);
	if (!door)
		return -ENOMEM;
	http->doors[http->door_count++] = door;
	return 0;
}

/* By hand, without the rights for /run, the daemon still serves TCP; a socket asked for must work.
 */
static int open_control(struct http *http, const struct config *config, struct text *error) {
	const struct control_settings *control = &config->control;
	struct door *door;
	int fd;

	if (!control->socket[0] || find_door(http, control->socket))
		return 0;
	fd = listen_unix(control);
	if (fd < 0 && !config_is_set(config, "control", "socket") && fd != -EADDRINUSE) {
		log_warning("no control socket: %s: %s", control->socket, strerror(-fd));
		return 0;
	}
	if (fd == -ENOENT && control->group[0]) {
		text_format(error,
			    "cannot give %s to group %s: is there such a group and directory?",
			    control->socket, control->group);
		return fd;
	}
	if (fd < 0) {
		text_format(error, "cannot listen on %s%s%s: %s", control->socket,
			    control->group[0] ? " for group " : "", control->group, strerror(-fd));
		return fd;
	}
	if (lstat(control->socket, &http->control) < 0)
		memset(&http->control, 0, sizeof(http->control));
	door = door_create(control->socket, fd, true);
	if (!door) {
		remove_control(http, control->socket);
		return -ENOMEM;
	}
	if (control->group[0] && http->control.st_ino)
		door->group = http->control.st_gid;
	http->doors[http->door_count++] = door;
	return 0;
}

static bool is_wanted(const struct http *http, const struct door *door,
		      const struct config *config) {
	/* The control socket is not reloadable. */
	if (door->is_control || http->inherited)
		return true;
	for (size_t i = 0; i < config->http.listen.count; i++)
		if (strcmp(config->http.listen.items[i].text, door->name) == 0)
			return true;
	return false;
}

static int open_new(struct http *http, const struct config *config, struct text *error) {
	int r = http->started ? 0 : open_control(http, config, error);

	for (size_t i = 0; r == 0 && !http->inherited && i < config->http.listen.count; i++)
		r = open_tcp(http, &config->http.listen.items[i], error);
	return r;
}

/*
 * The doors as they shall be: those that are right already, and started successors of the others,
 * which share their listening socket. Nothing that runs is touched yet.
 */
static int prepare(const struct http *http, const struct config *config, struct door **next,
		   size_t *count, struct text *error) {
	for (size_t i = 0; i < http->door_count; i++) {
		struct door *door = http->doors[i];
		struct door *successor;
		int fd, r;

		if (!is_wanted(http, door, config))
			continue;
		if (door_is_current(door, &config->http)) {
			next[(*count)++] = door;
			continue;
		}
		/* Without it, MHD would open a port of its own choice. */
		fd = fcntl(door->fd, F_DUPFD_CLOEXEC, 0);
		if (fd < 0)
			return -errno;
		successor = door_create(door->name, fd, door->is_control);
		if (successor)
			successor->group = door->group;
		r = successor ? door_start(successor, &http->stage, &config->http, error) : -ENOMEM;
		if (r < 0) {
			door_destroy(successor);
			return r;
		}
		next[(*count)++] = successor;
	}
	return 0;
}

static bool contains(struct door *const *doors, size_t count, const struct door *door) {
	for (size_t i = 0; i < count; i++)
		if (doors[i] == door)
			return true;
	return false;
}

/* Destroys the doors of one list that the other does not have. */
static void close_others(struct door *const *doors, size_t count, struct door *const *keep,
			 size_t keep_count) {
	for (size_t i = 0; i < count; i++)
		if (!contains(keep, keep_count, doors[i]))
			door_destroy(doors[i]);
}

static void end_retired(struct http *http, size_t index) {
	door_destroy(http->retired[index]);
	http->retired_count--;
	memmove(&http->retired[index], &http->retired[index + 1],
		(http->retired_count - index) * sizeof(http->retired[0]));
}

void http_tend(struct http *http) {
	for (size_t i = http->retired_count; i-- > 0;)
		if (door_is_over(http->retired[i]))
			end_retired(http, i);
}

static void retire(struct http *http, struct door *door) {
	if (http->retired_count == RETIRED_MAX)
		end_retired(http, 0);
	door_retire(door);
	http->retired[http->retired_count++] = door;
}

static bool has_successor(struct door *const *next, size_t count, const struct door *door) {
	for (size_t i = 0; i < count; i++)
		if (strcmp(next[i]->name, door->name) == 0)
			return true;
	return false;
}

/* An address that is no longer wanted is closed at once; behind a successor there is time. */
static void replace(struct http *http, struct door *const *next, size_t count) {
	for (size_t i = 0; i < http->door_count; i++) {
		struct door *door = http->doors[i];

		if (contains(next, count, door))
			continue;
		if (door->daemon && has_successor(next, count, door))
			retire(http, door);
		else
			door_destroy(door);
	}
}

static void log_listening(const struct http *http, struct door *const *next, size_t count) {
	for (size_t i = 0; i < count; i++) {
		const struct door *before = find_door(http, next[i]->name);

		if (!before || !before->daemon)
			log_info("listening on %s", next[i]->name);
	}
	for (size_t i = 0; i < http->door_count; i++) {
		bool stays = false;

		for (size_t j = 0; j < count; j++)
			stays = stays || strcmp(next[j]->name, http->doors[i]->name) == 0;
		if (!stays)
			log_info("no longer listening on %s", http->doors[i]->name);
	}
}

int http_configure(struct http *http, const struct config *config, struct text *error) {
	size_t before = http->door_count;
	struct door *next[DOOR_MAX];
	size_t count = 0;
	int r = open_new(http, config, error);

	if (r == 0)
		r = prepare(http, config, next, &count, error);
	if (r < 0) {
		close_others(next, count, http->doors, http->door_count);
		close_from(http, before);
		return r;
	}
	log_listening(http, next, count);
	replace(http, next, count);
	memcpy(http->doors, next, count * sizeof(next[0]));
	http->door_count = count;
	http->started = true;
	return 0;
}
