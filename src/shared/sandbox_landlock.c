/* SPDX-License-Identifier: Apache-2.0 */
/* Landlock by its system calls: C libraries have no wrappers, and Debian 12's kernel header knows ABI 2 only, so that the
 * numbers of the interface stand here. Whatever the kernel can restrict is restricted; only places are opened again. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "shared/sandbox_policy.h"
#include "shared/syscall.h"

enum {
        LANDLOCK_CREATE_VERSION = 1 << 0, /* flag of landlock_create_ruleset(2) */
        LANDLOCK_RULE_BENEATH = 1,        /* type of landlock_add_rule(2) */
};

/* Rights on files, by the bits of the interface; the number behind each is the ABI that brought it. */
enum {
        FILE_EXECUTE = 1 << 0,    /* 1 */
        FILE_WRITE = 1 << 1,      /* 1 */
        FILE_READ = 1 << 2,       /* 1 */
        FOLDER_READ = 1 << 3,     /* 1 */
        REMOVE_FOLDER = 1 << 4,   /* 1 */
        REMOVE_FILE = 1 << 5,     /* 1 */
        MAKE_CHAR = 1 << 6,       /* 1 */
        MAKE_FOLDER = 1 << 7,     /* 1 */
        MAKE_REGULAR = 1 << 8,    /* 1 */
        MAKE_SOCKET = 1 << 9,     /* 1 */
        MAKE_FIFO = 1 << 10,      /* 1 */
        MAKE_BLOCK = 1 << 11,     /* 1 */
        MAKE_SYMLINK = 1 << 12,   /* 1 */
        REFER = 1 << 13,          /* 2: rename and link between folders */
        FILE_TRUNCATE = 1 << 14,  /* 3 */
        DEVICE_CONTROL = 1 << 15, /* 5: ioctl on devices */
};

enum {
        TCP_BIND = 1 << 0,    /* 4 */
        TCP_CONNECT = 1 << 1, /* 4 */
};

enum {
        SCOPE_ABSTRACT_SOCKETS = 1 << 0, /* 6 */
        SCOPE_SIGNALS = 1 << 1,          /* 6 */
};

/* A kernel that knows fewer members takes the structure as long as those are 0. */
struct landlock_ruleset {
        uint64_t handled_files, handled_network, scoped;
};

struct landlock_beneath {
        uint64_t allowed;
        int32_t parent;
} __attribute__((packed));

#define RIGHTS_ABI_1 ((uint64_t) (MAKE_SYMLINK << 1) - 1)
#define RIGHTS_READ ((uint64_t) (FILE_READ | FOLDER_READ))
#define RIGHTS_WRITE                                                                                         \
        ((uint64_t) (FILE_WRITE | FILE_TRUNCATE | REMOVE_FOLDER | REMOVE_FILE | MAKE_FOLDER | MAKE_REGULAR | \
                     MAKE_SYMLINK | REFER))
#define RIGHTS_OF_FILES ((uint64_t) (FILE_EXECUTE | FILE_WRITE | FILE_READ | FILE_TRUNCATE | DEVICE_CONTROL))

int sandbox_landlock_abi(void) {
        long abi = syscall(SYS_landlock_create_ruleset, NULL, (size_t) 0, LANDLOCK_CREATE_VERSION);
        return abi < 0 ? 0 : (int) abi;
}

static struct landlock_ruleset landlock_restrictions(int abi) {
        struct landlock_ruleset restrictions = { .handled_files = RIGHTS_ABI_1 };
        if (abi >= 2)
                restrictions.handled_files |= REFER;
        if (abi >= 3)
                restrictions.handled_files |= FILE_TRUNCATE;
        if (abi >= 4)
                restrictions.handled_network = TCP_BIND | TCP_CONNECT;
        if (abi >= 5)
                restrictions.handled_files |= DEVICE_CONTROL;
        if (abi >= 6)
                restrictions.scoped = SCOPE_ABSTRACT_SOCKETS | SCOPE_SIGNALS;
        return restrictions; /* ABI 7 brought flags of the audit log, whose defaults serve */
}

static uint64_t landlock_rights(unsigned access) {
        return (access & SANDBOX_READ ? RIGHTS_READ : 0) | (access & SANDBOX_WRITE ? RIGHTS_WRITE : 0);
}

struct landlock {
        struct landlock_ruleset restrictions;
        int fd;
        size_t count;
};

static int landlock_allow(struct landlock *landlock, const char *path, unsigned access, bool optional,
                          struct error *error) {
        uint64_t rights = landlock_rights(access) & landlock->restrictions.handled_files;
        if (rights == 0) /* reaching a socket needs none */
                return 0;

        _cleanup_close_ int fd = NEGATIVE_ERRNO(open(path, O_PATH | O_CLOEXEC));
        if (fd == -ENOENT && optional)
                return 0;
        if (fd < 0)
                return error_set_errno(error, fd, "allowing %s", path);
        struct stat status;
        if (fstat(fd, &status) < 0)
                return error_set_errno(error, -errno, "allowing %s", path);
        if (!S_ISDIR(status.st_mode))
                rights &= RIGHTS_OF_FILES;

        const struct landlock_beneath beneath = { .allowed = rights, .parent = fd };
        if (syscall(SYS_landlock_add_rule, landlock->fd, LANDLOCK_RULE_BENEATH, &beneath, 0) < 0)
                return error_set_errno(error, -errno, "allowing %s", path);
        landlock->count++;
        return 0;
}

/* The folders of a variable that systemd sets, such as STATE_DIRECTORY. */
static int landlock_allow_variable(struct landlock *landlock, const char *name, const struct sandbox_place *place,
                                   struct error *error) {
        const char *value = getenv(name);
        for (size_t length; value; value = value[length] ? value + length + 1 : NULL) {
                length = strcspn(value, ":");
                _cleanup_free_ char *path = strndup(value, length);
                if (!path)
                        return error_set(error, -ENOMEM, "allowing $%s: out of memory", name);
                if (path[0] != '/')
                        return error_set(error, -EINVAL, "allowing $%s: '%s' is no absolute path", name, path);
                int r = landlock_allow(landlock, path, place->access, place->optional, error);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int landlock_allow_place(struct landlock *landlock, const struct sandbox_place *place, struct error *error) {
        if (place->path[0] == '$')
                return landlock_allow_variable(landlock, place->path + 1, place, error);
        return landlock_allow(landlock, place->path, place->access, place->optional, error);
}

int sandbox_landlock_enter(const struct sandbox_policy *policy, const struct sandbox_path *paths, size_t path_count,
                           int abi, struct error *error, size_t *ret_count) {
        struct landlock landlock = { .restrictions = landlock_restrictions(abi) };
        _cleanup_close_ int fd = (int) NEGATIVE_ERRNO(
                        syscall(SYS_landlock_create_ruleset, &landlock.restrictions, sizeof(landlock.restrictions), 0));
        if (fd < 0)
                return error_set_errno(error, fd, "making a Landlock ruleset");
        landlock.fd = fd;

        for (size_t i = 0; i < policy->place_count; i++) {
                int r = landlock_allow_place(&landlock, &policy->places[i], error);
                if (r < 0)
                        return r;
        }
        for (size_t i = 0; i < path_count; i++) {
                int r = landlock_allow(&landlock, paths[i].path, paths[i].access, false, error);
                if (r < 0)
                        return r;
        }
        if (syscall(SYS_landlock_restrict_self, fd, 0) < 0)
                return error_set_errno(error, -errno, "entering the Landlock ruleset");
        *ret_count = landlock.count;
        return 0;
}
