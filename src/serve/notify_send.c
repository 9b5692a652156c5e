/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "serve/notify_send.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "config/notification.h"

/* 0 or -errno. A full queue is success: what is in it makes the daemon look after this. */
static int send_datagram(const char *path, const struct text *datagram) {
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	AUTO_CLOSE int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (!text_copy(address.sun_path, sizeof(address.sun_path), path))
		return -ENAMETOOLONG;
	if (sendto(fd, datagram->bytes, datagram->length, MSG_DONTWAIT | MSG_NOSIGNAL,
		   (const struct sockaddr *)&address, sizeof(address)) < 0 &&
	    errno != EAGAIN)
		return -errno;
	return 0;
}

void notify_send(char *const *arguments, const char *path) {
	struct notification notification;
	char storage[NOTIFICATION_SIZE];
	struct text datagram;
	const char *named;
	int r;

	notification_take_arguments(&notification, arguments, &named);
	if (named)
		path = named;
	if (!path)
		path = NOTIFICATION_SOCKET;
	text_init(&datagram, storage, sizeof(storage));
	notification_write(&notification, &datagram);
	r = send_datagram(path, &datagram);
	if (r < 0 && isatty(STDERR_FILENO))
		fprintf(stderr, "no daemon listens on %s: %s\n", path, strerror(-r));
}
