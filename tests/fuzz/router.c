/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The HTTP server's real door and router, on a node that is not available: whatever is asked, no
 * answer about it is a 200, and nothing is ordered. */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "config/config.h"
#include "serve/door.h"

#define LARGEST (32 * 1024) /* what a socket takes without a reader */
#define PATIENCE_US 3000    /* MHD waits for the rest of a request even after the caller's end */

/* --- behind this door there is no prober, and nobody who takes orders ----------------------- */

bool prober_moves(const struct prober *prober) {
	(void)prober;
	return true;
}

void prober_want_census(struct prober *prober) {
	(void)prober;
	require(!"over TCP");
}

void prober_wake(struct prober *prober) {
	(void)prober;
	require(!"over TCP");
}

int steward_order(struct steward *steward, const struct wish *wish, struct text *error) {
	(void)steward;
	(void)wish;
	(void)error;
	require(!"over TCP");
}

/* --- the door ------------------------------------------------------------------------------- */

/* Listening on an address of the kernel's choice that nobody knows. */
static int listen_nowhere(void) {
	const struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	require(bind(fd, (const struct sockaddr *)&address, sizeof(sa_family_t)) == 0);
	require(listen(fd, 64) == 0);
	return fd;
}

static struct door *open_door(void) {
	static struct config config;
	static struct facts facts = {.probe.outcome = PROBE_REFUSED};
	const struct config_sources sources = {0};
	struct change changes[ENDPOINT_MAX];
	struct door *door = door_create("nowhere", listen_nowhere(), false);
	const uint64_t seed = 1; /* the same input shall do the same */
	struct stage stage = {.audience = audience_create(&seed)};
	char storage[512];
	struct text error;

	text_init(&error, storage, sizeof(storage));
	require(door && config_load(&config, &sources, &error) == 0);
	stage.publication = publication_create(&config.endpoints);
	publication_publish(stage.publication, &facts, changes);
	require(door_start(door, &stage, &config.http, &error) == 0);
	return door;
}

static void require_refused(const char *answer) {
	const char *head = strncmp(answer, "HTTP/1.1 200", 12) == 0 ? answer : NULL;
	const char *next = strstr(answer, "\r\nHTTP/1.1 200");
	const char *reason, *end;

	/* In a JSON document, which repeats what callers said, a line end is none. */
	require(!strstr(answer, " is synced.\r\n"));
	for (head = head ? head : next; head; head = strstr(head + 1, "\r\nHTTP/1.1 200")) {
		reason = strstr(head, "\r\nX-Clustercheck-Reason:");
		end = strstr(head, "\r\n\r\n");
		require(!reason || (end && reason > end));
	}
}

/* A connection with the whole request in it, and an end. */
static int call(const struct door *door, const uint8_t *data, size_t size) {
	const struct timeval patience = {.tv_usec = PATIENCE_US};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un address;
	socklen_t length = sizeof(address);

	require(getsockname(door->fd, (struct sockaddr *)&address, &length) == 0);
	require(connect(fd, (const struct sockaddr *)&address, length) == 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	/* One that is shed, because the door's thread gets no processor, has nobody to send to. */
	if (send(fd, data, size, MSG_NOSIGNAL) == (ssize_t)size &&
	    send(fd, "\r\n\r\n", 4, MSG_NOSIGNAL) == 4)
		shutdown(fd, SHUT_WR);
	return fd;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	static struct door *door;
	static char answer[1024 * 1024];
	size_t length = 0;
	ssize_t n;
	int fd;

	if (!door)
		door = open_door();
	fd = call(door, data, size < LARGEST ? size : LARGEST);
	while ((n = recv(fd, answer + length, sizeof(answer) - 1 - length, 0)) > 0)
		length += (size_t)n;
	close(fd);
	answer[length] = '\0';
	require(length == 0 || strncmp(answer, "HTTP/1.", 7) == 0);
	require_refused(answer);
	return 0;
}
