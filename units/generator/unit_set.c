/* SPDX-License-Identifier: Apache-2.0 */
/* A list of unit files in memory, and how values stand in them. The folder that is written to belongs to systemd, which
 * has emptied it: nothing in it is ours to keep. */
#include "generator/unit_set.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "shared/syscall.h"

void unit_set_done(struct unit_set *set) {
        for (size_t i = 0; i < set->count; i++) {
                free(set->files[i].path);
                free(set->files[i].content);
        }
        free(set->files);
        *set = UNIT_SET_INIT;
}

int unit_set_add(struct unit_set *set, const char *path, struct text *content) {
        struct unit_file *larger = reallocarray(set->files, set->count + 1, sizeof(*larger));
        if (larger)
                set->files = larger;
        _cleanup_free_ char *path_copy = strdup(path);
        char *bytes = NULL;
        size_t length;
        int r = text_finish(content, &bytes, &length);
        if (r < 0 || !larger || !path_copy) {
                free(bytes);
                return -ENOMEM;
        }
        set->files[set->count++] = (struct unit_file) { .path = take_pointer(path_copy), .content = bytes };
        return 0;
}

static int write_file(int folder_fd, const struct unit_file *file) {
        const char *slash = strchr(file->path, '/');
        if (slash) {
                _cleanup_free_ char *parent = strndup(file->path, (size_t) (slash - file->path));
                if (!parent)
                        return -ENOMEM;
                if (mkdirat(folder_fd, parent, 0755) < 0 && errno != EEXIST)
                        return -errno;
        }
        _cleanup_close_ int fd = NEGATIVE_ERRNO(
                        openat(folder_fd, file->path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644));
        return fd < 0 ? fd : write_whole(fd, file->content, strlen(file->content));
}

int unit_set_write(const struct unit_set *set, const char *folder, struct error *error) {
        _cleanup_close_ int folder_fd = NEGATIVE_ERRNO(open(folder, O_DIRECTORY | O_RDONLY | O_CLOEXEC));
        if (folder_fd < 0)
                return error_set_errno(error, folder_fd, "opening %s", folder);
        for (size_t i = 0; i < set->count; i++) {
                int r = write_file(folder_fd, &set->files[i]);
                if (r < 0)
                        return error_set_errno(error, r, "writing %s/%s", folder, set->files[i].path);
        }
        return 0;
}

void unit_append_value(struct text *text, const char *value) {
        for (; *value; value++) {
                if (*value == '%')
                        text_append_char(text, '%');
                text_append_char(text, *value);
        }
}

void unit_append_word(struct text *text, const char *word) {
        text_append_char(text, '"');
        for (; *word; word++) {
                if (*word == '"' || *word == '\\')
                        text_append_char(text, '\\');
                if (*word == '%')
                        text_append_char(text, '%');
                text_append_char(text, *word);
        }
        text_append_char(text, '"');
}
