/* SPDX-License-Identifier: Apache-2.0 */
/* Reads a folder for its listing and puts it in order. What would not be served is not shown; what it costs is bounded
 * by LISTING_NAMES_MAX, however many files there are. Once read a listing does not change but for its orders, which are
 * added without a lock. */
#include "server/listing.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "http/field.h"
#include "server/content/content_format.h"
#include "server/file_open.h"
#include "server/upload/upload_folder.h"
#include "shared/syscall.h"

static const struct slice order_names[] = {
        [LISTING_BY_NAME] = SLICE_LITERAL("name"),
        [LISTING_BY_SIZE] = SLICE_LITERAL("size"),
        [LISTING_BY_TIME] = SLICE_LITERAL("time"),
};

unsigned listing_view_number(struct listing_view view) {
        return (1 + ((unsigned) view.order << 2 | (unsigned) view.is_descending << 1 | (unsigned) view.is_json)) |
               view.page << LISTING_VIEW_BITS;
}

struct listing_view listing_view_from_number(unsigned number) {
        unsigned view = (number & ((1U << LISTING_VIEW_BITS) - 1)) - 1;
        return (struct listing_view) { (enum listing_order)(view >> 2), view & 2, view & 1,
                                       number >> LISTING_VIEW_BITS };
}

/* "page=2" is page 1 here; what is no number from 1 on changes nothing. */
static void read_page(struct slice digits, unsigned *page) {
        unsigned number = 0;
        for (size_t i = 0; i < digits.length; i++) {
                if (digits.data[i] < '0' || digits.data[i] > '9')
                        return;
                number = MIN_OF(10 * number + (unsigned) (digits.data[i] - '0'), (unsigned) LISTING_NAMES_MAX);
        }
        if (number > 0)
                *page = number - 1;
}

static void read_parameter(struct slice parameter, struct listing_view *view) {
        for (unsigned i = 0; i < ELEMENTS_OF(order_names); i++)
                if (slice_starts_with(parameter, SLICE_LITERAL("sort=")) &&
                    slice_equal(slice_from(parameter, 5), order_names[i]))
                        view->order = (enum listing_order) i;
        if (slice_equal(parameter, SLICE_LITERAL("order=descending")))
                view->is_descending = true;
        if (slice_starts_with(parameter, SLICE_LITERAL("page=")))
                read_page(slice_from(parameter, 5), &view->page);
}

/* "0.25" is 250 (RFC 9110 section 12.4.2); what is no weight counts as none at all. */
static int read_weight(struct slice text) {
        if (text.length > 0 && text.data[0] == '1')
                return 1000;
        int weight = 0;
        for (size_t i = 2, unit = 100; i < text.length && i < 5; i++, unit /= 10)
                if (text.data[i] >= '0' && text.data[i] <= '9')
                        weight += (text.data[i] - '0') * (int) unit;
        return weight;
}

/* The weight, 0 to 1000, of a media type that Accept names itself (RFC 9110 section 12.5.1); -1 when it does not. */
static int weight_of(struct slice accept, struct slice type) {
        int weight = -1;
        struct slice element;
        while (http_list_next(&accept, &element)) {
                const char *end = memchr(element.data, ';', element.length);
                struct slice range = { element.data, end ? (size_t) (end - element.data) : element.length };
                if (!slice_equal_nocase(slice_trim(range), type))
                        continue;
                const char *q = memmem(element.data, element.length, "q=", 2);
                weight = q ? read_weight(slice_from(element, (size_t) (q - element.data) + 2)) : 1000;
        }
        return weight;
}

struct listing_view listing_view_choose(struct slice query, struct slice accept) {
        struct listing_view view = { 0 };
        while (query.length > 0) {
                const char *end = memchr(query.data, '&', query.length);
                size_t length = end ? (size_t) (end - query.data) : query.length;
                read_parameter((struct slice) { query.data, length }, &view);
                query = slice_from(query, end ? length + 1 : length);
        }
        int json = accept.data ? weight_of(accept, SLICE_LITERAL("application/json")) : -1;
        view.is_json = json > 0 && json > weight_of(accept, SLICE_LITERAL("text/html"));
        return view;
}

static uint64_t size_of(const struct site *site, const struct stat *status) {
        uint64_t size = (uint64_t) status->st_size;
        if (S_ISDIR(status->st_mode))
                return 0;
        return site->format ? content_length_of(site->format, size) : size;
}

static int append_item(const struct site *site, struct listing *listing, const char *name, const struct stat *status) {
        if (listing->count == listing->capacity) {
                size_t capacity = listing->capacity ? 2 * listing->capacity : 64;
                struct listing_item *larger = realloc(listing->items, capacity * sizeof(*larger));
                if (!larger)
                        return -ENOMEM;
                listing->items = larger;
                listing->capacity = capacity;
        }
        char *copy = arena_copy(&listing->arena, slice_of(name));
        if (!copy)
                return -ENOMEM;
        listing->items[listing->count++] = (struct listing_item) {
                .name = slice_of(copy),
                .is_folder = S_ISDIR(status->st_mode),
                .size = size_of(site, status),
                .modified = status->st_mtim.tv_sec,
        };
        return 0;
}

/* What a link leads to, if it may be followed; a link that may not, or leads nowhere, is not shown. */
static int look_behind_link(const struct site *site, const char *folder, const char *name, struct stat *ret_status) {
        if (site->open_flags & FILE_OPEN_NO_SYMLINKS)
                return -ELOOP;
        char path[PATH_MAX];
        int length = snprintf(path, sizeof(path), "%s%s", folder + site->prefix_length, name);
        if (length < 0 || (size_t) length >= sizeof(path))
                return -ENAMETOOLONG;
        _cleanup_close_ int fd = file_open_beneath(site->root, path, FILE_OPEN_PATH);
        return fd < 0 ? fd : NEGATIVE_ERRNO(fstat(fd, ret_status));
}

static int read_item(const struct site *site, const char *path, int directory, const char *name,
                     struct listing *listing) {
        struct stat status;
        if (fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) < 0)
                return 0; /* gone already */
        if (S_ISLNK(status.st_mode) && look_behind_link(site, path, name, &status) < 0)
                return 0;
        if (!S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode))
                return 0;
        return append_item(site, listing, name, &status);
}

static void close_directory(DIR **directory) {
        if (*directory)
                (void) closedir(*directory);
}

static int read_items(const struct site *site, const char *path, DIR *directory, struct listing *listing) {
        for (size_t looked_at = 0;;) {
                errno = 0;
                const struct dirent *entry = readdir(directory);
                if (!entry)
                        return -errno;
                const char *name = entry->d_name;
                if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
                        continue;
                if (looked_at++ == LISTING_NAMES_MAX) {
                        listing->is_cut = true;
                        return 0;
                }
                if (name[0] == '.' && (!site->config->hidden || strcmp(name, UPLOAD_STAGING) == 0))
                        continue;
                int r = read_item(site, path, dirfd(directory), name, listing);
                if (r < 0)
                        return r;
        }
}

static int compare_names(const struct listing_item *a, const struct listing_item *b) {
        int difference = memcmp(a->name.data, b->name.data, MIN_OF(a->name.length, b->name.length));
        return difference ? difference : (a->name.length > b->name.length) - (a->name.length < b->name.length);
}

static int compare_items(const void *first, const void *second) {
        const struct listing_item *a = first, *b = second;
        if (a->is_folder != b->is_folder)
                return a->is_folder ? -1 : 1;
        return compare_names(a, b);
}

int listing_read(const struct site *site, const char *path, struct listing *listing) {
        const char *beneath = path + site->prefix_length;
        _cleanup_close_ int fd =
                        file_open_beneath(site->root, *beneath ? beneath : ".", site->open_flags | FILE_OPEN_DIRECTORY);
        if (fd < 0)
                return fd;
        _cleanup_(close_directory) DIR *directory = fdopendir(fd);
        if (!directory)
                return -errno;
        take_fd(&fd);

        arena_init(&listing->arena, 0);
        int r = read_items(site, path, directory, listing);
        if (r >= 0 && listing->count > 1)
                qsort(listing->items, listing->count, sizeof(listing->items[0]), compare_items);
        return r;
}

void listing_done(struct listing *listing) {
        for (unsigned i = 0; i < LISTING_ORDERS; i++)
                free(listing->orders[i]);
        free(listing->items);
        arena_done(&listing->arena);
        *listing = LISTING_INIT;
}

bool listing_equal(const struct listing *a, const struct listing *b) {
        if (a->count != b->count || a->is_cut != b->is_cut)
                return false;
        for (size_t i = 0; i < a->count; i++) {
                const struct listing_item *x = &a->items[i], *y = &b->items[i];
                if (x->is_folder != y->is_folder || x->size != y->size || x->modified != y->modified ||
                    !slice_equal(x->name, y->name))
                        return false;
        }
        return true;
}

size_t listing_bytes(const struct listing *listing) {
        return listing->arena.total + listing->capacity * sizeof(listing->items[0]) +
               LISTING_ORDERS * listing->count * sizeof(uint32_t);
}

struct order {
        const struct listing_item *items;
        struct listing_view view;
};

/* Items lie in the order of their names: where nothing else tells two apart, their positions do. */
static int compare_positions(const void *first, const void *second, void *userdata) {
        const struct order *order = userdata;
        uint32_t x = *(const uint32_t *) first, y = *(const uint32_t *) second;
        const struct listing_item *a = &order->items[x], *b = &order->items[y];
        int by_position = (x > y) - (x < y);
        if (a->is_folder != b->is_folder)
                return by_position;
        int difference = order->view.order == LISTING_BY_SIZE ? (a->size > b->size) - (a->size < b->size)
                         : order->view.order == LISTING_BY_TIME
                                         ? (a->modified > b->modified) - (a->modified < b->modified)
                                         : by_position;
        if (order->view.is_descending)
                difference = -difference;
        return difference ? difference : by_position;
}

const uint32_t *listing_sorted(struct listing *listing, struct listing_view view) {
        _Atomic(uint32_t *) *place = &listing->orders[2 * view.order + view.is_descending];
        uint32_t *positions = atomic_load_explicit(place, memory_order_acquire);
        if (positions)
                return positions;
        positions = malloc(MAX_OF(listing->count, (size_t) 1) * sizeof(*positions));
        if (!positions)
                return NULL;
        for (size_t i = 0; i < listing->count; i++)
                positions[i] = (uint32_t) i;
        struct order order = { listing->items, view };
        if (view.order != LISTING_BY_NAME || view.is_descending)
                qsort_r(positions, listing->count, sizeof(*positions), compare_positions, &order);

        uint32_t *expected = NULL;
        if (atomic_compare_exchange_strong(place, &expected, positions))
                return positions;
        free(positions); /* another thread was faster */
        return expected;
}

static size_t items_on_page(struct listing_view view) {
        return view.is_json ? LISTING_JSON_ITEMS : LISTING_PAGE_ITEMS;
}

unsigned listing_page_count(const struct listing *listing, struct listing_view view) {
        size_t most = items_on_page(view);
        return (unsigned) MAX_OF((listing->count + most - 1) / most, (size_t) 1);
}

struct listing_view listing_view_within(struct listing_view view, const struct listing *listing) {
        view.page = MIN_OF(view.page, listing_page_count(listing, view) - 1);
        return view;
}

size_t listing_page_range(const struct listing *listing, struct listing_view view, size_t *ret_end) {
        size_t start = MIN_OF(view.page * items_on_page(view), listing->count);
        *ret_end = MIN_OF(start + items_on_page(view), listing->count);
        return start;
}
