/* SPDX-License-Identifier: Apache-2.0 */
/* Socket units and drop-ins of ccodes-server. A unit's name follows from the listener's name alone, and each address has
 * a unit of its own, so that a changed configuration never closes a socket that it still names. */
#include "generator/server_units.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "config/credential.h"
#include "generator/unit_places.h"
#include "shared/quantity.h"

#define USEC_PER_SECOND UINT64_C(1000000)
/* Beyond the configuration's drain_timeout: to close what is left and write the last log records. */
#define STOP_MARGIN (10 * USEC_PER_SECOND)

static void append_unix_socket(struct text *text, const struct sockaddr_un *address) {
        text_append_string(text, "ListenStream=");
        unit_append_value(text, address->sun_path);
        text_append_string(text, "\n"
                                 "# As open as a port of this machine: who may connect is decided by the folder, or by "
                                 "a drop-in.\n"
                                 "SocketMode=0666\n"
                                 "RemoveOnStop=yes\n");
}

static bool is_wildcard(const struct sockaddr_storage *storage) {
        if (storage->ss_family == AF_INET6)
                return IN6_IS_ADDR_UNSPECIFIED(&((const struct sockaddr_in6 *) storage)->sin6_addr);
        return ((const struct sockaddr_in *) storage)->sin_addr.s_addr == htonl(INADDR_ANY);
}

static void append_tcp_sockets(struct text *text, const struct config_address *address, unsigned processors) {
        const bool dual = address->storage.ss_family == AF_INET6 && is_wildcard(&address->storage);
        text_printf(text, "# A socket for each processor that there could be; the workers share them out.\n");
        for (unsigned i = 0; i < processors; i++) {
                text_append_string(text, "ListenStream=");
                if (dual) /* a bare port falls back to IPv4 on a machine without IPv6 */
                        text_append_unsigned(text, ntohs(((const struct sockaddr_in6 *) &address->storage)->sin6_port));
                else
                        config_address_append(text, (const struct sockaddr *) &address->storage, address->length);
                text_append_char(text, '\n');
        }
        text_append_string(text, "ReusePort=yes\nNoDelay=yes\n");
        if (dual)
                text_append_string(text, "BindIPv6Only=both\n");
        if (!is_wildcard(&address->storage))
                text_append_string(text, "# The address may come up later than this unit.\nFreeBind=yes\n");
}

static int add_socket_unit(struct unit_set *set, const struct config_listener *listener, const char *file,
                           unsigned processors, struct error *error) {
        struct config_address address;
        int r = config_address_parse(listener->address, error, &address);
        if (r < 0)
                return r;

        _cleanup_text_ struct text path = TEXT_INIT, text = TEXT_INIT;
        text_printf(&path, "ccodes-server-%s.socket", listener->name);
        text_printf(&text, "# Written by ccodes-generator for the listener '%s' of %s.\n\n[Unit]\n", listener->name,
                    file);
        text_printf(&text, "Description=Container Codes web server, listener %s\n", listener->name);
        text_append_string(&text, "Documentation=man:ccodes.toml(5)\nSourcePath=");
        unit_append_value(&text, file);
        text_append_string(&text, "\nPartOf=ccodes.target\n\n[Socket]\n");
        if (address.storage.ss_family == AF_UNIX)
                append_unix_socket(&text, (const struct sockaddr_un *) &address.storage);
        else
                append_tcp_sockets(&text, &address, processors);
        text_printf(&text, "Backlog=%lld\n", (long long) listener->backlog);
        text_printf(&text, "FileDescriptorName=%s\n", listener->name);
        text_append_string(&text, "Service=ccodes-server-activate.service\nTriggerLimitIntervalSec=0\n");
        if (path.failed)
                return -ENOMEM;
        return unit_set_add(set, path.data, &text);
}

static int collect_places(const struct config_root *root, struct unit_places *places, struct error *error) {
        int r = 0;
        const struct config_site *sites = root->sites.items;
        for (size_t i = 0; i < root->sites.count && r >= 0; i++) {
                const struct config_upload *uploads = sites[i].uploads.items;
                r = unit_places_add(places, sites[i].root, false, error);
                for (size_t j = 0; j < sites[i].uploads.count && r >= 0; j++)
                        r = unit_places_add(places, uploads[j].folder, true, error);
        }

        const struct config_certificate *certificates = root->certificates.items;
        for (size_t i = 0; i < root->certificates.count && r >= 0; i++) {
                r = unit_places_add_file(places, certificates[i].certificate, false, error);
                if (r >= 0)
                        r = unit_places_add_file(places, certificates[i].key, false, error);
                if (r >= 0 && certificates[i].ocsp)
                        r = unit_places_add_file(places, certificates[i].ocsp, false, error);
        }

        const struct config_listener *listeners = root->server.listeners.items;
        for (size_t i = 0; i < root->server.listeners.count && r >= 0; i++)
                if (listeners[i].client_ca)
                        r = unit_places_add_file(places, listeners[i].client_ca, false, error);

        if (r >= 0 && root->log.access.target == CONFIG_ACCESS_FILE && root->log.access.path)
                r = unit_places_add_file(places, root->log.access.path, true, error);
        return r;
}

static int append_credential(const char *folder, const char *name, struct text *text) {
        static const struct {
                const char *suffix, *key;
        } forms[] = { { CONFIG_CREDENTIAL_SUFFIX, "LoadCredentialEncrypted" }, { "", "LoadCredential" } };
        for (size_t i = 0; i < ELEMENTS_OF(forms); i++) {
                _cleanup_free_ char *path = text_format("%s/%s%s", folder, name, forms[i].suffix);
                if (!path)
                        return -ENOMEM;
                if (access(path, F_OK) < 0)
                        continue;
                text_printf(text, "%s=%s:", forms[i].key, name);
                unit_append_value(text, path);
                text_append_char(text, '\n');
                break;
        }
        return 0;
}

/* The service manager gives them to the service alone, and only when it starts. One that is not there is the service's to
 * complain of: systemd would not start it and not say what to do. */
static int append_credentials(const struct config_root *root, const char *file, struct text *text) {
        _cleanup_free_ struct config_credential *items = NULL;
        _cleanup_free_ char *folder = NULL;
        size_t count = 0;
        int r = config_credentials(root, &items, &count);
        if (r >= 0)
                r = config_credentials_folder(file, &folder);
        for (size_t i = 0; i < count && r >= 0; i++)
                r = append_credential(folder, items[i].name, text);
        return r;
}

static int append_service(const struct config_root *root, const struct unit_places *places, const char *file,
                          struct text *text) {
        text_printf(text, "# Written by ccodes-generator from %s.\n\n[Service]\nSockets=", file);
        const struct config_listener *listeners = root->server.listeners.items;
        for (size_t i = 0; i < root->server.listeners.count; i++)
                text_printf(text, "%sccodes-server-%s.socket", i == 0 ? "" : " ", listeners[i].name);

        const uint64_t drain = root->server.drain_timeout;
        text_append_string(text, "\nTimeoutStopSec=");
        quantity_append_span(text, drain > QUANTITY_INFINITY - STOP_MARGIN ? QUANTITY_INFINITY : drain + STOP_MARGIN);
        text_append_char(text, '\n');
        unit_places_append(places, text);
        return append_credentials(root, file, text);
}

static int add_drop_ins(struct unit_set *set, const struct config_root *root, const char *file, struct error *error) {
        static const char *const paths[] = {
                "ccodes-server.service.d/50-config.conf",
                "ccodes-server@.service.d/50-config.conf",
        };
        _cleanup_(unit_places_done) struct unit_places places = UNIT_PLACES_INIT;
        int r = collect_places(root, &places, error);
        for (size_t i = 0; i < ELEMENTS_OF(paths) && r >= 0; i++) {
                _cleanup_text_ struct text text = TEXT_INIT;
                r = append_service(root, &places, file, &text);
                if (r >= 0)
                        r = unit_set_add(set, paths[i], &text);
        }
        return r;
}

int server_units_make(const struct config_root *root, const char *file, unsigned processors, struct error *error,
                      struct unit_set *ret_set) {
        _cleanup_(unit_set_done) struct unit_set set = UNIT_SET_INIT;
        const struct config_listener *listeners = root->server.listeners.items;
        int r = 0;
        for (size_t i = 0; i < root->server.listeners.count && r >= 0; i++) {
                r = add_socket_unit(&set, &listeners[i], file, processors, error);
                if (r < 0)
                        (void) error_prefix(error, "making the socket unit of the listener '%s'", listeners[i].name);
        }
        if (r >= 0)
                r = add_drop_ins(&set, root, file, error);
        if (r < 0)
                return error_set_errno(error, r, "making units");
        *ret_set = set;
        set = UNIT_SET_INIT;
        return 0;
}
