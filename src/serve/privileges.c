/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "serve/privileges.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"

/* Units and tmpfiles make these directories beforehand; by hand there may be none yet. */
static void make_parent(const char *path, const struct passwd *user) {
	char parent[CONFIG_PATH_SIZE];
	char *slash;

	text_copy(parent, sizeof(parent), path);
	slash = strrchr(parent, '/');
	if (!slash || slash == parent)
		return;
	*slash = '\0';
	if (mkdir(parent, 0755) == 0 && lchown(parent, user->pw_uid, user->pw_gid) < 0)
		log_warning("%s: %s", parent, strerror(errno));
}

static bool is_for_good(const struct passwd *user) {
	uid_t real, effective, saved;
	gid_t real_group, effective_group, saved_group;

	return getresuid(&real, &effective, &saved) == 0 && real == user->pw_uid &&
	       effective == user->pw_uid && saved == user->pw_uid &&
	       getresgid(&real_group, &effective_group, &saved_group) == 0 &&
	       real_group == user->pw_gid && effective_group == user->pw_gid &&
	       saved_group == user->pw_gid && setresuid(0, 0, 0) < 0 && setuid(0) < 0 &&
	       setresgid(0, 0, 0) < 0 && seteuid(0) < 0;
}

/* The kernel takes every capability along with the last user ID that is 0 (capabilities(7)). */
static int become(const struct passwd *user) {
	if (initgroups(user->pw_name, user->pw_gid) < 0 ||
	    setresgid(user->pw_gid, user->pw_gid, user->pw_gid) < 0 ||
	    setresuid(user->pw_uid, user->pw_uid, user->pw_uid) < 0)
		return -errno;
	return is_for_good(user) ? 0 : -EPERM;
}

static int change_user(const struct config *config, struct text *error) {
	const char *name = config->process_user;
	struct passwd *user;
	int r;

	errno = 0;
	user = getpwnam(name);
	if (!user || user->pw_uid == 0) {
		text_format(error, "[process] user=%s: %s", name,
			    user ? "this is root" : "there is no such user");
		return -EINVAL;
	}
	if (geteuid() == user->pw_uid)
		return 0;
	make_parent(config->control.socket, user);
	make_parent(config->notify.socket, user);
	make_parent(config->maintenance_file, user);
	r = become(user);
	if (r < 0)
		text_format(error, "cannot become [process] user=%s: %s", name, strerror(-r));
	else
		log_info("running as %s (%u)", name, (unsigned int)user->pw_uid);
	return r;
}

int privileges_drop(const struct config *config, struct text *error) {
	int r = config->process_user[0] ? change_user(config, error) : 0;

	if (r < 0)
		return r;
	if (geteuid() == 0)
		log_warning("running as root; [process] user= names one who may do less");
	r = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? -errno : memory_keep_private();
	if (r < 0)
		text_format(error, "prctl: %s", strerror(-r));
	return r;
}
