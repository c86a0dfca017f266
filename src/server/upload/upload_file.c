/* SPDX-License-Identifier: Apache-2.0 */
/* Takes one file in. Every way out that does not put it into place gives back its room and its name. */
#include "server/upload/upload_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "http/negotiate.h"
#include "shared/syscall.h"

static bool is_listed(const struct upload_mount *mount, struct slice type) {
        const struct config_strings *types = &mount->config->types;
        return http_media_type_in(type, types->items, types->count);
}

/* What many formats begin alike with: which of them it is only the name can tell. */
static bool is_generic(const char *type) {
        static const char *const generic[] = { "text/plain", "application/octet-stream", "application/zip",
                                               "text/xml" };
        for (size_t i = 0; i < ELEMENTS_OF(generic); i++)
                if (strcmp(type, generic[i]) == 0)
                        return true;
        return false;
}

bool upload_type_is_allowed(const struct upload_mount *mount, struct slice name, struct slice head) {
        if (mount->config->types.count == 0)
                return true;
        const char *type = sniff_media_type(head.data, head.length);
        if (!is_generic(type))
                return is_listed(mount, slice_of(type));
        struct slice named = slice_of(site_media_type(&mount->files, name));
        if (!named.data || slice_equal_text(named, type))
                return is_listed(mount, slice_of(type));
        return !sniff_knows(named) && is_listed(mount, named);
}

int upload_file_begin(struct upload_file *file, const struct upload_mount *mount, struct upload_target *target,
                      const struct upload_expectation *expectation, struct upload_fault *fault) {
        struct upload_folder *folder = mount->folder;
        uint64_t bytes = expectation->length > 0 ? (uint64_t) expectation->length : 0;
        *file = (struct upload_file) { .mount = mount, .target = *target, .expected = expectation->digests };
        target->name = NULL;

        int r = 0;
        if (bytes > mount->config->max_file)
                r = upload_fault_set(fault, CAUSE_UPLOAD_TOO_LARGE, NULL);
        if (r >= 0)
                r = upload_account_claim(&folder->account, mount->config, bytes, &file->claim, fault);
        if (r >= 0)
                r = upload_folder_check_disk(folder, bytes, mount->config->min_free, fault);
        if (r >= 0)
                r = upload_place_check(folder, &file->target, fault);
        if (r >= 0) {
                r = digest_hasher_init(&file->hasher, expectation->digests.set | expectation->wanted);
                if (r >= 0)
                        r = upload_part_create(&file->part, folder, mount->format, UPLOAD_PART_PREFIX);
                if (r < 0)
                        r = upload_fault_set_errno(fault, r);
        }
        if (r < 0)
                upload_file_done(file);
        return r;
}

static int check_type(struct upload_file *file, struct upload_fault *fault) {
        const struct slice head = { file->head, file->head_length };
        file->is_type_checked = true;
        if (!upload_type_is_allowed(file->mount, slice_of(file->target.name), head))
                return upload_fault_set(fault, CAUSE_UPLOAD_TYPE_REFUSED, sniff_media_type(head.data, head.length));
        return 0;
}

static int take_head(struct upload_file *file, struct slice bytes, struct upload_fault *fault) {
        size_t length = MIN_OF(bytes.length, sizeof(file->head) - file->head_length);
        if (length > 0)
                memcpy(file->head + file->head_length, bytes.data, length);
        file->head_length += length;
        return file->head_length == sizeof(file->head) && !file->is_type_checked ? check_type(file, fault) : 0;
}

int upload_file_append(struct upload_file *file, struct slice bytes, struct upload_fault *fault) {
        const struct config_upload *limits = file->mount->config;
        if (bytes.length > limits->max_file - file->size)
                return upload_fault_set(fault, CAUSE_UPLOAD_TOO_LARGE, NULL);
        int r = take_head(file, bytes, fault);
        if (r >= 0)
                r = upload_account_grow(&file->mount->folder->account, limits, &file->claim, file->size + bytes.length,
                                        fault);
        if (r < 0)
                return r;
        r = digest_hasher_update(&file->hasher, bytes);
        if (r >= 0)
                r = content_append(file->part.writer, bytes);
        if (r < 0)
                return upload_fault_set_errno(fault, r);
        file->size += bytes.length;
        return 0;
}

static int check_digests(struct upload_file *file, struct upload_fault *fault) {
        int r = digest_hasher_finish(&file->hasher, &file->actual);
        if (r < 0)
                return upload_fault_set_errno(fault, r);
        return digests_match(&file->expected, &file->actual) ? 0 : upload_fault_set(fault, CAUSE_DIGEST_MISMATCH, NULL);
}

int upload_file_finish(struct upload_file *file, struct upload_fault *fault) {
        int r = file->is_type_checked ? 0 : check_type(file, fault);
        if (r >= 0)
                r = check_digests(file, fault);
        if (r < 0)
                return r;
        r = upload_part_finish(&file->part);
        if (r < 0)
                return upload_fault_set_errno(fault, r);
        r = upload_place(&file->part, &file->target, fault, &file->placed);
        upload_account_release(&file->mount->folder->account, &file->claim);
        return r;
}

void upload_file_done(struct upload_file *file) {
        if (!file->mount)
                return;
        upload_part_discard(&file->part);
        digest_hasher_done(&file->hasher);
        upload_account_release(&file->mount->folder->account, &file->claim);
        free(file->target.name);
        *file = (struct upload_file) { 0 };
}
