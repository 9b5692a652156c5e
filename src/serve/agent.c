/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "serve/agent.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/thread.h"
#include "serve/listen.h"
#include "view/agent.h"

#define DOOR_MAX (LISTEN_MAX * (1 + ENDPOINT_MAX)) /* [agent], and each endpoint's own */
#define CALLER_MAX 256
#define PATIENCE NSEC_PER_SEC

struct agent_door {
	int fd;
	char name[64]; /* its address */
	char path[ENDPOINT_PATH_SIZE];
};

/* Has its line, and is awaited to close. */
struct caller {
	int fd;
	int64_t deadline;
};

struct agent {
	struct stage stage;
	struct network_list allow;
	pthread_t thread;
	bool started;
	int stop_fd;
	size_t door_count;
	struct agent_door doors[DOOR_MAX];

	/* the thread's own */
	size_t caller_count;
	struct caller callers[CALLER_MAX]; /* oldest first */
	struct snapshot snapshot;
	struct history history;
};

/* --- the thread ----------------------------------------------------------------------------- */

static void forget_caller(struct agent *agent, size_t index) {
	close(agent->callers[index].fd);
	agent->caller_count--;
	memmove(&agent->callers[index], &agent->callers[index + 1],
		(agent->caller_count - index) * sizeof(agent->callers[0]));
}

static void refresh(struct agent *agent) {
	const struct publication *publication = agent->stage.publication;

	if (publication_generation(publication) != agent->snapshot.generation)
		publication_copy(agent->stage.publication, &agent->snapshot, &agent->history);
}

static void write_line(struct agent *agent, const char *path, struct text *line,
		       struct answer *answer) {
	const struct endpoint_list *endpoints = &agent->snapshot.endpoints;
	int64_t now = clock_now();

	refresh(agent);
	answer->epoch = agent->snapshot.epoch;
	for (size_t i = 0; i < endpoints->count; i++) {
		const struct policy *policy = &endpoints->items[i].policy;

		if (strcmp(endpoints->items[i].path, path) != 0)
			continue;
		agent_line(line, &agent->snapshot.facts, policy, &agent->history.standings[i], now);
		answer->available = verdict(&agent->snapshot.facts, policy, now).available;
	}
}

static void greet(struct agent *agent, const struct agent_door *door, int fd,
		  const struct sockaddr *peer) {
	struct answer answer = {
		.kind = POLLER_AGENT, .peer = peer, .path = door->path, .is_verdict = true};
	char storage[AGENT_LINE_SIZE];
	struct text line;

	text_init(&line, storage, sizeof(storage));
	write_line(agent, door->path, &line, &answer);
	/* A fresh connection's buffer holds a line: this does not block. */
	if (send(fd, line.bytes, line.length, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
		close(fd);
		return;
	}
	audience_note(agent->stage.audience, &answer);
	/* Fails where the caller, as HAProxy does, has reset the connection after reading. */
	if (shutdown(fd, SHUT_WR) < 0) {
		close(fd);
		return;
	}
	if (agent->caller_count == CALLER_MAX)
		forget_caller(agent, 0);
	agent->callers[agent->caller_count++] = (struct caller){fd, clock_now() + PATIENCE};
}

static void accept_callers(struct agent *agent, const struct agent_door *door) {
	struct sockaddr_storage peer;
	socklen_t length = sizeof(peer);
	int fd;

	/* A few at a time, so that one flooded address does not starve the others. */
	for (int i = 0; i < 16; i++, length = sizeof(peer)) {
		fd = accept4(door->fd, (struct sockaddr *)&peer, &length,
			     SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd < 0) {
			/* Without descriptors the door stays readable: no busy loop. */
			if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
				poll(NULL, 0, 10);
			return;
		}
		if (network_list_allows(&agent->allow, (const struct sockaddr *)&peer))
			greet(agent, door, fd, (const struct sockaddr *)&peer);
		else
			close(fd);
	}
}

/* True while the caller may still be about to close. */
static bool drain(int fd) {
	char waste[512];
	ssize_t n = recv(fd, waste, sizeof(waste), MSG_DONTWAIT);

	return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
}

static void attend_callers(struct agent *agent, const struct pollfd *fds) {
	int64_t now = clock_now();

	for (size_t i = agent->caller_count; i-- > 0;) {
		const struct caller *caller = &agent->callers[i];

		if ((fds[i].revents && !drain(caller->fd)) || now >= caller->deadline)
			forget_caller(agent, i);
	}
}

static int timeout_ms(const struct agent *agent) {
	if (agent->caller_count == 0)
		return -1;
	return clock_left_ms(agent->callers[0].deadline, clock_now());
}

static void *run(void *context) {
	struct agent *agent = context;
	struct pollfd fds[1 + DOOR_MAX + CALLER_MAX];

	for (;;) {
		size_t count = 0;

		fds[count++] = (struct pollfd){agent->stop_fd, POLLIN, 0};
		for (size_t i = 0; i < agent->door_count; i++)
			fds[count++] = (struct pollfd){agent->doors[i].fd, POLLIN, 0};
		for (size_t i = 0; i < agent->caller_count; i++)
			fds[count++] = (struct pollfd){agent->callers[i].fd, POLLIN, 0};
		if (poll(fds, count, timeout_ms(agent)) < 0 && errno != EINTR)
			log_error("agent: poll: %s", strerror(errno));
		if (fds[0].revents)
			return NULL;
		attend_callers(agent, fds + 1 + agent->door_count);
		for (size_t i = 0; i < agent->door_count; i++)
			if (fds[1 + i].revents)
				accept_callers(agent, &agent->doors[i]);
	}
}

/* --- building and unbuilding ---------------------------------------------------------------- */

static int shared_socket(const struct agent *predecessor, const char *name) {
	for (size_t i = 0; predecessor && i < predecessor->door_count; i++)
		if (strcmp(predecessor->doors[i].name, name) == 0)
			return fcntl(predecessor->doors[i].fd, F_DUPFD_CLOEXEC, 0);
	return -ENOENT;
}

static int open_doors(struct agent *agent, const struct listen_list *list, const char *path,
		      const struct agent *predecessor, struct text *error) {
	for (size_t i = 0; i < list->count; i++) {
		struct agent_door *door = &agent->doors[agent->door_count];
		int fd;

		fd = shared_socket(predecessor, list->items[i].text);
		if (fd < 0)
			fd = listen_tcp(&list->items[i]);
		if (fd < 0) {
			text_format(error, "cannot listen on %s for agent-checks: %s",
				    list->items[i].text, strerror(-fd));
			return fd;
		}
		door->fd = fd;
		text_copy(door->name, sizeof(door->name), list->items[i].text);
		text_copy(door->path, sizeof(door->path), path);
		agent->door_count++;
	}
	return 0;
}

static int open_all(struct agent *agent, const struct config *config,
		    const struct agent *predecessor, struct text *error) {
	const struct endpoint_list *endpoints = &config->endpoints;
	int r = open_doors(agent, &config->agent.listen, "/", predecessor, error);

	for (size_t i = 0; r == 0 && i < endpoints->count; i++)
		r = open_doors(agent, &endpoints->items[i].agent, endpoints->items[i].path,
			       predecessor, error);
	return r;
}

static int start(struct agent *agent) {
	int r;

	agent->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (agent->stop_fd < 0)
		return -errno;
	r = thread_start(&agent->thread, run, agent);
	agent->started = r == 0;
	return r;
}

int agent_create(struct agent **result, const struct stage *stage, const struct config *config,
		 const struct agent *predecessor, struct text *error) {
	struct agent *agent = calloc(1, sizeof(*agent));
	int r;

	*result = NULL;
	if (!agent)
		return -ENOMEM;
	agent->stage = *stage;
	agent->allow = config->http.allow;
	agent->stop_fd = -1;
	r = open_all(agent, config, predecessor, error);
	if (r == 0 && agent->door_count > 0)
		r = start(agent);
	if (r < 0 || agent->door_count == 0) {
		agent_destroy(agent);
		return r;
	}
	*result = agent;
	return 0;
}

void agent_destroy(struct agent *agent) {
	if (!agent)
		return;
	if (agent->started && eventfd_write(agent->stop_fd, 1) == 0)
		pthread_join(agent->thread, NULL);
	while (agent->caller_count > 0)
		forget_caller(agent, agent->caller_count - 1);
	for (size_t i = 0; i < agent->door_count; i++)
		close(agent->doors[i].fd);
	if (agent->stop_fd >= 0)
		close(agent->stop_fd);
	free(agent);
}
