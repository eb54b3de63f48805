/*
 * record_masks FILE
 *
 * What somebody's child was born with: its own pid, SigBlk, SigIgn, its parent's pid and the
 * parent's name as /proc shows it. Written beside FILE and renamed, so that a reader sees all of
 * it or nothing.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int main(int count, char **arguments)
{
    if (count < 2)
        return 2;
    char path[4096], line[512], blocked[64] = "", ignored[64] = "", parent[64] = "";
    FILE *status = fopen("/proc/self/status", "r");
    if (!status)
        return 1;
    while (fgets(line, sizeof line, status)) {
        sscanf(line, "SigBlk: %63s", blocked);
        sscanf(line, "SigIgn: %63s", ignored);
    }
    fclose(status);

    snprintf(path, sizeof path, "/proc/%d/comm", getppid());
    FILE *comm = fopen(path, "r");
    if (comm) {
        if (!fgets(parent, sizeof parent, comm))
            parent[0] = 0;
        fclose(comm);
    }
    parent[strcspn(parent, "\n\"\\")] = 0;

    snprintf(path, sizeof path, "%s.%d", arguments[1], getpid());
    FILE *record = fopen(path, "w");
    if (!record)
        return 1;
    fprintf(record,
            "{\"pid\": %d, \"ppid\": %d, \"parent\": \"%s\", \"blocked\": \"%s\", "
            "\"ignored\": \"%s\"}\n",
            getpid(), getppid(), parent, blocked, ignored);
    fclose(record);
    return rename(path, arguments[1]) != 0;
}
