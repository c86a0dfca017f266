/* SPDX-License-Identifier: Apache-2.0 */
/* Series of upload folders. A folder is found anew each time by its path: it comes and goes with the generations. */
#include "server/upload/upload_metrics.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "shared/syscall.h"

struct folder_metrics {
        struct upload_folders *folders;
        char *path;
        char *label;
};

struct upload_metrics {
        size_t count;
        struct folder_metrics items[];
};

static struct upload_figures figures_of(void *userdata) {
        const struct folder_metrics *item = userdata;
        return upload_folders_figures(item->folders, item->path);
}

static double read_bytes(void *userdata) {
        return (double) figures_of(userdata).bytes;
}

static double read_files(void *userdata) {
        return (double) figures_of(userdata).files;
}

static double read_active(void *userdata) {
        return (double) figures_of(userdata).active;
}

static double read_parts(void *userdata) {
        return (double) figures_of(userdata).parts;
}

static const struct {
        const char *family, *unit, *help;
        double (*read)(void *userdata);
} series[] = {
        { "ccodes_upload_folder_bytes", "bytes", "Bytes of the files in an upload folder.", read_bytes },
        { "ccodes_upload_folder_files", NULL, "Files and folders in an upload folder.", read_files },
        { "ccodes_upload_active", NULL, "Uploads that write into a folder now.", read_active },
        { "ccodes_upload_parts", NULL, "Resumable uploads into a folder that are not finished.", read_parts },
};

static bool has_path(const struct upload_metrics *upload_metrics, const char *path) {
        for (size_t i = 0; i < upload_metrics->count; i++)
                if (strcmp(upload_metrics->items[i].path, path) == 0)
                        return true;
        return false;
}

static int add_folder(struct upload_metrics *upload_metrics, struct upload_folders *folders, const char *path) {
        struct folder_metrics *item = &upload_metrics->items[upload_metrics->count];
        struct text label = TEXT_INIT;
        metrics_append_label(&label, "folder", slice_of(path));
        *item = (struct folder_metrics) { .folders = folders, .path = strdup(path) };
        int r = text_finish(&label, &item->label, NULL);
        upload_metrics->count++;
        return r < 0 || !item->path ? -ENOMEM : 0;
}

static int add_folders(struct upload_metrics *upload_metrics, struct upload_folders *folders,
                       const struct config_site *site) {
        const struct config_upload *uploads = site->uploads.items;
        int r = 0;
        for (size_t i = 0; i < site->uploads.count && r >= 0; i++)
                if (!has_path(upload_metrics, uploads[i].folder))
                        r = add_folder(upload_metrics, folders, uploads[i].folder);
        return r;
}

static int add_series(struct upload_metrics *upload_metrics, struct metrics *metrics) {
        int r = 0;
        for (size_t i = 0; i < ELEMENTS_OF(series); i++)
                for (size_t k = 0; k < upload_metrics->count && r >= 0; k++)
                        r = metrics_add_callback(metrics, METRIC_GAUGE, series[i].family, series[i].unit,
                                                 series[i].help, upload_metrics->items[k].label, series[i].read,
                                                 &upload_metrics->items[k]);
        return r;
}

int upload_metrics_new(struct upload_folders *folders, const struct config_root *root, struct metrics *metrics,
                       struct upload_metrics **ret_upload_metrics) {
        const struct config_site *sites = root->sites.items;
        size_t most = 0;
        for (size_t i = 0; i < root->sites.count; i++)
                most += sites[i].uploads.count;
        struct upload_metrics *upload_metrics =
                        calloc(1, sizeof(*upload_metrics) + most * sizeof(upload_metrics->items[0]));
        int r = upload_metrics ? 0 : -ENOMEM;
        for (size_t i = 0; i < root->sites.count && r >= 0; i++)
                r = add_folders(upload_metrics, folders, &sites[i]);
        if (r >= 0)
                r = add_series(upload_metrics, metrics);
        if (r < 0) {
                upload_metrics_free(upload_metrics);
                return r;
        }
        *ret_upload_metrics = upload_metrics;
        return 0;
}

void upload_metrics_free(struct upload_metrics *upload_metrics) {
        if (!upload_metrics)
                return;
        for (size_t i = 0; i < upload_metrics->count; i++) {
                free(upload_metrics->items[i].path);
                free(upload_metrics->items[i].label);
        }
        free(upload_metrics);
}
