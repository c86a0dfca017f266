/* SPDX-License-Identifier: Apache-2.0 */
/* A sorted table from names to certificates. Looking up takes time with the logarithm of the number of names, and no
 * memory, so that ten thousand hosts on one listener cost a handshake nothing that could be measured. */
#include "tls/tls_sni.h"

#include <stdlib.h>

#include "shared/syscall.h"

static int compare_slices(struct slice a, struct slice b) {
        int order = memcmp(a.data, b.data, MIN_OF(a.length, b.length));
        return order ? order : (a.length > b.length) - (a.length < b.length);
}

/* By name, then in the order of the certificates, which lie in one array. */
static int compare_entries(const void *first, const void *second) {
        const struct tls_sni_entry *a = first, *b = second;
        int order = compare_slices(a->name, b->name);
        if (order)
                return order;
        const struct tls_certificate *x = NULL, *y = NULL;
        for (size_t kind = 0; kind < TLS_KEY_KINDS; kind++) {
                x = x ? x : a->choice.of[kind];
                y = y ? y : b->choice.of[kind];
        }
        return (x > y) - (x < y);
}

static size_t count_names(const struct tls_certificate *certificates, size_t count) {
        size_t names = 0;
        for (size_t i = 0; i < count; i++)
                names += certificates[i].names.count;
        return names;
}

/* Joins entries of one name, which lie side by side: the first of each kind counts. */
static size_t join_entries(struct tls_sni_entry *entries, size_t count) {
        size_t kept = 0;
        for (size_t i = 0; i < count; i++) {
                if (kept == 0 || !slice_equal(entries[kept - 1].name, entries[i].name)) {
                        entries[kept++] = entries[i];
                        continue;
                }
                struct tls_choice *choice = &entries[kept - 1].choice;
                for (size_t kind = 0; kind < TLS_KEY_KINDS; kind++)
                        if (!choice->of[kind])
                                choice->of[kind] = entries[i].choice.of[kind];
        }
        return kept;
}

static const struct tls_choice *find(const struct tls_sni *sni, struct slice name) {
        size_t low = 0, high = sni->count;
        while (low < high) {
                size_t middle = low + (high - low) / 2;
                int order = compare_slices(sni->entries[middle].name, name);
                if (order == 0)
                        return &sni->entries[middle].choice;
                if (order < 0)
                        low = middle + 1;
                else
                        high = middle;
        }
        return NULL;
}

int tls_sni_init(const struct tls_certificate *certificates, size_t count, struct tls_sni *ret_sni) {
        size_t names = count_names(certificates, count), filled = 0;
        struct tls_sni_entry *entries = calloc(names + 1, sizeof(*entries));
        if (!entries)
                return -ENOMEM;
        for (size_t i = 0; i < count; i++) {
                const struct tls_certificate *certificate = &certificates[i];
                for (size_t j = 0; j < certificate->names.count; j++) {
                        struct tls_sni_entry *entry = &entries[filled++];
                        entry->name = slice_of(certificate->names.items[j]);
                        entry->choice.of[certificate->kind] = certificate;
                }
        }
        qsort(entries, names, sizeof(*entries), compare_entries);

        struct tls_sni sni = { .entries = entries, .count = join_entries(entries, names) };
        if (certificates->names.count)
                sni.fallback = *find(&sni, slice_of(certificates->names.items[0]));
        sni.fallback.of[certificates->kind] = certificates;
        *ret_sni = sni;
        return 0;
}

void tls_sni_done(struct tls_sni *sni) {
        free(sni->entries);
        *sni = (struct tls_sni) { 0 };
}

const struct tls_choice *tls_sni_choose(const struct tls_sni *sni, struct slice name) {
        if (!name.data)
                return &sni->fallback;
        const struct tls_choice *choice = find(sni, name);
        struct slice tail = choice ? SLICE_NULL : tls_names_wildcard_tail(name);
        if (tail.data && tail.length < 256) {
                char wildcard[257] = "*";
                memcpy(wildcard + 1, tail.data, tail.length);
                choice = find(sni, (struct slice) { wildcard, tail.length + 1 });
        }
        return choice ? choice : &sni->fallback;
}

bool tls_choice_covers(const struct tls_choice *choice, struct slice host) {
        for (size_t kind = 0; kind < TLS_KEY_KINDS; kind++)
                if (choice->of[kind] && !tls_names_cover(&choice->of[kind]->names, host))
                        return false;
        return true;
}
