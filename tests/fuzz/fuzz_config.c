/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a configuration file: reading must end with a configuration or with an error that names a place; a
 * configuration that was read must come out of its own writing unchanged. */
#include "config/config.h"
#include "fuzz.h"

static void unexpected(const char *path, const char *before, const char *after, enum config_effect effect,
                       void *userdata) {
        (void) fprintf(stderr, "%s: %s became %s\n", path, before ? before : "-", after ? after : "-");
        require(false);
}

static void check_round_trip(const struct config *config) {
        _cleanup_text_ struct text text = TEXT_INIT;
        _cleanup_text_ struct text json = TEXT_INIT;
        config_write_toml(&config_root_table, &config->root, config->tree, &text);
        config_write_json(&config_root_table, &config->root, &json);
        struct error error = ERROR_INIT;
        struct config *again;
        require(config_load_text(text.data, "again", &error, &again) >= 0);
        config_compare(&config_root_table, &config->root, &again->root, unexpected, NULL);
        config_unref(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        char *text = malloc(size + 1);
        require(text);
        memcpy(text, data, size);
        text[size] = '\0';

        struct error error = ERROR_INIT;
        struct config *config = NULL;
        int r = config_load_text(text, "fuzz", &error, &config);
        require(r >= 0 || (error.code == r && error.text[0] != '\0'));
        if (r >= 0)
                check_round_trip(config);
        config_unref(config);

        struct config_address address;
        if (config_address_parse(text, NULL, &address) >= 0) {
                _cleanup_text_ struct text written = TEXT_INIT;
                struct config_address again;
                config_address_append(&written, (const struct sockaddr *) &address.storage, address.length);
                require(config_address_parse(written.data, NULL, &again) >= 0);
                require(memcmp(&address.storage, &again.storage, sizeof(again.storage)) == 0);
        }
        free(text);
        return 0;
}
