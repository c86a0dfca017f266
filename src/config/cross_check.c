/* SPDX-License-Identifier: Apache-2.0 */
/* Checks the sections against each other. Every value has passed its own check before: addresses parse, names fit into
 * a path. Sites can be many, so hosts are sorted; listeners are few by their bound. */
#include "config/cross_check.h"

#include <stdlib.h>

#include "shared/nearest.h"

static const struct config_listener *listener_at(const struct config_root *root, size_t index) {
        return (const struct config_listener *) root->server.listeners.items + index;
}

static const struct config_site *site_at(const struct config_root *root, size_t index) {
        return (const struct config_site *) root->sites.items + index;
}

static const struct config_certificate *certificate_at(const struct config_root *root, size_t index) {
        return (const struct config_certificate *) root->certificates.items + index;
}

static bool listeners_overlap(const struct config_listener *a, const struct config_listener *b) {
        struct config_address x, y;
        return config_address_parse(a->address, NULL, &x) >= 0 && config_address_parse(b->address, NULL, &y) >= 0 &&
               config_address_overlap(&x, &y);
}

static void check_overlaps(const struct config_root *root, struct config_faults *faults) {
        for (size_t i = 1; i < root->server.listeners.count; i++)
                for (size_t j = 0; j < i; j++) {
                        const struct config_listener *a = listener_at(root, j), *b = listener_at(root, i);
                        if (!listeners_overlap(a, b))
                                continue;
                        struct config_origin earlier = config_origin_of_key(&a->origin, "address");
                        struct config_origin origin = config_origin_of_key(&b->origin, "address");
                        config_faults_add(faults, &origin,
                                          "listener '%s' at '%s' overlaps listener '%s' at '%s', see %s:%u; an address "
                                          "can be "
                                          "opened once",
                                          b->name, b->address, a->name, a->address, earlier.file, earlier.line);
                }
}

static bool has_certificate(const struct config_root *root, const char *name) {
        for (size_t i = 0; i < root->certificates.count; i++)
                if (strcmp(certificate_at(root, i)->name, name) == 0)
                        return true;
        return false;
}

static const char *nearest_certificate(const struct config_root *root, const char *name) {
        const char *best = NULL;
        unsigned best_distance = NEAREST_NONE;
        for (size_t i = 0; i < root->certificates.count; i++) {
                unsigned distance = nearest_distance(name, certificate_at(root, i)->name);
                if (distance < best_distance) {
                        best_distance = distance;
                        best = certificate_at(root, i)->name;
                }
        }
        return best;
}

static void check_listener_certificates(const struct config_root *root, const struct config_listener *listener,
                                        struct config_faults *faults) {
        if (listener->tls && root->certificates.count == 0) {
                struct config_origin origin = config_origin_of_key(&listener->origin, "tls");
                config_faults_add(faults, &origin,
                                  "listener '%s' has tls = true, but there is no [[certificate]]; add one with the "
                                  "keys 'name', "
                                  "'certificate' and 'key'",
                                  listener->name);
                return;
        }
        for (size_t i = 0; i < listener->certificates.count; i++) {
                const char *name = listener->certificates.items[i];
                if (has_certificate(root, name))
                        continue;
                struct config_origin origin = config_origin_of_item(&listener->origin, "certificates", i);
                const char *nearest = nearest_certificate(root, name);
                char excerpt[CONFIG_EXCERPT_SIZE];
                (void) config_excerpt(excerpt, name);
                if (nearest)
                        config_faults_add(faults, &origin,
                                          "listener '%s': no [[certificate]] is called '%s'; did you mean '%s'?",
                                          listener->name, excerpt, nearest);
                else
                        config_faults_add(faults, &origin, "listener '%s': no [[certificate]] is called '%s'",
                                          listener->name, excerpt);
        }
}

struct host_use {
        const char *host;
        const struct config_site *site;
        size_t index; /* among its hosts */
};

static int compare_hosts(const void *a, const void *b) {
        const struct host_use *left = a, *right = b;
        int order = strcasecmp(left->host, right->host);
        if (order == 0) /* sites lie in one array: an earlier one has the lower address */
                order = (left->site > right->site) - (left->site < right->site);
        return order ? order : (left->index > right->index) - (left->index < right->index);
}

static void check_hosts(const struct config_root *root, struct config_faults *faults) {
        size_t total = 0, count = 0;
        for (size_t i = 0; i < root->sites.count; i++)
                total += site_at(root, i)->hosts.count;
        if (total < 2)
                return;
        _cleanup_free_ struct host_use *uses = reallocarray(NULL, total, sizeof(*uses));
        if (!uses) {
                faults->count++;
                faults->text.failed = true;
                return;
        }
        for (size_t i = 0; i < root->sites.count; i++)
                for (size_t j = 0; j < site_at(root, i)->hosts.count; j++)
                        uses[count++] = (struct host_use) { site_at(root, i)->hosts.items[j], site_at(root, i), j };
        qsort(uses, count, sizeof(*uses), compare_hosts);

        for (size_t i = 1; i < count; i++) {
                const struct config_site *earlier = uses[i - 1].site, *site = uses[i].site;
                if (strcasecmp(uses[i - 1].host, uses[i].host) != 0)
                        continue;
                struct config_origin before = config_origin_of_item(&earlier->origin, "hosts", uses[i - 1].index);
                struct config_origin origin = config_origin_of_item(&site->origin, "hosts", uses[i].index);
                char excerpt[CONFIG_EXCERPT_SIZE];
                (void) config_excerpt(excerpt, uses[i].host);
                if (earlier == site)
                        config_faults_add(faults, &origin, "site '%s' names the host '%s' twice", site->name, excerpt);
                else
                        config_faults_add(faults, &origin,
                                          "site '%s' names the host '%s', as site '%s' does, see %s:%u", site->name,
                                          excerpt, earlier->name, before.file, before.line);
        }
}

static void check_defaults(const struct config_root *root, struct config_faults *faults) {
        const struct config_site *first = NULL;
        for (size_t i = 0; i < root->sites.count; i++) {
                const struct config_site *site = site_at(root, i);
                if (!site->is_default)
                        continue;
                if (!first) {
                        first = site;
                        continue;
                }
                struct config_origin origin = config_origin_of_key(&site->origin, "default");
                config_faults_add(faults, &origin,
                                  "site '%s'%s is the default one, as site '%s' is, see %s:%u; only one site can "
                                  "answer for hosts "
                                  "that no site names",
                                  site->name, site->hosts.count == 0 ? " names no 'hosts' and so" : "", first->name,
                                  first->origin.file, first->origin.line);
        }
}

void config_cross_check(const struct config_root *root, struct config_faults *faults) {
        check_overlaps(root, faults);
        for (size_t i = 0; i < root->server.listeners.count; i++)
                check_listener_certificates(root, listener_at(root, i), faults);
        check_hosts(root, faults);
        check_defaults(root, faults);
}
