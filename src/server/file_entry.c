/* SPDX-License-Identifier: Apache-2.0 */
/* Turns what a look-up found into representations that can be sent again and again. A variant's entity tag is known
 * before its bytes are, so that a client that has them already is never made to wait for them. */
#include "server/file_entry.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "http/date.h"
#include "shared/syscall.h"

static bool is_listing(const struct file_entry *entry) {
        return listing_view_is(entry->view);
}

/* Codings in which the file lies beside itself, or is compressed into on request. */
static unsigned find_codings(const struct file_entry *entry) {
        const struct site *site = entry->site;
        const struct file_source *sources = entry->result.sources;
        bool compresses = sources[0].version &&
                          site_compresses(site, slice_of(entry->result.type), sources[0].identity.size);
        unsigned codings = 0;
        for (size_t i = 0; i < site->coding_count; i++)
                if (compresses || sources[http_coding_index(site->codings[i])].is_present)
                        codings |= site->codings[i];
        return codings;
}

int file_entry_new(const struct site *site, char *path, size_t path_length, unsigned view, struct file_result *result,
                   struct file_entry **ret_entry) {
        struct file_entry *entry = calloc(1, sizeof(*entry));
        if (!entry) {
                free(path);
                file_result_done(result);
                return -ENOMEM;
        }
        list_init(&entry->recent);
        entry->references = 1;
        entry->site = site;
        entry->path = path;
        entry->path_length = path_length;
        entry->view = view;
        entry->result = *result;
        if (entry->result.kind == FILE_KIND_FILE) {
                entry->codings = find_codings(entry);
                entry->is_negotiated = entry->codings != 0;
                entry->modified = (time_t) (entry->result.sources[0].identity.modified_nsec / 1000000000);
        }
        *ret_entry = entry;
        return 0;
}

static void free_variant(struct file_variant *variant) {
        if (!variant)
                return;
        for (unsigned i = 0; i < FILE_HEADS; i++)
                free(variant->heads[i]);
        free(variant);
}

void file_entry_free(struct file_entry *entry) {
        for (unsigned i = 0; i < FILE_CODINGS; i++)
                free_variant(entry->variants[i]);
        free(entry->rule_head);
        file_result_done(&entry->result);
        free((char *) entry->path);
        free(entry);
}

/* Where a variant's bytes come from: a file beside the file, or the file itself. */
static const struct file_source *source_of(const struct file_entry *entry, enum http_coding coding) {
        const struct file_source *sibling = &entry->result.sources[http_coding_index(coding)];
        return sibling->is_present ? sibling : &entry->result.sources[0];
}

/* What tells one content from another. In memory it is the content itself; of a file that is only open, what the system
 * knows of it, hashed under a fixed key, so that it stays over restarts and tells nobody an inode number. */
static uint64_t distinguish(const struct file_source *source) {
        static const uint64_t key[2] = { 0x6964656e74697479, 0x206f662061206669 };
        if (source->version && file_version_state(source->version, 0) == FILE_BODY_READY)
                return source->version->digest;
        const uint64_t words[] = { source->identity.inode, source->identity.size,
                                   (uint64_t) source->identity.modified_nsec, source->salt };
        return siphash13(words, sizeof(words), key);
}

static void write_etag(const struct file_entry *entry, enum http_coding coding, struct file_variant *variant) {
        const struct file_source *source = source_of(entry, coding);
        unsigned long long hash = distinguish(source);
        int length;
        if (coding == HTTP_CODING_IDENTITY)
                length = snprintf(variant->etag_text, sizeof(variant->etag_text), "\"%016llx\"", hash);
        else /* another level makes other bytes */
                length = snprintf(variant->etag_text, sizeof(variant->etag_text), "\"%016llx-%.*s%d\"", hash,
                                  SLICE_PRINTF(http_coding_name(coding)),
                                  source == &entry->result.sources[0] ? entry->site->levels[http_coding_index(coding)]
                                                                      : 0);
        variant->etag = (struct slice) { variant->etag_text, (size_t) length };
}

/* Takes over the bytes as soon as they are there. */
static void find_bytes(const struct file_entry *entry, enum http_coding coding, struct file_variant *variant) {
        const struct file_source *source = source_of(entry, coding);
        bool is_compressed = coding != HTTP_CODING_IDENTITY && source == &entry->result.sources[0];
        unsigned index = is_compressed ? http_coding_index(coding) : 0;
        if (source->version && file_version_state(source->version, index) == FILE_BODY_READY) {
                variant->body = source->version->bodies[index];
                variant->length = variant->body.length;
                variant->is_ready = true;
        } else if (!is_compressed && source->fd >= 0) {
                variant->fd = source->fd;
                variant->content = source->content;
                variant->length = source->content ? source->content->length : source->identity.size;
                variant->is_ready = true;
        }
}

struct file_variant *file_entry_variant(struct file_entry *entry, enum http_coding coding) {
        struct file_variant **place = &entry->variants[http_coding_index(coding)];
        if (!*place) {
                *place = calloc(1, sizeof(**place));
                if (!*place)
                        return NULL;
                (*place)->fd = -1;
                write_etag(entry, coding, *place);
        }
        if (!(*place)->is_ready)
                find_bytes(entry, coding, *place);
        return *place;
}

static void add(struct http_head_builder *builder, const char *name, const char *value) {
        http_head_builder_add(builder, slice_of(name), slice_of(value));
}

static void add_type(const struct file_entry *entry, struct text *type, struct http_head_builder *builder) {
        const char *charset = entry->site->config->charset;
        text_append_string(type, entry->result.type);
        if (charset && *charset && mime_type_takes_charset(slice_of(entry->result.type)))
                text_printf(type, "; charset=%s", charset);
        http_head_builder_add(builder, SLICE_LITERAL("Content-Type"), (struct slice) { type->data, type->length });
}

static void add_caching(const struct file_entry *entry, const struct file_variant *variant, char date[HTTP_DATE_LENGTH],
                        struct http_head_builder *builder) {
        http_head_builder_add(builder, SLICE_LITERAL("ETag"), variant->etag);
        if (entry->modified != 0) {
                http_date_format(entry->modified, date);
                http_head_builder_add(builder, SLICE_LITERAL("Last-Modified"),
                                      (struct slice) { date, HTTP_DATE_LENGTH });
        }
        const char *control = entry->result.outcome.cache_control;
        if (!control)
                control = entry->site->config->cache_control;
        if (!control && is_listing(entry))
                control = "no-cache";
        if (control && *control)
                add(builder, "Cache-Control", control);
}

static void fill_head(const struct file_entry *entry, const struct file_variant *variant, enum http_coding coding,
                      enum file_head head, struct text *type, char date[HTTP_DATE_LENGTH],
                      struct http_head_builder *builder) {
        if (head == FILE_HEAD_FULL || head == FILE_HEAD_ERROR_PAGE)
                add_type(entry, type, builder);
        if (head == FILE_HEAD_ERROR_PAGE)
                add(builder, "Cache-Control", "no-store");
        else
                add_caching(entry, variant, date, builder);
        if (head == FILE_HEAD_FULL || head == FILE_HEAD_MULTIPART)
                add(builder, "Accept-Ranges", "bytes");
        if (coding != HTTP_CODING_IDENTITY && head != FILE_HEAD_UNCHANGED)
                http_head_builder_add(builder, SLICE_LITERAL("Content-Encoding"), http_coding_name(coding));
        if (is_listing(entry))
                add(builder, "Vary", entry->is_negotiated ? "Accept, Accept-Encoding" : "Accept");
        else if (entry->is_negotiated)
                add(builder, "Vary", "Accept-Encoding");
        if (head != FILE_HEAD_UNCHANGED)
                add(builder, "X-Content-Type-Options", "nosniff");
        if (is_listing(entry) && head == FILE_HEAD_FULL)
                add(builder, "Content-Security-Policy", LISTING_PAGE_POLICY);
        else if (entry->site->policy.data && head != FILE_HEAD_UNCHANGED)
                http_head_builder_add(builder, SLICE_LITERAL("Content-Security-Policy"), entry->site->policy);
        rules_set_fields(&entry->site->rules, &entry->result.outcome, builder);
}

const struct http_head_block *file_entry_head(struct file_entry *entry, enum http_coding coding, enum file_head head) {
        struct file_variant *variant = file_entry_variant(entry, coding);
        if (!variant || variant->heads[head])
                return variant ? variant->heads[head] : NULL;

        _cleanup_text_ struct text type = TEXT_INIT;
        char date[HTTP_DATE_LENGTH];
        struct http_head_builder builder;
        http_head_builder_init(&builder);
        fill_head(entry, variant, coding, head, &type, date, &builder);
        if (type.failed || http_head_builder_finish(&builder, &variant->heads[head]) < 0)
                return NULL;
        return variant->heads[head];
}

const struct http_head_block *file_entry_rule_head(struct file_entry *entry) {
        if (!entry->rule_head) {
                struct http_head_builder builder;
                http_head_builder_init(&builder);
                if (entry->result.outcome.cache_control)
                        add(&builder, "Cache-Control", entry->result.outcome.cache_control);
                rules_set_fields(&entry->site->rules, &entry->result.outcome, &builder);
                if (http_head_builder_finish(&builder, &entry->rule_head) < 0)
                        return NULL;
        }
        return entry->rule_head;
}

bool file_entry_is_evicted(const struct file_entry *entry) {
        for (unsigned i = 0; i < FILE_CODINGS; i++) {
                const struct file_version *version = entry->result.sources[i].version;
                if (version && atomic_load_explicit(&version->is_evicted, memory_order_relaxed))
                        return true;
        }
        return false;
}

void file_entry_touch(struct file_entry *entry, uint64_t now) {
        for (unsigned i = 0; i < FILE_CODINGS; i++)
                if (entry->result.sources[i].version)
                        file_version_touch(entry->result.sources[i].version, now);
}

bool file_entry_is_open(const struct file_entry *entry) {
        for (unsigned i = 0; i < FILE_CODINGS; i++)
                if (entry->result.sources[i].fd >= 0)
                        return true;
        return false;
}

bool file_entry_has_changed(const struct file_entry *entry) {
        if (entry->result.kind != FILE_KIND_FILE || entry->site->is_remote)
                return false;
        for (unsigned i = 0; i < FILE_CODINGS; i++) {
                const struct file_source *source = &entry->result.sources[i];
                struct file_identity now;
                if (source->fd >= 0 &&
                    (file_identify(source->fd, &now) < 0 || !file_identity_equal(&now, &source->identity)))
                        return true;
        }
        return false;
}
