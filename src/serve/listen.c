/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "serve/listen.h"

#include <errno.h>
#include <grp.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"

#define BACKLOG 4096 /* the kernel lowers it to net.core.somaxconn */

static int bind_and_listen(int family, const struct sockaddr *address, socklen_t length,
			   bool dual_stack) {
	AUTO_CLOSE int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	const int on = 1;
	const int v6_only = !dual_stack;

	if (fd < 0)
		return -errno;
	if (family != AF_UNIX && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0)
		return -errno;
	if (family == AF_INET6 &&
	    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6_only, sizeof(v6_only)) < 0)
		return -errno;
	if (bind(fd, address, length) < 0 || listen(fd, BACKLOG) < 0)
		return -errno;
	return TAKE_FD(fd);
}

int listen_tcp(const struct listen_address *address) {
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&address->address;
	struct sockaddr_in any = {.sin_family = AF_INET};
	int fd = bind_and_listen(address->address.ss_family,
				 (const struct sockaddr *)&address->address, address->length,
				 address->dual_stack);

	if (!address->dual_stack || (fd != -EAFNOSUPPORT && fd != -EADDRNOTAVAIL))
		return fd;
	any.sin_port = in6->sin6_port;
	return bind_and_listen(AF_INET, (const struct sockaddr *)&any, sizeof(any), false);
}

/* True when a program accepts connections, or receives datagrams, there. */
static bool is_answered(const struct sockaddr_un *address, int type) {
	AUTO_CLOSE int fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	return fd >= 0 && (connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 ||
			   errno == EAGAIN);
}

/* By hand there may be no /run/clustercheckd yet; units and tmpfiles make it beforehand. */
static void make_parent(const char *path) {
	char parent[sizeof(((struct sockaddr_un *)0)->sun_path)];
	char *slash;

	text_copy(parent, sizeof(parent), path);
	slash = strrchr(parent, '/');
	if (!slash || slash == parent)
		return;
	*slash = '\0';
	mkdir(parent, 0755); /* where this fails, bind tells */
}

static int give_to_group(const char *path, const char *name) {
	struct group *group;

	if (!name[0])
		return 0;
	errno = 0;
	group = getgrnam(name);
	if (!group)
		return errno ? -errno : -ENOENT;
	return chown(path, (uid_t)-1, group->gr_gid) < 0 ? -errno : 0;
}

/* The address of a path where a socket can be bound: one left over from a crash is gone. */
static int make_room(const char *path, int type, struct sockaddr_un *address) {
	struct stat status;

	if (!text_copy(address->sun_path, sizeof(address->sun_path), path))
		return -ENAMETOOLONG;
	if (is_answered(address, type))
		return -EADDRINUSE;
	make_parent(path);
	if (lstat(path, &status) == 0) {
		if (!S_ISSOCK(status.st_mode))
			return -EEXIST;
		unlink(path);
	}
	return 0;
}

int listen_unix(const struct control_settings *settings) {
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	AUTO_CLOSE int fd = -1;
	mode_t mask;
	int r = make_room(settings->socket, SOCK_STREAM, &address);

	if (r < 0)
		return r;
	mask = umask(0117);
	fd = bind_and_listen(AF_UNIX, (const struct sockaddr *)&address, sizeof(address), false);
	umask(mask);
	if (fd < 0)
		return fd;
	r = give_to_group(settings->socket, settings->group);
	if (r < 0)
		return r;
	return TAKE_FD(fd);
}

int listen_datagrams(const char *path) {
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	AUTO_CLOSE int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int r = fd < 0 ? -errno : make_room(path, SOCK_DGRAM, &address);

	if (r < 0)
		return r;
	if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
	    chmod(path, 0666) < 0)
		return -errno;
	return TAKE_FD(fd);
}

int listen_describe(int fd, char *text, size_t size) {
	struct sockaddr_storage address;
	socklen_t length = sizeof(address);

	if (getsockname(fd, (struct sockaddr *)&address, &length) < 0)
		return -errno;
	return address_describe((const struct sockaddr *)&address, text, size);
}
