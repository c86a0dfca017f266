/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds what a site has for a path. Whenever a step would wait and may not, all is undone and -EAGAIN returned, so
 * that the caller can start over where waiting is allowed. A body is only kept when the file had the same identity
 * before and after it was read.
 */
#include "server/file_lookup.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "server/sniff.h"
#include "shared/syscall.h"

#define CHANGES_MAX 4 /* how often a file may change while it is read */

struct lookup {
        const struct file_query *query;
        const struct site *site;
        bool may_wait;
        struct file_result result;
};

static void source_done(struct file_source *source) {
        source->version = file_version_unref(source->version);
        if (source->content)
                source->fd = -1;
        source->content = content_unref(source->content);
        source->fd = close_fd(source->fd);
        source->is_present = false;
}

void file_result_done(struct file_result *result) {
        for (unsigned i = 0; i < FILE_CODINGS; i++)
                source_done(&result->sources[i]);
        result->listing = listing_version_unref(result->listing);
        free(result->detail);
        rule_outcome_done(&result->outcome);
}

static enum cause cause_of(int code) {
        switch (code) {
        case -ENOENT:
        case -ENOTDIR:
        case -ENAMETOOLONG:
                return CAUSE_FILE_NOT_FOUND;
        case -EACCES:
        case -EPERM:
        case -EINVAL: /* neither a file nor a folder */
        case -ENXIO:
                return CAUSE_FILE_FORBIDDEN;
        case -ELOOP:
        case -EXDEV:
                return CAUSE_SYMLINK_FORBIDDEN;
        case -EMFILE:
        case -ENFILE:
                return CAUSE_OUT_OF_DESCRIPTORS;
        case -ENOMEM:
                return CAUSE_OUT_OF_MEMORY;
        case -EBADMSG:
        case -ENOKEY:
                return http_body_cause(code);
        default:
                return CAUSE_READ_FAILED;
        }
}

/* Ends the look-up with a failure; but what would have waited is tried again elsewhere. */
static int fail(struct lookup *lookup, enum cause cause, int code) {
        if (code == -EAGAIN && !lookup->may_wait)
                return -EAGAIN;
        for (unsigned i = 0; i < FILE_CODINGS; i++)
                source_done(&lookup->result.sources[i]);
        lookup->result.kind = FILE_KIND_FAILURE;
        lookup->result.cause = cause;
        lookup->result.code = code;
        lookup->result.is_stand_in = true;
        lookup->result.is_lasting = cause != CAUSE_OUT_OF_DESCRIPTORS && cause != CAUSE_OUT_OF_MEMORY &&
                                    cause != CAUSE_READ_FAILED && cause != CAUSE_ROOT_GONE &&
                                    cause != CAUSE_CONTENT_DAMAGED && cause != CAUSE_KEY_MISSING;
        return 0;
}

/* The folder that was the site's root is there no more; what was found in it says nothing about the site. */
static bool is_root_gone(const struct site *site) {
        struct stat status;
        return fstat(site->root, &status) == 0 && status.st_nlink == 0;
}

static int fail_errno(struct lookup *lookup, int code) {
        enum cause cause = cause_of(code);
        if (cause == CAUSE_FILE_NOT_FOUND && is_root_gone(lookup->site))
                cause = CAUSE_ROOT_GONE;
        return fail(lookup, cause, code);
}

static bool is_absent(int code) {
        return cause_of(code) == CAUSE_FILE_NOT_FOUND;
}

/* The path from the root on. */
static const char *beneath(const struct lookup *lookup, const char *path) {
        return path + lookup->site->prefix_length;
}

static int open_beneath(const struct lookup *lookup, const char *path, unsigned flags) {
        if (!lookup->may_wait && lookup->site->is_remote)
                return -EAGAIN;
        bool waits_never = lookup->may_wait || lookup->site->is_memory;
        flags |= lookup->site->open_flags | (waits_never ? 0 : FILE_OPEN_CACHED);
        return file_open_beneath(lookup->site->root, *path ? path : ".", flags);
}

/* Opens and identifies. 1: a file, now in `source`; 0: a folder. */
static int open_source(const struct lookup *lookup, const char *path, struct file_source *source) {
        _cleanup_close_ int fd = open_beneath(lookup, path, 0);
        if (fd < 0)
                return fd;
        int r = file_identify(fd, &source->identity);
        if (r == 1) {
                source->fd = take_fd(&fd);
                source->is_present = true;
        }
        return r;
}

static int64_t now_nsec(void) {
        struct timespec now;
        (void) clock_gettime(CLOCK_REALTIME, &now);
        return (int64_t) now.tv_sec * 1000000000 + now.tv_nsec;
}

/* Reads the body into the version. -ESTALE when the file changed meanwhile: source->identity is then the new one. */
static int read_body(const struct lookup *lookup, struct file_source *source) {
        size_t length = (size_t) source->identity.size;
        _cleanup_free_ char *data = malloc(length ? length : 1);
        if (!data)
                return -ENOMEM;
        int r = file_read(source->fd, data, length, lookup->may_wait);
        if (r < 0 && r != -ESTALE)
                return r;

        struct file_identity after;
        int identified = file_identify(source->fd, &after);
        if (identified < 0)
                return identified;
        if (r == -ESTALE || !file_identity_equal(&source->identity, &after)) {
                source->identity = after;
                return -ESTALE;
        }
        r = file_version_publish(source->version, HTTP_CODING_IDENTITY, data, length);
        if (r >= 0)
                data = NULL;
        return r;
}

/* An open file that changed just now may change once more without a trace: its tag then holds for this look-up only. But
 * uploads are replaced, never changed, and bear their time to the nanosecond. */
static void add_salt(const struct lookup *lookup, struct file_source *source) {
        int64_t now = now_nsec();
        if (source->fd >= 0 && !lookup->site->is_changing && file_identity_is_fresh(&source->identity, now))
                source->salt = (uint64_t) now;
}

/* Gets the body into memory, or at least a version to keep compressed bodies in. Without room, or while the file keeps
 * changing, the open file remains the source. */
static int load_body(const struct lookup *lookup, struct file_source *source) {
        for (unsigned attempt = 0; source->identity.size <= lookup->query->max_file; attempt++) {
                source->version = file_version_unref(source->version);
                int r = file_store_get(lookup->query->store, &source->identity,
                                       file_identity_is_fresh(&source->identity, now_nsec()), &source->version);
                if (r < 0)
                        return r;
                if (file_version_state(source->version, 0) != FILE_BODY_READY)
                        r = read_body(lookup, source);
                if (r >= 0)
                        source->fd = close_fd(source->fd);
                if (r == -ESTALE && attempt < CHANGES_MAX)
                        continue;
                if (r == -ESTALE)
                        source->version = file_version_unref(source->version);
                return r == -EAGAIN || r == -ENOMEM || r == -EIO ? r : 0;
        }
        return 0;
}

/* The type that the rules, the name, or at last the first bytes tell. */
static int find_type(struct lookup *lookup, const char *path) {
        struct file_result *result = &lookup->result;
        const struct file_source *source = &result->sources[0];
        result->type = result->outcome.content_type;
        if (!result->type)
                result->type = site_media_type(lookup->site, slice_of(path));
        if (!result->type && !lookup->site->config->sniff)
                result->type = "application/octet-stream";
        if (result->type)
                return 0;

        char head[SNIFF_LENGTH];
        uint64_t size = source->content ? source->content->length : source->identity.size;
        size_t length = (size_t) MIN_OF(size, (uint64_t) SNIFF_LENGTH);
        const char *data = head;
        int r = 0;
        if (source->content)
                r = content_read(source->content, 0, head, length);
        else if (source->fd < 0)
                data = source->version->bodies[0].data;
        else
                r = file_read(source->fd, head, length, lookup->may_wait);
        if (r >= 0)
                result->type = sniff_media_type(data, length);
        return r;
}

static const char *suffix_of(enum http_coding coding) {
        return coding == HTTP_CODING_BROTLI ? ".br" : coding == HTTP_CODING_ZSTD ? ".zst" : ".gz";
}

/* Pictures, sound and films are compressed by their own formats: nobody puts a NAME.br beside them. */
static bool may_have_siblings(const struct lookup *lookup, struct slice path) {
        struct slice type = slice_of(lookup->result.type);
        if (!lookup->site->config->compression.precompressed || slice_ends_with(path, SLICE_LITERAL(".br")) ||
            slice_ends_with(path, SLICE_LITERAL(".zst")) || slice_ends_with(path, SLICE_LITERAL(".gz")))
                return false;
        return !slice_starts_with(type, SLICE_LITERAL("video/")) && !slice_starts_with(type, SLICE_LITERAL("audio/")) &&
               (!slice_starts_with(type, SLICE_LITERAL("image/")) || slice_ends_with(type, SLICE_LITERAL("+xml")));
}

/* A sibling may not be older than the file; but some compressors give it the file's own time without its fraction, or
 * without what is below a microsecond. */
static bool is_up_to_date(const struct file_identity *sibling, const struct file_identity *file) {
        int64_t fraction = sibling->modified_nsec % 1000000000;
        int64_t unit = fraction == 0 ? 1000000000 : fraction % 1000 == 0 ? 1000 : 1;
        return sibling->modified_nsec >= file->modified_nsec - file->modified_nsec % unit;
}

/* Only -EAGAIN counts: a sibling that cannot be used is as good as none. */
static int find_sibling(struct lookup *lookup, const char *path, enum http_coding coding) {
        struct file_source *source = &lookup->result.sources[http_coding_index(coding)];
        char name[PATH_MAX];
        int length = snprintf(name, sizeof(name), "%s%s", path, suffix_of(coding));
        if (length < 0 || (size_t) length >= sizeof(name))
                return 0;
        int r = open_source(lookup, name, source);
        if (r == 1 && is_up_to_date(&source->identity, &lookup->result.sources[0].identity))
                r = load_body(lookup, source);
        else
                source_done(source);
        if (r < 0)
                source_done(source);
        else if (source->is_present)
                add_salt(lookup, source);
        return r == -EAGAIN && !lookup->may_wait ? r : 0;
}

/* A file that does not lie there as it is sent: its format opens it. Nothing is kept of it but that. */
static int serve_content(struct lookup *lookup, const char *path) {
        struct file_source *source = &lookup->result.sources[0];
        struct error error = ERROR_INIT;
        if (!lookup->may_wait)
                return -EAGAIN;
        int r = content_open(lookup->site->format, source->fd, &error, &source->content);
        if (r >= 0)
                r = find_type(lookup, path);
        if (r < 0) {
                lookup->result.detail = error_is_set(&error) ? strdup(error.text) : NULL;
                return fail_errno(lookup, r);
        }
        lookup->result.kind = FILE_KIND_FILE;
        lookup->result.is_lasting = true;
        return 0;
}

/* The opened file is what is sent: its body, its type, and what lies beside it. */
static int serve(struct lookup *lookup, const char *path) {
        if (lookup->site->format)
                return serve_content(lookup, path);
        struct file_source *source = &lookup->result.sources[0];
        int r = load_body(lookup, source);
        if (r >= 0)
                r = find_type(lookup, path);
        if (r >= 0)
                add_salt(lookup, source);
        if (r < 0)
                return fail_errno(lookup, r);
        lookup->result.kind = FILE_KIND_FILE;
        lookup->result.is_lasting = true;

        if (may_have_siblings(lookup, slice_of(path)))
                for (size_t i = 0; i < lookup->site->coding_count; i++)
                        if (find_sibling(lookup, path, lookup->site->codings[i]) < 0)
                                return -EAGAIN;

        /* A file that is not kept in memory may still have compressed bodies there. */
        if (!source->version && site_compresses(lookup->site, slice_of(lookup->result.type), source->identity.size) &&
            file_store_get(lookup->query->store, &source->identity, false, &source->version) < 0)
                return fail_errno(lookup, -ENOMEM);
        return 0;
}

/* A page of a listing becomes a file that exists in memory only. */
static int make_listing_page(struct lookup *lookup, const char *path) {
        struct listing_view view = listing_view_from_number(lookup->query->view);
        struct listing *listing = &lookup->query->listing->listing;
        _cleanup_text_ struct text text = TEXT_INIT;
        if (view.is_json)
                listing_append_json(listing, slice_of(path), view, &text);
        else
                listing_append_page(listing, slice_of(path), view, &text);
        char *data;
        size_t length;
        if (text_finish(&text, &data, &length) < 0)
                return fail_errno(lookup, -ENOMEM);

        struct file_source *source = &lookup->result.sources[0];
        source->identity = (struct file_identity) { .size = length };
        if (file_store_get(lookup->query->store, &source->identity, true, &source->version) < 0 ||
            file_version_publish(source->version, HTTP_CODING_IDENTITY, data, length) < 0) {
                free(data);
                return fail_errno(lookup, -ENOMEM);
        }
        source->is_present = true;
        lookup->result.kind = FILE_KIND_FILE;
        lookup->result.type = view.is_json ? "application/json" : "text/html; charset=utf-8";
        lookup->result.listing = listing_version_ref(lookup->query->listing);
        lookup->result.is_lasting = true;
        return 0;
}

/* The first of the site's index files that is there. 1 when one was found. */
static int find_index(struct lookup *lookup, const char *folder, char name[PATH_MAX]) {
        const struct config_strings *index = &lookup->site->config->index;
        for (size_t i = 0; i < index->count; i++) {
                int length = snprintf(name, PATH_MAX, "%s%s", folder, index->items[i]);
                if (length < 0 || length >= PATH_MAX)
                        continue;
                int r = open_source(lookup, name, &lookup->result.sources[0]);
                if (r == 1 || (r < 0 && !is_absent(r) && r != -EINVAL))
                        return r;
        }
        return 0;
}

/* A folder without an index file. */
static int look_into_folder(struct lookup *lookup, const char *path) {
        const struct file_query *query = lookup->query;
        _cleanup_close_ int fd = open_beneath(lookup, beneath(lookup, path), FILE_OPEN_PATH | FILE_OPEN_DIRECTORY);
        if (fd < 0)
                return fail_errno(lookup, fd);
        if (is_root_gone(lookup->site)) /* which can be opened and is empty */
                return fail(lookup, CAUSE_ROOT_GONE, -ENOENT);
        if (!lookup->site->config->listing || query->without_rules)
                return fail(lookup, CAUSE_LISTING_FORBIDDEN, 0);
        if (!lookup->may_wait)
                return -EAGAIN;
        int r = listing_table_get(query->listings, lookup->site, path, fd, query->parker, &lookup->result.listing);
        if (r == -EINPROGRESS)
                return r;
        if (r < 0)
                return fail_errno(lookup, r);
        lookup->result.kind = FILE_KIND_LISTING;
        lookup->result.is_lasting = true;
        return 0;
}

static int look_for_folder(struct lookup *lookup, const char *path) {
        char name[PATH_MAX];
        int r = find_index(lookup, beneath(lookup, path), name);
        if (r == 1)
                return serve(lookup, name);
        return r < 0 ? fail_errno(lookup, r) : look_into_folder(lookup, path);
}

static int look_for_file(struct lookup *lookup, const char *path) {
        int r = open_source(lookup, beneath(lookup, path), &lookup->result.sources[0]);
        if (r == 1)
                return serve(lookup, beneath(lookup, path));
        if (r < 0)
                return fail_errno(lookup, r);
        lookup->result.kind = FILE_KIND_FOLDER_REDIRECT;
        lookup->result.is_lasting = true;
        return 0;
}

static int look_for_fallback(struct lookup *lookup) {
        const char *path = lookup->site->config->fallback;
        path += *path == '/';
        int r = open_source(lookup, path, &lookup->result.sources[0]);
        if (r == 0)
                return 0; /* a folder: the failure stays */
        r = r == 1 ? serve(lookup, path) : fail_errno(lookup, r);
        lookup->result.is_stand_in = true;
        return r;
}

static int look_up(struct lookup *lookup) {
        const struct file_query *query = lookup->query;
        struct slice path = { query->path, query->path_length };
        int r = rules_apply(&lookup->site->rules, path, &lookup->result.outcome);
        if (r < 0)
                return fail_errno(lookup, r);
        if (lookup->result.outcome.redirect && !query->without_rules) {
                lookup->result.kind = FILE_KIND_RULE_REDIRECT;
                lookup->result.is_lasting = true;
                return 0;
        }
        if (site_hides(lookup->site, path))
                return fail(lookup, CAUSE_FILE_HIDDEN, 0);
        if (path.length >= PATH_MAX)
                return fail_errno(lookup, -ENAMETOOLONG);
        if (query->listing)
                return lookup->may_wait ? make_listing_page(lookup, query->path) : -EAGAIN;

        r = path.data[path.length - 1] == '/' ? look_for_folder(lookup, query->path)
                                              : look_for_file(lookup, query->path);
        if (r >= 0 && lookup->result.kind == FILE_KIND_FAILURE && lookup->result.cause == CAUSE_FILE_NOT_FOUND &&
            lookup->site->config->fallback && !query->without_rules)
                r = look_for_fallback(lookup);
        return r;
}

int file_lookup(const struct file_query *query, bool may_wait, struct file_result *ret_result) {
        struct lookup lookup = {
                .query = query,
                .site = query->site,
                .may_wait = may_wait,
                .result = FILE_RESULT_INIT,
        };
        int r = look_up(&lookup);
        if (r < 0) {
                file_result_done(&lookup.result);
                return r;
        }
        *ret_result = lookup.result;
        return 0;
}

/* A private version may have been written again without a trace, so that it is never taken for the same. */
static bool sources_equal(const struct file_source *a, const struct file_source *b) {
        if (a->is_present != b->is_present)
                return false;
        return !a->is_present || (file_identity_equal(&a->identity, &b->identity) && a->version == b->version &&
                                  (a->fd < 0) == (b->fd < 0));
}

bool file_result_equal(const struct file_result *a, const struct file_result *b) {
        if (a->kind != b->kind || a->cause != b->cause || a->is_stand_in != b->is_stand_in || a->listing != b->listing)
                return false;
        if (a->type != b->type && (!a->type || !b->type || strcmp(a->type, b->type) != 0))
                return false;
        for (unsigned i = 0; i < FILE_CODINGS; i++)
                if (!sources_equal(&a->sources[i], &b->sources[i]))
                        return false;
        return true;
}
