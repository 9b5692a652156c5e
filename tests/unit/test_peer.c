/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who may use the control socket. A child process connects as somebody else, which takes root;
 * other runs see their own user only.
 */
#include "unit.h"

#include <errno.h>
#include <grp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "serve/peer.h"

#define SOMEBODY 54321
#define THEIR_GROUP 54322
#define ANOTHER_GROUP 54323
#define NOBODYS_GROUP 54324
#define MANY 200

/* A socket without a file: an abstract address, for anybody to connect to. */
static int listen_here(struct sockaddr_un *address, socklen_t *length) {
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	*address = (struct sockaddr_un){.sun_family = AF_UNIX};
	assert_int_equal(bind(fd, (struct sockaddr *)address, sizeof(sa_family_t)), 0);
	*length = sizeof(*address);
	assert_int_equal(getsockname(fd, (struct sockaddr *)address, length), 0);
	assert_int_equal(listen(fd, 1), 0);
	return fd;
}

static void become(uid_t user, gid_t group, const gid_t *groups, size_t count) {
	if (user != geteuid() &&
	    (setgroups(count, groups) < 0 || setresgid(group, group, group) < 0 ||
	     setresuid(user, user, user) < 0))
		_exit(2);
}

/* Connects as that user and asks about the connection. */
static bool is_allowed(uid_t user, gid_t group, const gid_t *groups, size_t count, gid_t wanted) {
	struct sockaddr_un address;
	socklen_t length;
	int listener = listen_here(&address, &length);
	pid_t child = fork();
	int status, fd;
	bool allowed;

	if (child == 0) {
		become(user, group, groups, count);
		fd = socket(AF_UNIX, SOCK_STREAM, 0);
		_exit(connect(fd, (struct sockaddr *)&address, length) < 0);
	}
	assert_true(child > 0);
	fd = accept(listener, NULL, NULL);
	allowed = peer_is_allowed(fd, wanted);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	close(fd);
	close(listener);
	return allowed;
}

static void the_own_user_is_allowed(void **state) {
	(void)state;
	assert_true(is_allowed(geteuid(), getegid(), NULL, 0, PEER_NO_GROUP));
}

static void what_is_no_unix_socket_is_refused(void **state) {
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	assert_false(peer_is_allowed(fds[0], PEER_NO_GROUP));
	close(fds[0]);
	close(fds[1]);
}

static void others_are_refused(void **state) {
	const gid_t root_group[] = {0};

	(void)state;
	if (geteuid() != 0)
		skip();
	assert_false(is_allowed(SOMEBODY, THEIR_GROUP, NULL, 0, PEER_NO_GROUP));
	assert_false(is_allowed(SOMEBODY, THEIR_GROUP, NULL, 0, NOBODYS_GROUP));
	assert_false(is_allowed(SOMEBODY, THEIR_GROUP, root_group, 1, NOBODYS_GROUP));
}

static void members_of_the_group_are_allowed(void **state) {
	const gid_t groups[] = {THEIR_GROUP, ANOTHER_GROUP};

	(void)state;
	if (geteuid() != 0)
		skip();
	assert_true(is_allowed(SOMEBODY, THEIR_GROUP, NULL, 0, THEIR_GROUP));
	assert_true(is_allowed(SOMEBODY, THEIR_GROUP, groups, 2, ANOTHER_GROUP));
}

static void members_of_very_many_groups_are_seen_too(void **state) {
	gid_t groups[MANY];

	(void)state;
	if (geteuid() != 0)
		skip();
	for (size_t i = 0; i < MANY; i++)
		groups[i] = (gid_t)(60000 + i);
	assert_true(is_allowed(SOMEBODY, THEIR_GROUP, groups, MANY, 60000 + MANY - 1));
	assert_false(is_allowed(SOMEBODY, THEIR_GROUP, groups, MANY, NOBODYS_GROUP));
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_own_user_is_allowed),
		cmocka_unit_test(what_is_no_unix_socket_is_refused),
		cmocka_unit_test(others_are_refused),
		cmocka_unit_test(members_of_the_group_are_allowed),
		cmocka_unit_test(members_of_very_many_groups_are_seen_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
