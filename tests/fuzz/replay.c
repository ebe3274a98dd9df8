/* replay.c - runs a fuzzer over its saved corpus, in a build without libFuzzer.
 *
 * Use   fuzz_<name> FILE|FOLDER...   Fails when there is nothing to replay.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static size_t replayed;

static void replay_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    struct stat info;
    if (!file || fstat(fileno(file), &info) != 0) {
        perror(path);
        exit(1);
    }
    uint8_t *bytes = malloc((size_t)info.st_size + 1);
    size_t len = bytes ? fread(bytes, 1, (size_t)info.st_size, file) : 0;
    fclose(file);
    LLVMFuzzerTestOneInput(bytes, len);
    free(bytes);
    replayed++;
}

static void replay(const char *path)
{
    DIR *folder = opendir(path);
    if (!folder) {
        replay_file(path);
        return;
    }
    for (struct dirent *entry; (entry = readdir(folder));) {
        if (entry->d_name[0] != '.') {
            char name[4096];
            snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
            replay_file(name);
        }
    }
    closedir(folder);
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        replay(argv[i]);
    }
    printf("replayed %zu inputs\n", replayed);
    return replayed ? 0 : 1;
}
