/* SPDX-License-Identifier: Apache-2.0 */
/* ccodesctl sign: an address for one file and a time. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/key_place.h"
#include "cli/verbs.h"
#include "http/pace.h"
#include "http/signed_address.h"
#include "http/target.h"
#include "shared/quantity.h"
#include "shared/syscall.h"

struct signing {
        struct http_target target;
        char *host_text, *path_text;
        struct slice host, path;
        struct signed_request request;
};

static void signing_done(struct signing *signing) {
        free(signing->host_text);
        free(signing->path_text);
}

static int parse_url(struct signing *signing, const char *url, struct error *error) {
        struct http_target *target = &signing->target;
        uint16_t port;
        if (http_target_parse(slice_of(url), false, target) < 0 || target->form != HTTP_TARGET_ABSOLUTE)
                return error_set(error, -EINVAL, "'%s' is not a URL such as https://example.org/files/a.pdf", url);
        if (target->query.data)
                return error_set(error, -EINVAL, "'%s' has a query; a signed address has its own", url);
        signing->host_text = malloc(target->authority.length + 1);
        signing->path_text = malloc(target->raw_path.length + 1);
        if (!signing->host_text || !signing->path_text)
                return error_set_errno(error, -ENOMEM, "signing an address");
        if (http_authority_parse(target->authority, signing->host_text, &signing->host, &port) < 0)
                return error_set(error, -EINVAL, "'%s' has no host that could be one", url);
        if (http_path_canonicalize(target->raw_path, signing->path_text, &signing->path) < 0)
                return error_set(error, -EINVAL, "'%s' has a path that the server would refuse", url);
        signing->request.host = signing->host;
        signing->request.path = signing->path;
        return 0;
}

static int parse_terms(struct signing *signing, const struct cli_arguments *arguments, struct error *error) {
        const char *expires = cli_argument(arguments, "expires"), *rate = cli_argument(arguments, "rate");
        struct signed_request *request = &signing->request;
        uint64_t span;
        if (quantity_parse_span(slice_of(expires), &span) < 0 || span < 1000000 || span == QUANTITY_INFINITY)
                return error_set(error, -EINVAL, "--expires takes a span such as 1h or 7d, not '%s'", expires);
        request->expires_at = (int64_t) time(NULL) + (int64_t) (span / 1000000);
        request->name = slice_of(cli_argument(arguments, "name"));
        if (request->name.data && !signed_name_is_valid(request->name))
                return error_set(error, -EINVAL,
                                 "--name takes a file's name of up to %d bytes, without '/' and control characters",
                                 SIGNED_NAME_MAX);
        if (rate && (quantity_parse_size(slice_of(rate), &request->rate) < 0 || request->rate == 0 ||
                     request->rate > HTTP_PACE_RATE_MAX))
                return error_set(error, -EINVAL, "--rate takes bytes a second such as 500K or 2M, not '%s'", rate);
        return 0;
}

/* How well a site's name fits the host: exactly, by a wildcard, as the default; 0: not at all. */
static unsigned fit(const struct config_site *site, struct slice host) {
        unsigned best = site->is_default ? 1 : 0;
        for (size_t i = 0; i < site->hosts.count; i++) {
                struct slice name = slice_of(site->hosts.items[i]);
                if (slice_equal_nocase(name, host))
                        return 3;
                if (slice_starts_with(name, SLICE_LITERAL("*.")) && host.length > name.length - 1 &&
                    slice_equal_nocase(slice_from(host, host.length - (name.length - 1)), slice_from(name, 1)))
                        best = 2;
        }
        return best;
}

static int find_key(struct key_place *place, struct slice host, struct error *error, const char **ret_name) {
        const struct config_site *best = NULL;
        unsigned best_fit = 0;
        int r = key_place_load_config(place, error);
        if (r < 0)
                return r;
        const struct config_site *sites = place->config->root.sites.items;
        for (size_t i = 0; i < place->config->root.sites.count; i++) {
                unsigned fits = fit(&sites[i], host);
                if (fits > best_fit) {
                        best_fit = fits;
                        best = &sites[i];
                }
        }
        if (!best)
                return error_set(error, -ENOENT,
                                 "no site answers for the host '%.*s'; --key NAME says which keys to use",
                                 SLICE_PRINTF(host));
        if (!best->signing_key)
                return error_set(error, -ENOENT, "the site '%s' has no signing_key; --key NAME says which keys to use",
                                 best->name);
        *ret_name = best->signing_key;
        return 0;
}

static int say(struct cli *cli, const char *url, const struct signing *signing, const struct key_ring *ring,
               struct error *error) {
        _cleanup_text_ struct text text = TEXT_INIT;
        text_printf(&text, "%s?", url);
        int r = signed_address_write(&signing->request, ring, &text);
        if (r < 0 || text.failed)
                return error_set_errno(error, r < 0 ? r : -ENOMEM, "signing %s", url);
        struct json_object *object = json_object_new_object();
        json_object_object_add(object, "url", output_json_string(text.data));
        json_object_object_add(object, "expires", json_object_new_int64(signing->request.expires_at));
        json_object_object_add(object, "key", output_json_string(key_ring_newest(ring)->id));
        cli_report_object(cli, object);
        if (!cli->json)
                output_print(&cli->out, OUTPUT_PLAIN, "%s\n", text.data);
        return CLI_DONE;
}

int verb_sign(struct cli *cli, const struct cli_arguments *arguments, struct error *error) {
        _cleanup_(signing_done) struct signing signing = { 0 };
        _cleanup_key_place_ struct key_place place = KEY_PLACE_INIT;
        _cleanup_(key_file_done) struct key_file file = KEY_FILE_INIT;
        _cleanup_(key_ring_unref_cleanup) struct key_ring *ring = NULL;
        const char *url = arguments->operands[0], *name = cli_argument(arguments, "key");
        if (!cli_argument(arguments, "expires"))
                return cli_refuse(cli, "say how long the address is good for: --expires 1h");
        int r = parse_url(&signing, url, error);
        if (r >= 0)
                r = parse_terms(&signing, arguments, error);
        if (r >= 0)
                r = key_place_open(arguments, error, &place);
        if (r >= 0 && !name)
                r = find_key(&place, signing.host, error, &name);
        if (r >= 0)
                r = key_place_read(&place, name, error, &file, &ring);
        if (r >= 0 && ring->purpose != KEY_PURPOSE_SIGN)
                r = error_set(error, -EINVAL, "the keys '%s' are for sealed folders; make others with --purpose sign",
                              name);
        return r < 0 ? r : say(cli, url, &signing, ring, error);
}
